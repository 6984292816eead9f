//! From a query string to a search.

use ward_core::{ResourceType, limits::PAGE_MAX};

use super::{
    bounds::bound_dates,
    clause::{Clause, ClauseOp},
    decode::decode_query,
    params::{ParamDef, ParamKind, param, params_of},
    query::{
        Chain, ChainLink, Conditions, Handling, Has, Include, Part, SearchRequest, SortBy,
        SummaryMode, TotalMode,
    },
    query_value::{Refused, split, tests, unescape},
};
use crate::outcome::{Issue, IssueCode};

/// Deepest chain of references in one parameter.
/// LIMIT: four steps pass through every chart; each costs a search.
const CHAIN_DEPTH_MAX: usize = 4;

/// Most keys of an order.
/// LIMIT: a table has no more columns than this to sort by.
const SORT_MAX: usize = 8;

/// Most `_include` and `_revinclude` of one search.
/// LIMIT: each is followed for each page.
const INCLUDES_MAX: usize = 50;

/// Reads a search of one type, or of several (`kind` is `None` and `_type` may say which).
///
/// - Shape: `query` is what comes after `?`, still percent-encoded.
/// - Errors: every finding, not the first alone; with lenient handling, parameters that are not
///   known become warnings.
/// - Source: FHIR R4, Search.
pub fn parse_search(
    kind: Option<ResourceType>,
    query: &str,
    handling: Handling,
) -> Result<SearchRequest, Vec<Issue>> {
    let pairs = decode_query(query).map_err(|issue| Vec::from([issue]))?;
    parse_pairs(kind, &pairs, handling)
}

/// As [`parse_search`], on decoded names and values.
pub fn parse_pairs(
    kind: Option<ResourceType>,
    pairs: &[(String, String)],
    handling: Handling,
) -> Result<SearchRequest, Vec<Issue>> {
    let mut issues = Vec::new();
    let parts = parts(kind, pairs, &mut issues);
    let mut parser = Parser {
        handling,
        request: SearchRequest {
            parts,
            sort: Vec::new(),
            count: None,
            total: TotalMode::default(),
            summary: SummaryMode::default(),
            elements: Vec::new(),
            includes: Vec::new(),
            revincludes: Vec::new(),
            cursor: None,
            format: None,
            pretty: false,
            applied: Vec::new(),
            warnings: Vec::new(),
        },
        issues,
    };
    for (name, value) in pairs {
        match parser.pair(name, value) {
            Ok(Applied::Yes) => parser.request.applied.push((name.clone(), value.clone())),
            Ok(Applied::No) => {}
            Err(issue) => parser.issues.push(issue.at(safe_name(name))),
        }
    }
    for part in &mut parser.request.parts {
        bound_dates(&mut part.conditions);
    }
    if parser.issues.is_empty() { Ok(parser.request) } else { Err(parser.issues) }
}

/// A parameter's name is the caller's own text: only what can be a name is said back.
fn safe_name(name: &str) -> String {
    let allowed = |c: &char| c.is_ascii_alphanumeric() || "_-:.".contains(*c);
    name.chars().take_while(allowed).take(100).collect()
}

fn parts(
    kind: Option<ResourceType>,
    pairs: &[(String, String)],
    issues: &mut Vec<Issue>,
) -> Vec<Part> {
    let mut kinds: Vec<ResourceType> = kind.into_iter().collect();
    if kind.is_none() {
        for (_, value) in pairs.iter().filter(|(name, _)| name == "_type") {
            for name in value.split(',') {
                match name.parse() {
                    Ok(kind) if !kinds.contains(&kind) => kinds.push(kind),
                    Ok(_) => {}
                    Err(_) => issues.push(
                        Issue::error(IssueCode::Invalid, "`_type` names a type R4 does not have.")
                            .at("_type"),
                    ),
                }
            }
        }
        if kinds.is_empty() {
            kinds.extend(ResourceType::fhir());
        }
    }
    let part = |kind| Part { kind, conditions: Conditions::default() };
    kinds.into_iter().map(part).collect()
}

enum Applied {
    Yes,
    No,
}

struct Parser {
    handling: Handling,
    request: SearchRequest,
    issues: Vec<Issue>,
}

