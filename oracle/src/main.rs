//! Ward's compiled search expressions beside a FHIRPath interpreter that others wrote.
//!
//! `cargo run --release -- DEFINITIONS [BUNDLES]`: for every resource of the bundles (Synthea's) and
//! of the simulated hospital, and every search parameter of its type, the elements that HL7's
//! expression leads to by the interpreter are compared with those of the compiled paths.
//! DEFINITIONS holds HL7's `search-parameters.json`. Ends with an error when anything differs.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
    process::ExitCode,
};

use rh_fhirpath::{EvaluationContext, FhirPathEvaluator, FhirPathExpression, FhirPathParser};
use serde_json::Value;
use ward_core::ResourceType;
use ward_fhir::{
    Json,
    search::{ParamKind, params_of},
};

/// Simulated patients that are looked at.
const PATIENTS: u64 = 20;

/// Differences that are shown of each parameter.
const SHOWN: usize = 1;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some(definitions) = args.first() else {
        eprintln!("usage: ward-oracle DEFINITIONS [BUNDLES]");
        return ExitCode::FAILURE;
    };
    let expressions = expressions(Path::new(definitions));
    let mut tally = Tally::default();
    let hospital = ward_sim::Hospital::new(1);
    let mut bundles = vec![hospital.base_bundle()];
    bundles.extend((0..PATIENTS).map(|n| hospital.patient_bundle(n)));
    match args.get(1) {
        None => eprintln!("!! SKIPPED: no Synthea bundles were named; only simulated patients"),
        Some(folder) => {
            let mut paths: Vec<_> =
                fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
            paths.retain(|path| path.extension().is_some_and(|it| it == "json"));
            paths.sort();
            bundles.extend(paths.iter().map(|path| fs::read(path).unwrap()));
        }
    }
    for bundle in &bundles {
        look(bundle, &expressions, &mut tally);
    }
    tally.tell()
}

/// An expression, or why the interpreter does not read it.
type Expressions = BTreeMap<(String, String), Result<FhirPathExpression, String>>;

fn expressions(definitions: &Path) -> Expressions {
    let text = fs::read_to_string(definitions.join("search-parameters.json")).unwrap();
    let bundle: Value = serde_json::from_str(&text).unwrap();
    let parser = FhirPathParser::new();
    let mut expressions = Expressions::new();
    for entry in bundle["entry"].as_array().unwrap() {
        let parameter = &entry["resource"];
        let (Some(code), Some(expression)) =
            (parameter["code"].as_str(), parameter["expression"].as_str())
        else {
            continue;
        };
        for base in parameter["base"].as_array().into_iter().flatten() {
            let base = base.as_str().unwrap();
            let kinds: Vec<String> = match base {
                "Resource" | "DomainResource" => {
                    ResourceType::fhir().map(|kind| kind.name().to_owned()).collect()
                }
                one => vec![one.to_owned()],
            };
            for kind in kinds {
                let own = own(expression, &kind);
                let parsed = parser.parse(&own).map_err(|error| format!("{own}: {error:?}"));
                expressions.insert((kind, code.to_owned()), parsed);
            }
        }
    }
    expressions
}

/// The parts of a union that are about one type. `resolve()`, which needs a server, is said in
/// terms of the reference itself.
fn own(expression: &str, kind: &str) -> String {
    let starts = |part: &str, name: &str| {
        let part = part.trim_start_matches('(');
        part.strip_prefix(name).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    };
    let parts: Vec<&str> = expression
        .split(" | ")
        .map(str::trim)
        .filter(|part| {
            starts(part, kind) || starts(part, "Resource") || starts(part, "DomainResource")
        })
        .collect();
    let mut text = if parts.is_empty() { expression.to_owned() } else { parts.join(" | ") };
    text = text.replace("Resource.", "").replace("Domain", "");
    while let Some(at) = text.find("resolve() is ") {
        let (before, rest) = text.split_at(at);
        let rest = &rest["resolve() is ".len()..];
        let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
        let (target, after) = rest.split_at(end);
        text = format!("{before}reference.startsWith('{target}/'){after}");
    }
    choices_by_name(&text)
}

/// `(value as Quantity)` is said as `valueQuantity`: the interpreter has the instance but not its
/// definition, and so cannot tell which types of a choice there are.
fn choices_by_name(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(" as ") {
        let (before, after) = rest.split_at(at);
        let after = &after[" as ".len()..];
        let end = after.find(|c: char| !c.is_alphanumeric()).unwrap_or(after.len());
        let (kind, tail) = after.split_at(end);
        let (first, others) = kind.split_at(1);
        out.push_str(before);
        out.push_str(&first.to_uppercase());
        out.push_str(others);
        rest = tail;
    }
    out.push_str(rest);
    while let Some(at) = out.find(".as(") {
        let (before, after) = out.split_at(at);
        let (kind, tail) = after[".as(".len()..].split_once(')').unwrap();
        let (first, others) = kind.split_at(1);
        out = format!("{before}{}{others}{tail}", first.to_uppercase());
    }
    out
}

