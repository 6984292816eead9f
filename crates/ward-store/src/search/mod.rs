//! Searching: candidates from the index, re-checked on their terms, as of one commit.
//!
//! The first page sees the index as it stands and remembers the commit. Later pages answer as of
//! that commit: records changed since are taken from truth's older versions, so that a page never
//! shifts, repeats or loses a record while others write.

mod cursor;
mod opened;
mod order;
mod plan;
mod stream;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use ward_core::RecordKey;
use ward_crypto::Random;
use ward_fhir::search::{TermsView, unpack};

pub(crate) use self::opened::OpenedRows;
use self::{
    cursor::Place,
    opened::OpenedRow,
    order::{Order, SortRow},
};
use crate::{
    RowHead, Seq,
    index::IndexView,
    keys::{Keyring, Scope},
    query::{Filter, Found, Hit, Part, Query, SearchError},
    seal,
    truth::{Row, TruthError},
};

/// Most records changed since the first page that a later page sets right.
/// LIMIT: about a tenth of a second of work for one page.
const CHANGED_MAX: usize = 20_000;

/// What a search needs of truth.
pub(crate) trait Past {
    /// The number of the record with this blind id.
    fn rid_of(&self, kid: &[u8; 16]) -> Result<Option<u64>, TruthError>;
    /// The records with a version written after `seq`; `None` when there are more than `limit`.
    fn changed_since(&self, seq: Seq, limit: usize) -> Result<Option<BTreeSet<u64>>, TruthError>;
    /// A version by its number.
    fn row(&self, vid: u64) -> Result<Option<Arc<Row>>, TruthError>;
    /// The version of a record that was current after commit `seq`, with its sealed terms.
    fn row_at(&self, rid: u64, seq: Seq) -> Result<Option<(RowHead, Vec<u8>)>, TruthError>;
}

/// Everything one search reads.
pub(crate) struct View<'a> {
    pub(crate) index: IndexView<'a>,
    pub(crate) keyring: &'a Keyring,
    pub(crate) truth: &'a dyn Past,
    pub(crate) random: &'a dyn Random,
    /// Whether the caller may see a record; asked before anything of it is opened.
    pub(crate) visible: &'a dyn Fn(&RowHead) -> bool,
    pub(crate) opened: &'a OpenedRows,
}

/// Runs a search.
///
/// - Errors: see [`SearchError`]; a page is whole or not given.
/// - Cost: proportional to the shortest list that covers the filter; a sort or a total reads all
///   matches' terms, never their bodies.
pub(crate) fn run(view: &View<'_>, query: &Query) -> Result<Found, SearchError> {
    // Asked for by a page that is not the first, or has another after it; most have neither.
    let digest = || cursor::digest_of(view.keyring, &shape_of(query));
    let (as_of, place) = match &query.after {
        None => (view.index.seq, None),
        Some(text) => {
            let place = cursor::open(view.keyring, text)?;
            if place.query != digest() || view.index.seq < place.seq {
                return Err(SearchError::Cursor);
            }
            (place.seq, Some(place))
        }
    };
    let changed = if as_of < view.index.seq {
        view.truth.changed_since(as_of, CHANGED_MAX)?.ok_or(SearchError::Expired)?
    } else {
        BTreeSet::new()
    };
    let mut blind = FxHashMap::default();
    for part in &query.parts {
        blind_keys(view.keyring, &part.filter, &mut blind);
    }
    let search = Search {
        view,
        query,
        as_of,
        changed,
        patient: query.patient.as_ref().map(|id| view.keyring.scope_of(id)),
        blind,
    };
    let mut found = if query.sort.is_empty() {
        search.in_creation_order(place)?
    } else {
        search.sorted(place)?
    };
    if place.is_some() && !query.total {
        found.total = None;
    }
    let next = found.next.map(|(part, rid)| {
        cursor::seal(view.keyring, view.random, Place { seq: as_of, part, rid, query: digest() })
    });
    Ok(Found { hits: found.hits, next, total: found.total })
}

struct Page {
    hits: Vec<Hit>,
    next: Option<(u16, u64)>,
    total: Option<u64>,
}

