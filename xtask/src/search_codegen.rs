//! Writes `search-params.txt`: every R4 search parameter as a compiled path program.
//!
//! Numbers are stable. The table written before is read first; a pair of type and code keeps its
//! number for ever, and a number that is no longer used is not given to another pair.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs, io,
    path::Path,
};

use serde_json::Value;

/// Reads HL7's definitions and writes the table, and beside it the list of what it leaves out.
///
/// - Shape: one parameter a line, tab-separated: number, type, code, kind, targets, program,
///   components. The language of programs is described in `ward_fhir`'s `search/program.rs`.
/// - Errors: a missing or malformed definition file.
/// - Source: FHIR R4, `search-parameters.json`, `profiles-resources.json`, `profiles-types.json`.
pub fn run(definitions: &Path, table: &Path) -> Result<(), String> {
    write(definitions, table).map_err(|e| format!("search parameters: {e}"))
}

fn write(definitions: &Path, table: &Path) -> io::Result<()> {
    let numbers = Numbers::read(table)?;
    let elements = Elements::read(definitions)?;
    let bundle = json(&definitions.join("search-parameters.json"))?;
    let mut writer = Writer { numbers, elements, rows: BTreeMap::new(), left_out: BTreeSet::new() };
    for entry in list(&bundle, "entry") {
        writer.parameter(entry.get("resource").unwrap_or(&Value::Null));
    }
    writer.components(&bundle);
    writer.save(table)
}

struct Writer {
    numbers: Numbers,
    elements: Elements,
    rows: BTreeMap<u16, Row>,
    left_out: BTreeSet<String>,
}

struct Row {
    base: String,
    code: String,
    kind: String,
    targets: Vec<String>,
    program: String,
    components: String,
}

/// Parameters that are no path into a resource.
const NO_PATH: [&str; 3] = ["_text", "_content", "_query"];

/// A list of about every type is the same as no limit.
const TARGETS_ALL: usize = 140;

impl Writer {
    fn parameter(&mut self, parameter: &Value) {
        let code = text(parameter, "code");
        let expression = text(parameter, "expression");
        if NO_PATH.contains(&code) {
            return;
        }
        for base in strings(parameter, "base") {
            let bases = match base.as_str() {
                "Resource" | "DomainResource" => self.elements.resources.iter().cloned().collect(),
                _ => Vec::from([base]),
            };
            for base in bases {
                let program = self.program(&base, expression);
                if program.is_empty() {
                    self.left_out.insert(format!("{base}.{code}\t{expression}"));
                }
                let number = self.numbers.of(&base, code);
                let row = Row {
                    base,
                    code: code.to_owned(),
                    kind: text(parameter, "type").to_owned(),
                    targets: strings(parameter, "target"),
                    program,
                    components: String::new(),
                };
                self.rows.insert(number, row);
            }
        }
    }

    /// The paths of `expression` that start at `base`, compiled and joined with `|`.
    fn program(&self, base: &str, expression: &str) -> String {
        if expression == "Patient.deceased.exists() and Patient.deceased != false" {
            return "!deceased".to_owned();
        }
        let mut paths: Vec<String> = Vec::new();
        for part in union_of(expression) {
            let start = part.trim_start_matches('(').trim_start();
            let root = start.split(['.', ' ', ')']).next().unwrap_or_default();
            if root != base && root != "Resource" && root.starts_with(char::is_uppercase) {
                continue;
            }
            let path = self.elements.path(base, &part).filter(|path| !paths.contains(path));
            paths.extend(path);
        }
        paths.join("|")
    }

    /// A composite's components: `KIND:program` each, joined with `$`; relative to its program.
    fn components(&mut self, bundle: &Value) {
        let parameters: Vec<&Value> =
            list(bundle, "entry").iter().filter_map(|entry| entry.get("resource")).collect();
        for parameter in parameters.iter().filter(|p| text(p, "type") == "composite") {
            let code = text(parameter, "code");
            for base in strings(parameter, "base") {
                let number = self.numbers.of(&base, code);
                let Some(row) = self.rows.get(&number) else { continue };
                let scopes = row.program.clone();
                let mut parts = Vec::new();
                for component in list(parameter, "component") {
                    let url = text(component, "definition");
                    let named = parameters.iter().find(|p| text(p, "url") == url);
                    let kind = named.map_or("token", |p| text(p, "type"));
                    let expression = text(component, "expression");
                    let program = self.component_program(&base, &scopes, expression);
                    parts.push(format!("{kind}:{program}"));
                }
                if let Some(row) = self.rows.get_mut(&number) {
                    row.components = parts.join("$");
                }
            }
        }
    }

