//! The policies in force.

use std::{
    fmt,
    sync::atomic::{AtomicU16, Ordering},
};

use cedar_policy::Effect;
use ward_core::{ActorKind, Ctx, PurposeOfUse, ResourceType, Role};

use crate::{
    Action, Facts, Grant, PolicyError,
    classes::Classes,
    engine::{Engine, Question, Thing},
    schema,
    text::{self, ById},
};

/// The policies Ward comes with, a file for each part of the house.
static STANDARD: &[&str] = &[
    include_str!("standard/audit.cedar"),
    include_str!("standard/bedside.cedar"),
    include_str!("standard/billing.cedar"),
    include_str!("standard/house.cedar"),
    include_str!("standard/imaging.cedar"),
    include_str!("standard/integration.cedar"),
    include_str!("standard/medication.cedar"),
    include_str!("standard/pharmacy.cedar"),
    include_str!("standard/registration.cedar"),
    include_str!("standard/system.cedar"),
];

/// The policies in force, ready to be asked.
///
/// - Cost: the first question of its sort takes some hundred microseconds; its answer is kept in
///   a table of fixed size, and the same question then takes nanoseconds and no lock.
pub struct Policy {
    engine: Option<Engine>, // `None` denies everything.
    classes: Classes,
    answers: Box<[AtomicU16]>, // INVARIANT: 0, or `ANSWERED` with the mask of a grant.
}

const ANSWERED: u16 = 0x100;
const ACTOR_KINDS: [ActorKind; 3] = [ActorKind::Person, ActorKind::Client, ActorKind::System];

impl Policy {
    /// The policies Ward comes with.
    pub fn standard() -> Policy {
        // A defect in the standard policies is found by their tests; here it can only deny.
        Policy::from_text("").unwrap_or_else(|_| Policy {
            engine: None,
            classes: Classes::default(),
            answers: Box::default(),
        })
    }

    /// The standard policies with a site's own: one with the `@id` of a standard policy takes
    /// its place, any other is added.
    ///
    /// - Errors: the first thing wrong, with its line; nothing of the text is in force then.
    pub fn from_text(policies: &str) -> Result<Policy, PolicyError> {
        let schema = schema::parsed()?;
        let mut by_id = ById::new();
        for standard in STANDARD {
            by_id.extend(text::parse(&schema, standard)?);
        }
        by_id.extend(text::parse(&schema, policies)?);
        Policy::build(&schema, by_id)
    }

    /// A site's policies alone, without any of the standard ones.
    ///
    /// - Errors: as [`Policy::from_text`].
    pub fn only(policies: &str) -> Result<Policy, PolicyError> {
        let schema = schema::parsed()?;
        let by_id = text::parse(&schema, policies)?;
        Policy::build(&schema, by_id)
    }

    /// The schema that policies are checked against, for a site's editor.
    pub fn schema() -> String {
        schema::text()
    }

    /// For which records of `kind` the actor of `cx` may do `action`. Nothing, for an action
    /// that is not done to records.
    pub fn grant(&self, cx: &Ctx, action: Action, kind: ResourceType) -> Grant {
        match (action.is_on_records(), self.classes.of(kind)) {
            (true, Some(class)) => self.answer(cx, action, class + 1, Thing::Records(kind)),
            _ => Grant::NONE,
        }
    }

    /// Whether the actor of `cx` may do `action` to the house. No, for an action that is done to
    /// records: see [`Policy::grant`].
    pub fn allows(&self, cx: &Ctx, action: Action) -> bool {
        !action.is_on_records() && self.answer(cx, action, 0, Thing::House).is_all()
    }

    /// The names of the policies that decide on a record with these facts: those that permit, or
    /// those that forbid. Empty when it is denied because nothing permits it.
    pub fn reasons(
        &self,
        cx: &Ctx,
        action: Action,
        kind: ResourceType,
        facts: Facts,
    ) -> Vec<String> {
        let Some(engine) = &self.engine else { return Vec::new() };
        engine.reasons(&question(cx, action, Thing::Records(kind)), facts)
    }

    /// The names of the policies in force, in alphabetical order, and whether each forbids.
    pub fn names(&self) -> Vec<(String, bool)> {
        let Some(engine) = &self.engine else { return Vec::new() };
        let mut names: Vec<_> = engine
            .policies()
            .map(|policy| (policy.id().to_string(), policy.effect() == Effect::Forbid))
            .collect();
        names.sort();
        names
    }

    fn build(schema: &cedar_policy::Schema, by_id: ById) -> Result<Policy, PolicyError> {
        let classes = Classes::new(by_id.values());
        let n_answers = Role::ALL.len()
            * PurposeOfUse::ALL.len()
            * ACTOR_KINDS.len()
            * Action::ALL.len()
            * (classes.len() + 1);
        let engine = Some(Engine::new(schema, by_id)?);
        let answers = (0..n_answers).map(|_| AtomicU16::new(0)).collect();
        Ok(Policy { engine, classes, answers })
    }

    /// The kept answer, or the answer worked out and kept. Two threads may work out the same
    /// one; both get the same result.
    fn answer(&self, cx: &Ctx, action: Action, class: usize, thing: Thing) -> Grant {
        let (Some(engine), Some(cell)) = (&self.engine, self.cell(cx, action, class)) else {
            return Grant::NONE;
        };
        let kept = cell.load(Ordering::Relaxed);
        if kept != 0 {
            let [mask, _] = kept.to_le_bytes();
            return Grant::from_mask(mask);
        }
        let grant = engine.grant(&question(cx, action, thing));
        cell.store(ANSWERED | u16::from(grant.mask()), Ordering::Relaxed);
        grant
    }

    /// An answer worked out without what was kept.
    #[cfg(test)]
    pub(crate) fn grant_afresh(&self, cx: &Ctx, action: Action, kind: ResourceType) -> Grant {
        let engine = self.engine.as_ref();
        engine.map_or(Grant::NONE, |it| it.grant(&question(cx, action, Thing::Records(kind))))
    }

    fn cell(&self, cx: &Ctx, action: Action, class: usize) -> Option<&AtomicU16> {
        let mut at = class;
        at = at * Action::ALL.len() + place(Action::ALL, &action)?;
        at = at * Role::ALL.len() + place(Role::ALL, &cx.role)?;
        at = at * PurposeOfUse::ALL.len() + place(PurposeOfUse::ALL, &cx.purpose)?;
        at = at * ACTOR_KINDS.len() + place(&ACTOR_KINDS, &cx.actor.kind)?;
        self.answers.get(at)
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy").field("names", &self.names()).finish_non_exhaustive()
    }
}

fn question(cx: &Ctx, action: Action, thing: Thing) -> Question {
    Question { role: cx.role, kind: cx.actor.kind, purpose: cx.purpose, action, thing }
}

fn place<T: PartialEq>(all: &[T], one: &T) -> Option<usize> {
    all.iter().position(|it| it == one)
}
