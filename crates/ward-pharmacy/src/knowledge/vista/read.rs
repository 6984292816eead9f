//! From nodes to what the files say.

use std::{collections::BTreeMap, io::BufRead};

use serde::{Deserialize, Serialize};

use super::{Node, Subscript, parse_node};
use crate::knowledge::{
    intake::{Intake, Lines, ReadFailed},
    problem::said,
};

/// Most entries of one file.
/// LIMIT: the interactions had 55,000 in 2018.
pub const ENTRIES_MAX: usize = 1_000_000;

/// What some exports of VistA say together.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Vista {
    pub units: Vec<DoseUnit>,
    pub conversions: Vec<ConvertedUnit>,
    pub routes: Vec<VistaRoute>,
    /// Names of what VistA checks, as far as the export has them.
    pub order_checks: Vec<String>,
    pub interactions: Vec<Interaction>,
    /// Names of ingredients by their number (file 50.416).
    #[serde(skip)]
    pub(crate) ingredients: BTreeMap<u64, String>,
}

/// A unit in which doses are written, and how else it is written.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DoseUnit {
    pub name: String,
    pub synonyms: Vec<String>,
}

/// How many of one unit another one is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConvertedUnit {
    pub from: String,
    pub to: String,
    pub factor: f64,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VistaRoute {
    pub name: String,
    /// As the vendor of the drug data calls it.
    pub maps_to: String,
}

/// Two ingredients that interact (file 56).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Interaction {
    /// Its number in the file.
    pub number: u64,
    pub left: String,
    pub right: String,
    /// `critical`, `significant`, or the code as it was.
    pub severity: String,
    /// Out of use since a date.
    pub is_inactive: bool,
    pub file: String,
    pub line: u64,
}

/// Reads one export; what is of another file is passed over.
///
/// - Shape: the two lines at the head of an export are passed over; a line that is no node is
///   noted. Two or more exports may be read one after the other into the same value.
pub fn read(
    source: impl BufRead,
    file: &str,
    vista: &mut Vista,
    intake: &mut Intake<'_>,
) -> Result<(), ReadFailed> {
    let mut lines = Lines::new(source, file);
    let mut reading = Reading { vista, file, open: None, pairs: Vec::new() };
    while let Some(line) = lines.next(intake)? {
        if line.text.is_empty() || (line.number <= 2 && !line.text.starts_with('^')) {
            continue;
        }
        match parse_node(line.text) {
            Ok(node) => {
                if let Err((place, says)) = reading.take(&node, line.number) {
                    intake.problems.note(file, line.number, place, says);
                }
            }
            Err(says) => intake.problems.note(file, line.number, "", says),
        }
    }
    reading.finish(intake);
    Ok(())
}

/// What a line may be of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Routes,
    Units,
    Conversions,
    Interactions,
    Ingredients,
    Checks,
}

fn of(node: &Node) -> Option<Of> {
    let file = match node.subscripts.first()? {
        Subscript::Number(text) => text.as_str(),
        Subscript::Text(_) => return None,
    };
    match (node.global.as_str(), file) {
        ("PS", "51.23") => Some(Of::Routes),
        ("PS", "51.24") => Some(Of::Units),
        ("PS", "51.25") => Some(Of::Conversions),
        ("PS", "56") => Some(Of::Interactions),
        ("PS", "50.416") => Some(Of::Ingredients),
        ("ORD", "100.8") => Some(Of::Checks),
        _ => None,
    }
}

struct Reading<'v> {
    vista: &'v mut Vista,
    file: &'v str,
    /// The entry that is open, by its number.
    open: Option<(Of, u64)>,
    /// Interactions by the numbers of their ingredients, told when all are read.
    pairs: Vec<(Interaction, Option<(u64, u64)>)>,
}

