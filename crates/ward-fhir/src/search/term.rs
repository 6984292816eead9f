//! What search knows of a resource: its terms, and the tests a query makes on them.
//!
//! A term is one value of one search parameter. The store keeps the packed terms sealed beside
//! the body, derives blind index tokens from their keys, and re-checks every candidate with
//! [`Test::matches`], so a token may collide without a wrong answer.

use smallvec::SmallVec;
use ward_core::ResourceType;

/// A search parameter of one resource type, by its number in the committed table.
///
/// Numbers are never reused: packed terms on disk carry them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ParamId(pub u16);

/// One value of one search parameter of one resource.
#[derive(Clone, PartialEq, Debug)]
pub struct Term {
    pub param: ParamId,
    pub value: TermValue,
}

/// The value as search sees it.
///
/// - Source: FHIR R4, Search, sections 3.1.1.4.1 to 3.1.1.4.19.
#[derive(Clone, PartialEq, Debug)]
pub enum TermValue {
    /// Coding, Identifier, code, boolean, ContactPoint, string used as token.
    /// `text` is what `:text` looks at (display or CodeableConcept.text).
    Token { system: Option<Box<str>>, code: Option<Box<str>>, text: Option<Box<str>> },
    /// A reference to a record here. `identifier` is not part of it: see `Identified`.
    Reference { kind: ResourceType, id: Box<str>, version: Option<u32> },
    /// A reference elsewhere, or a canonical; the URL as written.
    Url(Box<str>),
    /// Reference.identifier, for `:identifier`.
    Identified { system: Option<Box<str>>, value: Option<Box<str>> },
    /// Text as written; compared folded (case, accents, white space).
    String(Box<str>),
    /// Half-open interval in microseconds since 1970 UTC.
    Date { from_us: i64, to_us: i64 },
    /// Value with the precision it was written in: `low <= x < high`, exact in the middle.
    Number { value: f64, low: f64, high: f64 },
    /// As `Number`, with its unit.
    Quantity {
        value: f64,
        low: f64,
        high: f64,
        system: Option<Box<str>>,
        code: Option<Box<str>>,
        unit: Option<Box<str>>,
    },
    /// Components of a composite parameter, in order.
    Composite(Vec<TermValue>),
}

/// What a blind index key is made of before it is blinded: bytes that two equal values share.
///
/// The store prefixes resource type and parameter, and hashes with a secret key.
pub type IndexKey = SmallVec<[u8; 48]>;
