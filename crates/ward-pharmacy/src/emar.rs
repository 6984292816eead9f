//! The sheet of a patient: what is ordered, when it is due, what was given; and what is late.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;
use ward_core::{AuditAction, AuditOutcome, Ctx, FhirId, ResourceType};
use ward_policy::Action;
use ward_rules::{
    medication_order::{
        Quantity, dose,
        order::State,
        schedule::{Timeliness, Window},
    },
    workflow::StepState,
};
use ward_store::{
    Interaction, ReadError, Reader,
    values::{self, read, text},
    workflow::{StepKept, own_read},
};

use crate::{
    checker::Found,
    order::{
        Batch, Chosen, DispenseKept, DoseKept, MedsError, OrderKept, OrderRequest, Overridden,
        Pharmacy, Sheet, commit::sheet_key, whole,
    },
};

/// Longest time that one sheet shows, in hours.
/// LIMIT: a week; longer is read from the records.
const SHOWN_H_MAX: i64 = 7 * 24;

/// Orders of a list read at once. The list itself is whole: what somebody does not see is not given.
/// LIMIT: some megabytes.
const PAGE: usize = 100;

/// An order, for people and programs.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderShown {
    pub id: String,
    pub patient: String,
    pub state: State,
    pub request: OrderRequest,
    pub ordered_by: String,
    /// It was ordered in another system.
    pub is_told: bool,
    pub signed_at: Option<Timestamp>,
    pub verified_by: Option<String>,
    pub verified_at: Option<Timestamp>,
    pub why: Option<String>,
    pub is_as_needed: bool,
    pub is_high_alert: bool,
    pub chosen: Option<Chosen>,
    pub batches: Vec<Batch>,
    pub dispenses: Vec<DispenseKept>,
    pub lots: Vec<ward_rules::medication_order::supply::Lot>,
    pub on_ward: Quantity,
    pub found: Vec<Found>,
    pub checked_at: Option<Timestamp>,
    pub knowledge_base: Option<String>,
    pub overridden: Vec<Overridden>,
    pub recorded: Vec<DoseKept>,
    /// Doses of the time that was asked for.
    pub doses: Vec<DoseShown>,
    /// Nobody can tell from the order when its doses are due.
    pub times_unknown: bool,
    /// Since when it waits for what it waits for.
    pub since: Timestamp,
    /// It has waited for too long.
    pub is_overdue: bool,
}

/// One dose on a sheet.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DoseShown {
    pub due: Option<Timestamp>,
    pub state: dose::State,
    /// Of a dose that is not recorded.
    pub timeliness: Option<Timeliness>,
    pub recorded: Option<DoseKept>,
}

/// What is asked of a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Waits {
    /// For the pharmacist.
    Verify,
    /// To be made.
    Prepare,
    /// To be handed out, first of all or again.
    Dispense,
    /// To be given.
    Administer,
}