    fn component_program(&self, base: &str, scopes: &str, expression: &str) -> String {
        let mut paths = Vec::new();
        for scope in scopes.split('|') {
            let scope = scope.split(':').next().unwrap_or_default();
            for part in union_of(expression) {
                let (mark, part) = match part.strip_prefix("%resource.") {
                    Some(rest) => ("%", rest.to_owned()),
                    None => ("", part),
                };
                let scope = if mark == "%" { "" } else { scope };
                let full = match scope {
                    "" => format!("{base}.{part}"),
                    _ => format!("{base}.{scope}.{part}"),
                };
                let Some(path) = self.elements.path(base, &full) else { continue };
                let relative = path.strip_prefix(scope).unwrap_or(&path).trim_start_matches('.');
                let path = format!("{mark}{relative}");
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        paths.join("|")
    }

    fn save(&self, table: &Path) -> io::Result<()> {
        let mut out = String::from(
            "# Search parameters of FHIR R4, compiled. Written by `cargo xtask codegen`.\n\
             # number, type, code, kind, targets, program, components\n",
        );
        writeln!(out, "{NEXT}{}", self.numbers.next).map_err(io::Error::other)?;
        for (number, row) in &self.rows {
            let targets = match row.targets.len() {
                TARGETS_ALL.. => "*".to_owned(),
                _ => row.targets.join(","),
            };
            let Row { base, code, kind, program, components, .. } = row;
            writeln!(out, "{number}\t{base}\t{code}\t{kind}\t{targets}\t{program}\t{components}")
                .map_err(io::Error::other)?;
        }
        fs::write(table, out)?;
        let left_out: String = self.left_out.iter().map(|line| format!("{line}\n")).collect();
        fs::write(table.with_extension("left-out.txt"), left_out)
    }
}

/// What the structure definitions say of each element.
struct Elements {
    resources: BTreeSet<String>,
    /// Path to type codes; a choice is under its path with `[x]`.
    types: BTreeMap<String, Vec<String>>,
    /// Path to the path whose content it shares.
    shared: BTreeMap<String, String>,
}

impl Elements {
    fn read(definitions: &Path) -> io::Result<Elements> {
        let mut elements = Elements {
            resources: BTreeSet::new(),
            types: BTreeMap::new(),
            shared: BTreeMap::new(),
        };
        for file in ["profiles-resources.json", "profiles-types.json"] {
            let bundle = json(&definitions.join(file))?;
            for entry in list(&bundle, "entry") {
                let definition = entry.get("resource").unwrap_or(&Value::Null);
                if text(definition, "resourceType") == "StructureDefinition" {
                    elements.definition(definition);
                }
            }
        }
        Ok(elements)
    }

    fn definition(&mut self, definition: &Value) {
        if text(definition, "derivation") == "constraint" {
            return;
        }
        let is_abstract = definition.get("abstract").and_then(Value::as_bool).unwrap_or(false);
        if text(definition, "kind") == "resource" && !is_abstract {
            self.resources.insert(text(definition, "type").to_owned());
        }
        let Some(snapshot) = definition.get("snapshot") else { return };
        for element in list(snapshot, "element") {
            let path = text(element, "path").to_owned();
            let code = |kind: &Value| {
                let code = text(kind, "code").rsplit('/').next().unwrap_or_default();
                code.replace("System.String", "string")
            };
            if let Some(to) = element.get("contentReference").and_then(Value::as_str) {
                self.shared.insert(path.clone(), to.trim_start_matches('#').to_owned());
            }
            self.types.insert(path, list(element, "type").iter().map(code).collect());
        }
    }

    /// One path expression as a program, or `None` when it is not of the shapes search needs.
    fn path(&self, base: &str, expression: &str) -> Option<String> {
        let mut steps: Vec<String> = Vec::new();
        // Where the walk stands in the definitions; unknown below a choice of open type.
        let mut at = Some(base.to_owned());
        let mut kind = base.to_owned();
        let rest = as_function(expression);
        let after = rest.strip_prefix("Resource").or_else(|| rest.strip_prefix(base));
        let rest = match after {
            Some(after) if after.is_empty() || after.starts_with('.') => {
                after.trim_start_matches('.')
            }
            _ => &rest,
        };
        let mut parts = split(rest, '.').into_iter().peekable();
        while let Some(part) = parts.next() {
            if let Some(filter) = inside(&part, "where") {
                let step = steps.last_mut()?;
                step.push_str(&filter_of(filter)?);
                continue;
            }
            if let Some(inner) = inside(&part, "as").or_else(|| inside(&part, "ofType")) {
                // Of an element with one type: it must be that one.
                if inner != kind {
                    return None;
                }
                continue;
            }
            let (name, index) = match part.strip_suffix("[0]") {
                Some(name) => (name, "[0]"),
                None => (part.as_str(), ""),
            };
            let here = at.as_ref().map(|at| format!("{at}.{name}"));
            let choice = here.as_ref().and_then(|here| self.types.get(&format!("{here}[x]")));
            if let Some(types) = choice {
                let wanted = parts.peek().and_then(|next| {
                    inside(next, "as").or_else(|| inside(next, "ofType")).map(str::to_owned)
                });
                let Some(wanted) = wanted else {
                    steps.push(format!("{name}[x]"));
                    kind.clear();
                    at = None;
                    continue;
                };
                parts.next();
                // One expression of R4 has the type's name wrong.
                let wanted = if wanted == "DateTime" { "dateTime".to_owned() } else { wanted };
                if !types.contains(&wanted) {
                    return None;
                }
                steps.push(format!("{name}{}", capital(&wanted)));
                kind.clone_from(&wanted);
                at = Some(wanted);
                continue;
            }
            steps.push(format!("{name}{index}"));
            let Some(here) = here else {
                kind.clear();
                continue;
            };
            let code = self.types.get(&here)?.first().cloned().unwrap_or_default();
            if let Some(to) = self.shared.get(&here) {
                at = Some(to.clone());
                kind.clear();
            } else if matches!(code.as_str(), "BackboneElement" | "Element") {
                at = Some(here);
                kind = code;
            } else {
                at = Some(code.clone());
                kind = code;
            }
        }
        let tail = if kind.is_empty() { String::new() } else { format!(":{kind}") };
        Some(format!("{}{tail}", steps.join(".")))
    }
}

/// `resolve() is Patient` as `?Patient`, `system = 'phone'` as `{system=phone}`.
fn filter_of(filter: &str) -> Option<String> {
    if let Some(target) = filter.strip_prefix("resolve() is ") {
        return Some(format!("?{}", target.trim()));
    }
    let (field, value) = filter.split_once('=')?;
    Some(format!("{{{}={}}}", field.trim(), value.trim().trim_matches('\'')))
}

/// The argument of `name(...)`.
fn inside<'p>(part: &'p str, name: &str) -> Option<&'p str> {
    part.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')
}

