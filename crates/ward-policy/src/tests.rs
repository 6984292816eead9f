//! What the standard policies and a site's own come to.

mod matrix;
mod site;
mod standard;

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
};

use jiff::Timestamp;
use ward_core::{
    Actor, ActorKind, CareScope, Ctx, PurposeOfUse, ResourceType, Role,
    ids::{ActorId, TraceId},
};

use crate::{Action, Policy};

/// Shared, so that no answer is worked out twice.
static STANDARD: LazyLock<Policy> = LazyLock::new(Policy::standard);

/// A context in which only role, purpose and kind of actor matter.
fn cx(role: Role, purpose: PurposeOfUse) -> Ctx {
    cx_caring(role, purpose, CareScope::Patients(Arc::new(BTreeSet::new())))
}

fn cx_caring(role: Role, purpose: PurposeOfUse, care: CareScope) -> Ctx {
    Ctx {
        actor: Actor { id: ActorId::from_bytes([0; 16]), kind: ActorKind::Person },
        role,
        purpose,
        care,
        now: Timestamp::UNIX_EPOCH,
        trace: TraceId::from_bytes([0; 16]),
        source: Arc::from("test"),
    }
}

fn record_actions() -> impl Iterator<Item = Action> + Clone {
    Action::ALL.iter().copied().filter(|action| action.is_on_records())
}

fn house_actions() -> impl Iterator<Item = Action> + Clone {
    Action::ALL.iter().copied().filter(|action| !action.is_on_records())
}

fn kinds() -> Vec<ResourceType> {
    crate::schema::kinds().collect()
}
