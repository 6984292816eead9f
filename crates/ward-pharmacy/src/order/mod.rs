//! Orders: what people do with them, in one commit each.

pub(crate) mod acts;
pub(crate) mod commit;
mod error;
pub(crate) mod fhir;
pub mod flow;
pub(crate) mod kept;
mod read_told;
mod services;
mod told;

pub use self::{
    acts::{Override, Verification},
    commit::{OnSheet, Pharmacy, SHEET_MAX, Second, Sheet},
    error::MedsError,
    flow::{Flow, MEDICATION, SYSTEM},
    kept::{
        Batch, Chosen, Coded, DispenseKept, DoseKept, Drug, OrderKept, OrderRequest, Overridden,
        Told,
    },
    told::Taken,
};
pub(crate) use self::{
    commit::{Act, Needs, whole},
    kept::DOSES_MAX,
};