/// `(X as T).y` as `X.as(T).y`.
fn as_function(expression: &str) -> String {
    let text = expression.trim();
    if let Some((inner, after)) = text.strip_prefix('(').and_then(|text| text.split_once(')'))
        && let Some((path, kind)) = inner.split_once(" as ")
    {
        return format!("{}.as({}){after}", path.trim(), kind.trim());
    }
    match text.split_once(" as ") {
        Some((path, kind)) if !text.contains('(') => {
            format!("{}.as({})", path.trim(), kind.trim())
        }
        _ => text.to_owned(),
    }
}

fn union_of(expression: &str) -> Vec<String> {
    split(expression, '|')
}

/// Splits outside parentheses; empty parts are left out.
fn split(text: &str, separator: char) -> Vec<String> {
    let mut parts = Vec::from([String::new()]);
    let mut depth = 0_usize;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if c == separator && depth == 0 {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// Leads the line that says which number is given next, so that a dropped one is not given again.
const NEXT: &str = "# next number: ";

/// The numbers given so far.
struct Numbers {
    of: BTreeMap<(String, String), u16>,
    next: u16,
}

impl Numbers {
    fn read(table: &Path) -> io::Result<Numbers> {
        let mut numbers = Numbers { of: BTreeMap::new(), next: 1 };
        if !table.exists() {
            return Ok(numbers);
        }
        for line in fs::read_to_string(table)?.lines() {
            if let Some(next) = line.strip_prefix(NEXT).and_then(|next| next.parse().ok()) {
                numbers.next = numbers.next.max(next);
            }
            let mut columns = line.split('\t');
            let number = columns.next().and_then(|number| number.parse().ok());
            if let (Some(number), Some(base), Some(code)) = (number, columns.next(), columns.next())
            {
                numbers.of.insert((base.to_owned(), code.to_owned()), number);
                numbers.next = numbers.next.max(number + 1);
            }
        }
        Ok(numbers)
    }

    fn of(&mut self, base: &str, code: &str) -> u16 {
        let next = self.next;
        let number = *self.of.entry((base.to_owned(), code.to_owned())).or_insert(next);
        if number == next {
            self.next += 1;
        }
        number
    }
}

fn json(path: &Path) -> io::Result<Value> {
    serde_json::from_slice(&fs::read(path)?).map_err(io::Error::other)
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn strings(value: &Value, name: &str) -> Vec<String> {
    list(value, name).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
