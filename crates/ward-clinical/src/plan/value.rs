//! What FHIRPath selects, put into a resource.

use serde_json::{Map, Number, Value, json};
use ward_fhir::fhirpath::Item;

/// Longest list that a path may reach into.
/// LIMIT: a request has some ten parts; a path that says more is a mistake.
const INDEX_MAX: usize = 100;

/// An item as JSON; nothing for what is not at hand.
pub(super) fn of(item: &Item<'_>) -> Option<Value> {
    let number = |text: String| {
        text.parse::<i64>().map(Number::from).ok().or_else(|| Number::from_f64(text.parse().ok()?))
    };
    Some(match item {
        Item::Node(node) => serde_json::from_slice(&node.json.to_bytes()).ok()?,
        Item::Bool(value) => json!(value),
        Item::Integer(n) => json!(n),
        Item::Decimal(decimal) => Value::Number(number(decimal.to_string())?),
        Item::Text(text) => json!(text),
        Item::Moment(moment) => json!(moment.text),
        Item::Quantity(value, unit) => json!({
            "value": number(value.to_string())?,
            "unit": unit,
            "system": "http://unitsofmeasure.org",
            "code": unit,
        }),
        Item::Elsewhere(_) => return None,
    })
}

/// Sets what stands at a path such as `dosageInstruction[0].text`; what is missing on the way is
/// made. `false` when the path is none of these, or leads through something else.
///
/// - Source: FHIR R4, "simple" subset of FHIRPath.
pub(super) fn set(resource: &mut Value, path: &str, to: Value) -> bool {
    let mut at = resource;
    let path = path.strip_prefix('%').map_or(path, |it| it.split_once('.').map_or("", |it| it.1));
    for step in path.split('.') {
        let (name, index) = match step.split_once('[') {
            None => (step, None),
            Some((name, rest)) => match rest.strip_suffix(']').map(str::parse::<usize>) {
                Some(Ok(n)) if n < INDEX_MAX => (name, Some(n)),
                _ => return false,
            },
        };
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return false;
        }
        if at.is_null() {
            *at = Value::Object(Map::new());
        }
        let Some(object) = at.as_object_mut() else { return false };
        at = object.entry(name).or_insert(Value::Null);
        if let Some(n) = index {
            if at.is_null() {
                *at = json!([]);
            }
            let Some(list) = at.as_array_mut() else { return false };
            while list.len() <= n {
                list.push(Value::Null);
            }
            let Some(item) = list.get_mut(n) else { return false };
            at = item;
        }
    }
    *at = to;
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_makes_what_is_missing() {
        let mut value = json!({ "resourceType": "ServiceRequest" });
        assert!(set(&mut value, "code.text", json!("x")));
        assert!(set(&mut value, "note[0].text", json!("y")));
        assert_eq!(value["code"]["text"], "x");
        assert_eq!(value["note"][0]["text"], "y");
        for bad in ["", "a..b", "code.text.more", "note[x]", "note[100]", "a b", "where(x)"] {
            assert!(!set(&mut value, bad, json!(1)), "{bad}");
        }
    }
}
