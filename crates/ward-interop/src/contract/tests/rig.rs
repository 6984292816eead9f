//! A chart in a temporary folder with a receiver on top, and short words for what tests do.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::Timestamp;
use ward_core::{
    Actor, ActorKind, AuditAction, AuditOutcome, CareScope, Ctx, PurposeOfUse, ResourceType, Role,
    ids::{ActorId, TraceId},
};
use ward_crypto::{RootKeyFile, SeededRandom};
use ward_fhir::{
    Json,
    search::{Handling, parse_search},
};
use ward_hl7::{Message, Path, ReadSettings};
use ward_policy::Policy;
use ward_store::{
    Chart, ChartOptions, EventFilter, FeedPlace, Filter, Interaction, KeptMessage, MessageFilter,
    Part, Query, StoreLimits,
};

use crate::{
    contract::{Interface, Receiver, Taken},
    convert::Converter,
};

pub(super) struct Rig {
    _folder: tempfile::TempDir,
    pub(super) chart: Chart,
    pub(super) receiver: Receiver,
    pub(super) interface: Interface,
    clock: Arc<AtomicI64>,
}

impl Rig {
    pub(super) fn new() -> Rig {
        Rig::with_pages(None)
    }

    /// A chart that is full at so many pages.
    pub(super) fn with_pages(pages: Option<u32>) -> Rig {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        RootKeyFile::create(&root, None, &SeededRandom::new(1)).unwrap();
        let options = ChartOptions {
            data: folder.path().join("data"),
            root: Arc::new(RootKeyFile::open(&root, None).unwrap()),
            random: Arc::new(SeededRandom::new(2)),
            policy: Arc::new(Policy::standard()),
            anchors: Vec::new(),
            limits: StoreLimits { pages, ..StoreLimits::default() },
        };
        let chart = Chart::init(options, at(0)).unwrap();
        let clock = Arc::new(AtomicI64::new(0));
        let ticks = Arc::clone(&clock);
        let receiver = Receiver::new(
            chart.clone(),
            Converter::standard(),
            Arc::new(SeededRandom::new(3)),
            "http://localhost/fhir",
            Arc::new(move || at(ticks.fetch_add(1, Ordering::Relaxed))),
            Arc::new(|_| {}),
        );
        Rig { _folder: folder, chart, receiver, interface: Interface::new("main"), clock }
    }

    /// Sets the clock, also back.
    pub(super) fn set_clock(&self, s: i64) {
        self.clock.store(s, Ordering::Relaxed);
    }

    /// Sends segments, one a line, and answers the acknowledgments.
    pub(super) async fn send(&self, message: &str) -> Taken {
        self.receiver.take(&self.interface, "10.0.0.9", &wire(message)).await
    }

    /// Sends, and answers code and MSH-10 of the one acknowledgment, and what ERR says.
    pub(super) async fn ack(&self, message: &str) -> Ack {
        match self.send(message).await {
            Taken::Answers(answers) => {
                assert_eq!(answers.len(), 1);
                Ack::read(&answers[0])
            }
            Taken::Silent => panic!("silent"),
            Taken::Close => panic!("closed"),
        }
    }

    /// Bodies of what a search finds.
    pub(super) async fn search(&self, kind: &str, query: &str) -> Vec<Json<'static>> {
        let kind: ResourceType = kind.parse().unwrap();
        let request = parse_search(Some(kind), query, Handling::Strict).unwrap();
        let part = request.parts.into_iter().next().unwrap();
        let clauses = part.conditions.clauses.into_iter().map(Filter::Clause).collect();
        let query = Query {
            parts: vec![Part { kind, filter: Filter::All(clauses) }],
            patient: None,
            sort: Vec::new(),
            count: 100,
            after: None,
            total: false,
        };
        let cx = cx();
        let reader = self.chart.reader(&cx, Interaction::new(AuditAction::Search));
        let found = reader.search(&query).unwrap();
        let bodies = found
            .hits
            .iter()
            .map(|hit| Json::parse(&reader.fetch(hit).unwrap().body).unwrap().into_owned())
            .collect();
        reader.finish(AuditOutcome::Success).await.unwrap();
        bodies
    }

    /// The one that a search finds.
    pub(super) async fn one(&self, kind: &str, query: &str) -> Json<'static> {
        let mut found = self.search(kind, query).await;
        assert_eq!(found.len(), 1, "{kind}?{query}");
        found.pop().unwrap()
    }

    /// Words of the event feed that are not about any change.
    pub(super) fn events(&self) -> Vec<&'static str> {
        let filter = EventFilter::default();
        let (events, _) =
            self.chart.events_after(&cx(), FeedPlace::default(), &filter, 1000).unwrap();
        let words = events.iter().map(|event| event.kind.as_str());
        words.filter(|word| *word != "RecordChanged").collect()
    }

    /// Every message, oldest first.
    pub(super) async fn messages(&self) -> Vec<KeptMessage> {
        let filter = MessageFilter { limit: 1000, ..MessageFilter::default() };
        let mut kept = Vec::new();
        for head in self.chart.messages(&cx(), &filter).await.unwrap().into_iter().rev() {
            kept.push(self.chart.message(&cx(), head.id).await.unwrap().unwrap());
        }
        kept
    }
}

/// What an acknowledgment says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Ack {
    pub(super) code: String,
    /// Its own id.
    pub(super) id: String,
    /// MSA-2.
    pub(super) of: String,
    /// MSA-4.
    pub(super) expected: String,
    /// ERR-3.
    pub(super) error: String,
}

impl Ack {
    pub(super) fn read(bytes: &[u8]) -> Ack {
        let (message, _) = Message::read(bytes, &ReadSettings::default());
        let message = message.unwrap();
        let text = |path: &str| {
            let path: Path = path.parse().unwrap();
            message.text_at(&path).unwrap_or_default().into_owned()
        };
        Ack {
            code: text("MSA-1"),
            id: text("MSH-10"),
            of: text("MSA-2"),
            expected: text("MSA-4"),
            error: text("ERR-3.1"),
        }
    }
}

/// Segments, one a line, as they go over the wire.
pub(super) fn wire(message: &str) -> Vec<u8> {
    message.lines().map(|line| format!("{}\r", line.trim())).collect::<String>().into_bytes()
}

pub(super) fn text<'j>(json: &'j Json<'_>, path: &str) -> &'j str {
    let mut at = json;
    for step in path.split('.') {
        at = match step.parse::<usize>() {
            Ok(n) => at.items().get(n).unwrap_or(&Json::Null),
            Err(_) => at.get(step).unwrap_or(&Json::Null),
        };
    }
    at.as_str().unwrap_or_default()
}

pub(super) fn at(s: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + s).unwrap()
}

pub(super) fn cx() -> Ctx {
    Ctx {
        actor: Actor { id: ActorId::at(at(0), [1; 10]), kind: ActorKind::System },
        role: Role::System,
        purpose: PurposeOfUse::Operations,
        care: CareScope::Everyone,
        now: at(1_000),
        trace: TraceId::at(at(0), [2; 10]),
        source: Arc::from("test"),
    }
}
