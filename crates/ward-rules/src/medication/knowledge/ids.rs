//! Identifiers of drugs: RXCUI, UNII and NDC.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Why a text is no such identifier. It never repeats the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum IdError {
    #[error("an RXCUI is a number of 1 to 8 digits that does not begin with 0")]
    Rxcui,
    #[error("a UNII is 10 capital letters and digits")]
    Unii,
    #[error("an NDC is 11 digits, or 10 in the groups 4-4-2, 5-3-2 or 5-4-1")]
    Ndc,
}

/// A concept of RxNorm.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rxcui(u32); // INVARIANT: 1 to 8 digits, not 0.

impl Rxcui {
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl FromStr for Rxcui {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Rxcui, IdError> {
        let is_digits = text.bytes().all(|b| b.is_ascii_digit());
        if !(1..=8).contains(&text.len()) || !is_digits || text.starts_with('0') {
            return Err(IdError::Rxcui);
        }
        text.parse().map(Rxcui).map_err(|_| IdError::Rxcui)
    }
}

impl fmt::Display for Rxcui {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl TryFrom<String> for Rxcui {
    type Error = IdError;

    fn try_from(text: String) -> Result<Rxcui, IdError> {
        text.parse()
    }
}

impl From<Rxcui> for String {
    fn from(id: Rxcui) -> String {
        id.to_string()
    }
}

/// A substance in FDA's registry.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Unii(Box<str>); // INVARIANT: 10 of `A-Z 0-9`.

impl Unii {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Unii {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Unii, IdError> {
        let allowed = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
        if text.len() != 10 || !text.bytes().all(allowed) {
            return Err(IdError::Unii);
        }
        Ok(Unii(text.into()))
    }
}

impl TryFrom<String> for Unii {
    type Error = IdError;

    fn try_from(text: String) -> Result<Unii, IdError> {
        text.parse()
    }
}

impl From<Unii> for String {
    fn from(id: Unii) -> String {
        id.0.into()
    }
}

/// A package in the National Drug Code, as 11 digits (5-4-2).
///
/// - Source: the groups 4-4-2, 5-3-2 and 5-4-1 get a zero in front of the short one, as in HIPAA
///   transactions.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ndc11(Box<str>); // INVARIANT: 11 digits.

impl Ndc11 {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Ndc11 {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Ndc11, IdError> {
        let text = text.trim();
        if text.bytes().all(|b| b.is_ascii_digit()) {
            // Ten digits without hyphens could be any of three packages.
            return match text.len() {
                11 => Ok(Ndc11(text.into())),
                _ => Err(IdError::Ndc),
            };
        }
        let parts: Vec<&str> = text.split('-').collect();
        let [labeler, product, package] = parts.as_slice() else { return Err(IdError::Ndc) };
        let is_digits = parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()));
        let lengths = (labeler.len(), product.len(), package.len());
        if !is_digits || !matches!(lengths, (4, 4, 2) | (5, 3, 2) | (5, 4, 1) | (5, 4, 2)) {
            return Err(IdError::Ndc);
        }
        Ok(Ndc11(format!("{labeler:0>5}{product:0>4}{package:0>2}").into()))
    }
}

impl TryFrom<String> for Ndc11 {
    type Error = IdError;

    fn try_from(text: String) -> Result<Ndc11, IdError> {
        text.parse()
    }
}

impl From<Ndc11> for String {
    fn from(id: Ndc11) -> String {
        id.0.into()
    }
}

impl fmt::Display for Ndc11 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Ndc11, Rxcui};

    #[test]
    fn packages_get_their_zero() {
        let ndc = |text: &str| text.parse::<Ndc11>().map(String::from).ok();
        assert_eq!(ndc("0071-0155-23").as_deref(), Some("00071015523"));
        assert_eq!(ndc("50242-040-62").as_deref(), Some("50242004062"));
        assert_eq!(ndc("60575-4112-1").as_deref(), Some("60575411201"));
        assert_eq!(ndc("00071015523").as_deref(), Some("00071015523"));
        for wrong in ["0071015523", "71-155-23", "0071-0155-2x", "", "0071-0155"] {
            assert_eq!(ndc(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn concepts_are_plain_numbers() {
        assert_eq!("4603".parse::<Rxcui>().unwrap().to_string(), "4603");
        for wrong in ["", "0", "04603", "46o3", "123456789"] {
            assert!(wrong.parse::<Rxcui>().is_err(), "{wrong}");
        }
    }
}
