//! What must hold of the standard policies, whatever else is changed in them.

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
};

use proptest::prelude::*;
use ward_core::{ActorKind, CareScope, FhirId, PurposeOfUse, ResourceType as R, Role};

use super::{STANDARD, cx, cx_caring, house_actions, kinds, record_actions};
use crate::{Action, Facts, Grant, Policy, facts, groups};

const TREATMENT: [PurposeOfUse; 3] =
    [PurposeOfUse::Treatment, PurposeOfUse::Emergency, PurposeOfUse::BreakGlass];

const fn whose(has_patient: bool, in_care: bool, restricted: bool) -> Facts {
    Facts { has_patient, in_care, restricted }
}

fn contains(wide: Grant, narrow: Grant) -> bool {
    wide.and(narrow) == narrow
}

#[test]
fn every_kind_is_in_exactly_one_group() {
    for kind in kinds() {
        let n = groups::ALL.iter().filter(|group| group.kinds.contains(&kind)).count();
        assert_eq!(n, 1, "{kind}");
    }
    let named: usize = groups::ALL.iter().map(|group| group.kinds.len()).sum();
    assert_eq!(named, kinds().len());
}

#[test]
fn the_standard_policies_are_in_force() {
    let names = STANDARD.names();
    assert!(names.contains(&("house-restricted".to_owned(), true)));
    assert!(names.contains(&("bedside-chart".to_owned(), false)));
}

/// Emergency opens at least what treatment does, and breaking the glass at least what an
/// emergency does; a restricted label and a missing care relationship never open anything.
#[test]
fn wider_purpose_never_permits_less() {
    let policy = &*STANDARD;
    for role in Role::ALL {
        let cxs = TREATMENT.map(|purpose| cx(*role, purpose));
        for action in record_actions() {
            for kind in kinds() {
                let [treat, emergency, glass] =
                    [0, 1, 2].map(|i| policy.grant(&cxs[i], action, kind));
                assert!(contains(emergency, treat), "{role} {action} {kind}");
                assert!(contains(glass, emergency), "{role} {action} {kind}");
                for grant in [treat, emergency, glass] {
                    for facts in Facts::POSSIBLE.into_iter().filter(|facts| grant.permits(*facts)) {
                        let plain = Facts { restricted: false, ..facts };
                        assert!(grant.permits(plain), "{role} {action} {kind}");
                    }
                    let [other, own] = [whose(true, false, false), whose(true, true, false)];
                    assert!(grant.permits(own) || !grant.permits(other), "{role} {action} {kind}");
                }
            }
        }
        for action in house_actions() {
            let [treat, emergency, glass] = [0, 1, 2].map(|i| policy.allows(&cxs[i], action));
            assert!(treat <= emergency && emergency <= glass, "{role} {action}");
        }
    }
}

#[test]
fn nurses_do_not_prescribe() {
    let policy = &*STANDARD;
    for purpose in PurposeOfUse::ALL {
        let cx = cx(Role::Nurse, *purpose);
        for action in [Action::Create, Action::Update, Action::Delete] {
            assert!(policy.grant(&cx, action, R::MEDICATION_REQUEST).is_none());
            assert!(policy.grant(&cx, action, R::SERVICE_REQUEST).is_none());
        }
        let doctor = super::cx(Role::Physician, *purpose);
        let writes = policy.grant(&doctor, Action::Create, R::MEDICATION_REQUEST);
        assert_eq!(writes.is_none(), !TREATMENT.contains(purpose), "{purpose}");
    }
}

#[test]
fn restricted_records_need_care_or_broken_glass() {
    let policy = &*STANDARD;
    let carriers = [Role::Integration, Role::System];
    for role in Role::ALL.iter().filter(|role| !carriers.contains(role)) {
        for purpose in PurposeOfUse::ALL.iter().filter(|it| **it != PurposeOfUse::BreakGlass) {
            let cx = cx(*role, *purpose);
            for kind in kinds().into_iter().filter(|kind| *kind != R::AUDIT_EVENT) {
                for action in record_actions() {
                    let grant = policy.grant(&cx, action, kind);
                    assert!(!grant.permits(whose(true, false, true)), "{role} {purpose} {kind}");
                    assert!(!grant.permits(whose(false, false, true)), "{role} {purpose} {kind}");
                }
            }
        }
    }
    let may_break = [Role::Physician, Role::Nurse, Role::Pharmacist, Role::Radiographer];
    for role in Role::ALL.iter().filter(|role| !carriers.contains(role)) {
        let glass = cx(*role, PurposeOfUse::BreakGlass);
        let other =
            policy.grant(&glass, Action::Read, R::PATIENT).permits(whose(true, false, true));
        assert_eq!(other, may_break.contains(role), "{role}");
    }
}

