//! Messages to a chart in a temporary folder, and what became of them.

mod known;
mod reachable;
mod retention;
mod rig;
mod sequence;
mod stay;
