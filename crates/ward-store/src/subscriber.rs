//! Who stands behind a Subscription: what the services that write and that tell both know.

use serde::{Deserialize, Serialize};
use ward_core::{
    Actor, ActorKind, Ctx, FhirId, PurposeOfUse, RecordKey, ResourceType, Role, ids::ActorId,
};

/// Who stands behind a Subscription: whoever wrote it last. It is told what they may see when it
/// is told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Subscriber {
    actor: String,
    is_person: bool,
    role: String,
    purpose: String,
}

impl Subscriber {
    pub fn of(cx: &Ctx) -> Subscriber {
        Subscriber {
            actor: cx.actor.id.to_string(),
            is_person: cx.actor.kind == ActorKind::Person,
            role: cx.role.to_string(),
            purpose: cx.purpose.to_string(),
        }
    }

    /// `None` when what is kept is no actor; nothing is then told.
    pub fn actor(&self) -> Option<Actor> {
        let id: ActorId = self.actor.parse().ok()?;
        let kind = match (self.is_person, *id.as_bytes() == [0; 16]) {
            (true, _) => ActorKind::Person,
            (false, true) => ActorKind::System,
            (false, false) => ActorKind::Client,
        };
        Some(Actor { id, kind })
    }

    pub fn role(&self) -> Option<Role> {
        Role::from_word(&self.role)
    }

    pub fn purpose(&self) -> Option<PurposeOfUse> {
        PurposeOfUse::from_word(&self.purpose)
    }
}

/// Where it is kept who stands behind a Subscription.
pub fn key_of(subscription: &FhirId) -> RecordKey {
    RecordKey::new(ResourceType::SUBSCRIBER, subscription.clone())
}