fn invalid(text: impl Into<String>) -> Issue {
    Issue::error(IssueCode::Invalid, text)
}

fn not_supported(text: impl Into<String>) -> Issue {
    Issue::error(IssueCode::NotSupported, text)
}

impl Parser {
    fn pair(&mut self, name: &str, value: &str) -> Result<Applied, Issue> {
        let request = &mut self.request;
        let (plain, modifier) = match name.split_once(':') {
            Some((plain, modifier)) => (plain, Some(modifier)),
            None => (name, None),
        };
        match plain {
            "_count" => request.count = Some(count(value)?),
            "_total" => {
                request.total = match value {
                    "none" => TotalMode::None,
                    "estimate" => TotalMode::Estimate,
                    "accurate" => TotalMode::Accurate,
                    _ => return Err(invalid("`_total` is `none`, `estimate` or `accurate`.")),
                }
            }
            "_summary" => {
                request.summary = match value {
                    "false" => SummaryMode::False,
                    "true" => SummaryMode::True,
                    "text" => SummaryMode::Text,
                    "data" => SummaryMode::Data,
                    "count" => SummaryMode::Count,
                    _ => {
                        let text = "`_summary` is `true`, `text`, `data`, `count` or `false`.";
                        return Err(invalid(text));
                    }
                }
            }
            "_elements" => {
                for element in value.split(',').map(str::trim) {
                    let is_name = |c: char| c.is_ascii_alphanumeric();
                    if element.is_empty() || !element.chars().all(is_name) {
                        return Err(invalid("`_elements` lists names of top-level elements."));
                    }
                    request.elements.push(element.into());
                }
            }
            "_sort" => self.sort(value)?,
            "_cursor" => {
                request.cursor = Some(value.into());
                return Ok(Applied::No);
            }
            "_format" => request.format = Some(value.into()),
            "_pretty" => request.pretty = value == "true",
            "_type" if self.request.parts.len() != 1 || modifier.is_none() => {}
            "_include" | "_revinclude" => self.include(plain, modifier, value)?,
            "_contained" if value == "false" => {}
            "_filter" | "_text" | "_content" | "_list" | "_query" | "_contained"
            | "_containedType" => {
                return Err(not_supported(format!("`{plain}` is not supported here.")));
            }
            _ => return self.condition(name, value),
        }
        Ok(Applied::Yes)
    }

    fn condition(&mut self, name: &str, value: &str) -> Result<Applied, Issue> {
        let mut added = Vec::with_capacity(self.request.parts.len());
        for part in &self.request.parts {
            let mut conditions = Conditions::default();
            match add_condition(part.kind, name, value, 0, &mut conditions) {
                Ok(()) => added.push(conditions),
                Err(Failed::Unknown(issue)) if self.handling == Handling::Lenient => {
                    let warning = Issue::warning(issue.code, issue.diagnostics);
                    self.request.warnings.push(warning.at(safe_name(name)));
                    return Ok(Applied::No);
                }
                Err(Failed::Unknown(issue) | Failed::Bad(issue)) => return Err(issue),
            }
        }
        for (part, conditions) in self.request.parts.iter_mut().zip(added) {
            part.conditions.join(conditions);
        }
        Ok(Applied::Yes)
    }

    fn sort(&mut self, value: &str) -> Result<(), Issue> {
        for key in value.split(',') {
            let (code, descending) = match key.strip_prefix('-') {
                Some(code) => (code, true),
                None => (key, false),
            };
            for part in &self.request.parts {
                let def = param(part.kind, code).filter(|def| {
                    code != "_id" && !matches!(def.kind, ParamKind::Special | ParamKind::Composite)
                });
                if def.is_none() {
                    let kind = part.kind;
                    return Err(invalid(format!("{kind} cannot be sorted by that parameter.")));
                }
            }
            if self.request.sort.len() == SORT_MAX {
                return Err(invalid(format!("More than {SORT_MAX} sort keys.")));
            }
            self.request.sort.push(SortBy { code: code.into(), descending });
        }
        Ok(())
    }

