//! What every handler needs.

use std::{sync::Arc, time::Instant};

use tokio::sync::Semaphore;
use ward_billing::Billing;
use ward_clinical::{beds::Beds, figures::HouseFigures};
use ward_crypto::Random;
use ward_events::{figures::EventFigures, live::Live, subscriptions::Subscriptions};
use ward_interop::contract::Receiver;
use ward_pharmacy::cds::answer::Checks;
use ward_pharmacy::order::Pharmacy;
use ward_records::Records;
use ward_rules::likeness::Thresholds;
use ward_store::workflow::Engine;

use crate::{
    auth::{Gate, Principals},
    care::CareFigures,
    handlers::subscriptions,
    metrics::Metrics,
};

/// The state of one server; cheap to clone.
#[derive(Clone)]
pub struct App {
    pub(crate) records: Records,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) metrics: Arc<Metrics>,
    /// What the binary looks after by itself.
    pub care: Arc<CareFigures>,
    pub(crate) limits: WebLimits,
    pub(crate) started: Instant,
    /// What messages are worked on by, where there are any.
    pub(crate) messages: Option<Receiver>,
    /// What admissions and beds are looked after by, where there are any.
    pub(crate) stays: Option<Stays>,
    /// What asks payers, where anything does.
    pub(crate) billing: Option<Billing>,
    /// Places for websockets.
    pub(crate) sockets: Arc<Semaphore>,
    /// What follows the event feed, where something does.
    pub(crate) events: Option<Events>,
    /// What medication is checked by, where there is a knowledge base.
    pub(crate) checks: Option<Arc<Checks>>,
    /// What orders of medication and the stock are looked after by.
    pub(crate) pharmacy: Option<Pharmacy>,
    /// From how sure on somebody is alike.
    pub(crate) registry: Thresholds,
}

/// What follows the event feed.
#[derive(Clone)]
pub struct Events {
    pub subscriptions: Subscriptions,
    pub live: Live,
    pub figures: EventFigures,
    pub principals: Arc<Principals>,
}

/// What looks after stays.
#[derive(Clone)]
pub struct Stays {
    pub engine: Engine,
    pub beds: Beds,
    pub figures: Arc<HouseFigures>,
}

/// Limits of the HTTP side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WebLimits {
    /// Largest request body, in bytes.
    pub body_bytes: usize,
    /// Connections at once; more wait to be accepted.
    pub connections: usize,
    /// Connections at once from one address; more are closed.
    pub connections_per_peer: usize,
    /// Largest request header, in bytes.
    pub header_bytes: usize,
    /// Seconds a client may take to send its header.
    pub header_s: u64,
    /// Seconds one request may take.
    pub request_s: u64,
    /// Requests worked on at once; more are answered with 503.
    pub requests: usize,
}

impl Default for WebLimits {
    fn default() -> WebLimits {
        WebLimits {
            body_bytes: ward_core::limits::BODY_BYTES_MAX,
            // LIMIT: a hospital's interfaces and open pages; each costs a few kilobytes.
            connections: 4096,
            // LIMIT: a proxy in front of everything still fits; one machine cannot take all.
            connections_per_peer: 2048,
            // LIMIT: the longest search query, and a browser's cookies.
            header_bytes: ward_core::limits::QUERY_BYTES_MAX + 32 * 1024,
            // LIMIT: a header is one packet; slower is an attack or a dead line.
            header_s: 10,
            // LIMIT: the largest bundle on a slow disk stays well below.
            request_s: 120,
            // LIMIT: more cannot make progress on the machine this runs on.
            requests: 1024,
        }
    }
}

impl App {
    pub fn new(records: Records, random: Arc<dyn Random>, limits: WebLimits) -> App {
        App {
            gate: Arc::new(Gate::new(records.chart().clone())),
            records,
            random,
            metrics: Arc::new(Metrics::default()),
            care: Arc::default(),
            limits,
            started: Instant::now(),
            messages: None,
            stays: None,
            billing: None,
            sockets: subscriptions::sockets(),
            events: None,
            checks: None,
            pharmacy: None,
            registry: Thresholds::default(),
        }
    }

    /// With messages of interfaces, which can then be worked on again.
    #[must_use]
    pub fn with_messages(self, receiver: Receiver) -> App {
        App { messages: Some(receiver), ..self }
    }

    /// With stays, which can then be begun and ended.
    #[must_use]
    pub fn with_stays(self, stays: Stays) -> App {
        App { stays: Some(stays), ..self }
    }

    /// With payers, who can then be asked and billed.
    #[must_use]
    pub fn with_billing(self, billing: Billing) -> App {
        App { billing: Some(billing), ..self }
    }

    /// With subscriptions, figures and what screens are told.
    #[must_use]
    pub fn with_events(self, events: Events) -> App {
        App { events: Some(events), ..self }
    }

    /// With checks of medication.
    #[must_use]
    pub fn with_checks(self, checks: Arc<Checks>) -> App {
        App { checks: Some(checks), ..self }
    }

    /// With medication, which can then be ordered and given.
    #[must_use]
    pub fn with_pharmacy(self, pharmacy: Pharmacy) -> App {
        App { pharmacy: Some(pharmacy), ..self }
    }

    /// With other thresholds of the registry.
    #[must_use]
    pub fn with_registry(self, registry: Thresholds) -> App {
        App { registry, ..self }
    }

    /// The one-time token that makes the first account, when there is none yet.
    pub async fn open_setup(&self) -> Result<Option<String>, crate::AuthError> {
        self.gate.open_setup(self.random.as_ref(), crate::now()).await
    }

    /// Ends the sessions that are over, so that their end is on record.
    ///
    /// - Audit: a `logout` for each.
    pub async fn sweep_sessions(&self) -> Result<(), crate::AuthError> {
        self.gate.sweep(crate::now(), self.random.as_ref()).await
    }
}
