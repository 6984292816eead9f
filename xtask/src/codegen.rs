//! `cargo xtask codegen --definitions DIR`: HL7's R4 definitions to Ward's compact tables.
//!
//! DIR holds the bundles HL7 publishes: `profiles-resources.json`, `profiles-types.json`,
//! `valuesets.json`, `v3-codesystems.json`. The result is committed, so a build needs none of them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Write as _,
    fs,
    path::Path,
};

use serde_json::Value;

/// Most codes of one required binding that are written out.
/// LIMIT: larger sets (all of SNOMED CT, MIME types) are checked by a terminology server.
const CODES_MAX: usize = 2_000;

/// Writes `r4.tables.zst`, and the search parameters beside it.
pub fn run(args: &[&str]) -> Result<(), String> {
    let dir = match args {
        ["--definitions", dir] | [dir] => Path::new(dir),
        _ => return Err("usage: cargo xtask codegen --definitions DIR".to_owned()),
    };
    let data = Path::new("crates/ward-fhir/data");
    let text = tables(dir)?;
    let packed = zstd::bulk::compress(text.as_bytes(), 19).map_err(|e| e.to_string())?;
    println!("definitions: {} bytes, {} packed", text.len(), packed.len());
    fs::write(data.join("r4.tables.zst"), packed).map_err(|e| e.to_string())?;
    crate::search_codegen::run(dir, &data.join("search-params.txt"))
}

fn tables(dir: &Path) -> Result<String, String> {
    let resources = resources_of(&dir.join("profiles-resources.json"))?;
    let types = resources_of(&dir.join("profiles-types.json"))?;
    let mut terms = Terms::default();
    for file in ["valuesets.json", "v3-codesystems.json"] {
        terms.take(resources_of(&dir.join(file))?);
    }

    let mut bindings = Bindings { terms, numbers: BTreeMap::new(), text: String::new() };
    let mut body = String::new();
    let structures = types.iter().chain(&resources).filter(|r| {
        text(r, "resourceType") == "StructureDefinition"
            && text(r, "kind") != "primitive-type"
            && text(r, "derivation") != "constraint"
    });
    let mut sorted: Vec<&Value> = structures.collect();
    sorted.sort_by_key(|s| text(s, "id"));
    for structure in sorted {
        write_structure(structure, &mut bindings, &mut body);
    }
    let mut compartments: Vec<&Value> =
        resources.iter().filter(|r| text(r, "resourceType") == "CompartmentDefinition").collect();
    compartments.sort_by_key(|c| text(c, "code"));
    for compartment in compartments {
        let _ = writeln!(body, "X\t{}", text(compartment, "code"));
        for row in items(compartment, "resource") {
            let params: Vec<&str> = items(row, "param").iter().filter_map(Value::as_str).collect();
            if !params.is_empty() {
                let _ = writeln!(body, "P\t{}\t{}", text(row, "code"), params.join(" "));
            }
        }
    }
    Ok(format!(
        "# FHIR R4 4.0.1 (build 9346c8cc45): HL7's definitions, dedicated to the public domain \
         (CC0), in Ward's own form. Written by `cargo xtask codegen`.\n{}{body}",
        bindings.text
    ))
}

/// A type and, after it, the types that are written inside it.
fn write_structure(structure: &Value, bindings: &mut Bindings, out: &mut String) {
    let root = text(structure, "id");
    let elements = items(&structure["snapshot"], "element");
    // SPEC: a structure that lives inside another is named by its path, as contentReference does.
    let mut parents: Vec<&str> = Vec::new();
    let mut seen = BTreeSet::new();
    for element in elements {
        if let Some((parent, _)) = text(element, "path").rsplit_once('.')
            && seen.insert(parent)
        {
            parents.push(parent);
        }
    }
    for parent in &parents {
        let kind = match (*parent == root, text(structure, "kind")) {
            (false, _) => 'b',
            (true, "resource") if structure["abstract"] == true => 'a',
            (true, "resource") => 'r',
            (true, _) => 't',
        };
        let _ = writeln!(out, "T\t{parent}\t{kind}");
        for element in elements {
            let path = text(element, "path");
            if path.rsplit_once('.').is_some_and(|(of, _)| of == *parent) {
                let inner = Inner {
                    has_children: seen.contains(path),
                    of_resource: matches!(kind, 'a' | 'r'),
                };
                write_element(element, path, inner, bindings, out);
            }
        }
    }
}

/// Where an element stands.
struct Inner {
    has_children: bool,
    /// It is a member of the resource itself, not of something inside it.
    of_resource: bool,
}

