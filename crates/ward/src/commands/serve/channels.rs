//! The channels of a server: read at the start, and again when their files change.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{
    sync::watch,
    task::{AbortHandle, JoinSet},
};
use ward_crypto::{OsRandom, Random};
use ward_interop::{
    channel::{Channel, Delivery, Feed, Target, To, backoff, check_name},
    contract::{Interface, Purpose, Receiver},
    mllp::{ListenSettings, Listening, SendSettings, Sender},
    to_v2::Party,
};

use crate::Failure;

/// How often the files are looked at.
/// LIMIT: a change is in use within five seconds.
const LOOK_REST: Duration = Duration::from_secs(5);

/// How long a feed rests that has told all.
/// LIMIT: a message goes out within a second of what it tells.
const FEED_REST: Duration = Duration::from_millis(500);

/// How long a way out rests when nothing wakes it.
const DELIVER_REST: Duration = Duration::from_secs(2);

/// Rounds in which a way out that is no longer in any file still looks for messages.
/// LIMIT: a minute, longer than any message is worked on.
const ROUNDS_RETIRED: u32 = 30;

/// Seconds for a connection to a destination.
const CONNECT_S: u64 = 10;

/// Every channel of a folder, by name.
///
/// - Errors: a file that is no channel, with what is wrong in it.
pub fn read(folder: &Path) -> Result<BTreeMap<String, Channel>, Failure> {
    let mut channels = BTreeMap::new();
    let entries = fs::read_dir(folder).map_err(|e| Failure::Io("the folder of channels", e))?;
    for entry in entries {
        let path = entry.map_err(|e| Failure::Io("the folder of channels", e))?.path();
        if path.extension().is_some_and(|it| it == "toml") {
            let (name, channel) = one(&path)?;
            channels.insert(name, channel);
        }
    }
    Ok(channels)
}

/// One channel and its name, which is that of its file.
pub fn one(path: &Path) -> Result<(String, Channel), Failure> {
    let wrong = |why: &dyn std::fmt::Display| Failure::Usage(format!("{}: {why}", path.display()));
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    check_name(&name).map_err(|error| wrong(&error))?;
    let text = fs::read_to_string(path).map_err(|e| Failure::Io("a channel", e))?;
    let channel =
        text.parse::<Channel>().map_err(|error| match std::error::Error::source(&error) {
            Some(source) => wrong(&source),
            None => wrong(&error),
        })?;
    Ok((name, channel))
}

/// The interfaces that listen, and what is spawned for the channels.
pub struct Running {
    folder: PathBuf,
    receiver: Receiver,
    /// Each interface as the settings make it, and where it is announced.
    interfaces: BTreeMap<String, (Interface, watch::Sender<Arc<Interface>>)>,
    deliveries: BTreeMap<String, (To, Way)>,
    /// Those that tell what happens in the chart.
    feeds: BTreeMap<String, (Channel, AbortHandle)>,
    work: JoinSet<()>,
}

/// A delivery that runs.
struct Way {
    task: AbortHandle,
    /// Told when its destination is no longer in any file.
    retire: watch::Sender<bool>,
}

impl Running {
    /// Opens the channels' own listeners and begins to deliver.
    ///
    /// - Shape: `main` is the interface of the server's own listener.
    pub async fn start(
        folder: PathBuf,
        receiver: Receiver,
        main: (Interface, watch::Sender<Arc<Interface>>),
        settings: ListenSettings,
        stop: &watch::Receiver<bool>,
    ) -> Result<Running, Failure> {
        let channels = read(&folder)?;
        let mut interfaces = BTreeMap::from([(main.0.name.clone(), main)]);
        let mut work = JoinSet::new();
        for (name, channel) in &channels {
            let mut own = Interface::new(name);
            if !channel.take.chart {
                own.purpose = Purpose::Keep;
            }
            let (sender, interface) = watch::channel(Arc::new(own.clone()));
            if let Some(address) = channel.from.mllp {
                let (_, plain) = watch::channel(None);
                let listening =
                    Listening::bind(address, receiver.clone(), interface, settings, plain).await?;
                work.spawn(listening.run(stop.clone()));
            } else if let Some(inbox) = channel.from.folder.clone() {
                work.spawn(taking(receiver.clone(), interface, inbox));
            } else {
                continue;
            }
            interfaces.insert(name.clone(), (own, sender));
        }
        let (deliveries, feeds) = (BTreeMap::new(), BTreeMap::new());
        let mut running = Running { folder, receiver, interfaces, deliveries, feeds, work };
        running.apply(&channels);
        Ok(running)
    }

    /// Looks at the files from time to time; a set with a mistake is not used.
    pub async fn watch(mut self) {
        let mut known = times(&self.folder);
        loop {
            tokio::time::sleep(LOOK_REST).await;
            let now = times(&self.folder);
            if now == known {
                continue;
            }
            known = now;
            match read(&self.folder) {
                Ok(channels) => {
                    self.apply(&channels);
                    tracing::info!(n = channels.len(), "channels read again");
                }
                Err(failure) => {
                    tracing::error!(why = failure.chain(), "channels not changed");
                }
            }
        }
    }

