//! The file of payers: who this hospital is to them, and how each is reached.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use ward_x12::party::{Address, Party};

/// The file.
#[derive(Clone, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payers {
    #[serde(default)]
    pub provider: Provider,
    #[serde(default, rename = "payer")]
    pub payers: Vec<Payer>,
}

/// Who this hospital is to payers.
#[derive(Clone, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Provider {
    pub name: String,
    /// National Provider Identifier, ten digits.
    pub npi: String,
    /// Federal tax number, nine digits.
    pub tax_id: String,
    pub contact: String,
    pub telephone: String,
    pub street: String,
    pub city: String,
    pub state: String,
    pub postal_code: String,
}

/// One payer, or one clearing house.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Payer {
    /// As plans name it in `partner`.
    pub name: String,
    #[serde(flatten)]
    pub way: Way,
}

#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(tag = "way", rename_all = "kebab-case")]
pub enum Way {
    X12(X12Way),
    Pas(PasWay),
}

/// By files in folders.
// Unknown fields are refused here: `Payer` itself cannot, because its own go through `flatten`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct X12Way {
    /// Folder with `in`, `out`, `done` and `failed` in it.
    pub folder: PathBuf,
    /// Qualifier and id of ISA05 and ISA06 of what we send.
    pub our_id: (String, String),
    /// Qualifier and id of ISA07 and ISA08 of what we send.
    pub their_id: (String, String),
    /// GS02 of what we send; as `our_id` if absent.
    #[serde(default)]
    pub our_code: Option<String>,
    /// GS03 of what we send; as `their_id` if absent.
    #[serde(default)]
    pub their_code: Option<String>,
    /// What the payer calls itself in NM1.
    pub payer_name: String,
    /// The payer's number in NM1 (`PI`).
    pub payer_id: String,
    /// Whether everything that is sent is a test (ISA15 `T`).
    #[serde(default)]
    pub test: bool,
    /// SBR09 of claims, such as `CI` (commercial), `MA` or `MB` (Medicare), `MC` (Medicaid).
    #[serde(default = "commercial")]
    pub filing: String,
}

/// By FHIR operations.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasWay {
    /// Base of the payer's server; `Claim/$submit` is put behind it.
    pub url: String,
    /// File with a bearer token.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// PEM file with the authority of the payer's certificate; the system's if absent.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// PEM files of our own certificate and key, where the payer asks for one.
    #[serde(default)]
    pub certificate_file: Option<PathBuf>,
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// Seconds between two questions about what is pended.
    #[serde(default = "minute")]
    pub poll_s: u32,
}

/// A file of payers cannot be meant so.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("payer {payer}: {why}")]
pub struct PayersError {
    /// Its place in the file, from 1; 0 for the hospital itself.
    pub payer: usize,
    pub why: &'static str,
}

impl Payers {
    /// Rules across fields, looked at once when the file is read.
    pub fn check(&self) -> Result<(), PayersError> {
        for (payer, n) in self.payers.iter().zip(1..) {
            let wrong = |why| Err(PayersError { payer: n, why });
            // It is part of names of folders, channels and files of messages.
            let is_name = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-');
            if payer.name.is_empty() || 32 < payer.name.len() || !payer.name.bytes().all(is_name) {
                return wrong("`name` is 1 to 32 of `a-z 0-9 -`");
            }
            if self.payers.iter().filter(|it| it.name == payer.name).count() != 1 {
                return wrong("another payer has this `name`");
            }
            match &payer.way {
                Way::X12(way) => {
                    for (qualifier, id) in [&way.our_id, &way.their_id] {
                        let is_plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ');
                        if qualifier.len() != 2 || !(1..=15).contains(&id.len()) || !is_plain {
                            return wrong("an id is a qualifier of 2 and 1 to 15 characters");
                        }
                    }
                    if way.payer_name.trim().is_empty() || way.payer_id.len() < 2 {
                        return wrong("`payer_name` and `payer_id` name the payer");
                    }
                    if self.provider.name.trim().is_empty() || !is_npi(&self.provider.npi) {
                        return Err(PayersError {
                            payer: 0,
                            why: "X12 needs `name` and a valid `npi` in `[provider]`",
                        });
                    }
                }
                Way::Pas(way) => {
                    if way.certificate_file.is_some() != way.key_file.is_some() {
                        return wrong("`certificate_file` and `key_file` are only used together");
                    }
                    if way.poll_s == 0 {
                        return wrong("`poll_s` is 1 or more");
                    }
                }
            }
        }
        Ok(())
    }