struct Search<'s, 'a> {
    view: &'s View<'a>,
    query: &'s Query,
    as_of: Seq,
    changed: BTreeSet<u64>,
    patient: Option<Scope>,
    /// The blind ids of every [`Filter::Keys`] of the query, by where the set lies.
    blind: FxHashMap<usize, FxHashSet<[u8; 16]>>,
}

impl Search<'_, '_> {
    fn in_creation_order(&self, place: Option<Place>) -> Result<Page, SearchError> {
        let wanted = self.query.count;
        let mut page = Page { hits: Vec::with_capacity(wanted.min(64)), next: None, total: None };
        let mut n_matches: u64 = 0;
        let mut more = false;
        for (at, part) in self.query.parts.iter().enumerate() {
            let at = u16::try_from(at).map_err(|_| SearchError::Cursor)?;
            // With a total wanted the walk starts at the beginning on every page.
            let shown_up_to = match place {
                Some(place) if at < place.part => u64::MAX,
                Some(place) if at == place.part => place.rid,
                _ => 0,
            };
            if shown_up_to == u64::MAX && !self.query.total {
                continue;
            }
            let from = if self.query.total { 0 } else { shown_up_to };
            let ended = self.each_match(part, from, &mut |row| {
                n_matches += 1;
                if row.head.rid <= shown_up_to {
                    return Ok(true);
                }
                if page.hits.len() < wanted {
                    page.hits.push(hit_of(&row.head));
                    page.next = Some((at, row.head.rid));
                    return Ok(true);
                }
                more = true;
                Ok(self.query.total)
            })?;
            if !ended {
                break;
            }
        }
        if !more {
            page.next = None;
        }
        if wanted == 0 {
            page.next = None;
        }
        let walked_all = self.query.total || (place.is_none() && !more);
        page.total = walked_all.then_some(n_matches);
        Ok(page)
    }

    fn sorted(&self, place: Option<Place>) -> Result<Page, SearchError> {
        let mut rows: Vec<SortRow> = Vec::new();
        for (at, part) in self.query.parts.iter().enumerate() {
            let at = u16::try_from(at).map_err(|_| SearchError::Cursor)?;
            let order = Order::new(part.kind, &self.query.sort);
            self.each_match(part, 0, &mut |row| {
                let keys = order.keys_of(&row.head, &unpack(&row.terms)?);
                rows.push(SortRow { keys, part: at, hit: hit_of(&row.head) });
                Ok(true)
            })?;
        }
        let order = |a: &SortRow, b: &SortRow| order::compare(&self.query.sort, a, b);
        rows.sort_unstable_by(order);
        let total = u64::try_from(rows.len()).ok();
        let start = match place {
            None => 0,
            Some(place) => rows
                .iter()
                .position(|row| row.part == place.part && row.hit.rid == place.rid)
                .map_or(rows.len(), |at| at + 1),
        };
        let hits: Vec<Hit> =
            rows.iter().skip(start).take(self.query.count).map(|row| row.hit.clone()).collect();
        let shown = start + hits.len();
        let next = if shown < rows.len() && !hits.is_empty() {
            shown.checked_sub(1).and_then(|at| rows.get(at)).map(|row| (row.part, row.hit.rid))
        } else {
            None
        };
        Ok(Page { hits, next, total })
    }

    /// Gives every visible match of a part after `after` in order of creation, until `each`
    /// answers `false`. Answers whether all were given.
    fn each_match(
        &self,
        part: &Part,
        after: u64,
        each: &mut dyn FnMut(&OpenedRow) -> Result<bool, SearchError>,
    ) -> Result<bool, SearchError> {
        let overlay = self.overlay(part, after)?;
        let mut overlay = overlay.into_iter().peekable();
        let mut stream =
            plan::candidates(self.view, part.kind, self.patient.as_ref(), &part.filter)?;
        let mut target = after.saturating_add(1);
        loop {
            let from_index = stream.seek(target)?;
            // Older versions of changed records go between, in their own place.
            while let Some((rid, _)) = overlay.peek()
                && from_index.is_none_or(|next| *rid < next)
            {
                if let Some((_, row)) = overlay.next()
                    && !each(&row)?
                {
                    return Ok(false);
                }
            }
            let Some(rid) = from_index else { return Ok(true) };
            target = rid.saturating_add(1);
            if self.changed.contains(&rid) {
                if overlay.peek().is_some_and(|(at, _)| *at == rid)
                    && let Some((_, row)) = overlay.next()
                    && !each(&row)?
                {
                    return Ok(false);
                }
                continue;
            }
            let Some(vid) = self.view.index.place(rid)? else { continue };
            if let Some(row) = self.candidate(part, vid)?
                && row.head.rid == rid
                && self.matches(part, &row)?
                && !each(&row)?
            {
                return Ok(false);
            }
        }
    }

