//! Who a registration may be of.

use serde_json::Value;
use ward_core::ResourceType;
use ward_fhir::search::{Handling, parse_search};
use ward_rules::likeness::{Birth, Grade, Likeness, Person, Thresholds, Weights, compare};
use ward_store::{Absent, ReadError, Reader, SearchError, values};

use crate::person_of;

/// Most patients that one reason to look at them brings.
/// LIMIT: a birth date is shared by some forty of a million, a common name by some hundreds.
const EACH_MAX: usize = 500;

/// Somebody registered who may be the one who comes.
#[derive(Clone, PartialEq, Debug)]
pub struct Candidate {
    pub id: String,
    pub patient: Value,
    pub likeness: Likeness,
}

/// Those found, and what must not have come meanwhile.
#[derive(Debug, Default)]
pub struct Candidates {
    /// The most probable first.
    pub found: Vec<Candidate>,
    /// Refuses a commit when somebody else registers one of them first.
    pub absent: Vec<Absent>,
}

#[derive(Debug, thiserror::Error)]
pub enum LookError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Search(#[from] SearchError),
}

/// Those registered who may be `patient`; of two that were joined only the one who stayed.
///
/// - Cost: one search for each number, phone and e-mail, one for the birth date and each name.
pub fn candidates(
    reader: &Reader<'_>,
    patient: &Value,
    limits: Thresholds,
) -> Result<Candidates, LookError> {
    let (person, weights) = (person_of(patient), Weights::default());
    let own = values::text(patient, "id");
    let mut candidates = Candidates::default();
    let mut seen = Vec::new();
    for query in queries(patient, &person) {
        let request = parse_search(Some(ResourceType::PATIENT), &query, Handling::Strict);
        let part = request.ok().and_then(|request| request.parts.into_iter().next());
        let Some(part) = part else { continue };
        candidates.absent.push(Absent {
            kind: ResourceType::PATIENT,
            clauses: part.conditions.clauses,
            seen: reader.seq(),
        });
        let found = values::search(reader, ResourceType::PATIENT, &query, (EACH_MAX, None))?;
        for hit in found.hits {
            let key = reader.key(&hit)?;
            if seen.contains(&key.id) || own == Some(key.id.as_str()) {
                continue;
            }
            seen.push(key.id.clone());
            let Some((other, _)) = values::read(reader, &key)? else { continue };
            let likeness = compare(&person, &person_of(&other), &weights, limits);
            if Grade::CertainlyNot < likeness.grade && !is_replaced(&other) {
                let id = key.id.to_string();
                candidates.found.push(Candidate { id, patient: other, likeness });
            }
        }
    }
    candidates.found.sort_by(|a, b| {
        let of = |it: &Candidate| (it.likeness.grade, it.likeness.probability);
        let ((g1, p1), (g2, p2)) = (of(a), of(b));
        g2.cmp(&g1).then(p2.total_cmp(&p1)).then_with(|| a.id.cmp(&b.id))
    });
    Ok(candidates)
}

/// Whether somebody is another from now on.
pub fn is_replaced(patient: &Value) -> bool {
    let links = patient.get("link").and_then(Value::as_array).into_iter().flatten();
    links.into_iter().any(|link| values::text(link, "type") == Some("replaced-by"))
}

/// Searches of which each true match is found by at least one.
fn queries(patient: &Value, person: &Person) -> Vec<String> {
    let mut queries = Vec::new();
    for number in &person.numbers {
        queries.push(format!("identifier={}", said(&[&number.system, &number.value])));
    }
    if let Some(Birth { year, month: Some(month), day: Some(day) }) = person.birth {
        queries.push(format!("birthdate={year:04}-{month:02}-{day:02}"));
        // Day and month in each other's place.
        if month != day && day <= 12 {
            queries.push(format!("birthdate={year:04}-{day:02}-{month:02}"));
        }
    }
    for (family, given) in person.families.iter().zip(&person.givens) {
        // The search is by beginnings: what follows may be spelled in another way.
        let (family, given) = (beginning(family, 4), beginning(given, 3));
        queries.push(format!("family={}&given={}", said(&[&family]), said(&[&given])));
        queries.push(format!("family={}&given={}", said(&[&given]), said(&[&family])));
    }
    let contacts = patient.get("telecom").and_then(Value::as_array).into_iter().flatten();
    for contact in contacts {
        if let (Some(system @ ("phone" | "email")), Some(value)) =
            (values::text(contact, "system"), values::text(contact, "value"))
        {
            queries.push(format!("{system}={}", said(&[value])));
        }
    }
    queries
}

fn beginning(text: &str, n: usize) -> String {
    text.chars().take(n).collect()
}

/// A value as a search's query has it, its parts divided by `|`.
fn said(parts: &[&str]) -> String {
    let mut out = String::new();
    for (n, part) in parts.iter().enumerate() {
        if 0 < n {
            out.push('|');
        }
        for c in part.chars() {
            // First as FHIR has it, then as addresses do.
            if matches!(c, ',' | '|' | '$' | '\\') {
                out.push_str("%5C");
            }
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                    out.push(char::from(byte));
                } else {
                    out.push_str(&format!("%{byte:02X}"));
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_value_holds_never_ends_it() {
        assert_eq!(
            said(&["urn:x", "a|b,c$d\\e&f=g"]),
            "urn%3Ax|a%5C%7Cb%5C%2Cc%5C%24d%5C%5Ce%26f%3Dg"
        );
    }
}
