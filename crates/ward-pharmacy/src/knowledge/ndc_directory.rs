//! The NDC directory: `product.txt` and `package.txt`, tab-separated, with a row of names.
//!
//! - Source: FDA, National Drug Code Directory, product and package file definitions.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use ward_rules::medication::knowledge::Ndc11;

use super::{
    intake::{Intake, Lines, ReadFailed},
    label::{LabelIngredient, LabelProduct, LabelStrength},
    problem::said,
};

/// Most products.
/// LIMIT: the directory has some 120,000 products, finished and unfinished.
pub const PRODUCTS_MAX: usize = 1_000_000;

/// Products by labeler and product code, as `0069-4200`.
pub type Directory = BTreeMap<String, Listed>;

/// One product of the directory.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Listed {
    pub product: LabelProduct,
    pub labeler: String,
    /// Left out of the directory by FDA.
    pub is_excluded: bool,
}

/// Reads `product.txt` and, where it is there, `package.txt` of a folder; or one product file.
pub fn read_path(path: &Path, intake: &mut Intake<'_>) -> Result<Directory, ReadFailed> {
    let (products, packages) = match path.is_dir() {
        true => (path.join("product.txt"), Some(path.join("package.txt"))),
        false => (path.to_owned(), None),
    };
    let open = |path: &Path| -> Result<(BufReader<File>, String), ReadFailed> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let file =
            File::open(path).map_err(|source| ReadFailed::Io { file: name.clone(), source })?;
        Ok((BufReader::new(file), name))
    };
    let (source, name) = open(&products)?;
    let mut directory = read_products(source, &name, intake)?;
    if let Some(packages) = packages.filter(|it| it.is_file()) {
        let (source, name) = open(&packages)?;
        read_packages(source, &name, &mut directory, intake)?;
    }
    Ok(directory)
}

pub fn read_products(
    source: impl BufRead,
    file: &str,
    intake: &mut Intake<'_>,
) -> Result<Directory, ReadFailed> {
    let mut directory = Directory::new();
    let mut lines = Lines::new(source, file);
    let table = header(&mut lines, intake, &["PRODUCTNDC", "SUBSTANCENAME"])?;
    while let Some(line) = lines.next(intake)? {
        let row: Vec<&str> = line.text.split('\t').collect();
        if row == [""] {
            continue;
        }
        let get = |name: &str| table.get(&row, name);
        let code = get("PRODUCTNDC");
        if code.split('-').count() != 2 {
            let says = format!("{} is no product code", said(code));
            intake.problems.note(file, line.number, "PRODUCTNDC", says);
            continue;
        }
        if PRODUCTS_MAX <= directory.len() {
            let says = format!("more than {PRODUCTS_MAX} products");
            intake.problems.note(file, line.number, "PRODUCTNDC", says);
            break;
        }
        let names = parts(get("SUBSTANCENAME"), ';');
        let (values, units) =
            (parts(get("ACTIVE_NUMERATOR_STRENGTH"), ';'), parts(get("ACTIVE_INGRED_UNIT"), ';'));
        let is_matched = names.len() == values.len() && values.len() == units.len();
        if !names.is_empty() && !values.is_empty() && !is_matched {
            let says = "as many strengths and units as substances are expected";
            intake.problems.note(file, line.number, "ACTIVE_NUMERATOR_STRENGTH", says);
        }
        let strength = |n: usize| {
            let (value, unit) = (values.get(n)?, units.get(n)?);
            is_matched.then(|| strength(value, unit)).flatten()
        };
        let active = names
            .iter()
            .enumerate()
            .map(|(n, name)| LabelIngredient {
                name: (*name).to_owned(),
                strength: strength(n),
                ..LabelIngredient::default()
            })
            .collect();
        let product = LabelProduct {
            code: code.to_owned(),
            name: get("PROPRIETARYNAME").to_owned(),
            generic: get("NONPROPRIETARYNAME").to_owned(),
            form: get("DOSAGEFORMNAME").to_lowercase(),
            routes: parts(get("ROUTENAME"), ';').iter().map(|it| it.to_lowercase()).collect(),
            active,
            schedule: get("DEASCHEDULE").to_owned(),
            classes: classes(get("PHARM_CLASSES")),
            ..LabelProduct::default()
        };
        let listed = Listed {
            product,
            labeler: get("LABELERNAME").to_owned(),
            is_excluded: !matches!(get("NDC_EXCLUDE_FLAG"), "" | "N"),
        };
        directory.insert(code.to_owned(), listed);
    }
    Ok(directory)
}

