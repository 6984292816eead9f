//! Medication: knowledge base, what a check looks at, orders from draft to the bedside, stock.
//!
//! What is decided is decided in `ward-rules`; this crate reads the chart for it and writes what
//! came of it.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::panic,
        reason = "tests may"
    )
)]

pub mod bedside;
pub mod cds;
pub mod checker;
pub mod checks;
pub mod context;
pub mod emar;
pub mod intake;
pub mod knowledge;
pub mod order;
pub mod recall;
pub mod reconcile;
pub mod settings;
pub mod stock;
pub mod supply;
