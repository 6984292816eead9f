//! Labels as openFDA gives them: JSON, one file of `results` or one label.
//!
//! - Source: openFDA, drug/label fields.

use std::{fs::File, path::Path};

use serde_json::Value;
use ward_rules::medication::knowledge::{Ndc11, Unii};

use super::{
    intake::{Intake, ReadFailed, whole},
    label::{Label, LabelIngredient, LabelProduct, SectionKind},
    problem::said,
    spl::{LABELS_MAX, collect},
};

/// Largest file of openFDA, in bytes.
/// LIMIT: the parts of its download have some 600 million.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Reads a file, or every `.json` of a folder.
///
/// - Errors: the folder cannot be read. A file that is no label is noted and left out.
pub fn read_path(path: &Path, intake: &mut Intake<'_>) -> Result<Vec<Label>, ReadFailed> {
    let mut files = Vec::new();
    collect(path, "json", 0, &mut files)?;
    let mut labels = Vec::new();
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let file =
            File::open(&path).map_err(|source| ReadFailed::Io { file: name.clone(), source })?;
        let bytes = whole(file, &name, FILE_BYTES_MAX, intake)?;
        labels.extend(read(&bytes, &name, intake));
        labels.truncate(LABELS_MAX);
    }
    Ok(labels)
}

/// Reads one file.
pub fn read(bytes: &[u8], file: &str, intake: &mut Intake<'_>) -> Vec<Label> {
    let whole: Value = match serde_json::from_slice(bytes) {
        Ok(value) => value,
        Err(error) => {
            let line = u64::try_from(error.line()).unwrap_or(0);
            intake.problems.note(file, line, "", format!("not JSON: {error}"));
            return Vec::new();
        }
    };
    let results = match whole.get("results").and_then(Value::as_array) {
        Some(results) => results.as_slice(),
        None if whole.get("openfda").is_some() => std::slice::from_ref(&whole),
        None => {
            intake.problems.note(file, 1, "", "no `results` of labels in it");
            return Vec::new();
        }
    };
    results.iter().enumerate().map(|(n, it)| label(it, file, n, intake)).collect()
}

fn label(it: &Value, file: &str, n: usize, intake: &mut Intake<'_>) -> Label {
    let text = |name: &str| it.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let facts = it.get("openfda").unwrap_or(&Value::Null);
    let many = |name: &str| -> Vec<String> {
        let found = facts.get(name).and_then(Value::as_array).into_iter().flatten();
        found.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let first = |name: &str| many(name).into_iter().next().unwrap_or_default();
    let mut label = Label {
        set_id: text("set_id"),
        version: text("version"),
        effective: text("effective_time"),
        title: first("brand_name"),
        labeler: first("manufacturer_name"),
        ..Label::default()
    };
    for kind in SectionKind::ALL {
        let parts = it.get(kind.openfda()).and_then(Value::as_array).into_iter().flatten();
        let parts: Vec<&str> = parts.filter_map(Value::as_str).collect();
        label.put(*kind, &parts.join(" "));
    }
    let mut packages: Vec<Ndc11> = Vec::new();
    for ndc in many("package_ndc") {
        match ndc.parse() {
            Ok(ndc) => packages.push(ndc),
            Err(error) => {
                let place = format!("results[{n}].openfda.package_ndc");
                intake.problems.note(file, 0, &place, format!("{}: {error}", said(&ndc)));
            }
        }
    }
    // Names and UNIIs stand in two lists that are not of one order: only one of each is a pair.
    let (names, uniis) = (many("substance_name"), many("unii"));
    let is_pair = names.len() == 1 && uniis.len() == 1;
    let unii = |text: &String| text.parse::<Unii>().ok();
    let active: Vec<LabelIngredient> = match is_pair {
        true => vec![LabelIngredient {
            name: names.into_iter().next().unwrap_or_default(),
            unii: uniis.first().and_then(unii),
            ..LabelIngredient::default()
        }],
        false => uniis
            .iter()
            .map(|it| LabelIngredient { unii: unii(it), ..LabelIngredient::default() })
            .collect(),
    };
    if !packages.is_empty() || !active.is_empty() {
        label.products.push(LabelProduct {
            code: first("product_ndc"),
            name: first("brand_name"),
            generic: first("generic_name"),
            routes: many("route").iter().map(|it| it.to_lowercase()).collect(),
            active,
            packages,
            classes: many("pharm_class_epc"),
            ..LabelProduct::default()
        });
    }
    label
}
