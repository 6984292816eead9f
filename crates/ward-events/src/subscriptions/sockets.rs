//! Websockets that are bound to subscriptions.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use ward_core::FhirId;

/// Websockets at once.
/// LIMIT: each is a connection and a few kilobytes.
pub const SOCKETS_MAX: usize = 256;

/// Seconds for which a token binds.
/// LIMIT: the time from the answer with the token to the websocket's first message.
pub(super) const TOKEN_S: i64 = 60;

/// Tokens at once.
/// LIMIT: more are asked for by nobody who then connects.
const TOKENS_MAX: usize = 1_024;

/// How long a websocket may take for one message.
const PATIENCE: Duration = Duration::from_secs(20);

/// One notification for a websocket.
#[derive(Clone)]
pub struct Message {
    /// A Bundle; empty when there is only a ping.
    pub body: Vec<u8>,
    /// R4's own form.
    pub ping: Option<Ping>,
}

/// "Something of this subscription happened."
#[derive(Clone)]
pub struct Ping {
    pub subscription: FhirId,
}

impl Message {
    pub fn text(&self) -> String {
        match &self.ping {
            Some(ping) => format!("ping {}", ping.subscription),
            None => String::from_utf8_lossy(&self.body).into_owned(),
        }
    }
}

type Said = (Message, oneshot::Sender<()>);

/// A websocket's end: what is to go out, and to whom to say that it did.
pub struct Binding {
    pub subscriptions: Vec<FhirId>,
    pub messages: mpsc::Receiver<Said>,
}

/// Until when a token binds, and which subscriptions.
type Bound = (Timestamp, Vec<FhirId>);

/// All websockets.
#[derive(Default)]
pub struct Sockets {
    tokens: Mutex<HashMap<[u8; 32], Bound>>,
    bound: Mutex<HashMap<FhirId, Vec<mpsc::Sender<Said>>>>,
}

impl Sockets {
    /// Keeps that a token, by its digest, binds these subscriptions; answers until when.
    pub(super) fn give(
        &self,
        digest: [u8; 32],
        ids: Vec<FhirId>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let until = now.checked_add(SignedDuration::from_secs(TOKEN_S)).ok()?;
        let mut tokens = lock(&self.tokens);
        tokens.retain(|_, (until, _)| now < *until);
        if TOKENS_MAX <= tokens.len() {
            return None;
        }
        tokens.insert(digest, (until, ids));
        Some(until)
    }

    /// Takes a token, which binds once.
    pub fn take(&self, digest: &[u8; 32], now: Timestamp) -> Option<Vec<FhirId>> {
        let (until, ids) = lock(&self.tokens).remove(digest)?;
        (now < until).then_some(ids)
    }

    /// Binds a websocket; it is told for as long as the binding is held.
    pub fn bind(&self, subscriptions: Vec<FhirId>) -> Binding {
        let (sender, messages) = mpsc::channel(1);
        let mut bound = lock(&self.bound);
        for id in &subscriptions {
            let all = bound.entry(id.clone()).or_default();
            all.retain(|it| !it.is_closed());
            all.push(sender.clone());
        }
        Binding { subscriptions, messages }
    }

    /// Gives a message to every websocket of a subscription; answers whether one has sent it.
    pub(super) async fn say(&self, id: &FhirId, message: Message) -> bool {
        let senders: Vec<mpsc::Sender<Said>> = {
            let mut bound = lock(&self.bound);
            let Some(all) = bound.get_mut(id) else { return false };
            all.retain(|it| !it.is_closed());
            if all.is_empty() {
                bound.remove(id);
                return false;
            }
            all.clone()
        };
        let mut is_said = false;
        for sender in senders {
            let (done, is_done) = oneshot::channel();
            let saying = async {
                sender.send((message.clone(), done)).await.ok()?;
                is_done.await.ok()
            };
            is_said |= matches!(timeout(PATIENCE, saying).await, Ok(Some(())));
        }
        is_said
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
