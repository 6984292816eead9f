//! What listeners and ways out are doing now, for whoever looks after them. It is kept in memory
//! since the start, and nothing of a message or a patient is in it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
};

use jiff::Timestamp;

use crate::{
    channel::{Channel, Fault, To},
    http::Endpoint,
};

/// Where messages come from, or go: what the settings say of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// `mllp`, `http`, `s3`, `folder`, `interface` or `chart`.
    pub kind: &'static str,
    /// An address, a path or a name; of an address over HTTP without its query.
    pub address: String,
    pub is_tls: bool,
}

/// An interface or a channel, as the settings have it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Declared {
    pub name: String,
    pub source: Place,
    pub destinations: Vec<Destination>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Destination {
    /// `channel/destination`: what its messages are kept under.
    pub name: String,
    pub place: Place,
    /// It gets application acknowledgments, and no messages.
    pub is_for_acks: bool,
}

impl Declared {
    pub fn of(name: &str, channel: &Channel) -> Declared {
        let from = &channel.from;
        let is_tls = from.tls.is_some();
        let place = |kind, address: String| Place { kind, address, is_tls };
        let source = match (&from.mllp, &from.http, &from.folder, &from.interface) {
            (Some(address), ..) => place("mllp", address.to_string()),
            (_, Some(address), ..) => place("http", address.to_string()),
            (_, _, Some(folder), _) => place("folder", folder.display().to_string()),
            (_, _, _, Some(interface)) => place("interface", interface.clone()),
            _ => place("chart", from.chart.map_or("", |it| it.as_str()).to_owned()),
        };
        let destination = |to: &To| Destination {
            name: format!("{name}/{}", to.name),
            place: Place::of(to),
            is_for_acks: to.acks,
        };
        let destinations = channel.to.iter().map(destination).collect();
        Declared { name: name.to_owned(), source, destinations }
    }
}

impl Place {
    fn of(to: &To) -> Place {
        let is_tls = to.tls.is_some();
        if let Some(address) = &to.mllp {
            return Place { kind: "mllp", address: address.clone(), is_tls };
        }
        if let Some(folder) = &to.folder {
            return Place { kind: "folder", address: folder.display().to_string(), is_tls };
        }
        let shown = |endpoint: Endpoint, path: &str| {
            let scheme = if endpoint.is_tls { "https" } else { "http" };
            format!("{scheme}://{}{path}", endpoint.authority())
        };
        let endpoint = to.endpoint();
        let (kind, address) = match (&to.s3, endpoint) {
            (Some(s3), Some(at)) => ("s3", shown(at, &format!("/{}/{}", s3.bucket, s3.prefix))),
            (Some(_), None) => ("s3", String::new()),
            (None, Some(at)) => {
                // A query may hold a secret.
                let path = at.path.split('?').next().unwrap_or_default().to_owned();
                ("http", shown(at, &path))
            }
            (None, None) => ("http", String::new()),
        };
        Place { kind, address, is_tls }
    }
}

/// Everything that is known; cheap to clone.
#[derive(Clone, Default)]
pub struct Figures(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// The server's own listener.
    own: Mutex<Option<Declared>>,
    declared: Mutex<Vec<Declared>>,
    mistakes: Mutex<Vec<String>>,
    sources: Mutex<BTreeMap<String, Vec<Arc<SourceNow>>>>,
    ways: Mutex<BTreeMap<String, Arc<WayFigures>>>,
}

impl Figures {
    /// Says that the server has a listener of its own.
    pub fn declare_own(&self, name: &str, address: String, is_tls: bool) {
        let source = Place { kind: "mllp", address, is_tls };
        let own = Declared { name: name.to_owned(), source, destinations: Vec::new() };
        *lock(&self.0.own) = Some(own);
    }

    /// Says which channels there are now.
    pub fn declare(&self, channels: Vec<Declared>) {
        *lock(&self.0.declared) = channels;
    }

    /// Says what of the settings could not be used when they changed; nothing when all of it was.
    pub fn complain(&self, mistakes: Vec<String>) {
        *lock(&self.0.mistakes) = mistakes;
    }

    pub fn mistakes(&self) -> Vec<String> {
        lock(&self.0.mistakes).clone()
    }

