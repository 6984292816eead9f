//! Sends what waits in the queue, until it has arrived.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use tokio::{sync::Notify, task::JoinSet};
use ward_core::AuditAction;
use ward_store::{
    Chart, Command, CommitError, CommitUnit, Interaction,
    handler::{HandleError, context},
    workflow::Clock,
};

use super::{Job, LANES, Mailer, Rules, To, webhook};
use crate::Roads;

/// Notifications on their way at once, of one lane.
/// LIMIT: one that hangs does not hold the others; more are a load for the mail server.
const SENDING_MAX: usize = 16;

/// Seconds for which a notification is somebody's to send.
/// LIMIT: longer than any sending takes (30 s). What a kill cut off waits for it, and something
/// critical may be among it.
const LEASE_S: i64 = 45;

/// Tries before a person has to look.
/// LIMIT: with rests that grow to an hour, about a day.
const TRIES_MAX: u32 = 30;

/// Longest rest between two tries, in seconds.
/// LIMIT: a mail server that is back is tried within the hour.
const REST_S_MAX: i64 = 3_600;

/// How often the queue is looked at for what is to be tried again.
const LOOK: Duration = Duration::from_secs(1);

/// Wakes the senders.
#[derive(Clone, Default)]
pub struct Waker(Arc<[Notify; 2]>);

impl Waker {
    pub(super) fn wake(&self) {
        self.0.iter().for_each(Notify::notify_one);
    }
}

/// What senders go by.
pub struct Sending {
    pub chart: Chart,
    pub rules: Rules,
    pub mailer: Option<Mailer>,
    pub roads: Roads,
    /// Where people find what a notification is about.
    pub link: String,
    pub now: Clock,
}

/// Those who send.
pub struct Senders {
    sending: Arc<Sending>,
    waker: Waker,
}

impl Senders {
    pub fn new(sending: Sending) -> Senders {
        Senders { sending: Arc::new(sending), waker: Waker::default() }
    }

    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Sends for as long as it is polled. What is critical has senders of its own.
    pub async fn run(self) {
        let [critical, other] = LANES;
        let [first, second] = &*self.waker.0;
        tokio::join!(lane(&self.sending, critical, first), lane(&self.sending, other, second));
    }
}

async fn lane(sending: &Arc<Sending>, lane: &'static str, waker: &Notify) {
    let mut under_way: JoinSet<()> = JoinSet::new();
    loop {
        while under_way.try_join_next().is_some() {}
        let room = SENDING_MAX.saturating_sub(under_way.len());
        match lease(sending, lane, room).await {
            Ok(commands) if !commands.is_empty() => {
                for command in commands {
                    under_way.spawn(send(Arc::clone(sending), command));
                }
                continue;
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "notifications wait"),
        }
        tokio::select! {
            () = waker.notified() => {}
            _ended = under_way.join_next(), if !under_way.is_empty() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

async fn lease(sending: &Sending, lane: &str, n: usize) -> Result<Vec<Command>, HandleError> {
    let cx = context((sending.now)(), "notifications");
    if n == 0 || !sending.chart.has_command(&cx, lane)? {
        return Ok(Vec::new());
    }
    let until = cx.now.saturating_add(SignedDuration::from_secs(LEASE_S));
    let until = until.unwrap_or(cx.now);
    Ok(sending.chart.lease(&cx, lane, until, n).await?)
}

async fn send(sending: Arc<Sending>, command: Command) {
    // It names no patient: what a rule found, and whom to tell.
    let sent = match serde_json::from_slice::<Job>(command.body.reveal()) {
        Ok(job) => one(&sending, &job).await,
        Err(_) => Err((Trouble::Hopeless, "the notification cannot be read".to_owned())),
    };
    if let Err(error) = settle(&sending, &command, sent).await {
        tracing::error!(%error, "what became of a notification is not kept");
    }
}

/// Whether trying again may help.
enum Trouble {
    Passing,
    Hopeless,
}

async fn one(sending: &Sending, job: &Job) -> Result<(), (Trouble, String)> {
    match &job.to {
        To::Mail(address) => {
            let none = || (Trouble::Passing, "no mail server is set".to_owned());
            let mailer = sending.mailer.as_ref().ok_or_else(none)?;
            mailer.send(job, address).await.map_err(|why| (Trouble::Passing, why))
        }
        To::Webhook => {
            let rule = sending.rules.0.iter().find(|rule| rule.name == job.rule);
            let webhook = rule.and_then(|rule| rule.webhook.as_ref());
            let gone = || (Trouble::Hopeless, "the rule has no webhook any more".to_owned());
            let webhook = webhook.ok_or_else(gone)?;
            let now = (sending.now)();
            webhook::send(&sending.roads, webhook, job, &sending.link, now)
                .await
                .map_err(|error| (Trouble::Passing, error.to_string()))
        }
    }
}

async fn settle(
    sending: &Sending,
    command: &Command,
    sent: Result<(), (Trouble, String)>,
) -> Result<(), CommitError> {
    let cx = context((sending.now)(), "notifications");
    let chart = &sending.chart;
    match sent {
        Ok(()) => {
            let act = Interaction::new(AuditAction::Export).with_detail("notification".to_owned());
            let unit = CommitUnit { finished: vec![command.id], ..CommitUnit::default() };
            chart.commit(&cx, act, unit).await.map(|_| ())
        }
        Err((Trouble::Passing, reason)) if command.attempts < TRIES_MAX => {
            tracing::warn!(reason, attempts = command.attempts, "notification not sent");
            let s = 2i64.saturating_pow(command.attempts.min(12)).min(REST_S_MAX);
            let at = cx.now.saturating_add(SignedDuration::from_secs(s)).unwrap_or(cx.now);
            chart.retry(&cx, command.id, at).await
        }
        Err((_, reason)) => {
            tracing::error!(reason, attempts = command.attempts, "notification given up");
            chart.bury(&cx, command.id).await
        }
    }
}
