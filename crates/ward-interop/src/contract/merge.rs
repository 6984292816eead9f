//! What a message says of a record, put into the record as it is.
//!
//! HL7 v2 tells three things of a field: a value, `""` for "there is none any more", and nothing,
//! which leaves what is there as it is. An element that a message does not speak of is never
//! touched, and what it does speak of replaces what was there: repetitions are told as a whole.
//!
//! - Source: HL7 v2.8, 2.5.3 Fields, 2.10.4.1 snapshot mode.

use ward_fhir::{Json, json::Object};

/// Elements that several sources add to: a message replaces only what it knows of them.
const SHARED: &[&str] = &["identifier", "link", "extension", "modifierExtension"];

/// Never taken from a message.
const KEPT: &[&str] = &["id", "meta", "text"];

/// `existing` with what `told` says, and without the elements named in `cleared`.
pub fn merge(existing: &Json<'_>, told: &Json<'_>, cleared: &[String]) -> Json<'static> {
    let mut merged = existing.clone().into_owned();
    let (Some(into), Some(told)) = (merged.as_object_mut(), told.as_object()) else {
        return merged;
    };
    for path in cleared {
        clear(into, path);
    }
    carry_meta(into, told);
    for (name, value) in told.iter() {
        if KEPT.contains(&name) {
            continue;
        }
        let value = value.clone().into_owned();
        match into.get_mut(name) {
            Some(there) if SHARED.contains(&name) => add(there, value),
            _ => {
                if let Some(stem) = choice_stem(name) {
                    into.retain(|other, _| other == name || choice_stem(other) != Some(stem));
                }
                into.insert(name.to_owned(), value);
            }
        }
    }
    merged
}

/// `existing` with what `told` says of elements that are not there yet: for a message that is older
/// than what the record already knows.
pub fn fill(existing: &Json<'_>, told: &Json<'_>) -> Json<'static> {
    let mut merged = existing.clone().into_owned();
    let (Some(into), Some(told)) = (merged.as_object_mut(), told.as_object()) else {
        return merged;
    };
    carry_meta(into, told);
    for (name, value) in told.iter() {
        let stem = choice_stem(name);
        let there = into.contains(name)
            || (stem.is_some() && into.iter().any(|(other, _)| choice_stem(other) == stem));
        if SHARED.contains(&name)
            && let Some(there) = into.get_mut(name)
        {
            add(there, value.clone().into_owned());
            continue;
        }
        if !there && !KEPT.contains(&name) {
            into.insert(name.to_owned(), value.clone().into_owned());
        }
    }
    merged
}

/// Whether [`fill`] would leave `existing` as it is: most messages name wards and doctors that are
/// known.
pub fn fills_nothing(existing: &Json<'_>, told: &Json<'_>) -> bool {
    let (Some(there), Some(told)) = (existing.as_object(), told.as_object()) else { return true };
    if told.get("meta").is_some_and(|meta| meta.get("extension").is_some()) {
        return false;
    }
    told.iter().all(|(name, value)| match there.get(name) {
        Some(there) if SHARED.contains(&name) => has_all(there, value),
        Some(_) => true,
        None => {
            let stem = choice_stem(name);
            KEPT.contains(&name)
                || (stem.is_some() && there.iter().any(|(other, _)| choice_stem(other) == stem))
        }
    })
}

/// Whether every item of `told` is in `there` as it is.
fn has_all(there: &Json<'_>, told: &Json<'_>) -> bool {
    let (Some(items), Some(told)) = (there.as_array(), told.as_array()) else { return false };
    told.iter().all(|item| {
        let same = items.iter().find(|old| names_the_same(old, item));
        same.is_some_and(|old| old.same_content(item))
    })
}

/// Extensions of meta are the sender's; the rest of it is the chart's.
fn carry_meta(into: &mut Object<'static>, told: &Object<'_>) {
    let Some(extensions) = told.get("meta").and_then(|meta| meta.get("extension")) else { return };
    let extensions = extensions.clone().into_owned();
    match into.get_mut("meta").and_then(Json::as_object_mut) {
        Some(meta) => match meta.get_mut("extension") {
            Some(there) => add(there, extensions),
            None => meta.insert("extension", extensions),
        },
        None => {
            let mut meta = Object::new();
            meta.insert("extension", extensions);
            into.insert("meta", Json::Object(meta));
        }
    }
}

