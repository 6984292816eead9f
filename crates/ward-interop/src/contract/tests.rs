//! Messages to a chart in a temporary folder, and what became of them.

mod reachable;
mod retention;
mod rig;
mod stay;
