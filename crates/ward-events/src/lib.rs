//! What follows the event feed: FHIR Subscriptions, notifications by mail and webhook, figures,
//! and what open screens are told.
//!
//! Each is a handler of the feed ([`ward_store::handler`]): what it decides is committed with its
//! place, and what it sends is sent from there until it has arrived.

mod behalf;
mod courier;
mod target;

pub mod figures;
pub mod live;
pub mod notify;
pub mod subscriptions;

pub use self::{
    behalf::{Behalf, BehalfError},
    courier::{Courier, Parcel, Roads, SendError},
    target::{Addresses, AddressesError},
};

use std::time::Duration;

use ward_store::handler::{Following, Handler};

/// How long a handler rests after the chart could not be read or written.
const REST_BAD: Duration = Duration::from_secs(2);

/// Gives a handler what happens, for as long as it is polled.
pub async fn follow<H: Handler>(mut following: Following<H>) {
    loop {
        match following.round().await {
            Ok(true) => {}
            Ok(false) => following.wait().await,
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "a handler of the feed waits");
                tokio::time::sleep(REST_BAD).await;
            }
        }
    }
}
