//! What is kept with a message besides its bytes.

use ward_core::RecordKey;
use ward_fhir::{
    Json,
    json::{Number, Object},
};
use ward_hl7::Problem;

use super::Interface;

/// What an interface says of a message. It holds no value of the message, unless a script of the
/// site says one.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Note {
    /// Who sent it, such as an address.
    pub peer: String,
    /// How bytes that were no message broke the framing, or why it cannot go on.
    pub why: Option<String>,
    /// Where it did not go although it was for there, and why: words of the site's scripts.
    pub dropped: Vec<String>,
    /// What its carrier said of its character set, by the name of table 0211.
    pub charset: Option<String>,
    /// Its place in a batch, from 1.
    pub of_batch: Option<u32>,
    pub problems: Vec<Told>,
    /// The records that it changed.
    pub records: Vec<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// Whether its control id stood for other content before.
    pub reused: bool,
}

/// A problem, as it is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    pub severity: String,
    pub kind: String,
    pub at: String,
}

impl Told {
    pub fn of(problem: &Problem) -> Told {
        Told {
            severity: problem.severity.code().to_owned(),
            kind: problem.kind.word().to_owned(),
            at: problem.at.to_string(),
        }
    }
}

impl Note {
    /// Of a message that `peer` sent by `interface`.
    pub(super) fn of(interface: &Interface, peer: &str) -> Note {
        let charset = interface.said_charset.map(|charset| charset.name().to_owned());
        Note { peer: peer.to_owned(), charset, ..Note::default() }
    }

    pub fn with(mut self, problems: &[Problem]) -> Note {
        self.problems.extend(problems.iter().map(Told::of));
        self
    }

    /// It was for `place`, and a script dropped it.
    pub(super) fn drop_for(&mut self, place: &str, why: &str) {
        self.dropped.push(format!("{place}: {why}"));
    }

    pub fn with_records<'k>(mut self, keys: impl Iterator<Item = &'k RecordKey>) -> Note {
        self.records.extend(keys.map(ToString::to_string));
        self
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut object = Object::new();
        let text = |text: &str| Json::string(text.to_owned());
        object.insert("peer", text(&self.peer));
        if let Some(why) = &self.why {
            object.insert("why", text(why));
        }
        if let Some(charset) = &self.charset {
            object.insert("charset", text(charset));
        }
        if let Some(n) = self.of_batch {
            object.insert("ofBatch", Json::Number(Number::from_integer(n.into())));
        }
        if !self.dropped.is_empty() {
            let dropped = self.dropped.iter().map(|it| text(it));
            object.insert("dropped", Json::Array(dropped.collect()));
        }
        if !self.problems.is_empty() {
            let problems = self.problems.iter().map(|it| {
                let mut problem = Object::new();
                problem.insert("severity", text(&it.severity));
                problem.insert("kind", text(&it.kind));
                problem.insert("at", text(&it.at));
                Json::Object(problem)
            });
            object.insert("problems", Json::Array(problems.collect()));
        }
        if !self.records.is_empty() {
            let records = self.records.iter().map(|key| text(key));
            object.insert("records", Json::Array(records.collect()));
        }
        if 0 < self.attempts {
            object.insert("attempts", Json::Number(Number::from_integer(self.attempts.into())));
        }
        if self.reused {
            object.insert("reused", Json::Bool(true));
        }
        Json::Object(object).to_bytes()
    }

    /// Reads what [`Note::to_bytes`] wrote; anything else is an empty note.
    pub fn read(bytes: &[u8]) -> Note {
        let Ok(json) = Json::parse(bytes) else { return Note::default() };
        let text = |json: &Json<'_>, name: &str| {
            json.get(name).and_then(Json::as_str).unwrap_or_default().to_owned()
        };
        let number = |name: &str| {
            json.get(name).and_then(Json::as_number).and_then(|n| n.as_str().parse().ok())
        };
        let items = |name: &str| json.get(name).map(Json::items).unwrap_or_default();
        let texts = |name: &str| -> Vec<String> {
            items(name).iter().filter_map(Json::as_str).map(ToOwned::to_owned).collect()
        };
        Note {
            peer: text(&json, "peer"),
            why: json.get("why").and_then(Json::as_str).map(ToOwned::to_owned),
            charset: json.get("charset").and_then(Json::as_str).map(ToOwned::to_owned),
            of_batch: number("ofBatch"),
            problems: items("problems")
                .iter()
                .map(|it| Told {
                    severity: text(it, "severity"),
                    kind: text(it, "kind"),
                    at: text(it, "at"),
                })
                .collect(),
            dropped: texts("dropped"),
            records: texts("records"),
            attempts: number("attempts").unwrap_or(0),
            reused: json.get("reused").and_then(Json::as_bool).unwrap_or(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_reads_back() {
        let note = Note {
            peer: "10.0.0.1".to_owned(),
            why: Some("too-large".to_owned()),
            charset: Some("8859/1".to_owned()),
            dropped: vec!["north/lab: no results".to_owned()],
            of_batch: Some(3),
            problems: vec![Told {
                severity: "E".to_owned(),
                kind: "undecodable".to_owned(),
                at: "PID-5".to_owned(),
            }],
            records: vec!["Patient/1".to_owned()],
            attempts: 2,
            reused: true,
        };
        assert_eq!(Note::read(&note.to_bytes()), note);
        assert_eq!(Note::read(&Note::default().to_bytes()), Note::default());
        assert_eq!(Note::read(b"no JSON"), Note::default());
    }
}