/// Where the interpreter is known to be wrong: it takes `subscriberId` for a choice of type id.
const ITS_MISTAKES: [&str; 1] = ["Coverage.subscriber"];

#[derive(Default)]
struct Tally {
    n_compared: u64,
    n_elements: u64,
    different: BTreeMap<String, (u64, Vec<String>)>,
    errors: BTreeMap<String, (u64, String)>,
}

impl Tally {
    fn tell(&self) -> ExitCode {
        println!("{} expressions evaluated, {} elements", self.n_compared, self.n_elements);
        for (name, (n, why)) in &self.errors {
            println!("not evaluated by the interpreter: {name} x{n}: {why}");
        }
        for (name, (n, examples)) in &self.different {
            println!("DIFFERENT: {name} x{n}");
            examples.iter().for_each(|example| println!("    {example}"));
        }
        if self.different.is_empty() && 0 < self.n_elements {
            println!("no difference");
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

fn look(bundle: &[u8], expressions: &Expressions, tally: &mut Tally) {
    let text = resolved(bundle);
    let tree: Value = serde_json::from_str(&text).unwrap();
    let evaluator = FhirPathEvaluator::new();
    for entry in tree["entry"].as_array().unwrap() {
        let resource = &entry["resource"];
        let kind: ResourceType = resource["resourceType"].as_str().unwrap().parse().unwrap();
        let bytes = serde_json::to_vec(resource).unwrap();
        let json = Json::parse(&bytes).unwrap();
        let context = EvaluationContext::new(resource.clone());
        for def in params_of(kind) {
            // No path into the resource, or one that is not of elements.
            let skipped = matches!(def.kind, ParamKind::Special | ParamKind::Composite)
                || def.expression.starts_with('!')
                || ITS_MISTAKES.contains(&format!("{}.{}", kind.name(), def.code).as_str());
            let key = (kind.name().to_owned(), def.code.to_owned());
            let (false, Some(expression)) = (skipped, expressions.get(&key)) else { continue };
            let name = format!("{}.{}", kind.name(), def.code);
            let evaluated = match expression {
                Err(why) => Err(why.clone()),
                Ok(expression) => {
                    evaluator.evaluate(expression, &context).map_err(|error| format!("{error:?}"))
                }
            };
            let theirs = match evaluated {
                Ok(value) => value.to_json(),
                Err(why) => {
                    tally.errors.entry(name).or_insert((0, why)).0 += 1;
                    continue;
                }
            };
            let theirs = canonical(&theirs);
            let ours: Vec<Value> = def
                .elements(&json)
                .iter()
                .map(|it| serde_json::from_slice(&it.to_bytes()).unwrap())
                .collect();
            let ours = canonical(&Value::Array(ours));
            tally.n_compared += 1;
            tally.n_elements += u64::try_from(ours.len()).unwrap();
            if ours != theirs {
                let (n, examples) = tally.different.entry(name).or_default();
                *n += 1;
                if examples.len() < SHOWN {
                    examples.push(format!("ours {ours:?}\n    theirs {theirs:?}"));
                }
            }
        }
    }
}

/// The bundle with its `urn:uuid:` links as references to records.
fn resolved(bundle: &[u8]) -> String {
    let text = String::from_utf8(bundle.to_vec()).unwrap();
    let tree: Value = serde_json::from_str(&text).unwrap();
    let mut links = HashMap::new();
    for (n, entry) in tree["entry"].as_array().unwrap().iter().enumerate() {
        if let (Some(url), Some(kind)) =
            (entry["fullUrl"].as_str(), entry["resource"]["resourceType"].as_str())
        {
            links.insert(url.to_owned(), format!("{kind}/r{n}"));
        }
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find("\"urn:uuid:") {
        let (before, after) = rest.split_at(at + 1);
        out.push_str(before);
        let end = after.find('"').unwrap();
        let (link, tail) = after.split_at(end);
        out.push_str(links.get(link).map_or(link, String::as_str));
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// The elements as texts, in order of their texts, each once: a union keeps none twice.
fn canonical(value: &Value) -> Vec<String> {
    let mut texts: Vec<String> = match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().flat_map(canonical).collect(),
        Value::Object(object) => {
            // The interpreter takes a Quantity apart; its number tells which it is.
            match object.get("value").and_then(Value::as_f64) {
                Some(number) => vec![number.to_string()],
                None => vec![value.to_string()],
            }
        }
        Value::Number(number) => vec![format!("{}", number.as_f64().unwrap_or(f64::NAN))],
        Value::String(text) => vec![text.clone()],
        Value::Bool(is) => vec![is.to_string()],
    };
    texts.sort();
    texts.dedup();
    texts
}
