//! One function per row of the endpoint table.

pub(crate) mod access;
pub(crate) mod accounts;
pub(crate) mod admit_operation;
pub(crate) mod audit;
pub(crate) mod cds;
pub(crate) mod events;
pub(crate) mod fhir;
pub(crate) mod house;
pub(crate) mod interface;
pub(crate) mod interfaces;
pub(crate) mod keys;
pub(crate) mod meds;
pub(crate) mod messages;
pub(crate) mod parsed;
pub(crate) mod payers;
pub(crate) mod plans;
pub(crate) mod registry;
pub(crate) mod stays;
pub(crate) mod subscriptions;
pub(crate) mod tasks;
pub(crate) mod vitals;
