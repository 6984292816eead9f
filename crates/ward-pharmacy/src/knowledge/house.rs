//! The version in use, as a running server holds it: swapped whole, without a restart.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};

use ward_rules::medication::{
    KnowledgeBase,
    knowledge::{Problem, Rxcui, starter_parts},
};

use super::{
    facts::{Facts, Source},
    file::{FileError, Shelf},
    parts::parts,
    qa::{self, Report, Weight, ingredient_of},
    resolve::Resolver,
};

/// One version, ready to be asked. It never changes.
#[derive(Debug)]
pub struct InUse {
    /// `kb-...`, or `starter`.
    pub version: String,
    pub base: KnowledgeBase,
    pub sources: Vec<Source>,
    /// Facts that were left out.
    pub refused: u64,
    /// Findings that somebody should look at.
    pub doubts: usize,
    /// A label of each substance that has one, by its set id.
    pub labels: BTreeMap<Rxcui, String>,
}

#[derive(Debug, thiserror::Error)]
pub enum UseError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("the knowledge base does not hold together: {}", first(.0))]
    Problems(Vec<Problem>),
}

fn first(problems: &[Problem]) -> String {
    match problems {
        [] => "nothing".to_owned(),
        [one] => one.to_string(),
        [one, more @ ..] => format!("{one}; and {} more", more.len()),
    }
}

/// The knowledge base of the house.
#[derive(Debug)]
pub struct House {
    shelf: Shelf,
    current: RwLock<Arc<InUse>>,
}

/// The word for the base that comes with Ward.
pub const STARTER: &str = "starter";

impl House {
    /// Opens the version that is to be used.
    ///
    /// - Errors: it cannot be read or does not hold together. A server that would begin with
    ///   another knowledge base than the one that was chosen does not begin.
    pub fn open(folder: &Path) -> Result<House, UseError> {
        let shelf = Shelf::new(folder);
        let current = load(&shelf, shelf.current()?.as_deref())?;
        Ok(House { shelf, current: RwLock::new(Arc::new(current)) })
    }

    /// The starter alone, without a folder.
    pub fn starter() -> Result<House, UseError> {
        let shelf = Shelf::new(Path::new(""));
        let current = made(STARTER.to_owned(), &Facts::of_base(base()?))?;
        Ok(House { shelf, current: RwLock::new(Arc::new(current)) })
    }

    /// What a check goes by. Whoever holds it goes on with it when it is swapped.
    pub fn current(&self) -> Arc<InUse> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// Takes another version into use when one was chosen; answers whether it did.
    ///
    /// - Errors: the version that was chosen cannot be used; the one in use stays.
    pub fn look(&self) -> Result<bool, UseError> {
        let chosen = self.shelf.current()?;
        if chosen.as_deref().unwrap_or(STARTER) == self.current().version {
            return Ok(false);
        }
        let next = Arc::new(load(&self.shelf, chosen.as_deref())?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(true)
    }
}

/// The base that comes with this Ward.
pub fn base() -> Result<ward_rules::medication::knowledge::Parts, UseError> {
    starter_parts().map_err(UseError::Problems)
}

fn load(shelf: &Shelf, version: Option<&str>) -> Result<InUse, UseError> {
    match version {
        None => made(STARTER.to_owned(), &Facts::of_base(base()?)),
        Some(version) => made(version.to_owned(), &shelf.get(version)?),
    }
}

/// What checks would go by with these facts.
///
/// - Errors: parts that do not hold together; nothing is left out silently.
pub fn build(version: &str, facts: &Facts) -> Result<(KnowledgeBase, Report), UseError> {
    let report = qa::check(facts);
    let mut parts = parts(facts, &report);
    if version != STARTER {
        parts.version = format!("{}+{version}", parts.version);
    }
    let base = KnowledgeBase::build(parts).map_err(UseError::Problems)?;
    Ok((base, report))
}

fn made(version: String, facts: &Facts) -> Result<InUse, UseError> {
    let (base, report) = build(&version, facts)?;
    Ok(InUse {
        version,
        base,
        sources: facts.sources.clone(),
        refused: report.refused,
        doubts: report.count(Weight::Doubts),
        labels: labels(facts),
    })
}

/// Of drugs with one ingredient: the label of a combination says more than was asked.
fn labels(facts: &Facts) -> BTreeMap<Rxcui, String> {
    let resolver = Resolver::new(&facts.base, &facts.release);
    let mut labels = BTreeMap::new();
    for it in facts.products.values().filter(|it| !it.set_id.is_empty()) {
        if let [one] = it.product.active.as_slice()
            && let Some(rxcui) = ingredient_of(one, &resolver)
        {
            labels.entry(rxcui).or_insert_with(|| it.set_id.clone());
        }
    }
    labels
}
