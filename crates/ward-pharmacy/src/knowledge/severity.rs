//! How grave a source says an interaction is, in its words, as a tier.

use ward_rules::medication::Tier;

/// Words of sources, in lower case.
///
/// - Shape: what must not be given together is a hard stop; what harms is interruptive; what needs
///   watching is shown. Alerts for moderate interactions are not heeded and hide the grave ones
///   (Paterno 2009, PMC2605599).
const WORDS: &[(Tier, &[&str])] = &[
    (Tier::HardStop, &["contraindicated", "contraindication", "absolute", "hard-stop", "x"]),
    (Tier::Interruptive, &["critical", "major", "severe", "serious", "high", "interruptive", "d"]),
    (
        Tier::Passive,
        &["significant", "moderate", "medium", "minor", "low", "mild", "passive", "c", "b"],
    ),
    (Tier::Log, &["none", "unclassified", "log", "a"]),
];

/// The tier that a word means; `None` for one that nobody has told us of.
pub fn tier_of(word: &str) -> Option<Tier> {
    let word = word.trim().to_lowercase();
    WORDS.iter().find(|(_, words)| words.contains(&word.as_str())).map(|(tier, _)| *tier)
}
