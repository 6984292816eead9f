//! `PlanDefinition/$apply`: what a plan comes to for one patient.
//!
//! - Source: FHIR R4, PlanDefinition, "Applying a PlanDefinition" and operation `$apply`.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use ward_fhir::{
    Json,
    fhirpath::{Env, Expression, Item},
};

use super::{request, value};
use crate::records::{put, text};

/// Deepest nesting of actions and of plans within plans.
/// LIMIT: protocols have three or four levels; a plan that applies itself ends here.
const DEPTH_MAX: usize = 12;

/// Most actions of one application.
/// LIMIT: nobody looks through more drafts.
const ACTIONS_MAX: usize = 1_000;

/// Whom the plan is applied to.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub patient: &'a Value,
    pub encounter: Option<&'a Value>,
    /// `Practitioner/ID` of who asks.
    pub practitioner: Option<&'a str>,
}

/// What came of a plan. References between its parts are `#` and a local id.
#[derive(Clone, PartialEq, Debug)]
pub struct Applied {
    pub care_plan: Value,
    /// Nothing where every action is care without an order.
    pub request_group: Option<Value>,
    /// Local id and draft of each request.
    pub requests: Vec<(String, Value)>,
    pub goals: Vec<(String, Value)>,
}

/// A plan cannot be applied.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ApplyError {
    #[error("`{place}`: {why}")]
    Expression { place: String, why: String },
    #[error("`{0}`: expressions are `text/fhirpath`")]
    Language(String),
    #[error("`{0}` is not to be found")]
    Missing(String),
    #[error("requests of kind `{0}` are not made here")]
    Kind(String),
    #[error("`{0}` is no path into the request")]
    Path(String),
    #[error("the plan is nested too deeply, or applies itself")]
    Deep,
    #[error("the plan has too many actions")]
    Many,
    #[error("the chart cannot be read")]
    Unread,
}

/// Finds a definition by its canonical URL; `Err` where the chart cannot be read.
pub type Resolve<'a> = dyn Fn(&str) -> Result<Option<Value>, ()> + 'a;

impl Subject<'_> {
    pub(super) fn reference(&self) -> String {
        format!("Patient/{}", text(self.patient, "id").unwrap_or_default())
    }

    pub(super) fn encounter_reference(&self) -> Option<String> {
        Some(format!("Encounter/{}", text(self.encounter?, "id")?))
    }
}