    fn include(&mut self, name: &str, modifier: Option<&str>, value: &str) -> Result<(), Issue> {
        let iterate = match modifier {
            None => false,
            Some("iterate" | "recurse") => true,
            Some(_) => return Err(not_supported("The only modifier here is `:iterate`.")),
        };
        let is_reverse = name == "_revinclude";
        let own: Vec<ResourceType> = self.request.parts.iter().map(|part| part.kind).collect();
        let mut found = Vec::new();
        if value == "*" {
            if is_reverse {
                return Err(invalid("`_revinclude=*` needs a type: `_revinclude=Type:*`."));
            }
            for source in own {
                let params = references(source, |_| true);
                found.push(Include { source, params, target: None, iterate });
            }
        } else {
            let mut words = value.split(':');
            let source: ResourceType = words
                .next()
                .and_then(|word| word.parse().ok())
                .ok_or(invalid("The value is `Type:parameter` or `Type:parameter:Target`."))?;
            let code = words.next().unwrap_or("*");
            let target = match words.next() {
                None => None,
                Some(word) => {
                    Some(word.parse().map_err(|_| invalid("The target is no type of R4."))?)
                }
            };
            if words.next().is_some() {
                return Err(invalid("The value is `Type:parameter` or `Type:parameter:Target`."));
            }
            let fits = |def: &ParamDef| {
                (code == "*" || def.code == code)
                    && target.is_none_or(|target| def.may_target(target))
                    && (!is_reverse || iterate || own.iter().any(|kind| def.may_target(*kind)))
            };
            let params = references(source, fits);
            if params.is_empty() && code != "*" {
                let text = format!("{source} has no such reference parameter for that target.");
                return Err(invalid(text));
            }
            found.push(Include { source, params, target, iterate });
        }
        let list = match is_reverse {
            true => &mut self.request.revincludes,
            false => &mut self.request.includes,
        };
        list.extend(found);
        if INCLUDES_MAX < list.len() && 1 < self.request.parts.len() {
            return Err(invalid("A search of so many types cannot include `*`."));
        }
        if INCLUDES_MAX < list.len() {
            return Err(invalid(format!("More than {INCLUDES_MAX} includes.")));
        }
        Ok(())
    }
}

fn count(value: &str) -> Result<usize, Issue> {
    let is_number = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    match value.parse::<usize>() {
        Ok(count) => Ok(count.min(PAGE_MAX)),
        // A number past what the machine counts is past the limit of a page.
        Err(_) if is_number => Ok(PAGE_MAX),
        Err(_) => Err(invalid("`_count` is a whole number.")),
    }
}

fn references(source: ResourceType, fits: impl Fn(&ParamDef) -> bool) -> Vec<super::term::ParamId> {
    params_of(source)
        .filter(|def| def.kind == ParamKind::Reference && fits(def))
        .map(|def| def.id)
        .collect()
}

impl Conditions {
    /// Both must hold.
    fn join(&mut self, other: Conditions) {
        self.ids = match (self.ids.take(), other.ids) {
            (Some(a), Some(b)) => Some(a.into_iter().filter(|id| b.contains(id)).collect()),
            (a, b) => a.or(b),
        };
        self.clauses.extend(other.clauses);
        self.chains.extend(other.chains);
        self.has.extend(other.has);
    }
}

enum Failed {
    /// The parameter is not known; lenient handling leaves it out.
    Unknown(Issue),
    Bad(Issue),
}

fn add_condition(
    base: ResourceType,
    name: &str,
    value: &str,
    depth: usize,
    conditions: &mut Conditions,
) -> Result<(), Failed> {
    if CHAIN_DEPTH_MAX < depth {
        let text = format!("More than {CHAIN_DEPTH_MAX} steps in one chain.");
        return Err(Failed::Bad(Issue::error(IssueCode::TooCostly, text)));
    }
    if let Some(rest) = name.strip_prefix("_has:") {
        let has = reversed(base, rest, value, depth)?;
        conditions.has.push(has);
        return Ok(());
    }
    if let Some((head, rest)) = name.split_once('.') {
        let chain = chained(base, head, rest, value, depth)?;
        conditions.chains.push(chain);
        return Ok(());
    }
    let (code, modifier) = match name.split_once(':') {
        Some((code, modifier)) => (code, Some(modifier)),
        None => (name, None),
    };
    let def = param(base, code).ok_or_else(|| unknown(base))?;
    if code == "_id" {
        if modifier.is_some() {
            return Err(Failed::Bad(not_supported("`_id` takes no modifier.")));
        }
        let ids = split(value, ',').filter_map(|id| unescape(id).parse().ok()).collect();
        conditions.ids = Some(ids);
        return Ok(());
    }
    conditions.clauses.push(clause(def, modifier, value).map_err(Failed::Bad)?);
    Ok(())
}

