//! Finds who is to be notified of what happens.

use ward_core::{Ctx, Phi, ResourceType};
use ward_store::{
    Chart, CommitUnit, ConsumerName, Event, EventFilter, NewCommand, ParseConsumerError,
    handler::{Begin, HandleError, Handled, Handler, Kept, Step},
};

use super::{Job, LANES, Rule, Rules, To, send::Waker};

/// Where the topics of workflows are from.
const TOPICS: &str = "urn:ward:workflow";

/// Reads the feed by the rules.
pub struct Finder {
    chart: Chart,
    name: ConsumerName,
    rules: Rules,
    waker: Waker,
}

impl Finder {
    pub fn new(chart: Chart, rules: Rules, waker: Waker) -> Result<Finder, ParseConsumerError> {
        Ok(Finder { chart, name: "notifications".parse()?, rules, waker })
    }

    fn jobs(&self, event: &Event, unit: &mut CommitUnit) -> Result<(), HandleError> {
        let topic = topic_of(event);
        // A notification of a workflow is one record: that one is told of once.
        let is_later = event
            .record
            .as_ref()
            .is_some_and(|it| it.key.kind == ResourceType::COMMUNICATION && it.version != 1);
        for rule in self.rules.0.iter().filter(|rule| wants(rule, event, topic.as_deref())) {
            if is_later && !rule.topics.is_empty() {
                continue;
            }
            let mail = rule.mail.iter().cloned().map(To::Mail);
            let webhook = rule.webhook.iter().map(|_| To::Webhook);
            for to in mail.chain(webhook) {
                let of = match (&event.record, &topic) {
                    (Some(record), Some(_)) => record.key.to_string(),
                    _ => event.id.to_string(),
                };
                let whom = match &to {
                    To::Mail(address) => address.as_str(),
                    To::Webhook => "",
                };
                let key = self.chart.derived_id(&["notify", &of, &rule.name, whom]);
                let job = Job {
                    key: key.to_string(),
                    rule: rule.name.clone(),
                    to,
                    event: event.kind.to_string(),
                    priority: event.priority.to_string(),
                    time: event.time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
                    topic: topic.clone(),
                    place: format!("{}.{}", event.place.seq.0, event.place.n),
                };
                let [critical, other] = LANES;
                let is_critical = event.priority == ward_core::EventPriority::Critical;
                unit.queue.push(NewCommand {
                    lane: if is_critical { critical } else { other }.to_owned(),
                    not_before: None,
                    body: Phi::new(serde_json::to_vec(&job)?),
                });
            }
        }
        Ok(())
    }
}

impl Handler for Finder {
    fn name(&self) -> &ConsumerName {
        &self.name
    }

    fn filters(&self) -> Vec<EventFilter> {
        let filter = |rule: &Rule| EventFilter {
            kinds: rule.events.clone(),
            priorities: rule.priorities.clone(),
            records: match rule.topics.is_empty() {
                true => Vec::new(),
                false => vec![ResourceType::COMMUNICATION],
            },
        };
        self.rules.0.iter().map(filter).collect()
    }

    fn begins(&self) -> Begin {
        Begin::Now
    }

    async fn handle(&mut self, _: &Ctx, step: Step<'_>) -> Result<Handled, HandleError> {
        let mut unit = CommitUnit::default();
        for event in step.events {
            self.jobs(event, &mut unit)?;
        }
        let keep = !unit.queue.is_empty();
        Ok(Handled { unit, upto: None, keep })
    }

    fn passed(&mut self, kept: Kept) {
        if kept == Kept::Durably {
            self.waker.wake();
        }
    }
}

fn wants(rule: &Rule, event: &Event, topic: Option<&str>) -> bool {
    let of_event = rule.events.is_empty() || rule.events.contains(&event.kind);
    let of_priority = rule.priorities.is_empty() || rule.priorities.contains(&event.priority);
    let is_of = |topic: &str| rule.topics.iter().any(|it| it == topic);
    let of_topic = rule.topics.is_empty() || topic.is_some_and(is_of);
    of_event && of_priority && of_topic
}

/// What a workflow tells by a Communication.
fn topic_of(event: &Event) -> Option<String> {
    let record = event.record.as_ref()?;
    if record.key.kind != ResourceType::COMMUNICATION || record.deleted {
        return None;
    }
    let json: serde_json::Value = serde_json::from_slice(&record.body).ok()?;
    let codings = json.pointer("/topic/coding")?.as_array()?;
    let text = |coding: &serde_json::Value, name: &str| {
        coding.get(name).and_then(serde_json::Value::as_str).map(str::to_owned)
    };
    let own = codings.iter().find(|it| text(it, "system").as_deref() == Some(TOPICS))?;
    text(own, "code")
}
