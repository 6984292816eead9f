//! Links between the entries of a transaction, turned into references to the records made.

use std::borrow::Cow;

use rustc_hash::FxHashMap;
use ward_fhir::Json;

/// What the entries call each other, and what they become.
pub(super) type Links = FxHashMap<String, String>;

/// Replaces every link to another entry, in place.
///
/// - Shape: values of Reference.reference and of uri, url, canonical, oid and uuid elements that
///   equal a link, and `href` and `src` in narrative. `value` of an Identifier is none of these
///   and stays.
/// - Source: FHIR R4, 3.1.0.11.2 transaction processing rules.
pub(super) fn rewrite(tree: &mut Json<'_>, links: &Links) {
    match tree {
        Json::Array(items) => items.iter_mut().for_each(|item| rewrite(item, links)),
        Json::Object(object) => {
            for (name, value) in object.iter_mut() {
                match value {
                    Json::String(text) if name == "div" => narrative(text, links),
                    Json::String(text) if name != "value" => {
                        if may_be_link(text)
                            && let Some(target) = target_of(text, links)
                        {
                            *text = Cow::Owned(target);
                        }
                    }
                    Json::Array(_) | Json::Object(_) => rewrite(value, links),
                    _ => {}
                }
            }
        }
        Json::String(text) => {
            // An item of an array of uris.
            if may_be_link(text)
                && let Some(target) = target_of(text, links)
            {
                *text = Cow::Owned(target);
            }
        }
        _ => {}
    }
}

/// References of the form `Practitioner?identifier=…`, gathered from a resource.
pub(super) fn conditional_references(tree: &Json<'_>, out: &mut Vec<String>) {
    match tree {
        Json::Array(items) => items.iter().for_each(|it| conditional_references(it, out)),
        Json::Object(object) => {
            for (name, value) in object.iter() {
                match value {
                    Json::String(text) if name == "reference" && is_conditional(text) => {
                        out.push(text.clone().into_owned());
                    }
                    Json::Array(_) | Json::Object(_) => conditional_references(value, out),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

fn is_conditional(text: &str) -> bool {
    text.split_once('?').is_some_and(|(kind, _)| kind.parse::<ward_core::ResourceType>().is_ok())
}

/// Cheap: almost no text passes.
fn may_be_link(text: &str) -> bool {
    text.starts_with("urn:") || text.starts_with("http") || text.contains('?')
}

fn target_of(text: &str, links: &Links) -> Option<String> {
    if let Some(target) = links.get(text) {
        return Some(target.clone());
    }
    // A link may be followed by a fragment.
    let (link, fragment) = text.split_once('#')?;
    links.get(link).map(|target| format!("{target}#{fragment}"))
}

fn narrative(text: &mut Cow<'_, str>, links: &Links) {
    if !text.contains("urn:") {
        return;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest: &str = text;
    while let Some(at) = rest.find("=\"urn:") {
        let Some((before, after)) = rest.split_at_checked(at + 2) else { break };
        out.push_str(before);
        let end = after.find('"').unwrap_or(after.len());
        let (link, tail) = after.split_at_checked(end).unwrap_or((after, ""));
        match target_of(link, links) {
            Some(target) => out.push_str(&target),
            None => out.push_str(link),
        }
        rest = tail;
    }
    out.push_str(rest);
    *text = Cow::Owned(out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_replaced_where_the_standard_says() {
        let mut links = Links::default();
        links.insert("urn:uuid:1".to_owned(), "Patient/a".to_owned());
        links.insert("Practitioner?identifier=x".to_owned(), "Practitioner/b".to_owned());
        let mut tree = Json::parse(
            br##"{"subject":{"reference":"urn:uuid:1"},"performer":[{"reference":"Practitioner?identifier=x"}],
            "identifier":[{"system":"urn:ietf:rfc:3986","value":"urn:uuid:1"}],
            "basedOn":["urn:uuid:1#part"],"note":"urn:uuid:2",
            "text":{"div":"<div><a href=\"urn:uuid:1\">x</a><img src=\"urn:uuid:9\"/></div>"}}"##,
        )
        .unwrap();
        rewrite(&mut tree, &links);
        expect_test::expect![[r#"{"subject":{"reference":"Patient/a"},"performer":[{"reference":"Practitioner/b"}],"identifier":[{"system":"urn:ietf:rfc:3986","value":"urn:uuid:1"}],"basedOn":["Patient/a#part"],"note":"urn:uuid:2","text":{"div":"<div><a href=\"Patient/a\">x</a><img src=\"urn:uuid:9\"/></div>"}}"#]]
        .assert_eq(&String::from_utf8(tree.to_bytes()).unwrap());
    }
}