/// Says what is known instead.
fn unknown(base: ResourceType) -> Failed {
    let mut text = format!("{base} has no such search parameter. It has:");
    for def in params_of(base) {
        text.push(' ');
        text.push_str(def.code);
    }
    text.push('.');
    Failed::Unknown(not_supported(text))
}

fn clause(def: &ParamDef, modifier: Option<&str>, value: &str) -> Result<Clause, Issue> {
    let of = |op, any| Clause { param: def.id, op, any };
    if def.kind == ParamKind::Special {
        return Err(not_supported(format!("`{}` is not supported here.", def.code)));
    }
    if modifier == Some("missing") {
        return match value {
            "true" => Ok(of(ClauseOp::Missing, Vec::new())),
            "false" => Ok(of(ClauseOp::Present, Vec::new())),
            _ => Err(invalid("`:missing` is `true` or `false`.")),
        };
    }
    match tests(def, modifier, value) {
        Ok(any) if modifier == Some("not") => Ok(of(ClauseOp::None, any)),
        Ok(any) => Ok(of(ClauseOp::Any, any)),
        Err(Refused::Value(expected)) => Err(invalid(format!("`{}` takes {expected}.", def.code))),
        Err(Refused::Modifier) => {
            let kind = def.kind.as_str();
            Err(not_supported(format!("That modifier is not supported on a {kind} parameter.")))
        }
    }
}

fn chained(
    base: ResourceType,
    head: &str,
    rest: &str,
    value: &str,
    depth: usize,
) -> Result<Chain, Failed> {
    let (code, target) = match head.split_once(':') {
        Some((code, target)) => (code, Some(target)),
        None => (head, None),
    };
    let def = param(base, code).ok_or_else(|| unknown(base))?;
    if def.kind != ParamKind::Reference {
        return Err(Failed::Bad(invalid("Only a reference can be chained.")));
    }
    let targets = match target {
        None if def.targets.is_empty() => {
            let text = "This reference points at any type: name one, as `parameter:Type.name`.";
            return Err(Failed::Bad(invalid(text)));
        }
        None => def.targets.to_vec(),
        Some(name) => match name.parse() {
            Ok(target) if def.may_target(target) => Vec::from([target]),
            _ => return Err(Failed::Bad(invalid("The reference does not point at that type."))),
        },
    };
    let mut any = Vec::new();
    let mut failed = None;
    for target in targets {
        let mut then = Conditions::default();
        match add_condition(target, rest, value, depth + 1, &mut then) {
            Ok(()) => any.push(ChainLink { target, then: Box::new(then) }),
            Err(bad @ Failed::Bad(_)) => failed = Some(bad),
            Err(unknown) => failed = failed.or(Some(unknown)),
        }
    }
    match failed {
        Some(failed) if any.is_empty() => Err(failed),
        _ => Ok(Chain { param: def.id, any }),
    }
}

fn reversed(base: ResourceType, rest: &str, value: &str, depth: usize) -> Result<Has, Failed> {
    let mut words = rest.splitn(3, ':');
    let (Some(source), Some(code), Some(rest)) = (words.next(), words.next(), words.next()) else {
        let text = "`_has` is written `_has:Type:reference:parameter`.";
        return Err(Failed::Bad(invalid(text)));
    };
    let source: ResourceType = source
        .parse()
        .map_err(|_| Failed::Bad(invalid("`_has` names a type R4 does not have.")))?;
    let def = param(source, code).ok_or_else(|| unknown(source))?;
    if !def.may_target(base) {
        return Err(Failed::Bad(invalid(format!("`{code}` does not point at {base}."))));
    }
    let mut then = Conditions::default();
    add_condition(source, rest, value, depth + 1, &mut then)?;
    Ok(Has { source, reference: def.id, then: Box::new(then) })
}
