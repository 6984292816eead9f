//! Who may do what with which record.
//!
//! Access is written as Cedar policies over closed words: role, purpose of use, action, kind of
//! record, and three facts the store knows of a record without opening it. [`Policy::grant`]
//! works the policies out for every combination of those facts and keeps the answers as one
//! small truth table, so that a search can filter by it and never asks again per record.
//!
//! This crate knows no storage and no protocol, and is the only one that knows Cedar.

mod action;
mod classes;
mod engine;
mod error;
mod facts;
mod groups;
mod policy;
mod schema;
mod text;

#[cfg(test)]
mod tests;

pub use action::Action;
pub use error::PolicyError;
pub use facts::{Facts, Grant, facts};
pub use policy::Policy;
