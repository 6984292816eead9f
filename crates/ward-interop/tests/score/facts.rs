//! A bundle as facts: type and path without places, and a value.

use std::collections::{BTreeMap, BTreeSet};

use ward_fhir::{
    Json,
    definitions::{ElementKind, TypeDef, schema},
};

#[derive(Default)]
pub struct Facts {
    pub all: BTreeSet<(String, String)>,
    pub resources: Vec<Resource>,
}

pub struct Resource {
    pub kind: String,
    pub all: BTreeSet<(String, String)>,
    /// Paths on which nothing repeats.
    pub single: BTreeMap<String, String>,
}

impl Facts {
    pub fn has(&self, path: &str, value: &str) -> bool {
        let is_there = |path: String| self.all.contains(&(path, value.to_owned()));
        // A concept's text says what the display of its only code says.
        is_there(path.to_owned())
            || path.strip_suffix(".text").is_some_and(|at| is_there(format!("{at}.coding.display")))
    }
}

/// `message` in lower case: text that it does not have is the engine's own.
pub fn facts(bundle: &Json<'_>, message: Option<&str>) -> Facts {
    let entries = bundle.get("entry").and_then(Json::as_array).unwrap_or_default();
    let mut kinds = BTreeMap::new();
    for entry in entries {
        let Some(resource) = entry.get("resource") else { continue };
        let kind = text(resource, "resourceType").to_owned();
        // A resource that says nothing is nothing to refer to.
        let says = |name: &str| !matches!(name, "resourceType" | "id" | "meta" | "extension");
        if !resource.as_object().is_some_and(|object| object.iter().any(|(name, _)| says(name))) {
            continue;
        }
        kinds.insert(text(entry, "fullUrl").to_owned(), kind.clone());
        kinds.insert(format!("{kind}/{}", text(resource, "id")), kind);
    }
    let told = told(entries);
    let mut facts = Facts::default();
    for entry in entries {
        let Some(resource) = entry.get("resource") else { continue };
        let names = [
            text(entry, "fullUrl").to_owned(),
            format!("{}/{}", text(resource, "resourceType"), text(resource, "id")),
        ];
        let is_aside = matches!(
            text(resource, "resourceType"),
            "Organization" | "Device" | "Location" | "Practitioner"
        );
        if is_aside
            && message.is_some()
            && names.iter().any(|name| told.by_provenance.contains(name))
            && !names.iter().any(|name| told.by_others.contains(name))
        {
            continue;
        }
        let kind = text(resource, "resourceType").to_owned();
        let Some(def) = schema().resource(&kind) else { continue };
        if matches!(kind.as_str(), "Provenance" | "Bundle") {
            continue;
        }
        let mut walk =
            Walk { kinds: &kinds, message, all: BTreeSet::new(), single: BTreeMap::new() };
        walk.object(resource, def, &kind, true);
        let Walk { mut all, single, .. } = walk;
        // A report that only holds what one OBX carries, named so that it can be looked at apart.
        if message.is_some()
            && kind == "DiagnosticReport"
            && resource.get("presentedForm").is_some()
        {
            let apart =
                |path: &str| path.replacen("DiagnosticReport", "DiagnosticReport+presentedForm", 1);
            all = all.iter().map(|(path, value)| (apart(path), value.clone())).collect();
        }
        facts.all.extend(all.iter().cloned());
        facts.resources.push(Resource { kind, all, single });
    }
    facts
}

fn text<'j>(json: &'j Json<'_>, name: &str) -> &'j str {
    json.get(name).and_then(Json::as_str).unwrap_or_default()
}

/// Who is referred to, by Provenance and by the rest.
#[derive(Default)]
struct Told {
    by_provenance: BTreeSet<String>,
    by_others: BTreeSet<String>,
}

