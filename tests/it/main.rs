//! Ward from outside: the binary, its command line, its sockets, its files.

#![allow(
    clippy::as_conversions,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "tests may"
)]

mod accounts;
mod at_rest;
mod billing;
mod cds_hooks;
mod clients;
mod config;
mod crash;
mod events;
mod full_disk;
mod hl7;
mod hospital;
mod hostile;
mod import;
mod import_again;
mod interface;
mod knowledge;
mod medication;
mod meds;
mod operator;
mod order_checks;
mod orders_of_others;
mod payers;
mod registry;
mod resets;
mod serving;
mod smoke;
mod stays;
mod urgent;
mod walk;
mod wire;
