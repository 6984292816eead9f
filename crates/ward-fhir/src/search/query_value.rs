//! From a parameter's value in a query to tests.

use ward_core::ResourceType;

use super::{
    convert::local_reference,
    date::interval,
    fold::fold,
    number::decimal,
    params::{ParamDef, ParamKind},
    test::{Prefix, SystemMatch, Test, TextMatch, UriMatch},
};

/// Why a value is no test; the text holds names and syntax, never the value.
pub(super) enum Refused {
    Value(&'static str),
    Modifier,
}

/// The alternatives of a value, separated by commas that are not escaped.
pub(super) fn tests(
    def: &ParamDef,
    modifier: Option<&str>,
    value: &str,
) -> Result<Vec<Test>, Refused> {
    let mut tests = Vec::new();
    for one in split(value, ',') {
        if one.is_empty() {
            return Err(Refused::Value("an empty value"));
        }
        tests.push(match def.kind {
            ParamKind::Composite => composite(def, modifier, one)?,
            kind => implied(def, single(kind, modifier, one)?),
        });
    }
    Ok(tests)
}

/// A plain code is stored without a system; its binding says which one is meant.
fn implied(def: &ParamDef, test: Test) -> Test {
    match test {
        Test::Token { system: SystemMatch::Is(system), code: Some(code) }
            if def.implies_system(&system, &code) =>
        {
            Test::Token { system: SystemMatch::None, code: Some(code) }
        }
        other => other,
    }
}

fn composite(def: &ParamDef, modifier: Option<&str>, value: &str) -> Result<Test, Refused> {
    if modifier.is_some() {
        return Err(Refused::Modifier);
    }
    let values: Vec<&str> = split(value, '$').collect();
    if values.len() != def.components.len() || values.is_empty() {
        return Err(Refused::Value("as many values, joined by `$`, as it has components"));
    }
    let parts = def.components.iter().zip(values);
    let parts: Result<Vec<Test>, Refused> =
        parts.map(|(component, value)| single(component.kind, None, value)).collect();
    parts.map(Test::Composite)
}

fn single(kind: ParamKind, modifier: Option<&str>, value: &str) -> Result<Test, Refused> {
    match kind {
        ParamKind::Token => token(modifier, value),
        ParamKind::Reference => reference(modifier, value),
        ParamKind::String => {
            let text = unescape(value);
            let (how, text) = match modifier {
                None => (TextMatch::Starts, fold(&text)),
                Some("contains") => (TextMatch::Contains, fold(&text)),
                Some("exact") => (TextMatch::Exact, text),
                Some(_) => return Err(Refused::Modifier),
            };
            if text.is_empty() {
                return Err(Refused::Value("letters or digits"));
            }
            Ok(Test::String { text: text.into(), how })
        }
        ParamKind::Uri => {
            let how = match modifier {
                None => UriMatch::Same,
                Some("below") => UriMatch::Below,
                Some("above") => UriMatch::Above,
                Some(_) => return Err(Refused::Modifier),
            };
            Ok(Test::Url { url: unescape(value).into(), how })
        }
        ParamKind::Date => {
            let (prefix, text) = prefixed(modifier, value)?;
            let interval =
                interval(text).ok_or(Refused::Value("a date such as `2024`, `2024-05`, `2024-05-31` or `2024-05-31T10:00:00Z`, perhaps after a prefix"))?;
            Ok(Test::Date { prefix, interval })
        }
        ParamKind::Number => {
            let (prefix, text) = prefixed(modifier, value)?;
            let decimal = decimal(text)
                .ok_or(Refused::Value("a number such as `5.4`, perhaps after a prefix"))?;
            Ok(Test::Number { prefix, decimal })
        }
        ParamKind::Quantity => {
            let (prefix, text) = prefixed(modifier, value)?;
            let parts: Vec<String> = split(text, '|').map(unescape).collect();
            let full = |text: &String| (!text.is_empty()).then(|| Box::from(text.as_str()));
            let (number, system, unit) = match parts.as_slice() {
                [number] => (number, None, None),
                [number, system, unit] => (number, full(system), full(unit)),
                _ => return Err(Refused::Value("`number` or `number|system|unit`")),
            };
            let decimal =
                decimal(number).ok_or(Refused::Value("`number` or `number|system|unit`"))?;
            Ok(Test::Quantity { prefix, decimal, system, unit })
        }
        ParamKind::Composite | ParamKind::Special => Err(Refused::Modifier),
    }
}

fn token(modifier: Option<&str>, value: &str) -> Result<Test, Refused> {
    let parts: Vec<String> = split(value, '|').map(unescape).collect();
    match modifier {
        None | Some("not") => {
            let (system, code) = system_and_code(&parts)?;
            Ok(Test::Token { system, code })
        }
        Some("text") => {
            let text = fold(&unescape(value));
            if text.is_empty() {
                return Err(Refused::Value("letters or digits"));
            }
            Ok(Test::TokenText(text.into()))
        }
        Some("of-type") => match parts.as_slice() {
            [system, code, value] if !code.is_empty() && !value.is_empty() => Ok(Test::OfType {
                system: system.as_str().into(),
                code: code.as_str().into(),
                value: value.as_str().into(),
            }),
            _ => Err(Refused::Value("`system|code|value`")),
        },
        Some(_) => Err(Refused::Modifier),
    }
}

fn system_and_code(parts: &[String]) -> Result<(SystemMatch, Option<Box<str>>), Refused> {
    let boxed = |text: &String| (!text.is_empty()).then(|| Box::from(text.as_str()));
    match parts {
        [code] if !code.is_empty() => Ok((SystemMatch::Any, boxed(code))),
        [system, code] if !system.is_empty() => {
            Ok((SystemMatch::Is(system.as_str().into()), boxed(code)))
        }
        [_, code] if !code.is_empty() => Ok((SystemMatch::None, boxed(code))),
        _ => Err(Refused::Value("`code`, `system|code`, `|code` or `system|`")),
    }
}

fn reference(modifier: Option<&str>, value: &str) -> Result<Test, Refused> {
    if modifier == Some("identifier") {
        let parts: Vec<String> = split(value, '|').map(unescape).collect();
        let (system, value) = system_and_code(&parts)?;
        return Ok(Test::Identified { system, value });
    }
    let text = unescape(value);
    let kind = match modifier {
        None => None,
        Some(name) => Some(name.parse().map_err(|_| Refused::Modifier)?),
    };
    if let Some((own, id, version)) = local_reference(&text) {
        if kind.is_some_and(|kind| kind != own) {
            return Err(Refused::Value("a reference to the type that the modifier names"));
        }
        return Ok(Test::Reference { kind: Some(own), id: id.into(), version });
    }
    if text.parse::<ward_core::FhirId>().is_ok() {
        return Ok(Test::Reference { kind, id: text.into(), version: None });
    }
    // A modifier must say the type that the URL says.
    let fits = |kind: ResourceType| text.contains(&format!("/{kind}/"));
    if text.contains(':') && kind.is_none_or(fits) {
        return Ok(Test::Url { url: text.into(), how: UriMatch::Same });
    }
    Err(Refused::Value("`id`, `Type/id` or a URL"))
}

fn prefixed<'v>(modifier: Option<&str>, value: &'v str) -> Result<(Prefix, &'v str), Refused> {
    if modifier.is_some() {
        return Err(Refused::Modifier);
    }
    let prefix = match value.get(..2) {
        Some("eq") => Prefix::Eq,
        Some("ne") => Prefix::Ne,
        Some("gt") => Prefix::Gt,
        Some("lt") => Prefix::Lt,
        Some("ge") => Prefix::Ge,
        Some("le") => Prefix::Le,
        Some("sa") => Prefix::Sa,
        Some("eb") => Prefix::Eb,
        Some("ap") => Prefix::Ap,
        _ => return Ok((Prefix::Eq, value)),
    };
    Ok((prefix, value.get(2..).unwrap_or_default()))
}

/// Splits at a separator that no backslash stands before; escapes stay.
pub(super) fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut escaped = false;
    text.split(move |c: char| {
        let is_end = c == separator && !escaped;
        escaped = c == '\\' && !escaped;
        is_end
    })
}

/// Takes the backslash from `\,`, `\$`, `\|` and `\\`.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\\'
            && let Some(next) = chars.next_if(|next| matches!(next, ',' | '$' | '|' | '\\'))
        {
            out.push(next);
        } else {
            out.push(c);
        }
    }
    out
}
