//! Tests over an open chart.

mod audit;
mod crash;
mod disk;
mod handler;
mod keys;
mod model;
pub(crate) mod rig;
mod units;