    /// The server's own listener, and every channel.
    pub fn declared(&self) -> Vec<Declared> {
        let own = lock(&self.0.own).clone();
        own.into_iter().chain(lock(&self.0.declared).iter().cloned()).collect()
    }

    /// A source that takes messages under `name`, until what is answered is dropped.
    pub fn open(&self, name: &str, address: String) -> OpenSource {
        let (n_connections, is_open) = (Arc::default(), AtomicBool::new(true));
        let now = Arc::new(SourceNow { address, n_connections, is_open });
        lock(&self.0.sources).entry(name.to_owned()).or_default().push(Arc::clone(&now));
        OpenSource { figures: self.clone(), name: name.to_owned(), now }
    }

    /// How the source of `name` is now.
    pub fn source(&self, name: &str) -> SourceStanding {
        let sources = lock(&self.0.sources);
        let all = sources.get(name).map(Vec::as_slice).unwrap_or_default();
        // One that was replaced ends with its last connection: the newest says where.
        SourceStanding {
            is_open: all.iter().any(|it| it.is_open.load(Relaxed)),
            address: all.last().map(|it| it.address.clone()),
            n_connections: all.iter().map(|it| it.n_connections.load(Relaxed)).sum(),
        }
    }

    /// What is known of the way to `destination`.
    pub fn way(&self, destination: &str) -> Arc<WayFigures> {
        let mut ways = lock(&self.0.ways);
        Arc::clone(ways.entry(destination.to_owned()).or_default())
    }
}

/// A source as it is now.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SourceStanding {
    pub is_open: bool,
    /// Where it really listens.
    pub address: Option<String>,
    pub n_connections: usize,
}

struct SourceNow {
    address: String,
    n_connections: Arc<AtomicUsize>,
    is_open: AtomicBool,
}

/// Held by a source for as long as it takes messages.
pub struct OpenSource {
    figures: Figures,
    name: String,
    now: Arc<SourceNow>,
}

impl OpenSource {
    /// Whether it can be read just now, such as a folder.
    pub fn set_open(&self, is_open: bool) {
        self.now.is_open.store(is_open, Relaxed);
    }

    /// One more connection, until what is answered is dropped.
    pub(crate) fn connection(&self) -> Connection {
        self.now.n_connections.fetch_add(1, Relaxed);
        Connection(Arc::clone(&self.now.n_connections))
    }
}

impl Drop for OpenSource {
    fn drop(&mut self) {
        let mut sources = lock(&self.figures.0.sources);
        if let Some(of_name) = sources.get_mut(&self.name) {
            of_name.retain(|it| !Arc::ptr_eq(it, &self.now));
            if of_name.is_empty() {
                sources.remove(&self.name);
            }
        }
    }
}

pub(crate) struct Connection(Arc<AtomicUsize>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// The way to one destination.
#[derive(Default)]
pub struct WayFigures(Mutex<WayStanding>);

/// How the way to a destination is now.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WayStanding {
    /// When the destination last took a message, or said why not.
    pub answered_at: Option<Timestamp>,
    pub trouble: Option<WayTrouble>,
    /// When the first of what waits came.
    pub oldest_waiting: Option<Timestamp>,
}

/// The destination did not take what is tried again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WayTrouble {
    pub since: Timestamp,
    pub next_try: Option<Timestamp>,
    pub n_tries: u32,
    pub fault: Fault,
}

impl WayFigures {
    pub fn standing(&self) -> WayStanding {
        lock(&self.0).clone()
    }

    /// Its settings are new.
    pub(crate) fn begins(&self) {
        lock(&self.0).trouble = None;
    }

    pub(crate) fn nothing_waits(&self) {
        let mut way = lock(&self.0);
        way.oldest_waiting = None;
        // What was tried again is gone: nobody knows how the destination is now, unless nothing can
        // be sent to it at all.
        way.trouble = way.trouble.take().filter(|it| it.fault.why == UNUSABLE);
    }

    /// Nothing can be sent at all, whether or not something waits.
    pub(crate) fn unusable(&self, now: Timestamp) {
        if lock(&self.0).trouble.is_none() {
            self.failed(now, Fault::new(UNUSABLE));
        }
    }