type Wrong = (&'static str, String);

impl Reading<'_> {
    fn take(&mut self, node: &Node, line: u64) -> Result<(), Wrong> {
        let Some(of) = of(node) else { return Ok(()) };
        let below = node.subscripts.get(1..).unwrap_or_default();
        match below {
            [entry, zero] if zero.is_number("0") => {
                let Some(number) = entry.number() else { return Ok(()) };
                self.entry(of, number, node, line)
            }
            [entry, one, _, zero] if one.is_number("1") && zero.is_number("0") => {
                let Some(number) = entry.number() else { return Ok(()) };
                if self.open != Some((of, number)) {
                    return Err(("", "a line of an entry that is not above it".to_owned()));
                }
                self.line_of_entry(of, node)
            }
            // Cross-references and what else an entry has.
            _ => Ok(()),
        }
    }

    fn entry(&mut self, of: Of, number: u64, node: &Node, line: u64) -> Result<(), Wrong> {
        let name = node.piece(1).trim().to_owned();
        if name.is_empty() {
            return Err(("NAME", "an entry without a name".to_owned()));
        }
        self.open = Some((of, number));
        let vista = &mut *self.vista;
        match of {
            Of::Units if vista.units.len() < ENTRIES_MAX => {
                vista.units.push(DoseUnit { name, synonyms: Vec::new() });
            }
            Of::Routes if vista.routes.len() < ENTRIES_MAX => {
                vista.routes.push(VistaRoute { name, maps_to: node.piece(2).to_owned() });
            }
            Of::Checks if vista.order_checks.len() < ENTRIES_MAX => vista.order_checks.push(name),
            Of::Ingredients if vista.ingredients.len() < ENTRIES_MAX => {
                vista.ingredients.insert(number, name);
            }
            // The lines below say into what it is converted.
            Of::Conversions => {
                vista.conversions.push(ConvertedUnit {
                    from: name,
                    to: String::new(),
                    factor: 0.0,
                });
            }
            Of::Interactions if self.pairs.len() < ENTRIES_MAX => {
                let severity = match node.piece(4) {
                    "1" => "critical".to_owned(),
                    "2" => "significant".to_owned(),
                    other => other.to_owned(),
                };
                let pointers = node.piece(2).parse().ok().zip(node.piece(3).parse().ok());
                let (left, right) = name.split_once('/').unwrap_or((name.as_str(), ""));
                let interaction = Interaction {
                    number,
                    left: left.trim().to_owned(),
                    right: right.trim().to_owned(),
                    severity,
                    is_inactive: !node.piece(7).trim().is_empty(),
                    file: self.file.to_owned(),
                    line,
                };
                self.pairs.push((interaction, pointers));
            }
            _ => return Err(("", format!("more than {ENTRIES_MAX} entries"))),
        }
        Ok(())
    }

    fn line_of_entry(&mut self, of: Of, node: &Node) -> Result<(), Wrong> {
        match of {
            Of::Units => {
                if let Some(unit) = self.vista.units.last_mut() {
                    unit.synonyms.push(node.piece(1).to_owned());
                }
            }
            Of::Conversions => {
                let factor = node.piece(2);
                let good = factor.parse().ok().filter(|n: &f64| n.is_finite() && 0.0 < *n);
                let Some(good) = good else {
                    return Err(("FACTOR", format!("{} is no factor", said(factor))));
                };
                let to = node.piece(1).to_owned();
                if let Some(last) = self.vista.conversions.last_mut() {
                    if last.to.is_empty() {
                        (last.to, last.factor) = (to, good);
                    } else {
                        let from = last.from.clone();
                        let more = ConvertedUnit { from, to, factor: good };
                        self.vista.conversions.push(more);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(self, intake: &mut Intake<'_>) {
        self.vista.conversions.retain(|it| !it.to.is_empty());
        for (mut it, pointers) in self.pairs {
            if let Some((left, right)) = pointers {
                // The file of ingredients says better which two they are than a name with a slash.
                let name = |it: u64| self.vista.ingredients.get(&it).cloned();
                if let (Some(left), Some(right)) = (name(left), name(right)) {
                    (it.left, it.right) = (left, right);
                }
            }
            if it.left.is_empty() || it.right.is_empty() {
                let says = "two ingredients are expected, as `A/B` or by their numbers";
                intake.problems.note(&it.file, it.line, "NAME", says);
                continue;
            }
            self.vista.interactions.push(it);
        }
    }
}