/// What only Provenance refers to is about the conversion, not the patient.
fn told(entries: &[Json<'_>]) -> Told {
    let mut told = Told::default();
    for resource in entries.iter().filter_map(|entry| entry.get("resource")) {
        let is_aside = text(resource, "resourceType") == "Provenance";
        references(resource, is_aside, &mut |name, is_aside| {
            let list = if is_aside { &mut told.by_provenance } else { &mut told.by_others };
            list.insert(name.to_owned());
        });
    }
    told
}

/// Every reference, and whether it is Provenance's or in an extension of one engine.
fn references(json: &Json<'_>, is_aside: bool, found: &mut impl FnMut(&str, bool)) {
    match json {
        Json::Array(items) => items.iter().for_each(|item| references(item, is_aside, found)),
        Json::Object(object) => {
            let is_aside = is_aside || text(json, "url").contains("reportstream.cdc.gov");
            for (name, value) in object.iter() {
                match (name, value.as_str()) {
                    ("reference", Some(name)) => found(name, is_aside),
                    _ => references(value, is_aside, found),
                }
            }
        }
        _ => {}
    }
}

struct Walk<'w> {
    kinds: &'w BTreeMap<String, String>,
    message: Option<&'w str>,
    all: BTreeSet<(String, String)>,
    single: BTreeMap<String, String>,
}

impl Walk<'_> {
    fn object(&mut self, json: &Json<'_>, def: &TypeDef, path: &str, is_single: bool) {
        let Some(object) = json.as_object() else { return };
        // A code of the engine's own system that the message does not have.
        let is_own = text(json, "system").contains("example.com/");
        for (name, value) in object.iter() {
            if is_own
                && let (Some(message), Some(value)) = (self.message, value.as_str())
                && !says(message, &value.to_lowercase())
            {
                continue;
            }
            if matches!(name, "id" | "meta" | "text" | "resourceType" | "contained")
                && (path.find('.').is_none() || name == "id")
                && !(name == "text" && def.member("text").is_some_and(|f| f.kind.name == "string"))
            {
                continue;
            }
            let stem = name.trim_start_matches('_');
            let Some(found) = def.member(stem) else { continue };
            let is_single = is_single && !found.element.repeats();
            let path = format!("{path}.{stem}");
            for item in value.items() {
                let inner = match found.kind.kind {
                    _ if name.starts_with('_') => schema().type_named("Element"),
                    ElementKind::Complex(id) => schema().get(id),
                    _ => None,
                };
                match inner {
                    Some(inner) if inner.name == "Extension" => self.extension(item, &path),
                    Some(inner) if inner.name == "Reference" => self.reference(item, &path),
                    Some(inner) => self.object(item, inner, &path, is_single),
                    None => self.leaf(item, &path, found.kind.name, is_single),
                }
            }
        }
    }

    /// An extension under its URL; those of one engine are not facts of the message.
    fn extension(&mut self, json: &Json<'_>, path: &str) {
        let url = text(json, "url");
        if ["reportstream.cdc.gov", "data-absent-reason", "example.com"]
            .iter()
            .any(|own| url.contains(own))
        {
            return;
        }
        let Some(def) = schema().type_named("Extension") else { return };
        let short = url.rsplit('/').next().unwrap_or(url);
        let path = format!("{path}({short})");
        let Some(object) = json.as_object() else { return };
        for (name, value) in object.iter().filter(|(name, _)| *name != "url" && *name != "id") {
            let Some(found) = def.member(name) else { continue };
            for item in value.items() {
                let path = format!("{path}.{}", if name == "extension" { "" } else { name });
                let path = path.trim_end_matches('.');
                match found.kind.kind {
                    ElementKind::Complex(id) => match schema().get(id) {
                        Some(inner) if inner.name == "Extension" => self.extension(item, path),
                        Some(inner) if inner.name == "Reference" => self.reference(item, path),
                        Some(inner) => self.object(item, inner, path, false),
                        None => {}
                    },
                    _ => self.leaf(item, path, found.kind.name, false),
                }
            }
        }
    }

    fn reference(&mut self, json: &Json<'_>, path: &str) {
        let to = text(json, "reference");
        let kind = self.kinds.get(to).map(String::as_str);
        if let Some(kind) = kind
            && schema().resource(kind).is_some()
        {
            // A role leads to the practitioner.
            let kind = if kind == "PractitionerRole" { "Practitioner" } else { kind };
            self.all.insert((path.to_owned(), format!("-> {kind}")));
        }
        if let Some(display) = json.get("display") {
            self.leaf(display, &format!("{path}.display"), "string", false);
        }
    }

    fn leaf(&mut self, json: &Json<'_>, path: &str, kind: &str, is_single: bool) {
        let value = match json {
            Json::String(text) => normal(text, kind),
            Json::Number(number) => plain_number(number.as_str()),
            Json::Bool(value) => value.to_string(),
            _ => return,
        };
        if value.is_empty() || value.contains("example.com/") {
            return;
        }
        // `urn:oid:1.2` and `1.2` are the same number.
        let value = match path.ends_with("identifier.value") {
            true => value.trim_start_matches("urn:oid:").trim_start_matches("urn:uuid:").to_owned(),
            false => value,
        };
        // Wording that does not come from the message.
        let is_wording = path.ends_with("display") || kind == "string" || kind == "markdown";
        if is_wording
            && let Some(message) = self.message
            && !says(message, &value)
        {
            return;
        }
        if is_single {
            self.single.insert(path.to_owned(), value.clone());
        }
        self.all.insert((path.to_owned(), value));
    }
}