/// Whether two versions say the same, but for what the chart itself writes into them.
pub fn is_same(one: &Json<'_>, other: &Json<'_>) -> bool {
    let (Some(a), Some(b)) = (one.as_object(), other.as_object()) else {
        return one.same_content(other);
    };
    let nothing = Object::new();
    let same_meta = match (a.get("meta"), b.get("meta")) {
        (None, None) => true,
        (Some(a), Some(b)) => match (a.as_object(), b.as_object()) {
            (Some(a), Some(b)) => same_members(a, b, &CHARTS_OWN),
            _ => a.same_content(b),
        },
        (Some(only), None) | (None, Some(only)) => {
            only.as_object().is_some_and(|only| same_members(only, &nothing, &CHARTS_OWN))
        }
    };
    same_meta && same_members(a, b, &["id", "meta"])
}

/// What the chart itself writes into `meta`.
const CHARTS_OWN: [&str; 3] = ["versionId", "lastUpdated", "source"];

/// Whether two objects have the same members, but for those named.
fn same_members(a: &Object<'_>, b: &Object<'_>, but: &[&str]) -> bool {
    let count = |of: &Object<'_>| of.iter().filter(|(name, _)| !but.contains(name)).count();
    let mut told = a.iter().filter(|(name, _)| !but.contains(name));
    count(a) == count(b)
        && told.all(|(name, value)| b.get(name).is_some_and(|other| value.same_content(other)))
}

/// `deceased` of `deceasedBoolean`: an element has one type at a time.
///
/// - Source: FHIR R4, 2.6.0.1.7 choice of data types.
fn choice_stem(name: &str) -> Option<&'static str> {
    CHOICES.iter().copied().find(|stem| {
        name.strip_prefix(stem)
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
    })
}

/// Elements with several types that messages speak of.
const CHOICES: &[&str] = &[
    "deceased",
    "multipleBirth",
    "value",
    "effective",
    "occurrence",
    "medication",
    "onset",
    "abatement",
    "performed",
    "timing",
    "reported",
];

/// Takes out the element at `path`, such as `name` or `maritalStatus.coding`.
fn clear(object: &mut Object<'_>, path: &str) {
    match path.split_once('.') {
        None => {
            object.remove(path);
            object.retain(|name, _| choice_stem(name).is_none_or(|stem| stem != path));
        }
        Some((name, rest)) => match object.get_mut(name) {
            Some(Json::Object(inner)) => clear(inner, rest),
            Some(Json::Array(items)) => {
                for item in items.iter_mut().filter_map(Json::as_object_mut) {
                    clear(item, rest);
                }
            }
            _ => {}
        },
    }
}

/// Puts the items of `told` into `there`: one that names the same thing is replaced.
fn add(there: &mut Json<'static>, told: Json<'static>) {
    let Some(items) = there.as_array_mut() else {
        *there = told;
        return;
    };
    let Json::Array(told) = told else { return };
    for item in told {
        match items.iter_mut().find(|old| names_the_same(old, &item)) {
            Some(old) => *old = item,
            None => items.push(item),
        }
    }
}

