//! One way by which messages come.

use std::sync::Arc;

use ward_hl7::{Charset, ReadSettings};
use ward_store::Reuse;

use super::Note;
use crate::{channel::Forward, script::Script};

/// An interface: a listener, a folder, a channel.
#[derive(Clone, Debug)]
pub struct Interface {
    /// What messages are kept under, and what the audit log calls their bringer.
    pub name: String,
    pub read: ReadSettings,
    /// What the carrier of a message said of its character set, such as an HTTP request; kept with
    /// the message, for when it is worked on again.
    pub said_charset: Option<Charset>,
    pub purpose: Purpose,
    pub unmapped: Unmapped,
    /// What to do with other content under a control id that its sender has used before.
    pub reuse: Reuse,
    /// Whether its senders number their messages (MSH-13), and what is not the next is refused.
    pub follows_sequence: bool,
    /// Whether it is told who patients are: PDQ and PIX queries.
    pub answers_queries: bool,
    /// Says what the chart gets.
    pub script: Option<Arc<Script>>,
    /// Where its messages go besides.
    pub forwards: Vec<Forward>,
}

/// What an acceptance of this interface means.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Purpose {
    /// Safe, and in the chart.
    Chart,
    /// Safe, for others to fetch or forward; the chart does not change.
    Keep,
}

/// What to do with a type of message that no map knows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Unmapped {
    /// Reject it, as the standard has it.
    Reject,
    /// Keep and accept it.
    Keep,
}

impl Interface {
    /// How a kept message is read again.
    pub fn reading(&self, note: &Note) -> ReadSettings {
        let said = note.charset.as_deref().and_then(Charset::from_name);
        let mut read = self.read.clone();
        read.undeclared = said.unwrap_or(read.undeclared);
        read
    }

    /// An interface that brings messages to the chart.
    pub fn new(name: &str) -> Interface {
        Interface {
            name: name.to_owned(),
            read: ReadSettings::default(),
            said_charset: None,
            purpose: Purpose::Chart,
            unmapped: Unmapped::Reject,
            reuse: Reuse::Accept,
            follows_sequence: false,
            answers_queries: false,
            script: None,
            forwards: Vec::new(),
        }
    }
}