    pub(crate) fn waits_since(&self, oldest: Timestamp) {
        lock(&self.0).oldest_waiting = Some(oldest);
    }

    pub(crate) fn answered(&self, now: Timestamp) {
        let mut way = lock(&self.0);
        way.answered_at = Some(now);
        way.trouble = None;
    }

    pub(crate) fn failed(&self, now: Timestamp, fault: Fault) {
        let mut way = lock(&self.0);
        let before = way.trouble.take();
        way.trouble = Some(WayTrouble {
            since: before.as_ref().map_or(now, |it| it.since),
            next_try: None,
            n_tries: before.map_or(0, |it| it.n_tries).saturating_add(1),
            fault,
        });
    }

    pub(crate) fn tries_again(&self, at: Timestamp) {
        if let Some(trouble) = &mut lock(&self.0).trouble {
            trouble.next_try = Some(at);
        }
    }
}

/// The settings of a destination cannot be used.
const UNUSABLE: &str = "unusable";

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64) -> Timestamp {
        Timestamp::from_second(s).unwrap()
    }

    #[test]
    fn a_source_counts_its_connections_and_the_one_that_takes_its_place() {
        let figures = Figures::default();
        assert_eq!(figures.source("lab"), SourceStanding::default());
        let old = figures.open("lab", "127.0.0.1:1".to_owned());
        let connection = old.connection();
        let new = figures.open("lab", "127.0.0.1:2".to_owned());
        let _other = new.connection();
        let now = figures.source("lab");
        assert_eq!((now.is_open, now.n_connections), (true, 2));
        assert_eq!(now.address.as_deref(), Some("127.0.0.1:2"));
        drop((connection, old));
        assert_eq!(figures.source("lab").n_connections, 1);
        new.set_open(false);
        assert!(!figures.source("lab").is_open);
        drop(new);
        assert_eq!(figures.source("lab"), SourceStanding::default());
    }

    #[test]
    fn trouble_begins_with_the_first_try_that_failed_and_ends_with_an_answer() {
        let way = WayFigures::default();
        way.waits_since(at(1));
        way.failed(at(10), Fault::new("no-connection"));
        way.tries_again(at(11));
        way.failed(at(11), Fault::new("no-answer"));
        let trouble = way.standing().trouble.unwrap();
        assert_eq!((trouble.since, trouble.n_tries, trouble.next_try), (at(10), 2, None));
        assert_eq!(trouble.fault.why, "no-answer");
        way.answered(at(20));
        let standing = way.standing();
        assert_eq!((standing.trouble, standing.answered_at), (None, Some(at(20))));
        assert_eq!(standing.oldest_waiting, Some(at(1)));
        way.nothing_waits();
        assert_eq!(way.standing().oldest_waiting, None);
        way.failed(at(30), Fault::new("closed"));
        way.nothing_waits();
        assert_eq!(way.standing().trouble, None);
        way.unusable(at(40));
        way.nothing_waits();
        way.unusable(at(50));
        assert_eq!(way.standing().trouble.unwrap().since, at(40));
    }

    #[test]
    fn an_address_is_shown_without_what_may_be_secret() {
        let text = "[from]\nmllp = \"127.0.0.1:2580\"\n\
                    [[to]]\nname = \"a\"\nhttp = \"http://127.0.0.1:81/hl7?key=secret\"\n\
                    [[to]]\nname = \"b\"\nmllp = \"lab:2575\"\nacks = true\n\
                    [[to]]\nname = \"c\"\nfolder = \"/srv/hl7\"\n";
        let declared = Declared::of("north", &text.parse().unwrap());
        assert_eq!(declared.source.address, "127.0.0.1:2580");
        let shown: Vec<_> = declared
            .destinations
            .iter()
            .map(|it| (it.name.as_str(), it.place.kind, it.place.address.as_str(), it.is_for_acks))
            .collect();
        assert_eq!(
            shown,
            [
                ("north/a", "http", "http://127.0.0.1:81/hl7", false),
                ("north/b", "mllp", "lab:2575", true),
                ("north/c", "folder", "/srv/hl7", false),
            ]
        );
    }
}
