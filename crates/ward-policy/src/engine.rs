//! Questions to Cedar: the only module that builds its requests and entities.

use std::collections::{HashMap, HashSet};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityUid, Policy, PolicySet, Request,
    Response, RestrictedExpression, Schema,
};
use ward_core::{ActorKind, PurposeOfUse, ResourceType, Role};

use crate::{
    Action, Facts, Grant, PolicyError, groups,
    schema::{self, TEAMS, uid},
    text::ById,
};

/// One question: who, why, what, to which sort of thing.
pub(crate) struct Question {
    pub(crate) role: Role,
    pub(crate) kind: ActorKind,
    pub(crate) purpose: PurposeOfUse,
    pub(crate) action: Action,
    pub(crate) thing: Thing,
}

#[derive(Clone, Copy)]
pub(crate) enum Thing {
    Records(ResourceType),
    House,
}

pub(crate) struct Engine {
    authorizer: Authorizer,
    policies: PolicySet,
    actions: Entities,
}

impl Engine {
    pub(crate) fn new(schema: &Schema, by_id: ById) -> Result<Engine, PolicyError> {
        let policies = PolicySet::from_policies(by_id.into_values()).map_err(bug)?;
        let actions = schema.action_entities().map_err(bug)?;
        Ok(Engine { authorizer: Authorizer::new(), policies, actions })
    }

    pub(crate) fn policies(&self) -> impl Iterator<Item = &Policy> {
        self.policies.policies()
    }

    /// The residual of the policies: Cedar is asked for every combination of facts that can
    /// occur, so this is exact.
    pub(crate) fn grant(&self, question: &Question) -> Grant {
        // A question that cannot be put is denied.
        let Ok(asked) = self.put(question) else { return Grant::NONE };
        let permitted = |facts: &Facts| {
            // A policy that failed to evaluate may have been one that forbids.
            self.ask(&asked, *facts).is_ok_and(|response| {
                response.decision() == Decision::Allow
                    && response.diagnostics().errors().next().is_none()
            })
        };
        Facts::POSSIBLE
            .into_iter()
            .filter(permitted)
            .fold(Grant::NONE, |grant, facts| grant.with(facts))
    }

    pub(crate) fn reasons(&self, question: &Question, facts: Facts) -> Vec<String> {
        let response = self.put(question).and_then(|asked| self.ask(&asked, facts));
        let Ok(response) = response else { return Vec::new() };
        let mut names: Vec<String> =
            response.diagnostics().reason().map(ToString::to_string).collect();
        names.sort();
        names
    }

    fn put(&self, question: &Question) -> Result<Asked, PolicyError> {
        let actor = actor(question)?;
        let mut things = vec![actor.clone()];
        if let Thing::Records(kind) = question.thing {
            for facts in Facts::POSSIBLE {
                things.push(record(kind, facts)?);
            }
        }
        Ok(Asked {
            actor: actor.uid(),
            action: uid("Action", question.action.as_str())?,
            thing: question.thing,
            context: context(question.purpose)?,
            entities: self.actions.clone().add_entities(things, None).map_err(bug)?,
        })
    }

    fn ask(&self, asked: &Asked, facts: Facts) -> Result<Response, PolicyError> {
        let resource = match asked.thing {
            Thing::House => uid("House", "house")?,
            Thing::Records(_) => uid("Record", &facts.bits().to_string())?,
        };
        let (actor, action) = (asked.actor.clone(), asked.action.clone());
        let request =
            Request::new(actor, action, resource, asked.context.clone(), None).map_err(bug)?;
        Ok(self.authorizer.is_authorized(&request, &self.policies, &asked.entities))
    }
}

/// A question in Cedar's terms: one actor, and a record for every combination of facts.
struct Asked {
    actor: EntityUid,
    action: EntityUid,
    thing: Thing,
    context: Context,
    entities: Entities,
}

fn actor(question: &Question) -> Result<Entity, PolicyError> {
    let role = uid("Role", question.role.as_str())?;
    let mut parents = HashSet::from([role.clone()]);
    for (team, roles) in TEAMS {
        if roles.contains(&question.role) {
            parents.insert(uid("Team", team)?);
        }
    }
    let kind = uid("ActorKind", schema::actor_kind_word(question.kind))?;
    entity(uid("Actor", "any")?, [("role", word(role)), ("kind", word(kind))], parents)
}

fn record(kind: ResourceType, facts: Facts) -> Result<Entity, PolicyError> {
    let mut parents = HashSet::new();
    if let Some(group) = groups::group_of(kind) {
        for name in [group.name].iter().chain(group.within) {
            parents.insert(uid("Group", name)?);
        }
    }
    let attributes = [
        ("kind", word(uid("Kind", kind.name())?)),
        ("has_patient", RestrictedExpression::new_bool(facts.has_patient)),
        ("in_care", RestrictedExpression::new_bool(facts.in_care)),
        ("restricted", RestrictedExpression::new_bool(facts.restricted)),
    ];
    entity(uid("Record", &facts.bits().to_string())?, attributes, parents)
}

fn context(purpose: PurposeOfUse) -> Result<Context, PolicyError> {
    use PurposeOfUse as P;
    let treatment = matches!(purpose, P::Treatment | P::Emergency | P::BreakGlass);
    let emergency = matches!(purpose, P::Emergency | P::BreakGlass);
    let pairs = [
        ("purpose".to_owned(), word(uid("Purpose", purpose.as_str())?)),
        ("treatment".to_owned(), RestrictedExpression::new_bool(treatment)),
        ("emergency".to_owned(), RestrictedExpression::new_bool(emergency)),
    ];
    Context::from_pairs(pairs).map_err(bug)
}

fn entity<const N: usize>(
    uid: EntityUid,
    attributes: [(&str, RestrictedExpression); N],
    parents: HashSet<EntityUid>,
) -> Result<Entity, PolicyError> {
    let attributes: HashMap<String, RestrictedExpression> =
        attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Entity::new(uid, attributes, parents).map_err(bug)
}

fn word(uid: EntityUid) -> RestrictedExpression {
    RestrictedExpression::new_entity_uid(uid)
}

fn bug(error: impl ToString) -> PolicyError {
    PolicyError::Schema(error.to_string())
}
