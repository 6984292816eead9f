//! The functions.

use super::{
    EvalError,
    compare::is_among,
    eval::{Evaluator, Frame, Items, members, nodes, single, truth},
    item::{Item, Moment},
    number::Number,
    parser::Expr,
};
use crate::json::Json;

/// Longest text that a function makes.
/// LIMIT: keeps `replace` in a `repeat` from growing without end.
const TEXT_MAX: usize = 64 * 1024;

pub(super) fn call<'t>(
    eval: &Evaluator<'t>,
    name: &str,
    of: &[Item<'t>],
    arguments: &[Expr],
    frame: Frame<'_, 't>,
) -> Result<Items<'t>, EvalError> {
    eval.spend(of.len())?;
    let call = Call { eval, of, arguments, frame };
    match call.about_collections(name)? {
        Some(items) => Ok(items),
        None => match call.about_values(name)? {
            Some(items) => Ok(items),
            None => Err(EvalError::Function),
        },
    }
}

struct Call<'c, 't> {
    eval: &'c Evaluator<'t>,
    of: &'c [Item<'t>],
    arguments: &'c [Expr],
    frame: Frame<'c, 't>,
}

type Found<'t> = Result<Option<Items<'t>>, EvalError>;

fn bool_of<'t>(value: bool) -> Found<'t> {
    Ok(Some(Vec::from([Item::Bool(value)])))
}

fn maybe<'t>(item: Option<Item<'t>>) -> Found<'t> {
    Ok(Some(item.into_iter().collect()))
}