impl Pharmacy {
    /// The sheet of a patient from one time to another.
    ///
    /// - Shape: orders that go on, and those that ended in the last two days.
    /// - Audit: `read` of the patient's medication.
    pub async fn sheet(
        &self,
        cx: &Ctx,
        patient: &FhirId,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<OrderShown>, MedsError> {
        if to <= from || SHOWN_H_MAX < to.duration_since(from).as_hours() {
            return Err(MedsError::Request {
                place: "to",
                why: "is up to seven days after `from`",
            });
        }
        self.may(cx, (Action::Read, ResourceType::MEDICATION_REQUEST), patient)?;
        let whole = whole(cx);
        let key = values::key(ResourceType::PATIENT, patient);
        let act =
            Interaction::on(AuditAction::Read, key).with_detail("medication sheet".to_owned());
        let reader = self.chart().reader(&whole, act);
        let found = (|| {
            let sheet = own_read::<Sheet>(&reader, &sheet_key(patient))?;
            let window = self.settings.window_of(ward_of(&reader, patient)?.as_deref());
            let mut shown = Vec::new();
            for on_sheet in sheet.map(|(sheet, _)| sheet.orders).unwrap_or_default() {
                let Ok(id) = on_sheet.id.parse::<FhirId>() else { continue };
                let Some(instance) = self.engine.load(&reader, &id)? else { continue };
                let Some(kept) = OrderKept::of(&instance) else { continue };
                shown.push(self.shown(&id, patient, kept, (from, to), window, cx.now));
            }
            Ok(shown)
        })();
        let outcome =
            if found.is_ok() { AuditOutcome::Success } else { AuditOutcome::MinorFailure };
        reader.finish(outcome).await?;
        found
    }

    /// Orders that wait for somebody, of every patient whom who asks may see.
    ///
    /// - Audit: `search` of Tasks.
    /// - Cost: proportional to what waits in the whole house.
    pub async fn waiting(&self, cx: &Ctx, what: Waits) -> Result<Vec<OrderShown>, MedsError> {
        let whole = whole(cx);
        let act = Interaction::of(AuditAction::Search, ResourceType::TASK)
            .with_detail("medication that waits".to_owned());
        let reader = self.chart().reader(&whole, act);
        let found = self.waiting_in(&reader, cx, what);
        let outcome =
            if found.is_ok() { AuditOutcome::Success } else { AuditOutcome::MinorFailure };
        reader.finish(outcome).await?;
        found
    }

    fn waiting_in(
        &self,
        reader: &Reader<'_>,
        cx: &Ctx,
        what: Waits,
    ) -> Result<Vec<OrderShown>, MedsError> {
        let steps: &[&str] = match what {
            Waits::Verify => &["verify"],
            Waits::Prepare => &["prepare"],
            Waits::Dispense => &["dispense", "administer"],
            Waits::Administer => &["administer", "dispense"],
        };
        let codes: Vec<String> =
            steps.iter().map(|step| format!("{}%7C{step}", super::order::SYSTEM)).collect();
        let query = format!("status=on-hold&code={}", codes.join(","));
        let (mut hits, mut after) = (Vec::new(), None);
        loop {
            let page = values::search(reader, ResourceType::TASK, &query, (PAGE, after))?;
            hits.extend(page.hits);
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        let (from, to) = (back(cx.now, 24), ahead(cx.now, 12));
        let mut shown = Vec::new();
        for hit in hits {
            let stored = reader.fetch(&hit)?;
            let Ok(task) = serde_json::from_slice::<Value>(&stored.body) else { continue };
            let id = task.pointer("/identifier/0/value").and_then(Value::as_str);
            let Some(id) = id.and_then(|id| id.parse::<FhirId>().ok()) else { continue };
            let Some(instance) = self.engine.load(reader, &id)? else { continue };
            let (Some(patient), Some(kept)) = (instance.patient(), OrderKept::of(&instance)) else {
                continue;
            };
            let needs = (Action::Read, ResourceType::MEDICATION_REQUEST);
            let is_seen =
                self.may(cx, needs, &patient).is_ok() && !self.is_withdrawn(&id, &kept)?;
            if kept.state == State::OnHold || !is_seen {
                continue;
            }
            // Sent back, it waits for nobody here, whatever its Task last said.
            let is_waiting = |it: &&StepKept| {
                steps.contains(&it.name.as_str()) && it.state == StepState::Waiting
            };
            let Some(waits) = instance.kept.steps.iter().find(is_waiting) else { continue };
            let window = self.settings.window_of(ward_of(reader, &patient)?.as_deref());
            let mut order = self.shown(&id, &patient, kept, (from, to), window, cx.now);
            order.since = waits.at.unwrap_or(instance.kept.changed);
            order.is_overdue = waits.why.as_deref().is_some_and(|why| why.starts_with("overdue"));
            shown.push(order);
        }
        let rank = |order: &OrderShown| match order.request.priority.as_deref() {
            Some("stat") => 0,
            Some("asap" | "urgent") => 1,
            _ => 2,
        };
        shown.sort_by(|a, b| (rank(a), a.since, &a.id).cmp(&(rank(b), b.since, &b.id)));
        Ok(shown)
    }

    /// One order as it is shown.
    pub fn show(
        &self,
        id: &FhirId,
        patient: &FhirId,
        kept: OrderKept,
        now: Timestamp,
    ) -> OrderShown {
        let between = (back(now, 24), ahead(now, 24));
        self.shown(id, patient, kept, between, self.settings.window, now)
    }

    fn shown(
        &self,
        id: &FhirId,
        patient: &FhirId,
        kept: OrderKept,
        (from, to): (Timestamp, Timestamp),
        window: Window,
        now: Timestamp,
    ) -> OrderShown {
        let is_as_needed = kept.request.is_as_needed();
        let times = match kept.state.is_active() && !is_as_needed {
            true => times(self, &kept, (from, to)),
            false => Some(Vec::new()),
        };
        let times_unknown = times.is_none();
        let mut doses: Vec<DoseShown> = kept
            .doses
            .iter()
            .filter(|it| {
                (from..to).contains(&it.due.unwrap_or(it.at)) || (from..to).contains(&it.at)
            })
            .map(|it| DoseShown {
                due: it.due,
                state: it.state,
                timeliness: None,
                recorded: Some(it.clone()),
            })
            .collect();
        for due in times.unwrap_or_default() {
            if kept.dose_of(due).is_none() {
                doses.push(DoseShown {
                    due: Some(due),
                    state: dose::State::Due,
                    timeliness: Some(window.judge(due, now)),
                    recorded: None,
                });
            }
        }
        doses.sort_by_key(|it| (it.due.or(it.recorded.as_ref().map(|it| it.at)), it.state));
        let is_high_alert = match &kept.chosen {
            Some(chosen) => chosen.is_high_alert,
            None => self.settings.is_high_alert(&kept.request),
        };
        OrderShown {
            id: id.to_string(),
            patient: patient.to_string(),
            state: kept.state,
            on_ward: kept.supply.on_ward(),
            lots: kept.supply.lots,
            request: kept.request,
            is_told: kept.told.is_some(),
            ordered_by: kept.ordered_by,
            signed_at: kept.signed_at,
            verified_by: kept.verified_by,
            verified_at: kept.verified_at,
            why: kept.why,
            is_as_needed,
            is_high_alert,
            chosen: kept.chosen,
            batches: kept.batches,
            dispenses: kept.dispenses,
            found: kept.found,
            checked_at: kept.checked_at,
            knowledge_base: kept.knowledge_base,
            overridden: kept.overridden,
            recorded: kept.doses,
            doses,
            times_unknown,
            since: kept.signed_at.unwrap_or(now),
            is_overdue: false,
        }
    }
}

/// When doses of an order are due; `None` when nobody can tell.
pub(crate) fn times(
    pharmacy: &Pharmacy,
    kept: &OrderKept,
    (from, to): (Timestamp, Timestamp),
) -> Option<Vec<Timestamp>> {
    let start = kept.request.start.or(kept.signed_at)?;
    // Nothing is due before somebody has signed for it.
    let from = from.max(start);
    let to = kept.request.end.map_or(to, |end| to.min(end));
    if to <= from {
        return Some(Vec::new());
    }
    let mut all = Vec::new();
    for line in &kept.request.dosage {
        all.extend(pharmacy.checker.due(line, start, (from, to), pharmacy.zone())?);
    }
    all.sort();
    all.dedup();
    Some(all)
}

/// The ward that a patient lies in, by the claim on a bed.
pub(crate) fn ward_of(reader: &Reader<'_>, patient: &FhirId) -> Result<Option<String>, ReadError> {
    let stay = own_read::<Value>(reader, &values::key(ResourceType::STAY, patient))?;
    let bed = stay.as_ref().and_then(|(stay, _)| text(stay, "bed")?.parse::<FhirId>().ok());
    let Some(bed) = bed else { return Ok(None) };
    let bed = own_read::<Value>(reader, &values::key(ResourceType::BED, &bed))?;
    let ward = bed.as_ref().and_then(|(bed, _)| bed.pointer("/offer/ward")?.as_str());
    Ok(ward.filter(|it| !it.is_empty()).map(str::to_owned))
}

/// Whether a patient is there at all.
pub(crate) fn is_known(reader: &Reader<'_>, patient: &FhirId) -> Result<bool, ReadError> {
    Ok(read(reader, &values::key(ResourceType::PATIENT, patient))?.is_some())
}

fn back(now: Timestamp, hours: i64) -> Timestamp {
    now.checked_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MIN)
}

fn ahead(now: Timestamp, hours: i64) -> Timestamp {
    now.checked_add(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MAX)
}