fn names_the_same(one: &Json<'_>, other: &Json<'_>) -> bool {
    fn text<'j>(json: &'j Json<'_>, name: &str) -> Option<&'j str> {
        json.get(name).and_then(Json::as_str)
    }
    if one.get("url").is_some() || other.get("url").is_some() {
        return text(one, "url") == text(other, "url");
    }
    if one.get("value").is_some() || other.get("value").is_some() {
        return (text(one, "system"), text(one, "value"))
            == (text(other, "system"), text(other, "value"));
    }
    one.same_content(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(existing: &str, told: &str, cleared: &[&str], expected: &str) {
        let read = |text: &'static str| Json::parse(text.as_bytes()).unwrap();
        let cleared: Vec<String> = cleared.iter().map(|it| (*it).to_owned()).collect();
        let leak = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
        let merged = merge(&read(leak(existing)), &read(leak(told)), &cleared);
        let got = String::from_utf8(merged.to_bytes()).unwrap();
        assert!(merged.same_content(&read(leak(expected))), "{got}");
    }

    #[test]
    fn what_is_told_replaces_and_what_is_not_stays() {
        check(
            r#"{"resourceType":"Patient","id":"1","name":[{"family":"A"},{"family":"B"}],"gender":"male"}"#,
            r#"{"resourceType":"Patient","name":[{"family":"C"}]}"#,
            &[],
            r#"{"resourceType":"Patient","id":"1","name":[{"family":"C"}],"gender":"male"}"#,
        );
    }

    #[test]
    fn numbers_of_other_sources_stay() {
        check(
            r#"{"identifier":[{"system":"a","value":"1","use":"old"},{"system":"b","value":"2"}]}"#,
            r#"{"identifier":[{"system":"a","value":"1"},{"system":"a","value":"3"}]}"#,
            &[],
            r#"{"identifier":[{"system":"a","value":"1"},{"system":"b","value":"2"},{"system":"a","value":"3"}]}"#,
        );
    }

    #[test]
    fn what_is_cleared_goes() {
        check(
            r#"{"telecom":[{"value":"1"}],"maritalStatus":{"text":"x","coding":[]},"deceasedBoolean":true}"#,
            r#"{"gender":"female"}"#,
            &["telecom", "maritalStatus.coding", "deceased", "nothing.there"],
            r#"{"maritalStatus":{"text":"x"},"gender":"female"}"#,
        );
    }

    #[test]
    fn an_element_has_one_type_at_a_time() {
        check(
            r#"{"valueQuantity":{"value":1},"valueless":1}"#,
            r#"{"valueString":"x"}"#,
            &[],
            r#"{"valueString":"x","valueless":1}"#,
        );
    }

    #[test]
    fn an_older_message_fills_only_gaps() {
        let read = |text: &'static str| Json::parse(text.as_bytes()).unwrap();
        let there = read(r#"{"id":"1","status":"finished","deceasedBoolean":false}"#);
        let told =
            read(r#"{"id":"2","status":"in-progress","deceasedDateTime":"2026","gender":"male"}"#);
        let expected =
            read(r#"{"id":"1","status":"finished","deceasedBoolean":false,"gender":"male"}"#);
        assert!(fill(&there, &told).same_content(&expected));
    }

    #[test]
    fn what_fills_nothing_is_what_fill_leaves_as_it_is() {
        let read = |text: &'static str| Json::parse(text.as_bytes()).unwrap();
        let there = r#"{"id":"1","meta":{"versionId":"1"},"name":"W","identifier":[{"system":"a","value":"1"}],"valueString":"x","link":"y"}"#;
        for (told, nothing) in [
            (r#"{"name":"V"}"#, true),
            (r#"{"name":"V","alias":["x"]}"#, false),
            (r#"{"identifier":[{"value":"1","system":"a"}]}"#, true),
            (r#"{"identifier":[{"value":"1","system":"a","use":"old"}]}"#, false),
            (r#"{"identifier":[{"value":"1","system":"b"}]}"#, false),
            (r#"{"valueBoolean":true,"id":"2","text":{}}"#, true),
            (r#"{"effectivePeriod":{}}"#, false),
            (r#"{"link":[]}"#, false),
            (r#"{"meta":{"extension":[{"url":"x"}]}}"#, false),
        ] {
            let (there, told) = (read(there), read(told));
            assert_eq!(fills_nothing(&there, &told), nothing, "{told:?}");
            let filled = fill(&there, &told);
            assert_eq!(filled.same_content(&there), nothing, "{told:?}");
        }
    }

    #[test]
    fn what_the_chart_writes_does_not_count() {
        let read = |text: &'static str| Json::parse(text.as_bytes()).unwrap();
        let one = read(r#"{"id":"1","meta":{"versionId":"1","lastUpdated":"x"},"gender":"male"}"#);
        assert!(is_same(&one, &read(r#"{"gender":"male"}"#)));
        assert!(!is_same(&one, &read(r#"{"gender":"female"}"#)));
        assert!(!is_same(&one, &read(r#"{"meta":{"tag":[]},"gender":"male"}"#)));
    }
}
