//! Follows what interfaces and clients write of orders, so that each waits for the pharmacist once.

use serde_json::Value;
use ward_core::{Ctx, MedicalEventType, ResourceType};
use ward_store::{
    CommitError, ConsumerName, Event, EventFilter,
    handler::{Begin, HandleError, Handled, Handler, Step},
    values::text,
};

use crate::order::{MedsError, Pharmacy, SYSTEM};

/// Takes orders of others into the loop.
pub struct Intake {
    pharmacy: Pharmacy,
    name: ConsumerName,
}

impl Intake {
    /// `None` when a name is none, which a test would find.
    pub fn new(pharmacy: Pharmacy) -> Option<Intake> {
        Some(Intake { pharmacy, name: "orders-of-others".parse().ok()? })
    }
}

impl Handler for Intake {
    fn name(&self) -> &ConsumerName {
        &self.name
    }

    fn filters(&self) -> Vec<EventFilter> {
        let kinds = vec![MedicalEventType::MedicationOrder];
        vec![EventFilter { kinds, ..EventFilter::default() }]
    }

    /// What was ordered before Ward verified orders of others was looked at by somebody else.
    fn begins(&self) -> Begin {
        Begin::Now
    }

    /// Each order is a commit of its own, which keeps the version that it goes by: given again, an
    /// event finds that version taken.
    async fn handle(&mut self, cx: &Ctx, step: Step<'_>) -> Result<Handled, HandleError> {
        // What was not for here then is not taken when the house changes its mind.
        let mut is_any = false;
        for event in step.events {
            let Some(record) = event.record.as_ref().filter(|_| !is_ours(event)) else { continue };
            self.pharmacy.take(cx, &record.key.id).await.map_err(failed)?;
            is_any = true;
        }
        Ok(Handled { keep: is_any, ..Handled::default() })
    }
}

/// Whether the version is of an order that was made here; these are most of them.
fn is_ours(event: &Event) -> bool {
    let Some(record) = &event.record else { return true };
    if record.key.kind != ResourceType::MEDICATION_REQUEST {
        return true;
    }
    let Ok(order) = serde_json::from_slice::<Value>(&record.body) else { return false };
    let numbers = order.get("identifier").and_then(Value::as_array).into_iter().flatten();
    let own = |it: &Value| {
        text(it, "system") == Some(SYSTEM) && text(it, "value") == Some(record.key.id.as_str())
    };
    numbers.into_iter().any(own)
}

fn failed(error: MedsError) -> HandleError {
    match error {
        MedsError::Read(error) => HandleError::Read(error),
        MedsError::Search(error) => HandleError::Search(error),
        MedsError::Commit(error) => HandleError::Commit(error),
        MedsError::Json(error) => HandleError::Json(error),
        // Others write the same records; it is asked again.
        _ => HandleError::Commit(CommitError::Busy),
    }
}