/// Applies `plan` to `subject`.
///
/// - Shape: conditions, dynamic values and what actions refer to are worked out; a condition that
///   has no answer (an age without a birth date) holds nothing back and stays with its action, for
///   a person to decide. Every request is a draft.
/// - Errors: the plan says something that is not understood; nothing of it is applied then.
pub fn apply(
    plan: &Value,
    subject: &Subject<'_>,
    resolve: &Resolve<'_>,
    now: Timestamp,
) -> Result<Applied, ApplyError> {
    let mut work = Applying {
        subject: *subject,
        patient: json_of(subject.patient),
        encounter: subject.encounter.map(json_of),
        resolve,
        now,
        requests: Vec::new(),
        n_actions: 0,
    };
    let goals = goals(plan, subject);
    let mut actions = Vec::new();
    for (n, action) in items(plan, "action").enumerate() {
        let place = format!("PlanDefinition.action[{n}]");
        actions.extend(work.action(action, (plan, &place), 0, "proposal")?);
    }
    let mut care = Vec::new();
    let ordered: Vec<Value> =
        actions.into_iter().filter_map(|action| orders_of(action, &mut care)).collect();
    let now = now.to_string();
    let canonical = text(plan, "url").map(|url| match text(plan, "version") {
        Some(version) => format!("{url}|{version}"),
        None => url.to_owned(),
    });
    let whole = |kind: &str, intent: &str| {
        let mut resource = json!({
            "resourceType": kind,
            "status": "draft",
            "intent": intent,
            "subject": { "reference": subject.reference() },
        });
        if let Some(canonical) = &canonical {
            put(&mut resource, "instantiatesCanonical", json!([canonical]));
        }
        if let Some(encounter) = subject.encounter_reference() {
            put(&mut resource, "encounter", json!({ "reference": encounter }));
        }
        resource
    };
    let mut request_group = None;
    let mut activities = Vec::new();
    if !ordered.is_empty() {
        let mut group = whole("RequestGroup", "proposal");
        put(&mut group, "authoredOn", json!(now));
        if let Some(by) = subject.practitioner {
            put(&mut group, "author", json!({ "reference": by }));
        }
        put(&mut group, "action", Value::Array(ordered));
        request_group = Some(group);
        activities.push(json!({ "reference": { "reference": "#requests" } }));
    }
    activities.extend(
        care.iter()
            .map(|title| json!({ "detail": { "status": "not-started", "description": title } })),
    );
    let mut care_plan = whole("CarePlan", "plan");
    put(
        &mut care_plan,
        "title",
        plan.get("title").or(plan.get("name")).cloned().unwrap_or_default(),
    );
    put(&mut care_plan, "created", json!(now));
    if let Some(by) = subject.practitioner {
        put(&mut care_plan, "author", json!({ "reference": by }));
    }
    if !goals.is_empty() {
        let of = goals.iter().map(|(id, _)| json!({ "reference": format!("#{id}") })).collect();
        put(&mut care_plan, "goal", Value::Array(of));
    }
    if !activities.is_empty() {
        put(&mut care_plan, "activity", Value::Array(activities));
    }
    Ok(Applied { care_plan, request_group, requests: work.requests, goals })
}

impl Applied {
    /// The CarePlan with everything else contained in it, as the operation answers.
    pub fn into_resource(self) -> Value {
        let mut contained = Vec::new();
        let named = |id: &str, mut resource: Value| {
            put(&mut resource, "id", json!(id));
            resource
        };
        contained.extend(self.request_group.map(|group| named("requests", group)));
        for (id, resource) in self.requests.into_iter().chain(self.goals) {
            contained.push(named(&id, resource));
        }
        let mut care_plan = self.care_plan;
        if !contained.is_empty() {
            put(&mut care_plan, "contained", Value::Array(contained));
        }
        care_plan
    }
}

struct Applying<'a> {
    subject: Subject<'a>,
    patient: Json<'static>,
    encounter: Option<Json<'static>>,
    resolve: &'a Resolve<'a>,
    now: Timestamp,
    requests: Vec<(String, Value)>,
    n_actions: usize,
}

