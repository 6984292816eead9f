//! Asking, all services at once, each within its limit.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use serde_json::{Map, Value, json};
use tokio::task::JoinSet;
use ward_rules::medication::{
    Issue, IssueKind, Tier,
    issue::{Message, NotCheckable, RuleRef},
};
use ward_store::values::text;

use super::{RemoteSettings, read_cards};
use crate::cds::{
    gather::Gathered,
    services::{Hook, PREFETCH},
};

/// Largest answer of a service, in bytes.
/// LIMIT: fifty cards with long details.
pub const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Why a service gave nothing. It never holds what was sent.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TransportError {
    #[error("it cannot be reached")]
    Unreachable,
    #[error("it did not answer in time")]
    Timeout,
    #[error("it answered with status {0}")]
    Status(u16),
    #[error("its answer is too large")]
    TooLarge,
    #[error("it cannot be asked as it is set up")]
    SetUp,
}

/// The way to a service. What it takes to get there is not known here.
pub trait Transport: Send + Sync {
    fn post(
        &self,
        body: Vec<u8>,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, TransportError>> + Send + '_>>;
}

/// One service and the way to it.
#[derive(Clone)]
pub struct Asking {
    pub name: String,
    pub settings: RemoteSettings,
    pub transport: Arc<dyn Transport>,
}

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asking").field("name", &self.name).finish_non_exhaustive()
    }
}

/// All services that are asked.
#[derive(Clone, Default, Debug)]
pub struct Remotes(Vec<Asking>);

/// What a service is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Question<'q> {
    pub hook: Hook,
    /// Fresh for each call.
    pub instance: &'q str,
    /// `Practitioner/...` or the like; opaque.
    pub user: &'q str,
    pub patient: &'q str,
    pub encounter: Option<&'q str>,
    pub drafts: &'q [Value],
    pub gathered: &'q Gathered,
}

impl Remotes {
    pub fn new(services: Vec<Asking>) -> Remotes {
        Remotes(services)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether any service is asked at a hook.
    pub fn is_for(&self, hook: Hook) -> bool {
        self.0.iter().any(|it| it.settings.is_for(hook))
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|it| it.name.as_str())
    }

    /// Asks every service that is for the hook.
    ///
    /// - Shape: what each says, or one "not checkable" naming it. It never takes longer than the
    ///   longest limit of those asked.
    pub async fn ask(&self, question: Question<'_>) -> Vec<Issue> {
        let mut asked = JoinSet::new();
        for (n, it) in self.0.iter().enumerate().filter(|(_, it)| it.settings.is_for(question.hook))
        {
            let body = request_of(&it.settings, question).to_string().into_bytes();
            let it = it.clone();
            asked.spawn(async move {
                let limit = Duration::from_millis(it.settings.time_limit_ms);
                let answer = tokio::time::timeout(limit, it.transport.post(body)).await;
                let found: Result<Vec<Issue>, String> = match answer {
                    Err(_) => Err(TransportError::Timeout.to_string()),
                    Ok(Err(error)) => Err(error.to_string()),
                    Ok(Ok(bytes)) => read_cards(&it.name, &bytes),
                };
                let found = match found {
                    Ok(issues) => issues,
                    Err(why) => {
                        tracing::warn!(service = it.name, reason = why, "service gave no answer");
                        vec![not_checkable(&it.name, &why)]
                    }
                };
                (n, found)
            });
        }
        let orders: Vec<String> = question.drafts.iter().map(crate::cds::call::name_of).collect();
        let mut answers = Vec::new();
        while let Some(answer) = asked.join_next().await {
            // A task that ended badly has given nothing, and that is said too.
            answers.extend(answer.ok());
        }
        answers.sort_by_key(|(n, _)| *n);
        let is_silent = |n: usize| !answers.iter().any(|(it, _)| *it == n);
        let silent: Vec<Issue> = self
            .0
            .iter()
            .enumerate()
            .filter(|(n, it)| it.settings.is_for(question.hook) && is_silent(*n))
            .map(|(_, it)| not_checkable(&it.name, "asking it failed"))
            .collect();
        let mut issues: Vec<Issue> = answers.into_iter().flat_map(|(_, found)| found).collect();
        issues.extend(silent);
        for issue in issues.iter_mut().filter(|it| it.orders.is_empty()) {
            issue.orders = orders.clone();
        }
        issues
    }
}

/// - Source: CDS Hooks 2.0.1, HTTP request; no `fhirServer`: the service gets what is sent here.
pub(super) fn request_of(settings: &RemoteSettings, question: Question<'_>) -> Value {
    let Question { hook, instance, user, patient, encounter, drafts, gathered } = question;
    let mut context = json!({ "userId": user, "patientId": patient });
    let mut put = |name: &str, value: Value| {
        if let Some(object) = context.as_object_mut() {
            object.insert(name.to_owned(), value);
        }
    };
    if let Some(encounter) = encounter {
        put("encounterId", json!(encounter));
    }
    if hook.has_orders() {
        let entries: Vec<Value> = drafts.iter().map(|it| json!({ "resource": it })).collect();
        put(
            "draftOrders",
            json!({ "resourceType": "Bundle", "type": "collection", "entry": entries }),
        );
    }
    if hook == Hook::OrderSelect {
        let chosen: Vec<String> = drafts.iter().map(crate::cds::call::name_of).collect();
        put("selections", json!(chosen));
    }
    let ours: Vec<(String, String)> =
        PREFETCH.iter().map(|(key, _, query)| ((*key).to_owned(), (*query).to_owned())).collect();
    let wanted: Vec<(String, String)> = match settings.prefetch.is_empty() {
        true => ours,
        false => settings.prefetch.iter().map(|(key, it)| (key.clone(), it.clone())).collect(),
    };
    let prefetch: Map<String, Value> =
        wanted.into_iter().map(|(key, query)| (key, answer_of(&query, gathered))).collect();
    json!({
        "hook": hook.name(),
        "hookInstance": instance,
        "context": context,
        "prefetch": prefetch,
    })
}

/// The records of the type that a query asks for, as a searchset; `null` for a type we do not have.
fn answer_of(query: &str, gathered: &Gathered) -> Value {
    let kind = query.split(['/', '?']).next().unwrap_or_default();
    if kind == "Patient" {
        return gathered.patient.clone().unwrap_or(Value::Null);
    }
    if !PREFETCH.iter().any(|(_, it, _)| *it == kind) {
        return Value::Null;
    }
    let of = gathered.records.iter().filter(|it| text(it, "resourceType") == Some(kind));
    let entries: Vec<Value> = of.map(|it| json!({ "resource": it })).collect();
    json!({ "resourceType": "Bundle", "type": "searchset", "total": entries.len(), "entry": entries })
}

pub(super) fn not_checkable(service: &str, why: &str) -> Issue {
    Issue {
        kind: IssueKind::NotCheckable,
        tier: Tier::Interruptive,
        why: Some(NotCheckable::RemoteService),
        rule: RuleRef {
            id: format!("remote.{service}"),
            version: 1,
            knowledge_base: service.to_owned(),
        },
        orders: Vec::new(),
        others: Vec::new(),
        substances: Vec::new(),
        message: Message {
            summary: format!("Not checked by {service}: {why}."),
            action: "Check by hand what that service would have checked.".to_owned(),
            ..Message::default()
        },
        used: Vec::new(),
        illustrative: false,
        key: format!("remote.{service}|{why}"),
    }
}
