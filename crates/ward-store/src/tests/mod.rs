//! Tests over an open chart.

mod audit;
mod crash;
mod disk;
mod keys;
mod model;
mod rig;
mod units;
