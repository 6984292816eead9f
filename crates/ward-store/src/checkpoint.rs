//! A signed checkpoint on demand.

use ward_core::Ctx;
use ward_policy::Action;

use crate::{chart::Chart, error::CommitError, prepare::PreparedUnit, writer::Work};

impl Chart {
    /// Signs what the audit log holds by now and keeps it at every anchor.
    ///
    /// The writer signs by itself while it writes; this covers the last entries before a silence.
    ///
    /// - Cost: nothing when the last checkpoint covers everything.
    /// - Repeat: safe.
    pub async fn checkpoint(&self, cx: &Ctx) -> Result<(), CommitError> {
        if !self.inner.policy.allows(cx, Action::ManageSystem) {
            return Err(CommitError::NotAllowed);
        }
        let unit = PreparedUnit::empty(cx.now.as_microsecond());
        self.inner.writer.send(unit, Some(Work::Checkpoint)).await?;
        Ok(())
    }
}
