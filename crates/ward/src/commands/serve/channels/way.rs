//! The way to one destination, and what becomes of it when its file changes.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{
    sync::{Mutex, watch},
    task::AbortHandle,
};
use ward_crypto::{OsRandom, Random, tls};
use ward_interop::{
    channel::{Delivery, S3To, Target, To, backoff},
    contract::Receiver,
    http::{ANSWER_BYTES_MAX, ClientSettings, HttpSender},
    mllp::{SendSettings, Sender},
    s3::{Bucket, BucketSettings, Credentials},
};

use super::source::secret;
use crate::{Failure, commands::serve::certificate::written};

/// How long a way out rests when nothing wakes it.
const REST: Duration = Duration::from_secs(2);

/// Rounds in which a way out that is no longer in any file still looks for messages.
/// LIMIT: a minute, longer than any message is worked on.
const ROUNDS_RETIRED: u32 = 30;

/// Seconds for a connection to a destination.
const CONNECT_S: u64 = 10;

/// Most bytes of an object that is compared with ours.
/// LIMIT: the largest message, with room.
const OBJECT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A delivery that runs; it ends with this value.
pub struct Way {
    to: To,
    times: Vec<Option<SystemTime>>,
    task: AbortHandle,
    /// Told when its destination is no longer in any file.
    retire: watch::Sender<bool>,
    /// Held by whoever delivers under this name.
    turn: Arc<Mutex<()>>,
}

impl Way {
    /// Begins to deliver to `to` under `name`; with `before`, when that one has ended.
    pub fn start(receiver: &Receiver, name: &str, to: &To, before: Option<&Way>) -> Way {
        let turn = before.map(|before| {
            // What was under way is sent again by whoever comes next; its receiver knows it.
            before.task.abort();
            Arc::clone(&before.turn)
        });
        let turn = turn.unwrap_or_default();
        let target = target(to).unwrap_or_else(|failure| {
            tracing::error!(destination = name, why = failure.chain(), "destination not usable");
            Target::Closed
        });
        let delivery = Delivery::new(receiver.clone(), name, target, to.rejections_max);
        let (retire, retired) = watch::channel(false);
        let work = delivering(receiver.clone(), delivery, retired, Arc::clone(&turn));
        let task = tokio::spawn(work).abort_handle();
        Way { to: to.clone(), times: times(to), task, retire, turn }
    }

    /// Whether it delivers to `to`, with the files as they are now.
    pub fn is_to(&self, to: &To) -> bool {
        !*self.retire.borrow() && self.to == *to && self.times == times(to)
    }

    /// Its destination is in no file any more: what waits for it still goes there, then it ends.
    pub fn retire(&self) {
        let _ended = self.retire.send_replace(true);
    }

    pub fn is_over(&self) -> bool {
        self.task.is_finished()
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn times(to: &To) -> Vec<Option<SystemTime>> {
    to.files().into_iter().map(written).collect()
}

fn target(to: &To) -> Result<Target, Failure> {
    let config = match &to.tls {
        None => None,
        Some(tls) => {
            let own = tls.cert.as_deref().zip(tls.key.as_deref());
            Some(Arc::new(tls::client_config(&tls.ca, own)?))
        }
    };
    let named = |host: &str| match &config {
        None => Ok(None),
        Some(config) => tls::server_name(host).map(|name| Some((Arc::clone(config), name))),
    };
    if let Some(address) = &to.mllp {
        let host = address.rsplit_once(':').map_or(address.as_str(), |it| it.0);
        let tls = named(host.trim_matches(['[', ']']))?;
        let address = address.clone();
        let settings = SendSettings { address, tls, connect_s: CONNECT_S, answer_s: to.answer_s };
        return Ok(Target::Mllp(Box::new(Sender::new(settings))));
    }
    if let Some(endpoint) = to.endpoint() {
        let tls = named(&endpoint.host)?;
        let (connect_s, answer_s, answer_bytes) = (CONNECT_S, to.answer_s, ANSWER_BYTES_MAX);
        let settings = ClientSettings { endpoint, tls, connect_s, answer_s, answer_bytes };
        if let Some(s3) = &to.s3 {
            return bucket(settings, s3).map(|bucket| Target::S3(Box::new(bucket)));
        }
        let token = to.token_file.as_deref().map(secret).transpose()?;
        let sender = HttpSender::new(settings, token.as_deref());
        let sender = sender.map_err(|error| Failure::Usage(error.to_string()))?;
        return Ok(Target::Http(Box::new(sender)));
    }
    Ok(Target::Folder(to.folder.clone().unwrap_or_else(|| Path::new("").to_path_buf())))
}

fn bucket(client: ClientSettings, s3: &S3To) -> Result<Bucket, Failure> {
    let keys = match &s3.credentials_file {
        Some(path) => Credentials::from_file(&secret(path)?),
        None => {
            let named = |name: &str| std::env::var(name).unwrap_or_default();
            let session = named("AWS_SESSION_TOKEN");
            let (id, key) = (named("AWS_ACCESS_KEY_ID"), named("AWS_SECRET_ACCESS_KEY"));
            Credentials::new(&id, &key, Some(&session))
        }
    };
    let keys = keys.map_err(|error| Failure::Usage(error.to_string()))?;
    let client = ClientSettings { answer_bytes: OBJECT_BYTES_MAX, ..client };
    let S3To { region, bucket, prefix, .. } = s3.clone();
    Ok(Bucket::new(client, BucketSettings { region, bucket, prefix }, keys))
}

/// Brings messages to one destination for as long as the server runs.
async fn delivering(
    receiver: Receiver,
    mut delivery: Delivery,
    mut retired: watch::Receiver<bool>,
    turn: Arc<Mutex<()>>,
) {
    let _turn = turn.lock().await;
    let (mut n_failed, mut left) = (0u32, ROUNDS_RETIRED);
    loop {
        let round = delivery.round().await;
        if round.is_stuck {
            n_failed = if 0 < round.n_sent { 0 } else { n_failed.saturating_add(1) };
            let mut random = [0; 1];
            let _middle_of_the_road = OsRandom::default().fill(&mut random);
            let pause = backoff(n_failed, random.first().copied().unwrap_or(0));
            delivery.rests(pause);
            tokio::time::sleep(pause).await;
        } else {
            n_failed = 0;
            if *retired.borrow_and_update() {
                // A message that was under way when the file changed is still to come.
                match left.checked_sub(1) {
                    Some(less) => left = less,
                    None => return,
                }
            }
            let _woken = tokio::time::timeout(REST, receiver.outgoing()).await;
        }
    }
}
