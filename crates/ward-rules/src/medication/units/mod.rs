//! Units of doses and of laboratory values, as people and systems write them.
//!
//! What UCUM knows is left to `octofhir-ucum`. Above it lies a layer of names that UCUM refuses
//! (`mcg`, `IU`, `cc`) or would take for something else (`MG`, `U`), and of distinctions that UCUM
//! does not make and a dose needs: milliequivalents are no millimoles, an annotation is no decoration.

mod body;
mod dose;
mod lab;
mod lint;
mod unit;

pub use body::{height_cm, weight_kg};
pub use dose::{Counted, Unconvertible};
pub use lab::lab_value;
pub use lint::{Writing, lint};
pub use unit::{Count, Per, Unit, UnitError, mg_per_ml_of_percent};
