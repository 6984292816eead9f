//! A query on a server that knows where it is reached.

use ward_core::ResourceType;

use super::{
    convert::local_reference_at,
    params::{ParamKind, param_by_id},
    query::{Conditions, Handling, SearchRequest},
    query_parse::parse_search,
    test::{Test, UriMatch},
};
use crate::outcome::Issue;

/// As [`parse_search`], on the server reached at `base` (without a slash at its end): a reference
/// asked for by a URL that starts with it is one to a record here.
pub fn parse_search_at(
    kind: Option<ResourceType>,
    query: &str,
    handling: Handling,
    base: &str,
) -> Result<SearchRequest, Vec<Issue>> {
    let mut request = parse_search(kind, query, handling)?;
    for part in &mut request.parts {
        settle(&mut part.conditions, base);
    }
    Ok(request)
}

fn settle(conditions: &mut Conditions, base: &str) {
    for clause in &mut conditions.clauses {
        let Some(def) = param_by_id(clause.param) else { continue };
        for test in &mut clause.any {
            match test {
                Test::Composite(parts) => {
                    for (part, component) in parts.iter_mut().zip(&def.components) {
                        settle_test(component.kind, part, base);
                    }
                }
                one => settle_test(def.kind, one, base),
            }
        }
    }
    for chain in &mut conditions.chains {
        chain.any.iter_mut().for_each(|link| settle(&mut link.then, base));
    }
    conditions.has.iter_mut().for_each(|has| settle(&mut has.then, base));
}

fn settle_test(kind: ParamKind, test: &mut Test, base: &str) {
    if let (ParamKind::Reference, Test::Url { url, how: UriMatch::Same }) = (kind, &*test)
        && let Some((kind, id, version)) = local_reference_at(url, base)
    {
        *test = Test::Reference { kind: Some(kind), id: id.into(), version };
    }
}
