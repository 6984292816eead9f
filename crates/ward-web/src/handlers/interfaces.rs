//! Interfaces as a whole: what listens, what goes where, how many messages are in each state.
//! Nothing of a patient.

use std::collections::{BTreeMap, BTreeSet};

use hyper::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use ward_interop::figures::{Destination, Place, WayStanding};
use ward_store::{Direction, MessageCount};

use super::{access::invalid, messages::time};
use crate::{app::App, request::Asked, respond, respond::Answer};

/// Since when messages are counted, unless asked otherwise.
const SINCE: SignedDuration = SignedDuration::from_hours(24);

/// What is known of the messages of one interface.
#[derive(Default)]
struct Counts {
    all: BTreeMap<&'static str, u64>,
    since: BTreeMap<&'static str, u64>,
    last: Option<Timestamp>,
}

impl Counts {
    fn add(&mut self, count: &MessageCount) {
        let state = count.state.as_str();
        for (sums, n) in [(&mut self.all, count.n), (&mut self.since, count.n_since)] {
            let sum: &mut u64 = sums.entry(state).or_default();
            *sum = sum.saturating_add(n);
        }
        self.last = self.last.max(count.last);
    }

    fn put(&self, object: &mut Map<String, Value>) {
        object.insert("counts".to_owned(), json!(self.all));
        object.insert("recent".to_owned(), json!(self.since));
        object.insert("lastMessage".to_owned(), json!(self.last.map(|it| it.to_string())));
    }
}

/// Every interface and its destinations: `since` says from when on messages are counted besides
/// all of them, to the hour.
pub(crate) async fn list(app: &App, asked: &Asked) -> Answer {
    let mut since = asked.cx.now.checked_sub(SINCE).unwrap_or(asked.cx.now);
    for pair in asked.query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("since", value)) => since = time(&value.replace("%3A", ":"))?,
            _ => return Err(invalid("only `since` is asked for")),
        }
    }
    let figures = app.messages.as_ref().map(|it| it.figures());
    let declared = figures.map(|it| it.declared()).unwrap_or_default();
    let destinations = declared.iter().flat_map(|it| it.destinations.iter().map(|to| &to.name));
    let mut names: Vec<String> = declared.iter().map(|it| it.name.clone()).collect();
    names.extend(destinations.cloned());
    let counted = app.records.chart().messages_by_interface(&asked.cx, &names, since).await?;
    let mut by_name: BTreeMap<&str, Counts> = BTreeMap::new();
    for count in &counted {
        let name = count.channel.as_deref().unwrap_or_default();
        by_name.entry(name).or_default().add(count);
    }
    let none = Counts::default();
    let of = |name: &str| by_name.get(name).unwrap_or(&none);
    let interfaces = declared.iter().map(|it| {
        let now = figures.map(|figures| figures.source(&it.name)).unwrap_or_default();
        let mut source = place(&it.source);
        let is_open = match (it.source.kind, figures) {
            // It takes what comes by another one.
            ("interface", Some(figures)) => figures.source(&it.source.address).is_open,
            _ => now.is_open,
        };
        source.insert("open".to_owned(), json!(is_open));
        source.insert("connections".to_owned(), json!(now.n_connections));
        if let Some(address) = now.address.filter(|it| !it.is_empty()) {
            source.insert("address".to_owned(), json!(address));
        }
        let ways = it.destinations.iter().map(|to| {
            let way = figures.map(|figures| figures.way(&to.name).standing());
            destination(to, &way.unwrap_or_default(), of(&to.name))
        });
        let mut object = Map::new();
        object.insert("name".to_owned(), json!(it.name));
        object.insert("source".to_owned(), Value::Object(source));
        object.insert("destinations".to_owned(), ways.collect());
        of(&it.name).put(&mut object);
        Value::Object(object)
    });
    let known: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let gone = by_name.iter().filter(|(name, _)| !known.contains(*name)).map(|(name, counts)| {
        let out = |it: &&MessageCount| it.channel.as_deref().unwrap_or_default() == *name;
        let is_out = counted.iter().filter(out).all(|it| it.direction == Direction::Out);
        let mut object = Map::new();
        object.insert("name".to_owned(), json!(name));
        object.insert("direction".to_owned(), json!(if is_out { "out" } else { "in" }));
        counts.put(&mut object);
        Value::Object(object)
    });
    let body = json!({
        "now": asked.cx.now.to_string(),
        "since": since.to_string(),
        "interfaces": interfaces.collect::<Vec<_>>(),
        "mistakes": figures.map(|it| it.mistakes()).unwrap_or_default(),
        "gone": gone.collect::<Vec<_>>(),
    });
    Ok(respond::value(StatusCode::OK, &body))
}

fn place(place: &Place) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("kind".to_owned(), json!(place.kind));
    object.insert("address".to_owned(), json!(place.address));
    object.insert("tls".to_owned(), json!(place.is_tls));
    object
}

fn destination(to: &Destination, way: &WayStanding, counts: &Counts) -> Value {
    let mut object = place(&to.place);
    let state = match (&way.trouble, way.answered_at) {
        (Some(_), _) => "retrying",
        (None, Some(_)) => "up",
        (None, None) => "untried",
    };
    object.insert("name".to_owned(), json!(to.name));
    object.insert("acks".to_owned(), json!(to.is_for_acks));
    object.insert("state".to_owned(), json!(state));
    let mut time = |name: &str, at: Option<Timestamp>| {
        if let Some(at) = at {
            object.insert(name.to_owned(), json!(at.to_string()));
        }
    };
    time("answeredAt", way.answered_at);
    time("oldestWaiting", way.oldest_waiting);
    if let Some(trouble) = &way.trouble {
        time("since", Some(trouble.since));
        time("nextTry", trouble.next_try);
        object.insert("tries".to_owned(), json!(trouble.n_tries));
        object.insert("why".to_owned(), json!(trouble.fault.why));
        object.insert("detail".to_owned(), json!(trouble.fault.detail));
    }
    counts.put(&mut object);
    Value::Object(object)
}
