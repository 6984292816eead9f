//! Channels: which messages come by which way, what is changed in them, and where they go.
//!
//! ```toml
//! script = "north.rhai"          # what the rest cannot say
//! [from]
//! mllp = "127.0.0.1:2580"        # a listener of its own; or: http, interface, folder,
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
//! mllp = "10.1.2.3:2575"         # or: http, s3, folder
//! acks = false                   # true: gets application acknowledgments instead of messages
//! ```

mod deliver;
mod fault;
mod feed;
mod from;
mod happened;
mod rules;
mod target;
mod to;

use std::{collections::BTreeMap, path::PathBuf, str::FromStr, sync::Arc};

use serde::Deserialize;
use ward_hl7::Path;

pub use self::{
    deliver::{Delivered, Delivery, backoff},
    fault::Fault,
    feed::{Changes, Fed, Feed, FeedError},
    from::{From, ServerTls},
    rules::{Forward, NotForwarded},
    target::Target,
    to::{ClientTls, S3To, To},
};
use crate::script::{Script, ScriptError};

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
    /// File of the script.
    pub script: Option<PathBuf>,
    /// The script, once its file was read.
    #[serde(skip)]
    pub read: Option<Arc<Script>>,
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

/// A channel's file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    #[error("the file is not TOML of a channel")]
    Toml(#[from] toml::de::Error),
    #[error("`[from]` names exactly one of `mllp`, `http`, `interface`, `folder` and `chart`")]
    From,
    #[error("`[[to]]` names exactly one of `mllp`, `http`, `s3` and `folder`")]
    To,
    #[error("`{0}` is for {1}")]
    Needless(&'static str, &'static str),
    #[error(
        "`[from]` can be reached from outside; give `tls`, or set `allow_plaintext` on a network \
         that is protected otherwise"
    )]
    Plaintext,
    #[error("`tls.cert` and `tls.key` are only used together")]
    Pair,
    #[error("a destination over HTTP is written as `https://host:port/path`")]
    Address,
    #[error(
        "`s3` has an `endpoint` such as `https://host:port`, and names of `A-Z a-z 0-9 . _ - /`"
    )]
    S3,
    #[error("an address with `https` needs `tls.ca`: whom to believe who the receiver is")]
    NoAuthority,
    #[error("a secret is only sent with `https`, or to this machine")]
    SecretInPlain,
    #[error("the script")]
    Script(#[from] ScriptError),
    #[error("`fn chart` is for a channel with a source of its own whose messages go to the chart")]
    ScriptChart,
    #[error("`chart` is what the chart gets, and no name of a destination beside a script")]
    NamedChart,
    #[error("`acks` is for a channel whose messages come from others")]
    Acks,
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
        channel.from.check()?;
        for (n, to) in channel.to.iter().enumerate() {
            to.check()?;
            if to.acks && channel.from.chart.is_some() {
                return Err(ChannelError::Acks);
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
    /// The same, with the paths in it taken from `folder`, in which its file is.
    pub fn rooted(mut self, folder: &std::path::Path) -> Channel {
        self.from.rooted(folder);
        self.script = self.script.map(|path| folder.join(path));
        self.to.iter_mut().for_each(|to| to.rooted(folder));
        self
    }

    /// The files besides its own that it is made of: a change of one changes the channel.
    pub fn files(&self) -> Vec<&std::path::Path> {
        let mut files = self.from.files();
        files.extend(self.to.iter().flat_map(To::files));
        files.extend(self.script.as_deref());
        files
    }

    /// The same with its script, whose file says `source`.
    pub fn with_script(mut self, source: &str) -> Result<Channel, ChannelError> {
        let script = Script::read(source)?;
        if script.has_chart() && !(self.from.is_own() && self.take.chart) {
            return Err(ChannelError::ScriptChart);
        }
        if self.to.iter().any(|to| to.name == "chart") {
            return Err(ChannelError::NamedChart);
        }
        self.read = Some(Arc::new(script));
        Ok(self)
    }

    /// The script, where it says what the chart gets.
    pub fn chart_script(&self) -> Option<Arc<Script>> {
        self.read.as_ref().filter(|script| script.has_chart()).map(Arc::clone)
    }

    /// What goes out by this channel, named `name`.
    pub fn forwards(&self, name: &str) -> Vec<Forward> {
        let conditions = paths(&self.take.conditions);
        let set = paths(&self.set);
        let forward = |to: &To| Forward {
            destination: format!("{name}/{}", to.name),
            types: self.take.types.clone(),
            conditions: conditions.clone(),
            set: set.clone(),
            acks: to.acks,
            script: self.read.as_ref().filter(|script| script.has_out()).map(Arc::clone),
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