impl Applying<'_> {
    /// The action of the RequestGroup; nothing where it does not apply.
    fn action(
        &mut self,
        action: &Value,
        (plan, place): (&Value, &str),
        depth: usize,
        intent: &str,
    ) -> Result<Option<Value>, ApplyError> {
        self.n_actions += 1;
        if DEPTH_MAX < depth {
            return Err(ApplyError::Deep);
        }
        if ACTIONS_MAX < self.n_actions {
            return Err(ApplyError::Many);
        }
        let Some(open) = self.applies(action, place)? else { return Ok(None) };
        let mut made = Map::new();
        for name in [
            "prefix",
            "title",
            "description",
            "textEquivalent",
            "priority",
            "code",
            "documentation",
            "timingDateTime",
            "timingAge",
            "timingPeriod",
            "timingDuration",
            "timingRange",
            "timingTiming",
            "type",
            "groupingBehavior",
            "selectionBehavior",
            "requiredBehavior",
            "precheckBehavior",
            "cardinalityBehavior",
            "relatedAction",
        ] {
            if let Some(value) = action.get(name) {
                // What is one code here is a list there.
                let value = if name == "code" && !value.is_array() {
                    json!([value])
                } else {
                    value.clone()
                };
                made.insert(name.to_owned(), value);
            }
        }
        if let Some(id) = text(action, "id") {
            made.insert("id".to_owned(), json!(id));
        }
        if !open.is_empty() {
            made.insert("condition".to_owned(), Value::Array(open));
        }
        let mut children: Vec<(Value, String)> = items(action, "action")
            .enumerate()
            .map(|(n, it)| (it.clone(), format!("{place}.action[{n}]")))
            .collect();
        let had_children = !children.is_empty();
        let defined = text(action, "definitionCanonical").or(text(action, "definitionUri"));
        let mut nested = None;
        if let Some(canonical) = defined {
            let found = self.definition(plan, canonical)?;
            if text(&found, "resourceType") == Some("PlanDefinition") {
                children.extend(
                    items(&found, "action")
                        .enumerate()
                        .map(|(n, it)| (it.clone(), format!("PlanDefinition.action[{n}]"))),
                );
                nested = Some(found);
            } else {
                let id = self.request(&found, action, place, intent)?;
                made.insert("resource".to_owned(), json!({ "reference": format!("#{id}") }));
            }
        }
        let behavior = text(action, "selectionBehavior").unwrap_or("any");
        let (plan, n_children) = (nested.as_ref().unwrap_or(plan), children.len());
        let before = self.requests.len();
        let mut n_open = 0;
        for (child, place) in &children {
            n_open += usize::from(self.applies(child, place)?.is_some());
        }
        // Of a choice with one way left, that one is meant.
        let is_choice = matches!(behavior, "exactly-one" | "at-most-one") && 1 < n_open;
        let inner = if is_choice { "option" } else { intent };
        let mut kept = Vec::new();
        for (child, place) in &children {
            kept.extend(self.action(child, (plan, place), depth + 1, inner)?);
        }
        if behavior == "all-or-none" && kept.len() < n_children {
            kept.clear();
            self.requests.truncate(before);
        }
        if kept.is_empty() && (had_children || nested.is_some()) && !made.contains_key("resource") {
            return Ok(None);
        }
        if !kept.is_empty() {
            made.insert("action".to_owned(), Value::Array(kept));
        }
        Ok(Some(Value::Object(made)))
    }

    /// The conditions that nobody can answer; `None` when one says no.
    fn applies(&self, action: &Value, place: &str) -> Result<Option<Vec<Value>>, ApplyError> {
        let mut open = Vec::new();
        for (n, condition) in items(action, "condition").enumerate() {
            if text(condition, "kind") != Some("applicability") {
                continue;
            }
            let place = format!("{place}.condition[{n}]");
            let expression = condition.get("expression").unwrap_or(&Value::Null);
            match self.truth(expression, &place)? {
                Some(true) => {}
                Some(false) => return Ok(None),
                None => open.push(json!({ "kind": "applicability", "expression": expression })),
            }
        }
        Ok(Some(open))
    }

    fn truth(&self, expression: &Value, place: &str) -> Result<Option<bool>, ApplyError> {
        self.eval(expression, &self.patient, place, |found| match found {
            [] => None,
            [Item::Bool(value)] => Some(*value),
            [Item::Node(node)] => node.json.as_bool().or(Some(true)),
            _ => Some(true),
        })
        .map(Option::flatten)
    }

    /// `None` where the expression has no value for this patient.
    fn eval<T>(
        &self,
        expression: &Value,
        resource: &Json<'_>,
        place: &str,
        then: impl Fn(&[Item<'_>]) -> T,
    ) -> Result<Option<T>, ApplyError> {
        if text(expression, "language") != Some("text/fhirpath") {
            return Err(ApplyError::Language(place.to_owned()));
        }
        let said = text(expression, "expression").unwrap_or_default();
        let parsed = Expression::parse(said).map_err(|error| ApplyError::Expression {
            place: place.to_owned(),
            why: error.to_string(),
        })?;
        let mut variables = vec![("patient", &self.patient), ("subject", &self.patient)];
        variables.extend(self.encounter.as_ref().map(|it| ("encounter", it)));
        let env = Env { resource, now: self.now, variables: &variables };
        Ok(parsed.eval(&env).ok().map(|found| then(&found)))
    }

    fn definition(&self, plan: &Value, canonical: &str) -> Result<Value, ApplyError> {
        let missing = || ApplyError::Missing(canonical.to_owned());
        if let Some(id) = canonical.strip_prefix('#') {
            let found = items(plan, "contained").find(|it| text(it, "id") == Some(id));
            return found.cloned().ok_or_else(missing);
        }
        (self.resolve)(canonical).map_err(|()| ApplyError::Unread)?.ok_or_else(missing)
    }

    /// Makes the draft that the action asks for.
    fn request(
        &mut self,
        definition: &Value,
        action: &Value,
        place: &str,
        intent: &str,
    ) -> Result<String, ApplyError> {
        let mut request = request::of(definition, &self.subject, &self.now.to_string())?;
        if request.get("intent").is_some() {
            put(&mut request, "intent", json!(intent));
        }
        // What the plan says of the action is said after what the definition says of itself.
        let dynamic = items(definition, "dynamicValue").chain(items(action, "dynamicValue"));
        for (n, value) in dynamic.enumerate() {
            let place = format!("{place}.dynamicValue[{n}]");
            let path = text(value, "path").unwrap_or_default();
            let expression = value.get("expression").unwrap_or(&Value::Null);
            let bytes = serde_json::to_vec(&request).unwrap_or_default();
            let resource = Json::parse(&bytes).map(Json::into_owned).unwrap_or(Json::Null);
            // The request in the making is the input; `%patient` and `%encounter` are at hand.
            let found = self.eval(expression, &resource, &place, |found| {
                found.first().and_then(self::value::of)
            })?;
            if let Some(found) = found.flatten()
                && !self::value::set(&mut request, path, found)
            {
                return Err(ApplyError::Path(place));
            }
        }
        // A draft is what comes of a plan, whatever a dynamic value would make of it.
        put(&mut request, "status", json!("draft"));
        let id = format!("request-{}", self.requests.len().saturating_add(1));
        self.requests.push((id.clone(), request));
        Ok(id)
    }
}

fn goals(plan: &Value, subject: &Subject<'_>) -> Vec<(String, Value)> {
    let goals = items(plan, "goal").zip(1..);
    let made = goals.map(|(goal, n)| {
        let mut made = json!({
            "resourceType": "Goal",
            "lifecycleStatus": "proposed",
            "subject": { "reference": subject.reference() },
        });
        for name in ["description", "priority"] {
            if let Some(value) = goal.get(name) {
                put(&mut made, name, value.clone());
            }
        }
        if let Some(category) = goal.get("category") {
            put(&mut made, "category", json!([category]));
        }
        if let Some(start) = goal.get("start") {
            put(&mut made, "startCodeableConcept", start.clone());
        }
        (format!("goal-{n}"), made)
    });
    made.collect()
}

/// An action without what is care and no order, whose title goes to `care`; nothing where no order
/// is left.
///
/// - Source: FHIR R4, RequestGroup, rqg-1: an action has a resource or actions.
fn orders_of(mut action: Value, care: &mut Vec<String>) -> Option<Value> {
    if action.get("resource").is_some() {
        return Some(action);
    }
    let Some(inner) = action.as_object_mut().and_then(|it| it.remove("action")) else {
        let said = text(&action, "title").or(text(&action, "description"));
        care.extend(said.map(str::to_owned));
        return None;
    };
    let inner: Vec<Value> = inner
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| orders_of(it.clone(), care))
        .collect();
    if inner.is_empty() {
        return None;
    }
    put(&mut action, "action", Value::Array(inner));
    Some(action)
}

fn items<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> + Clone {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default().iter()
}

fn json_of(value: &Value) -> Json<'static> {
    let bytes = serde_json::to_vec(value).unwrap_or_default();
    Json::parse(&bytes).map(Json::into_owned).unwrap_or(Json::Null)
}

#[cfg(test)]
mod tests;
