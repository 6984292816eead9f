//! The channels of a server: read at the start, and again when their files change.

mod feed;
mod file;
mod source;
mod way;

use std::{collections::BTreeMap, convert::Infallible, path::PathBuf, sync::Arc, time::Duration};

use tokio::sync::{mpsc, watch};
use ward_interop::{
    channel::{Channel, To},
    contract::{Interface, Receiver},
    figures::Declared,
    listen::ListenSettings,
};

pub use self::file::{interfaces, one, read};
use self::{
    feed::Telling,
    file::{Times, times},
    source::{Ground, Source},
    way::Way,
};
use crate::Failure;

/// How often the files are looked at.
/// LIMIT: a change is in use within five seconds.
const LOOK_REST: Duration = Duration::from_secs(5);

/// What runs for the channels of a server; all of it ends with this value.
pub struct Running {
    folder: PathBuf,
    ground: Ground,
    /// The interface of the server's own listener as the settings make it, and where it is
    /// announced.
    main: (Interface, watch::Sender<Arc<Interface>>),
    channels: BTreeMap<String, Channel>,
    /// When the files were written, looked at before they were read: a change in between is seen.
    known: Times,
    sources: BTreeMap<String, Source>,
    ways: BTreeMap<String, Way>,
    /// Those that tell what happens in the chart.
    feeds: BTreeMap<String, Telling>,
}

impl Running {
    /// Opens the channels' own sources and begins to deliver.
    ///
    /// - Shape: `main` is the interface of the server's own listener; `alive` is held until the last
    ///   source has ended.
    /// - Errors: a file that is no channel, or a source that cannot be opened.
    pub async fn start(
        folder: PathBuf,
        receiver: Receiver,
        main: (Interface, watch::Sender<Arc<Interface>>),
        settings: ListenSettings,
        stop: &watch::Receiver<bool>,
        alive: mpsc::Sender<Infallible>,
    ) -> Result<Running, Failure> {
        let known = times(&folder, &BTreeMap::new());
        let channels = read(&folder)?;
        let ground = Ground { receiver, settings, stop: stop.clone(), alive };
        let (sources, ways, feeds) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let before = BTreeMap::new();
        let mut running =
            Running { folder, ground, main, channels: before, known, sources, ways, feeds };
        match running.apply(channels).await.into_iter().next() {
            None => Ok(running),
            Some(failure) => Err(failure),
        }
    }

    /// Looks at the files from time to time; a set with a mistake is not used.
    pub async fn watch(mut self) {
        loop {
            tokio::time::sleep(LOOK_REST).await;
            let now = times(&self.folder, &self.channels);
            if now == self.known {
                continue;
            }
            match read(&self.folder) {
                Ok(channels) => {
                    let n = channels.len();
                    let failures = self.apply(channels).await;
                    for failure in &failures {
                        tracing::error!(why = failure.chain(), "source of a channel not changed");
                    }
                    self.complain(failures.iter().map(Failure::chain).collect());
                    // What could not be opened is tried again at the next look.
                    self.known = if failures.is_empty() { now } else { Times::new() };
                    tracing::info!(n, "channels read again");
                }
                Err(failure) => {
                    self.known = now;
                    tracing::error!(why = failure.chain(), "channels not changed");
                    self.complain(vec![failure.chain()]);
                }
            }
        }
    }

    /// Announces what each interface passes on, and begins and ends sources and deliveries.
    /// Answers with the sources that could not be opened; where one was open before, it goes on.
    async fn apply(&mut self, channels: BTreeMap<String, Channel>) -> Vec<Failure> {
        // Ways out first: nothing is taken before what it passes on has a way.
        self.lead(&channels);
        self.tell(&channels);
        self.declare(&channels);
        let mut interfaces = interfaces(&self.main.0, &channels);
        self.ground.receiver.announce(&interfaces);
        if let Some(main) = interfaces.remove(&self.main.0.name) {
            self.main.1.send_replace(Arc::new(main));
        }
        let mut failures = Vec::new();
        let mut before = std::mem::take(&mut self.sources);
        for (name, interface) in interfaces {
            let Some(channel) = channels.get(&name) else { continue };
            let old = before.remove(&name);
            match Source::start(&self.ground, &channel.from, interface, old).await {
                Ok(source) => {
                    self.sources.insert(name, source);
                }
                Err((failure, old)) => {
                    failures.push(failure);
                    self.sources.extend(old.map(|old| (name, old)));
                }
            }
        }
        // Those of channels that are gone end here.
        drop(before);
        self.channels = channels;
        failures
    }

    fn complain(&self, mistakes: Vec<String>) {
        self.ground.receiver.figures().complain(mistakes);
    }

    /// Says to whoever looks after them what there is.
    fn declare(&self, channels: &BTreeMap<String, Channel>) {
        let of = |(name, channel): (&String, &Channel)| Declared::of(name, channel);
        self.ground.receiver.figures().declare(channels.iter().map(of).collect());
    }

    fn lead(&mut self, channels: &BTreeMap<String, Channel>) {
        let wanted: BTreeMap<String, &To> = channels
            .iter()
            .flat_map(|(name, channel)| {
                channel.to.iter().map(move |to| (format!("{name}/{}", to.name), to))
            })
            .collect();
        for (name, way) in &self.ways {
            if !wanted.contains_key(name) {
                way.retire();
            }
        }
        self.ways.retain(|name, way| wanted.contains_key(name) || !way.is_over());
        for (name, to) in wanted {
            let before = self.ways.get(&name);
            if before.is_some_and(|way| way.is_to(to)) {
                continue;
            }
            let way = Way::start(&self.ground.receiver, &name, to, before);
            self.ways.insert(name, way);
        }
    }

    /// Begins and ends what tells of the chart; the place on the feed is kept with its messages.
    fn tell(&mut self, channels: &BTreeMap<String, Channel>) {
        self.feeds.retain(|name, telling| channels.get(name).is_some_and(|it| telling.is_of(it)));
        for (name, channel) in channels {
            if self.feeds.contains_key(name) {
                continue;
            }
            let telling = Telling::start(&self.ground.receiver, name, channel);
            self.feeds.extend(telling.map(|telling| (name.clone(), telling)));
        }
    }
}
