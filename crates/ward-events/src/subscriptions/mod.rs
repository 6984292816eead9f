//! FHIR Subscriptions: what matches gets a number in the commit that saw it, and is told from
//! there, in order, until it has arrived.

mod ask;
mod book;
mod deliver;
mod keep;
mod matcher;
mod sockets;

use std::sync::Arc;

use jiff::Timestamp;
use ward_core::FhirId;
use ward_fhir::subscription::Rules;
use ward_store::{
    Chart, ConsumerName,
    handler::Following,
    workflow::{Clock, Heard},
};

pub use self::{
    ask::{AskError, Asked, EventsAsked},
    sockets::{Binding, Message, SOCKETS_MAX, Sockets},
};
use self::{book::Book, matcher::Matcher};
use crate::{Behalf, Roads};

/// How subscriptions are looked after.
#[derive(Clone)]
pub struct Settings {
    /// The server's own address.
    pub base: Arc<str>,
    pub rules: Rules,
    pub roads: Roads,
    /// Hours after which a receiver that never answers is given up.
    pub give_up_h: u32,
}

/// Everything that looks after subscriptions; clones are the same.
#[derive(Clone)]
pub struct Subscriptions {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) chart: Chart,
    pub(crate) settings: Settings,
    pub(crate) behalf: Arc<dyn Behalf>,
    pub(crate) now: Clock,
    /// Hears of the versions of Subscriptions that are written here.
    pub(crate) heard: Heard,
    pub(crate) book: Book,
    pub(crate) sockets: Sockets,
}

impl Subscriptions {
    pub fn new(
        chart: Chart,
        settings: Settings,
        behalf: Arc<dyn Behalf>,
        now: Clock,
        heard: Heard,
    ) -> Subscriptions {
        let (book, sockets) = (Book::default(), Sockets::default());
        let inner = Inner { chart, settings, behalf, now, heard, book, sockets };
        Subscriptions { inner: Arc::new(inner) }
    }

    pub fn sockets(&self) -> &Sockets {
        &self.inner.sockets
    }

    /// Looks after all subscriptions for as long as it is polled.
    pub async fn run(self) {
        while let Err(error) = keep::load(&self.inner).await {
            tracing::error!(%error, "subscriptions are not read");
            tokio::time::sleep(crate::REST_BAD).await;
        }
        let matcher = match Matcher::new(Arc::clone(&self.inner)) {
            Ok(matcher) => matcher,
            Err(error) => return tracing::error!(%error, "subscriptions are not looked after"),
        };
        let (chart, now) = (self.inner.chart.clone(), Arc::clone(&self.inner.now));
        let matching = crate::follow(Following::new(chart, matcher, now));
        tokio::join!(matching, deliver::all(&self.inner));
    }
}

impl Inner {
    pub(crate) fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// Under which a subscription's numbers and what has arrived of them are kept.
    pub(crate) fn consumer(&self, id: &FhirId) -> ConsumerName {
        self.chart.derived_consumer(&["subscription", id.as_str()])
    }
}
