//! The knowledge base in the house: what it is made from, whether that can be true, and the version
//! that checks go by.

pub mod csv_tables;
pub mod facts;
pub mod fdamdd;
pub mod file;
pub mod house;
pub mod intake;
pub mod label;
pub mod ndc_directory;
pub mod openfda;
pub mod pair;
mod parts;
pub mod problem;
pub mod qa;
pub mod release;
pub mod resolve;
pub mod rxnorm;
pub mod severity;
pub mod show;
pub mod spl;
pub mod vista;

pub use house::{House, InUse};
pub use parts::parts;

#[cfg(test)]
pub(crate) mod tests;
