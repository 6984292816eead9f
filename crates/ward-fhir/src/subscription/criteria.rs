//! One search that a record has to match, asked of the record alone.

use ward_core::{EventPriority, FhirId, MedicalEventType, ResourceType};

use crate::{
    outcome::{Issue, IssueCode},
    search::{Conditions, Handling, Term, parse_search_at},
};

/// What happened, as far as a subscription asks.
pub struct Happened<'a> {
    pub event: MedicalEventType,
    pub priority: EventPriority,
    pub kind: ResourceType,
    pub id: &'a FhirId,
    /// What search knows of the record; of the version before it when it was deleted.
    pub terms: &'a [Term],
    pub is_delete: bool,
}

/// A search on one type.
#[derive(Clone, Debug)]
pub struct Criterion {
    pub kind: ResourceType,
    conditions: Conditions,
}

impl Criterion {
    /// Reads `Type?parameters` or `Type`.
    ///
    /// - Errors: an unknown type or parameter; what is not asked of the record alone (chains,
    ///   `_has`) or is no condition (`_sort`, `_include`); types that nobody subscribes to.
    pub(super) fn read(text: &str, base: &str) -> Result<Criterion, Vec<Issue>> {
        let refused = |says: String| vec![Issue::error(IssueCode::NotSupported, says)];
        let (name, query) = text.split_once('?').unwrap_or((text, ""));
        let kind: ResourceType = name
            .parse()
            .map_err(|_| vec![Issue::error(IssueCode::Invalid, "it begins with no type of R4")])?;
        if matches!(kind, ResourceType::AUDIT_EVENT | ResourceType::SUBSCRIPTION) {
            return Err(refused(format!("{kind} cannot be subscribed to")));
        }
        let request = parse_search_at(Some(kind), query, Handling::Strict, base)?;
        let is_plain = request.sort.is_empty()
            && request.count.is_none()
            && request.includes.is_empty()
            && request.cursor.is_none();
        let [part] = request.parts.as_slice() else {
            return Err(refused("it asks for several types".to_owned()));
        };
        let Conditions { chains, has, .. } = &part.conditions;
        // What other records say changes without an event of this one: it would be told too late,
        // or never.
        let other = match (chains.is_empty(), has.is_empty()) {
            (false, _) => Some("a chain such as `patient.name`"),
            (_, false) => Some("`_has`"),
            _ if !is_plain => Some("`_include`, `_sort`, `_count` or a page"),
            _ => None,
        };
        if let Some(other) = other {
            return Err(refused(format!("a record is asked alone, without {other}")));
        }
        Ok(Criterion { kind, conditions: part.conditions.clone() })
    }

    pub(super) fn takes(&self, happened: &Happened<'_>) -> bool {
        let Conditions { ids, clauses, .. } = &self.conditions;
        self.kind == happened.kind
            && ids.as_ref().is_none_or(|ids| ids.contains(happened.id))
            && clauses.iter().all(|clause| clause.matches(happened.terms))
    }
}
