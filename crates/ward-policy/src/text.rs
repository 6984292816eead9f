//! Policy texts turned into checked policies.

use std::collections::{BTreeMap, btree_map::Entry};

use cedar_policy::{Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use miette::Diagnostic;

use crate::PolicyError;

/// Longest policy text, in bytes.
/// LIMIT: the standard policies have about 13 KB; a site's are no longer.
pub(crate) const TEXT_BYTES_MAX: usize = 256 * 1024;

/// Most policies in one text.
/// LIMIT: each costs about two microseconds for each new question; the standard set has 30.
pub(crate) const POLICIES_MAX: usize = 500;

/// Longest hint kept with an error, in bytes.
/// LIMIT: two lines of a terminal. Cedar's hint on an unknown kind lists every kind.
const HELP_BYTES_MAX: usize = 200;
const HELP_INSTEAD: &str = "the words that may stand here are listed in the schema";

/// Checked policies by the name in their `@id`.
pub(crate) type ById = BTreeMap<String, Policy>;

/// Parses and checks one text.
///
/// - Errors: the first thing wrong, with where it is in `text`.
pub(crate) fn parse(schema: &Schema, text: &str) -> Result<ById, PolicyError> {
    if TEXT_BYTES_MAX < text.len() {
        return Err(PolicyError::TooLong { bytes: text.len(), max: TEXT_BYTES_MAX });
    }
    let set: PolicySet = text.parse().map_err(|e: cedar_policy::ParseErrors| {
        // The list's own message is the first error's; so are its help and its place.
        match e.iter().next() {
            Some(first) => located(text, None, first),
            None => PolicyError::at(text, 0, e.to_string()),
        }
    })?;
    let count = set.policies().count();
    if POLICIES_MAX < count {
        return Err(PolicyError::TooMany { count, max: POLICIES_MAX });
    }
    if let Some(template) = set.templates().next() {
        let reason = "templates are not used here: write the policy out".to_owned();
        return Err(PolicyError::at(text, offset(text, Some(template.to_string())), reason));
    }
    let mut by_id = ById::new();
    for policy in set.policies() {
        let fail = |reason: String| PolicyError::at(text, offset(text, policy.to_cedar()), reason);
        let Some(id) = policy.annotation("id").filter(|id| !id.is_empty()) else {
            return Err(fail("every policy starts with its name: @id(\"...\")".to_owned()));
        };
        // Answers are kept per role and kind of record, so one person's policy would not hold.
        for literal in policy.entity_literals() {
            if ["Actor", "Record"].contains(&literal.type_name().to_string().as_str()) {
                return Err(fail(format!("`{id}` names a single actor or record")));
            }
        }
        match by_id.entry(id.to_owned()) {
            Entry::Occupied(_) => return Err(fail(format!("`{id}` is there twice"))),
            Entry::Vacant(place) => place.insert(policy.new_id(PolicyId::new(id))),
        };
    }
    check(schema, text, &by_id)?;
    Ok(by_id)
}

/// Checks that the policies use only words and types of the schema.
fn check(schema: &Schema, text: &str, by_id: &ById) -> Result<(), PolicyError> {
    let set = PolicySet::from_policies(by_id.values().cloned())
        .map_err(|e| PolicyError::at(text, 0, e.to_string()))?;
    let result = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
    match result.validation_errors().next() {
        Some(error) => {
            let source = set.policy(error.policy_id()).and_then(Policy::to_cedar);
            Err(located(text, source, error))
        }
        None => Ok(()),
    }
}

/// Where Cedar says the error is; else where the policy starts; else the start.
fn located(text: &str, source: Option<String>, error: &dyn Diagnostic) -> PolicyError {
    let label = error.labels().and_then(|mut labels| labels.next());
    let at = label.as_ref().map_or_else(|| offset(text, source), |label| label.offset());
    let mut reason = error.to_string();
    if let Some(note) = label.as_ref().and_then(|label| label.label()) {
        reason = format!("{reason} ({note})");
    }
    if let Some(help) = error.help().map(|help| help.to_string()) {
        let help = if HELP_BYTES_MAX < help.len() { HELP_INSTEAD } else { &help };
        reason = format!("{reason}; {help}");
    }
    PolicyError::at(text, at, reason)
}

fn offset(text: &str, source: Option<String>) -> usize {
    source.and_then(|source| text.find(&source)).unwrap_or(0)
}