    /// A row with its terms open, when it is of the part's type and visible.
    fn candidate(&self, part: &Part, vid: u64) -> Result<Option<Arc<OpenedRow>>, SearchError> {
        if let Some(row) = self.view.opened.get(vid) {
            return Ok(self.is_open_to(part, &row.head).then_some(row));
        }
        let Some(row) = self.view.truth.row(vid)? else { return Ok(None) };
        if !self.is_open_to(part, &row.head) {
            return Ok(None);
        }
        let row = Arc::new(self.open(row.head.clone(), &row.terms)?);
        self.view.opened.keep(&row);
        Ok(Some(row))
    }

    /// Whether a row is of the part's type and scope and its terms may be opened for the caller.
    fn is_open_to(&self, part: &Part, row: &RowHead) -> bool {
        let in_scope = self.patient.as_ref().is_none_or(|scope| row.patients.contains(scope));
        row.kind == part.kind && !row.deleted && in_scope && (self.view.visible)(row)
    }

    fn open(&self, head: RowHead, sealed_terms: &[u8]) -> Result<OpenedRow, SearchError> {
        let mut terms = Vec::new();
        seal::open_terms(self.view.keyring, &head, sealed_terms, &mut terms)?;
        Ok(OpenedRow { head, terms: terms.into_boxed_slice() })
    }

    fn matches(&self, part: &Part, row: &OpenedRow) -> Result<bool, SearchError> {
        let is_one_of = |keys: &BTreeSet<RecordKey>| {
            self.blind.get(&address_of(keys)).is_some_and(|kids| kids.contains(&row.head.kid))
        };
        Ok(part.filter.matches(&TermsView::new(&row.terms)?, &is_one_of)?)
    }

    /// The matches, as of the first page, among the records changed since.
    fn overlay(&self, part: &Part, after: u64) -> Result<BTreeMap<u64, OpenedRow>, SearchError> {
        let mut overlay = BTreeMap::new();
        for rid in self.changed.range(after.saturating_add(1)..) {
            if let Some((head, sealed_terms)) = self.view.truth.row_at(*rid, self.as_of)?
                && self.is_open_to(part, &head)
            {
                let row = self.open(head, &sealed_terms)?;
                if self.matches(part, &row)? {
                    overlay.insert(*rid, row);
                }
            }
        }
        Ok(overlay)
    }
}

fn hit_of(row: &RowHead) -> Hit {
    Hit { rid: row.rid, vid: row.vid, kind: row.kind, version: row.version }
}

/// Blinds the ids of every set of keys in `filter`, once per search.
fn blind_keys(keyring: &Keyring, filter: &Filter, out: &mut FxHashMap<usize, FxHashSet<[u8; 16]>>) {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => {
            parts.iter().for_each(|part| blind_keys(keyring, part, out));
        }
        Filter::Not(part) => blind_keys(keyring, part, out),
        Filter::Clause(_) => {}
        Filter::Keys(keys) => {
            let kids = keys.iter().map(|key| keyring.blind_id(key)).collect();
            out.insert(address_of(keys), kids);
        }
    }
}

fn address_of(keys: &BTreeSet<RecordKey>) -> usize {
    std::ptr::from_ref(keys).addr()
}

/// The text a cursor is bound to: all of the query but its page.
fn shape_of(query: &Query) -> String {
    let parts: SmallVec<[&Part; 4]> = query.parts.iter().collect();
    format!("{parts:?}|{:?}|{:?}", query.patient, query.sort)
}
