//! What was found, as text and as JSON.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Serialize;

/// Most findings that are shown of one kind; the others are counted.
/// LIMIT: a page; the JSON has all of them.
const SHOWN_MAX: usize = 40;

/// Findings after which nobody can tell what the fact would be: the source has to be corrected.
const NEVER_ACCEPTED: &[&str] = &[
    "drug-ambiguous",
    "drug-unknown",
    "id-twice",
    "name-disagrees",
    "rxcui-malformed",
    "rxcui-moved",
    "rxcui-not-ingredient",
    "rxcui-suppressed",
    "rxcui-unknown",
    "same-twice",
    "severity-unknown",
];

/// What a finding means for the fact it is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// The fact is not loaded.
    Refuses,
    /// It is loaded; somebody should look.
    Doubts,
    /// To be known.
    Notes,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The same in every report about the same fact: what `--accept` takes.
    pub name: String,
    pub weight: Weight,
    /// Such as `rxcui-moved`.
    pub check: &'static str,
    /// File and line, or the part of the knowledge base.
    pub place: String,
    pub says: String,
    /// Somebody let it stand, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
    /// The fact that is not loaded because of it.
    #[serde(skip)]
    pub(crate) fact: String,
}

/// Everything that was found.
#[derive(Clone, Default, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub findings: Vec<Finding>,
    /// Facts looked at, by kind.
    pub looked_at: BTreeMap<&'static str, u64>,
    /// Of which so many are not loaded.
    pub refused: u64,
    #[serde(skip)]
    refused_facts: BTreeSet<String>,
    #[serde(skip)]
    accepted: BTreeMap<String, String>,
}

impl Report {
    pub(crate) fn new(accepted: &BTreeMap<String, String>) -> Report {
        Report { accepted: accepted.clone(), ..Report::default() }
    }

    pub(crate) fn looked(&mut self, kind: &'static str, n: usize) {
        let n = u64::try_from(n).unwrap_or(u64::MAX);
        *self.looked_at.entry(kind).or_default() += n;
    }

    pub(crate) fn add(
        &mut self,
        weight: Weight,
        check: &'static str,
        fact: &str,
        place: String,
        says: String,
    ) {
        let name = format!("{check}/{fact}");
        let is_loadable = weight != Weight::Refuses || !NEVER_ACCEPTED.contains(&check);
        let accepted = self.accepted.get(&name).filter(|_| is_loadable).cloned();
        if weight == Weight::Refuses && accepted.is_none() {
            self.refused_facts.insert(fact.to_owned());
        }
        let fact = fact.to_owned();
        self.findings.push(Finding { name, weight, check, place, says, accepted, fact });
    }

    pub(crate) fn finish(mut self) -> Report {
        self.findings.sort_by(|a, b| (a.weight, &a.name).cmp(&(b.weight, &b.name)));
        self.findings.dedup_by(|a, b| a.name == b.name && a.says == b.says);
        self.refused = u64::try_from(self.refused_facts.len()).unwrap_or(u64::MAX);
        self
    }

    /// Whether a fact is left out.
    pub fn refuses(&self, fact: &str) -> bool {
        self.refused_facts.contains(fact)
    }

    /// Whether somebody may let a finding stand.
    ///
    /// - Errors: there is none of that name, or the fact cannot be loaded whatever anybody says.
    pub fn may_accept(&self, name: &str) -> Result<(), String> {
        let found = self.findings.iter().find(|it| it.name == name);
        let found = found.ok_or_else(|| format!("no finding is called {name}"))?;
        if found.weight == Weight::Refuses && NEVER_ACCEPTED.contains(&found.check) {
            return Err(format!("{}; that has to be corrected in {}", found.says, found.place));
        }
        Ok(())
    }

    /// Findings of one kind.
    pub fn of<'r>(&'r self, check: &'r str) -> impl Iterator<Item = &'r Finding> {
        self.findings.iter().filter(move |it| it.check == check)
    }

    pub fn count(&self, weight: Weight) -> usize {
        self.findings.iter().filter(|it| it.weight == weight && it.accepted.is_none()).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let looked: Vec<String> =
            self.looked_at.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
        writeln!(f, "looked at: {}", looked.join(", "))?;
        writeln!(f, "not loaded: {}", self.refused)?;
        for (weight, title) in [
            (Weight::Refuses, "cannot be true, not loaded"),
            (Weight::Doubts, "loaded, somebody should look"),
            (Weight::Notes, "to be known"),
        ] {
            let of: Vec<&Finding> = self.findings.iter().filter(|it| it.weight == weight).collect();
            if of.is_empty() {
                continue;
            }
            writeln!(f, "\n{title} ({}):", of.len())?;
            let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
            for it in &of {
                let n = shown.entry(it.check).or_default();
                *n += 1;
                if *n <= SHOWN_MAX {
                    writeln!(f, "  {}\n    {} ({})", it.name, it.says, it.place)?;
                    if let Some(why) = &it.accepted {
                        writeln!(f, "    accepted: {why}")?;
                    }
                }
            }
            for (check, n) in shown.iter().filter(|(_, n)| SHOWN_MAX < **n) {
                writeln!(f, "  {check}: {} more, all of them in the JSON", n - SHOWN_MAX)?;
            }
        }
        Ok(())
    }
}
