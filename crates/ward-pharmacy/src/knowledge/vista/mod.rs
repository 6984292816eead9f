//! Files of VistA as `.zwr` exports: dose units and their conversions, routes, order checks,
//! interactions.
//!
//! - Source: VistA-M, National Drug File and Pharmacy Enterprise Customization System: files
//!   51.23, 51.24, 51.25, 56, 50.416 and 100.8.

mod read;
mod zwr;

pub use read::{ConvertedUnit, DoseUnit, Interaction, Vista, VistaRoute, read};
pub use zwr::{Node, Subscript, parse_node};

#[cfg(test)]
mod tests;
