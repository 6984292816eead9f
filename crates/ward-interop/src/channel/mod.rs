//! Channels: which messages come by which way, what is changed in them, and where they go.
//!
//! ```toml
//! [from]
//! mllp = "127.0.0.1:2580"        # a listener of its own; or: interface = "mllp", folder = "in",
//!                                # or chart = "own": what happens in Ward becomes messages
//!
//! [take]
//! types = ["ADT^A01", "ORU^*"]   # every type if absent
//! chart = false                  # kept and passed on; the chart does not change
//! [take.where]
//! "MSH-4" = ["HOSP"]             # the text there is one of these
//!
//! [set]
//! "MSH-5" = "LAB"                # text put there in what goes out; "" takes it out
//!
//! [[to]]
//! name = "lab"
//! mllp = "10.1.2.3:2575"         # or: folder = "out"
//! ```

mod deliver;
mod feed;
mod happened;
mod rules;

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, str::FromStr};

use serde::Deserialize;
use ward_hl7::Path;

pub use self::{
    deliver::{Delivered, Delivery, Target, backoff},
    feed::{Changes, Fed, Feed, FeedError},
    rules::{Forward, NotForwarded},
};

/// One channel, as its file says.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    pub from: From,
    #[serde(default)]
    pub take: Take,
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    #[serde(default)]
    pub to: Vec<To>,
}

/// Where messages come from; exactly one of these.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct From {
    pub mllp: Option<SocketAddr>,
    /// What comes by another interface is taken too.
    pub interface: Option<String>,
    /// Files are taken from here and moved to `done` or `bad` beneath it.
    pub folder: Option<PathBuf>,
    /// What happens in the chart becomes messages.
    pub chart: Option<Changes>,
    /// MSH-3 of the messages that the chart makes.
    #[serde(default = "application")]
    pub application: String,
    /// MSH-4 of the messages that the chart makes.
    #[serde(default)]
    pub facility: String,
}

fn application() -> String {
    "WARD".to_owned()
}

#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Take {
    pub types: Vec<String>,
    pub chart: bool,
    #[serde(rename = "where")]
    pub conditions: BTreeMap<String, Vec<String>>,
}

impl Default for Take {
    fn default() -> Take {
        Take { types: Vec::new(), chart: true, conditions: BTreeMap::new() }
    }
}

/// Where messages go.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct To {
    pub name: String,
    pub mllp: Option<String>,
    pub folder: Option<PathBuf>,
    /// Seconds to wait for an answer.
    #[serde(default = "answer_s")]
    pub answer_s: u64,
    /// Rejections of one message after which it is set aside for a person.
    #[serde(default = "rejections_max")]
    pub rejections_max: u32,
}

fn answer_s() -> u64 {
    30
}

fn rejections_max() -> u32 {
    20
}

/// A channel's file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    #[error("the file is not TOML of a channel")]
    Toml(#[from] toml::de::Error),
    #[error("`[from]` names exactly one of `mllp`, `interface`, `folder` and `chart`")]
    From,
    #[error("`[[to]]` names exactly one of `mllp` and `folder`")]
    To,
    #[error("two destinations are named `{0}`")]
    Twice(String),
    #[error("`{0}` is not a path such as `PID-3.4`")]
    Path(String),
    #[error("a type is written as `ADT^A01` or `ADT^*`, not `{0}`")]
    Type(String),
    #[error("a name is 1 to 64 of `a-z 0-9 -`, not `{0}`")]
    Name(String),
}

impl FromStr for Channel {
    type Err = ChannelError;

    fn from_str(text: &str) -> Result<Channel, ChannelError> {
        let channel: Channel = toml::from_str(text)?;
        let From { mllp, interface, folder, chart, .. } = &channel.from;
        let n_from = [mllp.is_some(), interface.is_some(), folder.is_some(), chart.is_some()];
        if n_from.iter().filter(|it| **it).count() != 1 {
            return Err(ChannelError::From);
        }
        for (n, to) in channel.to.iter().enumerate() {
            if to.mllp.is_some() == to.folder.is_some() {
                return Err(ChannelError::To);
            }
            check_name(&to.name)?;
            if channel.to.iter().take(n).any(|other| other.name == to.name) {
                return Err(ChannelError::Twice(to.name.clone()));
            }
        }
        for path in channel.take.conditions.keys().chain(channel.set.keys()) {
            path.parse::<Path>().map_err(|_| ChannelError::Path(path.clone()))?;
        }
        for kind in &channel.take.types {
            match kind.split_once('^') {
                Some((code, event)) if !code.is_empty() && !event.is_empty() => {}
                _ => return Err(ChannelError::Type(kind.clone())),
            }
        }
        Ok(channel)
    }
}

impl Channel {
    /// What goes out by this channel, named `name`.
    pub fn forwards(&self, name: &str) -> Vec<Forward> {
        let conditions = paths(&self.take.conditions);
        let set = paths(&self.set);
        let forward = |to: &To| Forward {
            destination: format!("{name}/{}", to.name),
            types: self.take.types.clone(),
            conditions: conditions.clone(),
            set: set.clone(),
        };
        self.to.iter().map(forward).collect()
    }
}

/// A channel's or destination's name.
pub fn check_name(name: &str) -> Result<(), ChannelError> {
    let allowed = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-');
    match (1..=64).contains(&name.len()) && name.bytes().all(allowed) {
        true => Ok(()),
        false => Err(ChannelError::Name(name.to_owned())),
    }
}

/// Those that are paths, which the file was checked for.
fn paths<T: Clone>(named: &BTreeMap<String, T>) -> Vec<(Path, T)> {
    named.iter().filter_map(|(path, value)| Some((path.parse().ok()?, value.clone()))).collect()
}

#[cfg(test)]
mod tests;
