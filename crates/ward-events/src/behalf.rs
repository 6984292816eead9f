//! In whose name something is told.

use std::pin::Pin;

use jiff::Timestamp;
use ward_core::Ctx;
use ward_store::subscriber::Subscriber;

/// Whoever knows accounts and tokens: what a subscriber may do now.
///
/// Rights are asked for when something is told, and never remembered: an account that was closed,
/// a token that was revoked, another role and another care relationship count at once.
pub trait Behalf: Send + Sync {
    /// The subscriber's context now; `None` when they are not let in any more.
    fn context<'a>(
        &'a self,
        by: &'a Subscriber,
        now: Timestamp,
    ) -> Pin<Box<dyn Future<Output = Result<Option<Ctx>, BehalfError>> + Send + 'a>>;
}

#[derive(Debug, thiserror::Error)]
#[error("who subscribed cannot be asked for")]
pub struct BehalfError(#[source] pub Box<dyn std::error::Error + Send + Sync>);
