//! Whether an order is safe for this patient now: knowledge base, what is looked at, what is found.
//!
//! One pure function, [`check`], serves the screen, REST, CDS Hooks and HL7 v2 alike. What it cannot
//! judge it says: an unknown drug, route, unit or weight is an issue of its own, never silence.

pub mod check;
pub mod context;
pub mod formula;
pub mod issue;
pub mod knowledge;
pub mod lab;
pub mod route;
pub mod sig;
pub mod timing;
pub mod units;

pub use check::check;
pub use context::CheckContext;
pub use issue::{Issue, IssueKind, Tier};
pub use knowledge::KnowledgeBase;