pub fn read_packages(
    source: impl BufRead,
    file: &str,
    directory: &mut Directory,
    intake: &mut Intake<'_>,
) -> Result<(), ReadFailed> {
    let mut lines = Lines::new(source, file);
    let table = header(&mut lines, intake, &["PRODUCTNDC", "NDCPACKAGECODE"])?;
    while let Some(line) = lines.next(intake)? {
        let row: Vec<&str> = line.text.split('\t').collect();
        if row == [""] {
            continue;
        }
        let package = table.get(&row, "NDCPACKAGECODE");
        let ndc: Ndc11 = match package.parse() {
            Ok(ndc) => ndc,
            Err(error) => {
                let says = format!("{}: {error}", said(package));
                intake.problems.note(file, line.number, "NDCPACKAGECODE", says);
                continue;
            }
        };
        match directory.get_mut(table.get(&row, "PRODUCTNDC")) {
            Some(listed) if !listed.product.packages.contains(&ndc) => {
                listed.product.packages.push(ndc);
            }
            Some(_) => {}
            None => {
                intake.problems.note(file, line.number, "PRODUCTNDC", "no such product");
            }
        }
    }
    Ok(())
}

/// Where each column stands.
struct Table(Vec<String>);

impl Table {
    fn get<'r>(&self, row: &[&'r str], name: &str) -> &'r str {
        let at = self.0.iter().position(|it| it == name);
        at.and_then(|at| row.get(at)).map_or("", |it| it.trim().trim_matches('"'))
    }
}

fn header<R: BufRead>(
    lines: &mut Lines<R>,
    intake: &mut Intake<'_>,
    needs: &[&str],
) -> Result<Table, ReadFailed> {
    let file = lines.file().to_owned();
    let wrong = |why: String| ReadFailed::Format { file, why };
    let Some(line) = lines.next(intake)? else { return Err(wrong("it is empty".to_owned())) };
    let names = line.text.trim_start_matches('\u{feff}').split('\t');
    let table = Table(names.map(|it| it.trim().trim_matches('"').to_uppercase()).collect());
    match needs.iter().find(|need| !table.0.iter().any(|it| it == *need)) {
        Some(need) => Err(wrong(format!("no column {need}"))),
        None => Ok(table),
    }
}

fn parts(text: &str, by: char) -> Vec<&str> {
    text.split(by).map(str::trim).filter(|it| !it.is_empty()).collect()
}

/// Classes are divided by commas, which may stand in their names too; each ends with its kind.
fn classes(text: &str) -> Vec<String> {
    let mut classes = Vec::new();
    let mut class = String::new();
    for part in text.split(',') {
        if !class.is_empty() {
            class.push(',');
        }
        class.push_str(part);
        if part.trim_end().ends_with(']') {
            classes.push(class.trim().to_owned());
            class.clear();
        }
    }
    classes.extend(Some(class.trim().to_owned()).filter(|it| !it.is_empty()));
    classes
}

/// `25` and `mg/1`, `.5` and `mg/mL`, `100` and `[iU]/5mL`.
fn strength(value: &str, unit: &str) -> Option<LabelStrength> {
    let value = value.parse().ok().filter(|n: &f64| n.is_finite() && 0.0 < *n)?;
    let (unit, per) = unit.split_once('/').unwrap_or((unit, "1"));
    let digits = per.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(per.len());
    let (n, per_unit) = (per.get(..digits)?, per.get(digits..)?);
    let (per_value, per_unit) = match (n, per_unit) {
        ("", unit) => (1.0, unit),
        (n, "") => (n.parse().ok()?, "1"),
        (n, unit) => (n.parse().ok()?, unit),
    };
    let is_good = 0.0 < per_value;
    let (unit, per_unit) = (unit.to_owned(), per_unit.trim().to_owned());
    is_good.then_some(LabelStrength { value, unit, per_value, per_unit })
}