impl<'t> Call<'_, 't> {
    fn expr(&self, at: usize) -> Result<&Expr, EvalError> {
        self.arguments.get(at).ok_or(EvalError::Arguments)
    }

    /// An argument that is a value: evaluated on what `$this` is.
    fn argument(&self, at: usize) -> Result<Items<'t>, EvalError> {
        self.eval.eval(self.expr(at)?, self.frame.this, self.frame)
    }

    fn text(&self, at: usize) -> Result<Option<String>, EvalError> {
        Ok(single(&self.argument(at)?)?.and_then(Item::as_text))
    }

    fn integer(&self, at: usize) -> Result<Option<i64>, EvalError> {
        Ok(single(&self.argument(at)?)?.and_then(Item::as_integer))
    }

    /// Evaluates an argument on each item in turn.
    fn on_each(
        &self,
        at: usize,
        mut then: impl FnMut(&Item<'t>, Items<'t>) -> Result<bool, EvalError>,
    ) -> Result<(), EvalError> {
        let expr = self.expr(at)?;
        for (index, item) in self.of.iter().enumerate() {
            let this = std::slice::from_ref(item);
            let found = self.eval.eval(expr, this, Frame { this, index: Some(index) })?;
            if !then(item, found)? {
                break;
            }
        }
        Ok(())
    }

    fn filtered(&self) -> Result<Items<'t>, EvalError> {
        let mut kept = Vec::new();
        self.on_each(0, |item, found| {
            if truth(&found)? == Some(true) {
                kept.push(item.clone());
            }
            Ok(true)
        })?;
        Ok(kept)
    }

    fn type_argument(&self) -> Result<String, EvalError> {
        match self.expr(0)? {
            Expr::Member(None, name) => Ok(name.clone()),
            Expr::Member(Some(of), name) => match &**of {
                Expr::Member(None, space) => Ok(format!("{space}.{name}")),
                _ => Err(EvalError::Arguments),
            },
            _ => Err(EvalError::Arguments),
        }
    }

    fn all_are(&self, wanted: bool, any: bool) -> Found<'t> {
        let is = |item: &Item<'t>| item.as_bool() == Some(wanted);
        bool_of(if any { self.of.iter().any(is) } else { self.of.iter().all(is) })
    }

    fn about_collections(&self, name: &str) -> Found<'t> {
        let of = self.of;
        match name {
            "exists" if self.arguments.is_empty() => bool_of(!of.is_empty()),
            "exists" => bool_of(!self.filtered()?.is_empty()),
            "empty" => bool_of(of.is_empty()),
            "not" => Ok(Some(truth(of)?.map(|is| Item::Bool(!is)).into_iter().collect())),
            "all" => {
                let mut all = true;
                self.on_each(0, |_, found| {
                    all = truth(&found)? == Some(true);
                    Ok(all)
                })?;
                bool_of(all)
            }
            "allTrue" => self.all_are(true, false),
            "anyTrue" => self.all_are(true, true),
            "allFalse" => self.all_are(false, false),
            "anyFalse" => self.all_are(false, true),
            "count" => maybe(i64::try_from(of.len()).ok().map(Item::Integer)),
            "where" => self.filtered().map(Some),
            "select" => {
                let mut all = Vec::new();
                self.on_each(0, |_, found| {
                    all.extend(found);
                    self.eval.spend(0).map(|()| true)
                })?;
                Ok(Some(all))
            }
            "repeat" => self.repeat().map(Some),
            "ofType" => {
                let name = self.type_argument()?;
                Ok(Some(of.iter().filter(|item| item.is_a(&name)).cloned().collect()))
            }
            "as" => {
                let name = self.type_argument()?;
                // SPEC: R4's own expressions apply `as` to several items.
                Ok(Some(of.iter().filter(|item| item.is_a(&name)).cloned().collect()))
            }
            "is" => {
                let name = self.type_argument()?;
                maybe(single(of)?.map(|item| Item::Bool(item.is_a(&name))))
            }
            "first" => maybe(of.first().cloned()),
            "last" => maybe(of.last().cloned()),
            "single" => maybe(single(of)?.cloned()),
            "tail" => Ok(Some(of.iter().skip(1).cloned().collect())),
            "skip" | "take" => {
                let n = self.integer(0)?.unwrap_or(0).max(0);
                let n = usize::try_from(n).unwrap_or(usize::MAX);
                Ok(Some(match name {
                    "skip" => of.iter().skip(n).cloned().collect(),
                    _ => of.iter().take(n).cloned().collect(),
                }))
            }
            "distinct" => self.eval.distinct(of).map(Some),
            "isDistinct" => bool_of(self.eval.distinct(of)?.len() == of.len()),
            "union" | "combine" => {
                let mut all = of.to_vec();
                all.extend(self.argument(0)?);
                match name {
                    "union" => self.eval.distinct(&all).map(Some),
                    _ => Ok(Some(all)),
                }
            }
            "intersect" | "exclude" | "subsetOf" | "supersetOf" => {
                let other = self.argument(0)?;
                self.eval.spend(of.len().saturating_mul(other.len()))?;
                match name {
                    "intersect" => {
                        let both = of.iter().filter(|item| is_among(item, &other)).cloned();
                        self.eval.distinct(&both.collect::<Vec<_>>()).map(Some)
                    }
                    "exclude" => {
                        Ok(Some(of.iter().filter(|i| !is_among(i, &other)).cloned().collect()))
                    }
                    "subsetOf" => bool_of(of.iter().all(|item| is_among(item, &other))),
                    _ => bool_of(other.iter().all(|item| is_among(item, of))),
                }
            }
            "children" => Ok(Some(of.iter().flat_map(children).collect())),
            "descendants" => self.descendants().map(Some),
            "extension" => {
                let url = self.text(0)?.ok_or(EvalError::Arguments)?;
                let wanted = |item: &Item<'t>| match item {
                    Item::Node(node) => node.json.get("url").and_then(Json::as_str) == Some(&*url),
                    _ => false,
                };
                let all = of.iter().flat_map(|item| members(item, "extension"));
                Ok(Some(all.filter(wanted).collect()))
            }
            "resolve" => Ok(Some(of.iter().filter_map(|item| self.resolve(item)).collect())),
            "hasValue" => match of {
                [item] => bool_of(match item {
                    Item::Node(node) => {
                        !matches!(node.json, Json::Object(_) | Json::Array(_) | Json::Null)
                    }
                    _ => true,
                }),
                _ => bool_of(false),
            },
            "getValue" => maybe(single(of)?.and_then(Item::value)),
            "trace" => Ok(Some(of.to_vec())),
            "iif" => {
                // The condition may speak of the input by name.
                let this = if of.is_empty() { self.frame.this } else { of };
                let frame = Frame { this, index: self.frame.index };
                let on = |at| self.eval.eval(self.expr(at)?, this, frame);
                match truth(&on(0)?)? {
                    Some(true) => on(1).map(Some),
                    _ if self.arguments.len() < 3 => Ok(Some(Vec::new())),
                    _ => on(2).map(Some),
                }
            }
            "now" => {
                let text = self.eval.env.now.to_string();
                maybe(Moment::parse(&text).map(Item::Moment))
            }
            "today" => {
                let text = self.eval.env.now.to_string();
                let day = text.split('T').next().unwrap_or_default();
                maybe(Moment::parse(day).map(Item::Moment))
            }
            _ => Ok(None),
        }
    }

    fn repeat(&self) -> Result<Items<'t>, EvalError> {
        let expr = self.expr(0)?;
        let mut all: Items<'t> = Vec::new();
        let mut next = self.of.to_vec();
        while !next.is_empty() {
            let mut found = Vec::new();
            for item in &next {
                let this = std::slice::from_ref(item);
                for item in self.eval.eval(expr, this, Frame { this, index: None })? {
                    self.eval.spend(all.len())?;
                    if !is_among(&item, &all) {
                        all.push(item.clone());
                        found.push(item);
                    }
                }
            }
            next = found;
        }
        Ok(all)
    }

    fn descendants(&self) -> Result<Items<'t>, EvalError> {
        let mut all: Items<'t> = Vec::new();
        let mut next: Items<'t> = self.of.iter().flat_map(children).collect();
        while !next.is_empty() {
            self.eval.spend(next.len())?;
            let below: Items<'t> = next.iter().flat_map(children).collect();
            all.append(&mut next);
            next = below;
        }
        Ok(all)
    }

    /// A contained resource as it is; of any other, its type.
    fn resolve(&self, item: &Item<'t>) -> Option<Item<'t>> {
        let text = match item {
            Item::Node(node) => match node.json.get("reference") {
                Some(reference) => reference.as_str()?.to_owned(),
                None => item.as_text()?,
            },
            _ => item.as_text()?,
        };
        if let Some(id) = text.strip_prefix('#') {
            if id.is_empty() {
                return Some(Item::root(self.eval.env.resource));
            }
            let contained = members(&Item::root(self.eval.env.resource), "contained");
            return contained.into_iter().find(|item| match item {
                Item::Node(node) => node.json.get("id").and_then(Json::as_str) == Some(id),
                _ => false,
            });
        }
        let mut parts = text.rsplit('/').skip(1);
        let mut kind = parts.next()?;
        if kind == "_history" {
            kind = parts.nth(1)?;
        }
        kind.parse::<ward_core::ResourceType>().ok()?;
        Some(Item::Elsewhere(kind.to_owned()))
    }

    /// Functions of one value; an empty input gives an empty answer.
    fn about_values(&self, name: &str) -> Found<'t> {
        if !VALUE_FUNCTIONS.contains(&name) {
            return Ok(None);
        }
        let Some(item) = single(self.of)? else { return Ok(Some(Vec::new())) };
        match name {
            "toString" => maybe(item.to_text().map(Item::Text)),
            "toInteger" | "convertsToInteger" => {
                let found = match item.value() {
                    Some(Item::Integer(n)) => Some(n),
                    Some(Item::Bool(value)) => Some(i64::from(value)),
                    Some(Item::Text(text)) => text.parse().ok(),
                    _ => None,
                };
                converted(name, found.map(Item::Integer))
            }
            "toDecimal" | "convertsToDecimal" => {
                let found = match item.value() {
                    Some(Item::Bool(value)) => Some(Number::from_integer(i64::from(value))),
                    Some(Item::Text(text)) => Number::parse(&text),
                    _ => item.as_number(),
                };
                converted(name, found.map(Item::Decimal))
            }
            "toBoolean" | "convertsToBoolean" => {
                let found = match item.to_text().map(|text| text.to_ascii_lowercase()).as_deref() {
                    Some("true" | "t" | "yes" | "y" | "1" | "1.0") => Some(true),
                    Some("false" | "f" | "no" | "n" | "0" | "0.0") => Some(false),
                    _ => None,
                };
                converted(name, found.map(Item::Bool))
            }
            "toDate" | "toDateTime" | "toTime" | "convertsToDate" | "convertsToDateTime" => {
                converted(name, item.as_moment().map(Item::Moment))
            }
            "toQuantity" | "convertsToQuantity" => {
                let found = match item.value() {
                    Some(quantity @ Item::Quantity(..)) => Some(quantity),
                    Some(Item::Text(text)) => quantity_of(&text),
                    _ => item.as_number().map(|number| Item::Quantity(number, "1".to_owned())),
                };
                converted(name, found)
            }
            "abs" | "floor" | "ceiling" | "truncate" | "round" => self.rounded(name, item),
            _ => match item.as_text() {
                Some(text) => self.about_text(name, &text),
                None => Err(EvalError::Arguments),
            },
        }
    }

    fn rounded(&self, name: &str, item: &Item<'t>) -> Found<'t> {
        let number = item.as_number().ok_or(EvalError::Arguments)?;
        let whole = |number: Number| number.to_integer().map(Item::Integer);
        maybe(match name {
            "abs" if number.is_whole() => whole(number.abs()),
            "abs" => Some(Item::Decimal(number.abs())),
            "floor" => whole(number.floor()),
            "ceiling" => whole(number.negated().floor().negated()),
            "truncate" => whole(number),
            _ => {
                let places = if self.arguments.is_empty() { None } else { self.integer(0)? };
                let places = u32::try_from(places.unwrap_or(0));
                let places = places.map_err(|_| EvalError::Arguments)?;
                Some(Item::Decimal(number.round(places)))
            }
        })
    }

    fn about_text(&self, name: &str, text: &str) -> Found<'t> {
        let made = |text: String| {
            if TEXT_MAX < text.len() {
                return Err(EvalError::Steps);
            }
            maybe(Some(Item::Text(text)))
        };
        self.eval.spend(text.len() / 64)?;
        match name {
            "length" => maybe(i64::try_from(text.chars().count()).ok().map(Item::Integer)),
            "upper" => made(text.to_uppercase()),
            "lower" => made(text.to_lowercase()),
            "trim" => made(text.trim().to_owned()),
            "toChars" => {
                let chars = text.chars().map(|c| Item::Text(c.to_string()));
                Ok(Some(chars.collect()))
            }
            "startsWith" => match self.text(0)? {
                Some(start) => bool_of(text.starts_with(&start)),
                None => maybe(None),
            },
            "endsWith" => match self.text(0)? {
                Some(end) => bool_of(text.ends_with(&end)),
                None => maybe(None),
            },
            "contains" => match self.text(0)? {
                Some(part) => bool_of(text.contains(&part)),
                None => maybe(None),
            },
            "indexOf" => {
                let part = self.text(0)?;
                maybe(part.and_then(|part| {
                    let Some(at) = text.find(&part) else { return Some(Item::Integer(-1)) };
                    let n_chars = text.get(..at)?.chars().count();
                    i64::try_from(n_chars).ok().map(Item::Integer)
                }))
            }
            "replace" => match (self.text(0)?, self.text(1)?) {
                (Some(from), Some(to)) => made(text.replace(&from, &to)),
                _ => maybe(None),
            },
            "substring" => {
                let start = self.integer(0)?.and_then(|start| usize::try_from(start).ok());
                let length = match self.arguments.len() {
                    1 => None,
                    _ => self.integer(1)?,
                };
                let length = length.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(0));
                match start {
                    Some(start) if start < text.chars().count() => {
                        made(text.chars().skip(start).take(length).collect())
                    }
                    _ => maybe(None),
                }
            }
            _ => Ok(None),
        }
    }
}

