//! Configuration: sections of settings, read in layers, checked before anything opens.

mod certificate;
mod check;
mod docs;
mod layers;
mod sections;
mod value;

#[cfg(test)]
mod tests;

pub use self::{
    check::{Finding, check, rules},
    docs::{page, print},
    layers::{ConfigError, Settings},
    sections::{BillingSection, Config, DEFAULT_MLLP, Hl7Section, MedsSection},
    value::{LogFormat, LogLevel, TimeOfDay},
};