fn write_element(
    element: &Value,
    path: &str,
    inner: Inner,
    bindings: &mut Bindings,
    out: &mut String,
) {
    let name = path.rsplit('.').next().unwrap_or(path);
    let mut kinds: Vec<String> = Vec::new();
    if inner.has_children {
        kinds.push(format!("@{path}"));
    } else if let Some(reference) = element["contentReference"].as_str() {
        kinds.push(format!("@{}", reference.trim_start_matches('#')));
    } else {
        for kind in items(element, "type") {
            kinds.push(type_name(kind));
        }
    }
    // SPEC: R4 says `string` for the id of a resource and means `id`.
    if inner.of_resource && name == "id" {
        kinds = vec!["id".to_owned()];
    }
    let codes = bindings.number(&element["binding"]).map(|n| n.to_string()).unwrap_or_default();
    let summary = if element["isSummary"] == true { "s" } else { "" };
    let _ = writeln!(
        out,
        "E\t{name}\t{}\t{}\t{}\t{codes}\t{summary}",
        element["min"],
        text(element, "max"),
        kinds.join(" ")
    );
}

fn type_name(kind: &Value) -> String {
    let code = text(kind, "code");
    if code.starts_with("http://hl7.org/fhirpath/") {
        // The system types stand for an id or for Extension.url.
        let fhir_type = items(kind, "extension").iter().find_map(|e| e["valueUrl"].as_str());
        let name = if fhir_type == Some("uri") { "uri" } else { "string" };
        return name.to_owned();
    }
    let targets: Vec<&str> = items(kind, "targetProfile")
        .iter()
        .filter_map(Value::as_str)
        .filter_map(|url| url.rsplit('/').next())
        .filter(|target| *target != "Resource")
        .collect();
    if code == "Reference" && !targets.is_empty() {
        format!("Reference:{}", targets.join(","))
    } else {
        code.to_owned()
    }
}

/// The code sets of required bindings, numbered in the order they are met.
struct Bindings {
    terms: Terms,
    numbers: BTreeMap<String, Option<usize>>,
    text: String,
}

impl Bindings {
    fn number(&mut self, binding: &Value) -> Option<usize> {
        if text(binding, "strength") != "required" {
            return None;
        }
        let url = text(binding, "valueSet").split('|').next()?.to_owned();
        if let Some(known) = self.numbers.get(&url) {
            return *known;
        }
        let codes = self.terms.expand(&url, 0);
        let number = codes.filter(|by_system| {
            let n: usize = by_system.values().map(BTreeSet::len).sum();
            0 < n && n <= CODES_MAX
        });
        let next = self.numbers.values().flatten().count();
        let known = number.map(|by_system| {
            let _ = writeln!(self.text, "C\t{url}");
            for (system, codes) in by_system {
                let codes: Vec<String> = codes.into_iter().collect();
                let _ = writeln!(self.text, "V\t{system}\t{}", codes.join("\t"));
            }
            next
        });
        self.numbers.insert(url, known);
        known
    }
}

type BySystem = BTreeMap<String, BTreeSet<String>>;

#[derive(Default)]
struct Terms {
    sets: HashMap<String, Value>,
    systems: HashMap<String, Value>,
}

impl Terms {
    fn take(&mut self, resources: Vec<Value>) {
        for resource in resources {
            let url = text(&resource, "url").to_owned();
            match text(&resource, "resourceType") {
                "ValueSet" => self.sets.insert(url, resource),
                "CodeSystem" => self.systems.insert(url, resource),
                _ => None,
            };
        }
    }

    /// Every code of a value set, if the definitions alone can tell.
    fn expand(&self, url: &str, depth: usize) -> Option<BySystem> {
        let compose = &self.sets.get(url)?["compose"];
        if 8 < depth || !items(compose, "exclude").is_empty() {
            return None;
        }
        let mut all = BySystem::new();
        for include in items(compose, "include") {
            let (system, sets) = (text(include, "system"), items(include, "valueSet"));
            match (system.is_empty(), sets) {
                (true, sets) => {
                    for set in sets {
                        for (system, codes) in self.expand(set.as_str()?, depth + 1)? {
                            all.entry(system).or_default().extend(codes);
                        }
                    }
                }
                (false, []) if items(include, "filter").is_empty() => {
                    let listed = items(include, "concept");
                    let codes = all.entry(system.to_owned()).or_default();
                    if listed.is_empty() {
                        let whole = self.systems.get(system)?;
                        if text(whole, "content") != "complete" {
                            return None;
                        }
                        collect(items(whole, "concept"), codes);
                    } else {
                        collect(listed, codes);
                    }
                }
                _ => return None,
            }
        }
        Some(all)
    }
}

fn collect(concepts: &[Value], codes: &mut BTreeSet<String>) {
    for concept in concepts {
        codes.insert(text(concept, "code").to_owned());
        collect(items(concept, "concept"), codes);
    }
}

fn resources_of(file: &Path) -> Result<Vec<Value>, String> {
    let fail = |why: String| format!("{}: {why}", file.display());
    let bytes = fs::read(file).map_err(|e| fail(e.to_string()))?;
    let mut bundle: Value = serde_json::from_slice(&bytes).map_err(|e| fail(e.to_string()))?;
    let entries = bundle["entry"].as_array_mut().ok_or_else(|| fail("no entries".to_owned()))?;
    Ok(entries.iter_mut().map(|entry| entry["resource"].take()).collect())
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default()
}