/// Whether the words of a text stand in the message.
fn says(message: &str, value: &str) -> bool {
    value
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .all(|w| message.contains(w))
}

fn plain_number(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(number) => number.to_string(),
        Err(_) => text.to_owned(),
    }
}

/// Times as the same moment, white space as one space, words in lower case where case says nothing.
fn normal(text: &str, kind: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match kind {
        "dateTime" | "instant" => match text.parse::<jiff::Timestamp>() {
            Ok(at) => at.to_string(),
            Err(_) => text.trim_end_matches('Z').to_owned(),
        },
        "string" | "markdown" => text.to_lowercase(),
        "uri" | "url" if text == "urn:oid:2.16.840.1.113883.4.6" => {
            "http://hl7.org/fhir/sid/us-npi".to_owned()
        }
        "uri" | "url" => text.trim_end_matches(['.', '/']).to_owned(),
        _ => text,
    }
}

/// Single values that say something else about the same resource: path, ours, theirs.
pub fn contradictions(ours: &Facts, theirs: &Facts) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    let mut used = BTreeSet::new();
    for their in &theirs.resources {
        let same: Vec<(usize, &Resource)> =
            ours.resources.iter().enumerate().filter(|(_, own)| own.kind == their.kind).collect();
        let is_only = same.len() == 1
            && theirs.resources.iter().filter(|other| other.kind == their.kind).count() == 1;
        let best = same
            .into_iter()
            .filter(|(at, _)| !used.contains(at))
            .map(|(at, own)| (own.all.intersection(&their.all).count(), at, own))
            .max_by_key(|(common, ..)| *common);
        let Some((common, at, own)) = best else { continue };
        if !is_only && !shares_a_name(own, their) {
            continue;
        }
        if !is_only && common * 2 < their.all.len().min(own.all.len()) {
            continue;
        }
        used.insert(at);
        for (path, theirs) in &their.single {
            if let Some(ours) = own.single.get(path)
                && !agree(ours, theirs)
            {
                found.push((path.clone(), ours.clone(), theirs.clone()));
            }
        }
    }
    found
}

/// Whether two resources share what tells such things apart.
fn shares_a_name(a: &Resource, b: &Resource) -> bool {
    const NAMES: [&str; 5] =
        [".identifier.value", ".name", ".name.family", ".code.coding.code", ".code.coding.display"];
    let mut names = b.all.iter().filter(|(path, _)| {
        path.split_once('.').is_some_and(|(_, rest)| NAMES.contains(&format!(".{rest}").as_str()))
    });
    names.any(|name| a.all.contains(name))
}

/// One may say more of the same, such as a time of a day.
fn agree(a: &str, b: &str) -> bool {
    a == b || a.starts_with(b) || b.starts_with(a)
}
