//! An interaction as a source states it, before anybody has looked whether it can be true.

use serde::{Deserialize, Serialize};

use super::vista::Interaction;

/// Two drugs that a source says interact.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PairFact {
    pub id: String,
    pub left: DrugFact,
    pub right: DrugFact,
    /// In the words of the source.
    pub severity: String,
    pub mechanism: String,
    pub action: String,
    pub evidence: String,
    pub source: String,
    /// `kind/name` of the import that brought it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub import: String,
    pub file: String,
    pub line: u64,
}

/// A drug by what a source calls it.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DrugFact {
    pub name: String,
    /// As it was written; it may be none.
    pub rxcui: String,
}

impl PairFact {
    /// The interactions of VistA that are in use.
    pub fn of_vista(found: &[Interaction]) -> Vec<PairFact> {
        let in_use = found.iter().filter(|it| !it.is_inactive);
        let fact = |it: &Interaction| PairFact {
            id: format!("vista-56-{}", it.number),
            left: DrugFact { name: it.left.clone(), rxcui: String::new() },
            right: DrugFact { name: it.right.clone(), rxcui: String::new() },
            severity: it.severity.clone(),
            source: "VistA file 56".to_owned(),
            evidence: "VA National Drug File".to_owned(),
            file: it.file.clone(),
            line: it.line,
            ..PairFact::default()
        };
        in_use.map(fact).collect()
    }
}
