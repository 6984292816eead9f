//! A JSON file: a bundle of any type that holds resources, or one resource.

use ward_core::{FhirId, RecordKey, ResourceType};
use ward_fhir::Json;

use super::piece::{Item, Load, Whole, transaction_of};

/// What to load of one JSON text that starts at `line`.
///
/// - Errors: why it is refused; never its content.
pub(super) fn load_of(text: &[u8], line: usize) -> Result<Load, String> {
    let tree = Json::parse(text).map_err(|error| format!("not JSON: {error}"))?;
    let kind = kind_of(&tree)?;
    let is = |wanted| tree.get("type").and_then(Json::as_str) == Some(wanted);
    if kind != ResourceType::BUNDLE {
        return Ok(Load::Each(vec![item_of(&tree, None, text, line)?]));
    }
    let entries = match tree.get("entry") {
        None => &[],
        Some(entry) => entry.as_array().ok_or("`entry` must be an array")?,
    };
    if is("transaction") {
        return Ok(Load::Whole(whole_of(entries, text.to_vec())));
    }
    if is("batch") {
        return Ok(Load::Each(entries.iter().map(|entry| batch_item(entry, line)).collect()));
    }
    if is("collection") || is("searchset") || is("document") {
        return resources_of(entries, line);
    }
    Err("a bundle of a type that is not loaded".to_owned())
}

/// What to load of one line.
pub(super) fn line_of(text: &[u8], line: usize) -> Result<Load, String> {
    // The tree is needed for its first members alone, but a line that is not JSON must not take
    // its neighbours with it.
    let tree = Json::parse(text).map_err(|error| {
        format!("not JSON: {} at byte {}", error.kind, error.at.saturating_add(1))
    })?;
    match tree.get("type").and_then(Json::as_str) {
        Some("transaction" | "batch") if kind_of(&tree)? == ResourceType::BUNDLE => {
            load_of(text, line)
        }
        _ => Ok(Load::Each(vec![item_of(&tree, None, text, line)?])),
    }
}

fn item_of(
    resource: &Json<'_>,
    full_url: Option<&str>,
    text: &[u8],
    line: usize,
) -> Result<Item, String> {
    let kind = kind_of(resource)?;
    let id = match resource.get("id") {
        None => None,
        Some(id) => {
            let id = id.as_str().and_then(|id| id.parse::<FhirId>().ok());
            Some(id.ok_or("`id` is not an id")?)
        }
    };
    Ok(Item::put(line, kind, id, full_url, text))
}

/// Resources without requests. Those that call each other by links of the bundle go together.
fn resources_of(entries: &[Json<'_>], line: usize) -> Result<Load, String> {
    let mut items = Vec::with_capacity(entries.len());
    let mut together = false;
    for (at, entry) in entries.iter().enumerate() {
        let mode = entry.get("search").and_then(|search| search.get("mode"));
        // What a search says of itself is nothing of the chart.
        if mode.and_then(Json::as_str) == Some("outcome") {
            continue;
        }
        let resource =
            entry.get("resource").ok_or_else(|| format!("entry {at} has no resource"))?;
        let full_url = entry.get("fullUrl").and_then(Json::as_str);
        let item = item_of(resource, full_url, &resource.to_bytes(), line)
            .map_err(|why| format!("entry {at}: {why}"))?;
        together |= full_url.is_some_and(|url| match &item.key {
            None => true,
            Some(key) => !url.ends_with(&key.to_string()),
        });
        items.push(item);
    }
    if !together {
        return Ok(Load::Each(items));
    }
    let keys = items.iter().filter_map(|item| item.key.clone()).collect();
    Ok(Load::Whole(Whole {
        text: transaction_of(items.iter().map(|item| item.entry.as_slice())),
        kinds: items.iter().filter_map(|item| item.kind).collect(),
        keys,
        is_ordered: false,
    }))
}

fn whole_of(entries: &[Json<'_>], text: Vec<u8>) -> Whole {
    let mut whole = Whole { text, kinds: Vec::new(), keys: Vec::new(), is_ordered: false };
    for entry in entries {
        whole.kinds.extend(entry.get("resource").and_then(|it| kind_of(it).ok()));
        let (method, key) = request_of(entry);
        match (method, key) {
            ("POST", _) => {}
            ("PUT", Some(key)) => whole.keys.push(key),
            // A condition, a deletion or a read depends on what came before.
            _ => whole.is_ordered = true,
        }
    }
    whole
}

/// An entry of a batch with its own request; one that is unsound is refused when it is loaded.
fn batch_item(entry: &Json<'_>, line: usize) -> Item {
    let kind = entry.get("resource").and_then(|it| kind_of(it).ok());
    Item { line, kind, key: request_of(entry).1, entry: entry.to_bytes() }
}

fn request_of<'a>(entry: &'a Json<'_>) -> (&'a str, Option<RecordKey>) {
    let text = |name| entry.get("request").and_then(|it| it.get(name)).and_then(Json::as_str);
    let key = text("url")
        .and_then(|url| url.split_once('/'))
        .and_then(|(kind, id)| Some(RecordKey::new(kind.parse().ok()?, id.parse().ok()?)));
    (text("method").unwrap_or_default(), key)
}

fn kind_of(resource: &Json<'_>) -> Result<ResourceType, String> {
    let name = resource.get("resourceType").and_then(Json::as_str);
    let name = name.ok_or("neither a bundle nor a resource: there is no `resourceType`")?;
    name.parse().map_err(|_| "no resource type of FHIR R4".to_owned())
}
