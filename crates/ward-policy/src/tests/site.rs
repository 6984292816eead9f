//! A site's own policies.

use std::{fs, path::Path};

use expect_test::expect_file;
use proptest::prelude::*;
use ward_core::{Kind, PurposeOfUse, ResourceType as R, Role};

use super::{STANDARD, cx, house_actions, kinds, record_actions};
use crate::{Action, Facts, Policy, PolicyError};

/// One case is two files: `NAME.cedar` in, `NAME.txt` out. To add a case, add the first.
#[test]
fn golden() {
    let dir = Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("tests/data/site");
    let mut n_cases = 0;
    for entry in fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ext| ext == "cedar") {
            let actual = match Policy::from_text(&fs::read_to_string(&path).unwrap()) {
                Ok(policy) => format!("ok, {} policies\n", policy.names().len()),
                Err(error) => format!("{error}\n"),
            };
            expect_file![path.with_extension("txt")].assert_eq(&actual);
            n_cases += 1;
        }
    }
    assert!(0 < n_cases, "no cases in {}", dir.display());
}

#[test]
fn no_policy_no_access() {
    let policy = Policy::only("").unwrap();
    for role in Role::ALL {
        for purpose in PurposeOfUse::ALL {
            let cx = cx(*role, *purpose);
            assert!(house_actions().all(|action| !policy.allows(&cx, action)));
            for kind in kinds() {
                assert!(record_actions().all(|action| policy.grant(&cx, action, kind).is_none()));
            }
        }
    }
}

#[test]
fn a_site_policy_adds() {
    let text = r#"
        @id("site-research")
        permit (principal in Role::"physician", action in Action::"view", resource)
        when { context.purpose == Purpose::"HRESCH" && resource.kind == Kind::"ResearchSubject" };
    "#;
    let policy = Policy::from_text(text).unwrap();
    let cx = cx(Role::Physician, PurposeOfUse::Research);
    let grant = policy.grant(&cx, Action::Search, R::RESEARCH_SUBJECT);
    assert!(grant.permits(Facts { has_patient: true, in_care: false, restricted: false }));
    // The standard policies still hold beside it.
    assert!(!grant.permits(Facts { has_patient: true, in_care: false, restricted: true }));
    // Another kind of the same group is not touched.
    assert!(policy.grant(&cx, Action::Search, R::CARE_PLAN).is_none());
    assert!(STANDARD.grant(&cx, Action::Search, R::RESEARCH_SUBJECT).is_none());
}

#[test]
fn a_site_policy_takes_the_place_of_a_standard_one() {
    let text = "@id(\"system-all\")\npermit (principal, action, resource) when { false };";
    let cx = cx(Role::System, PurposeOfUse::SystemAdministration);
    assert!(STANDARD.allows(&cx, Action::ManageKeys));
    assert!(!Policy::from_text(text).unwrap().allows(&cx, Action::ManageKeys));
}

#[test]
fn a_forbid_beats_every_permit() {
    let text = r#"
        @id("site-no-export")
        forbid (principal, action == Action::"export", resource);
        @id("site-no-notes")
        forbid (principal in Role::"system", action, resource in Group::"notes");
    "#;
    let policy = Policy::from_text(text).unwrap();
    let cx = cx(Role::System, PurposeOfUse::SystemAdministration);
    assert!(!policy.allows(&cx, Action::Export));
    assert!(policy.allows(&cx, Action::Import));
    assert!(policy.grant(&cx, Action::Read, R::COMPOSITION).is_none());
    assert!(policy.grant(&cx, Action::Read, R::OBSERVATION).is_all());
    let facts = Facts { has_patient: true, in_care: true, restricted: false };
    let reasons = policy.reasons(&cx, Action::Read, R::COMPOSITION, facts);
    assert_eq!(reasons, ["site-no-notes"]);
}

#[test]
fn limits() {
    let long = " ".repeat(crate::text::TEXT_BYTES_MAX + 1);
    let error = Policy::from_text(&long).unwrap_err();
    assert!(matches!(error, PolicyError::TooLong { .. }));
    assert_eq!(error.kind(), Kind::TooLarge);
    let many: String = (0..=crate::text::POLICIES_MAX)
        .map(|i| format!("@id(\"p{i}\") forbid (principal, action, resource);\n"))
        .collect();
    let error = Policy::from_text(&many).unwrap_err();
    assert!(matches!(error, PolicyError::TooMany { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// One more `permit` never takes away, one more `forbid` never gives.
    #[test]
    fn effects_go_one_way(
        role in prop::sample::select(Role::ALL),
        asked in prop::sample::select(Role::ALL),
        purpose in prop::sample::select(PurposeOfUse::ALL),
        action in 0..6usize,
        kind in 0..151usize,
        group in prop::sample::select(vec!["notes", "chart", "fhir", "directory", "accounts"]),
        test in prop::sample::select(vec!["resource.in_care", "!resource.restricted", "true",
            "context.emergency", "!resource.has_patient"]),
    ) {
        let rest = format!(
            "(principal in Role::\"{role}\", action, resource in Group::\"{group}\") when {{ {test} }};",
        );
        let cx = cx(asked, purpose);
        let (action, kind) = (Action::ALL[action], kinds()[kind]);
        let grant = |text: &str| Policy::from_text(text).unwrap().grant(&cx, action, kind);
        let before = grant("");
        let wider = grant(&format!("@id(\"site\") permit {rest}"));
        let narrower = grant(&format!("@id(\"site\") forbid {rest}"));
        prop_assert_eq!(wider.and(before), before);
        prop_assert_eq!(narrower.and(before), narrower);
    }

    /// No text makes reading it panic, and what is refused says where.
    #[test]
    fn any_text_is_read_or_refused(text in "[a-z@\"(){}:;,=&|!. \nRAé]{0,80}") {
        if let Err(PolicyError::Text { line, column, .. }) = Policy::only(&text) {
            prop_assert!(1 <= line && line <= text.matches('\n').count() + 1);
            prop_assert!(1 <= column);
        }
    }
}