/// Administrators see no chart, auditors nothing but the log, registrars nothing clinical, and
/// Ward's own records stay with those who run it.
#[test]
fn walls_between_roles() {
    let policy = &*STANDARD;
    for purpose in PurposeOfUse::ALL {
        for action in record_actions() {
            for kind in kinds() {
                let group = groups::group_of(kind).unwrap();
                let grant = |role| policy.grant(&cx(role, *purpose), action, kind);
                let about_patients =
                    group.within.contains(&groups::CHART) || group.name == "billing";
                if about_patients {
                    assert!(grant(Role::Administrator).is_none(), "{purpose} {action} {kind}");
                }
                if group.name != "audit" {
                    assert!(grant(Role::Auditor).is_none(), "{purpose} {action} {kind}");
                }
                let clinical =
                    ["notes", "observations", "reports", "orders", "problems", "imaging"];
                if clinical.contains(&group.name) {
                    assert!(grant(Role::Registrar).is_none(), "{purpose} {action} {kind}");
                }
                if !kind.is_fhir() {
                    let may = [Role::Administrator, Role::System, Role::Integration];
                    for role in Role::ALL.iter().filter(|role| !may.contains(role)) {
                        assert!(grant(*role).is_none(), "{role} {action} {kind}");
                    }
                    let writes = [R::IMPORT, R::JOIN, R::SUBSCRIBER];
                    assert!(writes.contains(&kind) || grant(Role::Integration).is_none());
                }
                let deletes =
                    [Role::Registrar, Role::Integration, Role::Administrator, Role::System];
                if action == Action::Delete {
                    for role in Role::ALL.iter().filter(|role| !deletes.contains(role)) {
                        assert!(grant(*role).is_none(), "{role} {kind}");
                    }
                }
                if *purpose != PurposeOfUse::Payment && about_patients {
                    assert!(grant(Role::Billing).is_none(), "{purpose} {kind}");
                }
            }
        }
        for role in Role::ALL {
            let reads = policy.allows(&cx(*role, *purpose), Action::AuditRead);
            assert_eq!(reads, [Role::Auditor, Role::System].contains(role), "{role}");
        }
    }
}

#[test]
fn the_audit_log_is_written_by_nobody() {
    let policy = &*STANDARD;
    for role in Role::ALL {
        for action in [Action::Create, Action::Update, Action::Delete] {
            let cx = cx(*role, PurposeOfUse::Operations);
            assert!(policy.grant(&cx, action, R::AUDIT_EVENT).is_none(), "{role}");
        }
    }
}

#[test]
fn facts_of_a_record() {
    let id = |text: &str| text.parse::<FhirId>().unwrap();
    let care = CareScope::Patients(Arc::new(BTreeSet::from([id("a"), id("b")])));
    let cx = cx_caring(Role::Nurse, PurposeOfUse::Treatment, care);
    assert_eq!(facts(&cx, &[], false), whose(false, false, false));
    assert_eq!(facts(&cx, &[id("a")], true), whose(true, true, true));
    assert_eq!(facts(&cx, &[id("a"), id("b")], false), whose(true, true, false));
    assert_eq!(facts(&cx, &[id("a"), id("c")], false), whose(true, false, false));
    let house = cx_caring(Role::Pharmacist, PurposeOfUse::Treatment, CareScope::Everyone);
    assert_eq!(facts(&house, &[id("c")], false), whose(true, true, false));
    assert_eq!(facts(&house, &[], true), whose(false, false, true));
}

#[test]
fn actions_are_asked_where_they_belong() {
    let policy = &*STANDARD;
    let cx = cx(Role::System, PurposeOfUse::SystemAdministration);
    for action in house_actions() {
        assert!(policy.allows(&cx, action), "{action}");
        assert!(policy.grant(&cx, action, R::PATIENT).is_none(), "{action}");
    }
    for action in record_actions() {
        assert!(!policy.allows(&cx, action), "{action}");
        assert!(policy.grant(&cx, action, R::PATIENT).is_all(), "{action}");
    }
    for action in Action::ALL {
        assert_eq!(Action::from_word(action.as_str()), Some(*action));
    }
}

proptest! {
    #[test]
    fn no_grant_permits_impossible_facts(mask: u8) {
        let grant = Grant::from_mask(mask);
        prop_assert!(!grant.permits(whose(false, true, false)));
        prop_assert!(!grant.permits(whose(false, true, true)));
        prop_assert_eq!(grant.is_all(), Facts::POSSIBLE.into_iter().all(|it| grant.permits(it)));
        prop_assert_eq!(grant.is_none(), !Facts::POSSIBLE.into_iter().any(|it| grant.permits(it)));
        let again = Facts::POSSIBLE.into_iter().filter(|it| grant.permits(*it));
        prop_assert_eq!(again.fold(Grant::NONE, Grant::with), grant);
    }
}

/// Tells apart what the standard policies do not: one kind of a group, and kinds of actor.
static PICKY: LazyLock<Policy> = LazyLock::new(|| {
    let text = r#"
        @id("site")
        permit (principal, action == Action::"delete", resource)
        when { resource.kind == Kind::"Slot" && principal.kind == ActorKind::"client" };
    "#;
    Policy::from_text(text).unwrap()
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// What is kept for a class of kinds is what Cedar says of each kind in it, and the actor's
    /// kind is not mixed up with another's.
    #[test]
    fn kept_answers_are_those_of_the_policies(
        role in prop::sample::select(Role::ALL),
        purpose in prop::sample::select(PurposeOfUse::ALL),
        actor in prop::sample::select(&[ActorKind::Person, ActorKind::Client, ActorKind::System]),
        action in 0..6usize,
        kind in prop_oneof![0..151usize, Just(123)],
    ) {
        let mut cx = cx(role, purpose);
        cx.actor.kind = actor;
        let (action, kind) = (Action::ALL[action], kinds()[kind]);
        let kept = PICKY.grant(&cx, action, kind);
        prop_assert_eq!(kept, PICKY.grant_afresh(&cx, action, kind));
        prop_assert_eq!(kept, PICKY.grant(&cx, action, kind));
    }
}

#[test]
fn a_named_kind_and_a_kind_of_actor_are_told_apart() {
    let mut cx = cx(Role::Nurse, PurposeOfUse::Treatment);
    assert!(PICKY.grant(&cx, Action::Delete, R::SLOT).is_none());
    cx.actor.kind = ActorKind::Client;
    assert!(!PICKY.grant(&cx, Action::Delete, R::SLOT).is_none());
    assert!(PICKY.grant(&cx, Action::Delete, R::SCHEDULE).is_none());
}
