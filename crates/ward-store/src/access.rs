//! What the policy is told of a row, without opening it.

use std::sync::{Mutex, PoisonError};

use rustc_hash::{FxHashMap, FxHashSet};
use ward_core::{CareScope, Ctx, ResourceType};
use ward_policy::{Action, Facts, Grant, Policy};

use crate::{
    RowHead,
    keys::{Keyring, Scope},
};

/// Whom the caller cares for, as pseudonyms.
pub(crate) enum Care {
    Everyone,
    Scopes(FxHashSet<Scope>),
}

impl Care {
    pub(crate) fn of(cx: &Ctx, keyring: &Keyring) -> Care {
        match &cx.care {
            CareScope::Everyone => Care::Everyone,
            CareScope::Patients(ids) => {
                Care::Scopes(ids.iter().map(|id| keyring.scope_of(id)).collect())
            }
        }
    }

    pub(crate) fn facts(&self, patients: &[Scope], restricted: bool) -> Facts {
        let has_patient = !patients.is_empty();
        let all_in_care = match self {
            Care::Everyone => true,
            Care::Scopes(scopes) => patients.iter().all(|scope| scopes.contains(scope)),
        };
        Facts { has_patient, in_care: has_patient && all_in_care, restricted }
    }

    pub(crate) fn facts_of(&self, row: &RowHead) -> Facts {
        self.facts(&row.patients, row.restricted)
    }
}

/// The answers of the policy for one interaction, asked once for each type.
pub(crate) struct Access<'a> {
    policy: &'a Policy,
    cx: &'a Ctx,
    care: Care,
    grants: Mutex<FxHashMap<(Action, ResourceType), Grant>>,
}

impl<'a> Access<'a> {
    pub(crate) fn new(policy: &'a Policy, cx: &'a Ctx, keyring: &Keyring) -> Access<'a> {
        let care = Care::of(cx, keyring);
        Access { policy, cx, care, grants: Mutex::new(FxHashMap::default()) }
    }

    pub(crate) fn permits(&self, action: Action, row: &RowHead) -> bool {
        self.grant(action, row.kind).permits(self.care.facts_of(row))
    }

    pub(crate) fn grant(&self, action: Action, kind: ResourceType) -> Grant {
        let mut grants = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
        *grants.entry((action, kind)).or_insert_with(|| self.policy.grant(self.cx, action, kind))
    }
}
