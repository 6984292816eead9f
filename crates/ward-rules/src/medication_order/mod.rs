//! The closed loop of medication as pure decisions: orders, doses, supply, stock, the bedside.
//!
//! Every machine is a closed table and everything that is not written is refused. Quantities are
//! exact; what went out to a ward is given, wasted, returned or still there, and nothing else.

pub mod barcode;
pub mod bedside;
pub mod dose;
pub mod order;
pub mod prepare;
pub mod quantity;
pub mod reconcile;
pub mod schedule;
pub mod stock;
pub mod supply;
pub mod titration;

#[cfg(test)]
mod tests;

pub use quantity::Quantity;
