//! The contract behind an acknowledgment: a message is accepted only after its bytes, what it
//! brought to the chart and the answer itself are in one durable commit.
//!
//! - A message that comes again, byte for byte from the same sender, gets the answer that was kept
//!   and does nothing.
//! - Messages about one patient are worked on in the order in which they came; a merge holds the
//!   lanes of both patients.
//! - What is wrong with a message is answered and kept with it; what is wrong with the chart is
//!   never answered with an acceptance, and the sender sends it again.

mod again;
mod apply;
mod compose;
mod file;
mod interface;
mod join;
mod known;
mod lanes;
mod later;
mod merge;
mod note;
mod place;
mod query;
mod receive;
mod replay;
mod scripted;
mod sequence;
mod status;
#[cfg(test)]
mod tests;
mod work;

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore};
use ward_core::{
    Actor, ActorKind, CareScope, Ctx, FhirId, PurposeOfUse, Role,
    ids::{ActorId, TraceId},
};
use ward_crypto::Random;
use ward_store::{Chart, CommitError, Write};

pub(crate) use self::compose::is_from_message;
pub use self::{
    interface::{Interface, Purpose, Unmapped},
    note::{Note, Told},
    receive::Taken,
    replay::{Change, Preview},
    work::Worked,
};
use self::{known::Known, lanes::Lanes};
use crate::{convert::Converter, figures::Figures};

/// What every listener, folder and client of one chart brings its messages to.
#[derive(Clone)]
pub struct Receiver {
    inner: Arc<Inner>,
}

struct Inner {
    chart: Chart,
    converter: Converter,
    random: Arc<dyn Random>,
    lanes: Lanes,
    /// One for each link that numbers its messages.
    links: Lanes,
    known: Known,
    /// The server's own address; links with it are links to its records.
    base: Arc<str>,
    clock: Clock,
    heard: Heard,
    /// Woken when a message is kept that still has to be worked on.
    kept: Notify,
    /// Woken when a message is kept that has to go out.
    outgoing: Notify,
    interfaces: RwLock<BTreeMap<String, Arc<Interface>>>,
    /// Places for scripts: one for each processor, so that they never take all the threads.
    scripts: Semaphore,
    /// What whoever looks after interfaces is told.
    figures: Figures,
}

/// What time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Who has to hear of every write, such as whoever remembers answers.
pub type Heard = Arc<dyn Fn(&[Write]) + Send + Sync>;

impl Receiver {
    pub fn new(
        chart: Chart,
        converter: Converter,
        random: Arc<dyn Random>,
        base: &str,
        clock: Clock,
        heard: Heard,
    ) -> Receiver {
        let base = base.trim_end_matches('/').into();
        let (lanes, kept, outgoing) = (Lanes::default(), Notify::new(), Notify::new());
        let known = Known::default();
        let interfaces = RwLock::default();
        let n_cores = std::thread::available_parallelism().map_or(2, usize::from);
        let scripts = Semaphore::new(n_cores);
        let inner = Inner {
            chart,
            converter,
            random,
            lanes,
            links: Lanes::default(),
            known,
            base,
            clock,
            heard,
            kept,
            outgoing,
            interfaces,
            scripts,
            figures: Figures::default(),
        };
        Receiver { inner: Arc::new(inner) }
    }

    /// Says which interfaces there are, for kept messages that are worked on later.
    pub fn announce(&self, interfaces: &BTreeMap<String, Interface>) {
        let all = interfaces.iter().map(|(name, it)| (name.clone(), Arc::new(it.clone())));
        let mut known = self.inner.interfaces.write().unwrap_or_else(PoisonError::into_inner);
        *known = all.collect();
    }

    /// Every interface there is.
    pub fn interfaces(&self) -> Vec<Arc<Interface>> {
        let known = self.inner.interfaces.read().unwrap_or_else(PoisonError::into_inner);
        known.values().cloned().collect()
    }

    /// The interface that messages are kept under `name` by; one that is gone works as any other.
    pub fn interface(&self, name: &str) -> Arc<Interface> {
        let known = self.inner.interfaces.read().unwrap_or_else(PoisonError::into_inner);
        known.get(name).cloned().unwrap_or_else(|| Arc::new(Interface::new(name)))
    }

    /// What listeners and ways out are doing now.
    pub fn figures(&self) -> &Figures {
        &self.inner.figures
    }

    pub fn chart(&self) -> &Chart {
        &self.inner.chart
    }

    fn known(&self) -> &Known {
        &self.inner.known
    }

    pub(crate) fn converter(&self) -> &Converter {
        &self.inner.converter
    }

    /// Tells whoever brings messages out that there are some.
    pub(crate) fn wake_outgoing(&self) {
        self.inner.outgoing.notify_waiters();
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.inner.clock)()
    }

    fn fresh_id(&self, cx: &Ctx) -> Result<FhirId, CommitError> {
        let mut random = [0; 10];
        let filled = self.inner.random.fill(&mut random);
        filled.map_err(|_| CommitError::Unavailable("no randomness"))?;
        Ok(FhirId::at(cx.now, random))
    }

    /// Ward itself, now.
    pub(crate) fn system_context(&self) -> Ctx {
        self.own_context(self.now())
    }

    /// Who acts when a message goes out by `name`.
    pub(crate) fn interface_context(&self, name: &str) -> Ctx {
        self.context(&Interface::new(name), name, self.now())
    }

    /// Who acts when a message of `interface` is worked on.
    fn context(&self, interface: &Interface, peer: &str, now: Timestamp) -> Ctx {
        let id = self.inner.chart.derived(&["interface", &interface.name]);
        Ctx {
            actor: Actor { id: ActorId::from_bytes(id), kind: ActorKind::Client },
            role: Role::Integration,
            purpose: PurposeOfUse::Treatment,
            care: CareScope::Everyone,
            now,
            trace: self.trace(now),
            source: Arc::from(peer),
        }
    }

    /// Ward itself, for what no interface may do.
    fn own_context(&self, now: Timestamp) -> Ctx {
        Ctx {
            actor: Actor { id: ActorId::from_bytes([0; 16]), kind: ActorKind::System },
            role: Role::System,
            purpose: PurposeOfUse::SystemAdministration,
            care: CareScope::Everyone,
            now,
            trace: self.trace(now),
            source: Arc::from("hl7"),
        }
    }

    /// A fresh trace; without randomness its time alone must do.
    fn trace(&self, now: Timestamp) -> TraceId {
        let mut bytes = [0; 10];
        let _time_alone = self.inner.random.fill(&mut bytes);
        TraceId::at(now, bytes)
    }

    /// A control id that nobody else gives: it does not depend on the clock.
    ///
    /// - Shape: 20 characters, the most that 2.2 allows.
    pub(crate) fn fresh_control_id(&self) -> Option<String> {
        const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let mut bytes = [0; 20];
        self.inner.random.fill(&mut bytes).ok()?;
        let letter = |byte: &u8| LETTERS.get(usize::from(byte & 31)).copied().map(char::from);
        bytes.iter().map(letter).collect()
    }
}
