//! X12 with payers: questions out of the chart, answers into it, one folder for each partner.

pub mod answer;
mod bill;
mod build;
pub mod folder;
mod ledger;
mod post;
mod receive;
mod send;
#[cfg(test)]
mod tests;
mod trace;

pub(crate) use self::{
    bill::institutional,
    build::{inquiry, review},
    send::{Outgoing, queued, stamp},
    trace::{remember, trace_of},
};