    /// Begins and ends what tells of the chart; the place on the feed is kept with its messages.
    fn feed(&mut self, channels: &BTreeMap<String, Channel>) {
        self.feeds.retain(|name, (channel, task)| {
            let is_same = channels.get(name) == Some(channel);
            if !is_same {
                task.abort();
            }
            is_same
        });
        for (name, channel) in channels {
            let Some(changes) = channel.from.chart else { continue };
            if self.feeds.contains_key(name) {
                continue;
            }
            let from = Party {
                application: channel.from.application.clone(),
                facility: channel.from.facility.clone(),
            };
            let forwards = channel.forwards(name);
            match Feed::new(self.receiver.clone(), name, changes, from, forwards) {
                Ok(feed) => {
                    let task = self.work.spawn(feeding(feed));
                    self.feeds.insert(name.clone(), (channel.clone(), task));
                }
                Err(error) => tracing::error!(channel = %name, %error, "channel not started"),
            }
        }
    }

    /// Announces what each interface passes on, and begins and ends deliveries.
    fn apply(&mut self, channels: &BTreeMap<String, Channel>) {
        self.feed(channels);
        for (name, (base, sender)) in &self.interfaces {
            let mut interface = base.clone();
            for (channel, said) in channels {
                let from = said.from.interface.as_ref().unwrap_or(channel);
                if from == name {
                    interface.forwards.extend(said.forwards(channel));
                }
            }
            // Nobody listens any more when the server ends.
            let _ended = sender.send(Arc::new(interface));
        }
        let wanted: BTreeMap<String, To> = channels
            .iter()
            .flat_map(|(name, channel)| {
                channel.to.iter().map(move |to| (format!("{name}/{}", to.name), to.clone()))
            })
            .collect();
        let names: BTreeSet<&String> = self.deliveries.keys().chain(wanted.keys()).collect();
        let names: Vec<String> = names.into_iter().cloned().collect();
        for name in names {
            let is_same = match (self.deliveries.get(&name), wanted.get(&name)) {
                (Some((old, _)), Some(new)) => old == new,
                _ => false,
            };
            if is_same {
                continue;
            }
            let old = self.deliveries.remove(&name);
            let Some(to) = wanted.get(&name) else {
                // What waits for it still goes there; then it ends.
                if let Some((_, way)) = old {
                    let _ended = way.retire.send(true);
                }
                continue;
            };
            // What was under way is sent again by whoever comes next; its receiver knows it.
            if let Some((_, way)) = old {
                way.task.abort();
            }
            let (retire, retired) = watch::channel(false);
            let delivery = delivery(&self.receiver, &name, to);
            let task = self.work.spawn(delivering(self.receiver.clone(), delivery, retired));
            self.deliveries.insert(name, (to.clone(), Way { task, retire }));
        }
    }
}

fn delivery(receiver: &Receiver, name: &str, to: &To) -> Delivery {
    let target = match (&to.mllp, &to.folder) {
        (Some(address), _) => Target::Mllp(Box::new(Sender::new(SendSettings {
            address: address.clone(),
            tls: None,
            connect_s: CONNECT_S,
            answer_s: to.answer_s,
        }))),
        (None, folder) => Target::Folder(folder.clone().unwrap_or_default()),
    };
    Delivery::new(receiver.clone(), name, target, to.rejections_max)
}

/// Brings messages to one destination for as long as the server runs.
async fn delivering(
    receiver: Receiver,
    mut delivery: Delivery,
    mut retired: watch::Receiver<bool>,
) {
    let (mut n_failed, mut left) = (0u32, ROUNDS_RETIRED);
    loop {
        let round = delivery.round().await;
        if round.is_stuck {
            n_failed = if 0 < round.n_sent { 0 } else { n_failed.saturating_add(1) };
            let mut random = [0; 1];
            let _middle_of_the_road = OsRandom::default().fill(&mut random);
            tokio::time::sleep(backoff(n_failed, random.first().copied().unwrap_or(0))).await;
        } else {
            n_failed = 0;
            if *retired.borrow_and_update() {
                // A message that was under way when the file changed is still to come.
                match left.checked_sub(1) {
                    Some(less) => left = less,
                    None => return,
                }
            }
            let _woken = tokio::time::timeout(DELIVER_REST, receiver.outgoing()).await;
        }
    }
}

/// Tells what happens in the chart for as long as the server runs.
async fn feeding(mut feed: Feed) {
    loop {
        match feed.round().await {
            Ok(fed) if fed.has_more => {}
            Ok(_) => tokio::time::sleep(FEED_REST).await,
            Err(error) => {
                tracing::error!(%error, "the feed of a channel waits");
                tokio::time::sleep(LOOK_REST).await;
            }
        }
    }
}

/// Takes files as messages, and moves each to `done` or `bad` when it has been answered.
async fn taking(receiver: Receiver, interface: watch::Receiver<Arc<Interface>>, folder: PathBuf) {
    loop {
        let mut files: Vec<PathBuf> = fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|it| it == "hl7") && path.is_file())
            .collect();
        files.sort();
        for file in files {
            let Ok(bytes) = fs::read(&file) else { continue };
            let now = Arc::clone(&interface.borrow());
            let place = match receiver.take_file_whole(&now, &bytes).await {
                Some(true) => "done",
                Some(false) => "bad",
                // The chart cannot take it now: it stays, and so do those after it.
                None => break,
            };
            let to = folder.join(place);
            let moved = fs::create_dir_all(&to)
                .and_then(|()| fs::rename(&file, to.join(file.file_name().unwrap_or_default())));
            if let Err(error) = moved {
                tracing::error!(%error, "a file of messages cannot be moved");
                break;
            }
        }
        tokio::time::sleep(DELIVER_REST).await;
    }
}

/// When each file was last written.
fn times(folder: &Path) -> BTreeMap<PathBuf, Option<SystemTime>> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let toml = entries.filter(|it| it.path().extension().is_some_and(|it| it == "toml"));
    toml.map(|it| (it.path(), it.metadata().and_then(|meta| meta.modified()).ok())).collect()
}
