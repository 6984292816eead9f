//! The endpoint table against the policy.

#![allow(clippy::unwrap_used, reason = "tests may")]

use std::{fmt::Write, sync::Arc};

use expect_test::expect_file;
use jiff::Timestamp;
use ward_core::{
    Actor, ActorKind, CareScope, Ctx, PurposeOfUse, ResourceType, Role,
    ids::{ActorId, TraceId},
};
use ward_policy::Policy;
use ward_web::{Access, ENDPOINTS};

fn ctx(role: Role) -> Ctx {
    Ctx {
        actor: Actor { id: ActorId::from_bytes([1; 16]), kind: ActorKind::Client },
        role,
        purpose: match role {
            Role::Billing => PurposeOfUse::Payment,
            Role::Auditor => PurposeOfUse::Operations,
            Role::Administrator | Role::System => PurposeOfUse::SystemAdministration,
            _ => PurposeOfUse::Treatment,
        },
        care: CareScope::Everyone,
        now: Timestamp::UNIX_EPOCH,
        trace: TraceId::from_bytes([2; 16]),
        source: Arc::from("test"),
    }
}

/// Every row with every role: `all`, `-`, or how many resource types the action is granted for.
#[test]
fn who_may_ask_what() {
    let policy = Policy::standard();
    let mut matrix = String::new();
    for row in ENDPOINTS {
        write!(matrix, "{:6} {:40}", row.method, row.path).unwrap();
        for role in Role::ALL {
            let cx = ctx(*role);
            let cell = match row.access {
                Access::Public => "all".to_owned(),
                Access::House(action) if policy.allows(&cx, action) => "all".to_owned(),
                Access::House(_) => "-".to_owned(),
                Access::SignedIn(action) => {
                    let granted = |kind: &ResourceType| !policy.grant(&cx, action, *kind).is_none();
                    match ResourceType::fhir().filter(granted).count() {
                        0 => "-".to_owned(),
                        n => n.to_string(),
                    }
                }
            };
            write!(matrix, " {role}={cell}").unwrap();
        }
        matrix.push('\n');
    }
    assert!(20 < matrix.lines().count());
    expect_file!["../data/matrix.txt"].assert_eq(&matrix);
}

#[test]
fn the_description_has_every_row() {
    let described = ward_web::openapi();
    for row in ENDPOINTS {
        assert!(
            described["paths"][row.path][row.method.to_lowercase()].is_object(),
            "{}",
            row.path
        );
    }
}
