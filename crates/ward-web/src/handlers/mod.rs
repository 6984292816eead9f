//! One function per row of the endpoint table.

pub(crate) mod access;
pub(crate) mod accounts;
pub(crate) mod audit;
pub(crate) mod fhir;
pub(crate) mod house;
pub(crate) mod interface;
pub(crate) mod keys;
pub(crate) mod meds;
pub(crate) mod messages;
pub(crate) mod registry;
pub(crate) mod stays;
pub(crate) mod tasks;