    /// Paths in a file start at the file.
    pub(crate) fn stand_at(&mut self, file: &Path) {
        let Some(folder) = file.parent() else { return };
        let from = |path: &mut PathBuf| *path = folder.join(path.as_path());
        for payer in &mut self.payers {
            match &mut payer.way {
                Way::X12(way) => from(&mut way.folder),
                Way::Pas(way) => {
                    let files = [
                        &mut way.token_file,
                        &mut way.ca_file,
                        &mut way.certificate_file,
                        &mut way.key_file,
                    ];
                    files.into_iter().flatten().for_each(from);
                }
            }
        }
    }

    pub fn named(&self, name: &str) -> Option<&Payer> {
        self.payers.iter().find(|it| it.name == name)
    }

    /// Those who are reached by files.
    pub fn by_x12(&self) -> impl Iterator<Item = (&Payer, &X12Way)> {
        self.payers.iter().filter_map(|payer| match &payer.way {
            Way::X12(way) => Some((payer, way)),
            Way::Pas(_) => None,
        })
    }
}

impl Provider {
    pub(crate) fn party(&self) -> Party {
        Party {
            name: self.name.clone(),
            id: Some(("XX".to_owned(), self.npi.clone())),
            ..Party::default()
        }
    }

    pub(crate) fn address(&self) -> Address {
        Address {
            lines: vec![self.street.clone()],
            city: self.city.clone(),
            state: self.state.clone(),
            postal_code: self.postal_code.clone(),
        }
    }
}

impl X12Way {
    pub(crate) fn payer(&self) -> Party {
        Party {
            name: self.payer_name.clone(),
            id: Some(("PI".to_owned(), self.payer_id.clone())),
            ..Party::default()
        }
    }
}

/// Ten digits whose last one checks the others.
///
/// - Source: 45 CFR 162.406; ISO/IEC 7812 (Luhn) over 80840 and the number.
fn is_npi(npi: &str) -> bool {
    let digits: Vec<u32> = npi.chars().filter_map(|c| c.to_digit(10)).collect();
    if npi.len() != 10 || digits.len() != 10 {
        return false;
    }
    // 24 is what the prefix 80840 adds.
    let doubled = |d: u32| if 4 < d { 2 * d - 9 } else { 2 * d };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(n, d)| if n % 2 == 1 { doubled(*d) } else { *d })
        .sum();
    (24 + sum).is_multiple_of(10)
}

fn commercial() -> String {
    "CI".to_owned()
}

fn minute() -> u32 {
    60
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_providers_are_checked() {
        assert!(is_npi("1234567893"));
        for wrong in ["1234567890", "123456789", "12345678930", "123456789X", ""] {
            assert!(!is_npi(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_file_of_payers_is_read() {
        let text = r#"
            [provider]
            name = "General Hospital"
            npi = "1234567893"

            [[payer]]
            name = "acme"
            way = "x12"
            folder = "acme"
            our_id = ["ZZ", "GENERAL"]
            their_id = ["ZZ", "ACME"]
            payer_name = "Acme Health"
            payer_id = "ACME01"

            [[payer]]
            name = "beta"
            way = "pas"
            url = "https://payer.example/fhir"
        "#;
        let payers: Payers = toml::from_str(text).unwrap();
        payers.check().unwrap();
        assert_eq!(payers.by_x12().count(), 1);
        for name in ["payer_id", "url"] {
            let misspelled = text.replace(name, "misspelled");
            assert!(toml::from_str::<Payers>(&misspelled).is_err(), "{name}");
        }
        for (from, to, why) in [
            ("\"beta\"", "\"acme\"", "another payer"),
            ("1234567893", "1234567890", "npi"),
            ("\"acme\"\n            way", "\"a/b\"\n            way", "`name`"),
            ("\"GENERAL\"", "\"GENERAL~HOSPITAL\"", "an id"),
        ] {
            let payers: Payers = toml::from_str(&text.replace(from, to)).unwrap();
            let error = payers.check().unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