/// Names whose answer to nothing is nothing.
#[rustfmt::skip]
const VALUE_FUNCTIONS: [&str; 30] = [
    "toString", "toInteger", "convertsToInteger", "toDecimal", "convertsToDecimal", "toBoolean",
    "convertsToBoolean", "toDate", "toDateTime", "toTime", "convertsToDate", "convertsToDateTime",
    "toQuantity", "convertsToQuantity", "abs", "floor", "ceiling", "truncate", "round", "length",
    "upper", "lower", "trim", "toChars", "startsWith", "endsWith", "contains", "indexOf",
    "replace", "substring",
];

fn converted<'t>(name: &str, found: Option<Item<'t>>) -> Found<'t> {
    if name.starts_with("converts") { bool_of(found.is_some()) } else { maybe(found) }
}

/// `4`, `4 'mg'`, `4 days`.
fn quantity_of<'t>(text: &str) -> Option<Item<'t>> {
    let (number, unit) = text.split_once(' ').unwrap_or((text, "1"));
    Some(Item::Quantity(Number::parse(number)?, unit.trim().trim_matches('\'').to_owned()))
}

fn children<'t>(item: &Item<'t>) -> Items<'t> {
    let mut found = Vec::new();
    if let Item::Node(node) = item
        && let Some(object) = node.json.as_object()
    {
        for (key, value) in object.iter() {
            // Extensions of primitives belong to the primitive, not to the parent.
            if !key.starts_with('_') && key != "resourceType" {
                nodes(node, key, value, None, &mut found);
            }
        }
    }
    found
}
