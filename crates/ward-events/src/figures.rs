//! Counts of what happens in the house, from the feed: what was counted is kept with the place up
//! to which it was, so that a restart neither loses nor repeats anything.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use ward_core::{
    AuditAction, AuditOutcome, Ctx, EventPriority, FhirId, MedicalEventType as E, RecordKey,
    ResourceType,
};
use ward_store::{
    Chart, CommitUnit, ConsumerName, Event, EventFilter, Interaction, ParseConsumerError, Seq,
    handler::{Begin, HandleError, Handled, Handler, Kept, Step},
    workflow::{own_read, own_write},
};

/// Since the chart was made. Nothing of any patient is in them.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    pub admissions: u64,
    pub discharges: u64,
    pub medication_orders: u64,
    pub lab_orders: u64,
    pub imaging_orders: u64,
    pub critical_alerts: u64,
}

/// The counts now, for whoever shows them.
#[derive(Clone)]
pub struct EventFigures {
    counts: Arc<Mutex<Counts>>,
    /// Commits up to here are counted.
    caught_up: Arc<watch::Sender<Seq>>,
}

impl Default for EventFigures {
    fn default() -> EventFigures {
        EventFigures { counts: Arc::default(), caught_up: Arc::new(watch::channel(Seq(0)).0) }
    }
}

/// Events counted before the counts are kept.
/// LIMIT: as many are read again after a crash.
const KEPT_EVERY: u64 = 64;

/// Counts what happens.
pub struct Counter {
    chart: Chart,
    name: ConsumerName,
    key: RecordKey,
    shown: EventFigures,
    /// What is kept and its version; `None` before it was read.
    base: Option<u32>,
    is_read: bool,
    counts: Counts,
    next: Counts,
    n_not_kept: u64,
    n_step: u64,
}

impl EventFigures {
    pub fn now(&self) -> Counts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until everything up to a commit that left an event is counted.
    pub async fn wait_for(&self, seq: Seq) {
        let mut caught_up = self.caught_up.subscribe();
        // Who counts may have ended with the server.
        let _ended = caught_up.wait_for(|at| seq <= *at).await.is_err();
    }

    fn show(&self, counts: Counts) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner) = counts;
    }

    /// Lines for Prometheus.
    pub fn page(&self) -> String {
        let counts = self.now();
        let lines = [
            ("patient_admissions_total", "Stays that began.", counts.admissions),
            ("patient_discharges_total", "Stays that ended.", counts.discharges),
            ("medication_orders_total", "Orders for medication.", counts.medication_orders),
            ("lab_orders_total", "Orders for the laboratory.", counts.lab_orders),
            ("imaging_orders_total", "Orders for imaging.", counts.imaging_orders),
            ("critical_alerts_total", "Events of priority critical.", counts.critical_alerts),
        ];
        let mut page = String::new();
        for (name, help, value) in lines {
            // Writing to a String cannot fail.
            let _ok = writeln!(page, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}");
        }
        page
    }
}

impl Counter {
    pub fn new(chart: Chart, shown: EventFigures) -> Result<Counter, ParseConsumerError> {
        let id: FhirId = chart.derived_id(&["figures"]);
        Ok(Counter {
            key: RecordKey::new(ResourceType::SETTING, id),
            chart,
            name: "figures".parse()?,
            shown,
            base: None,
            is_read: false,
            counts: Counts::default(),
            next: Counts::default(),
            n_not_kept: 0,
            n_step: 0,
        })
    }

    /// Reads what was counted before, to be shown from the start.
    pub async fn read(&mut self, cx: &Ctx) -> Result<(), HandleError> {
        let reader = self.chart.reader(cx, Interaction::on(AuditAction::Read, self.key.clone()));
        let found = own_read::<Counts>(&reader, &self.key);
        reader.finish(AuditOutcome::Success).await?;
        if let Some((counts, version)) = found? {
            (self.counts, self.base) = (counts, Some(version));
        }
        self.is_read = true;
        self.shown.show(self.counts);
        Ok(())
    }
}

impl Handler for Counter {
    fn name(&self) -> &ConsumerName {
        &self.name
    }

    fn filters(&self) -> Vec<EventFilter> {
        let kinds = vec![
            E::PatientAdmission,
            E::PatientDischarge,
            E::MedicationOrder,
            E::LabOrder,
            E::ImagingOrder,
        ];
        vec![
            EventFilter { kinds, ..EventFilter::default() },
            EventFilter { priorities: vec![EventPriority::Critical], ..EventFilter::default() },
        ]
    }

    fn begins(&self) -> Begin {
        Begin::First
    }

    async fn handle(&mut self, cx: &Ctx, step: Step<'_>) -> Result<Handled, HandleError> {
        if !self.is_read {
            self.read(cx).await?;
        }
        self.next = self.counts;
        step.events.iter().for_each(|event| count(&mut self.next, event));
        self.n_step = u64::try_from(step.events.len()).unwrap_or(u64::MAX);
        let keep = step.is_kept || KEPT_EVERY <= self.n_not_kept.saturating_add(self.n_step);
        let mut unit = CommitUnit::default();
        if keep {
            unit.writes.push(own_write(self.key.clone(), self.base, None, &self.next)?);
        }
        Ok(Handled { unit, upto: None, keep })
    }

    fn passed(&mut self, kept: Kept) {
        self.counts = self.next;
        match kept {
            Kept::NotYet => self.n_not_kept = self.n_not_kept.saturating_add(self.n_step),
            Kept::Durably => {
                self.n_not_kept = 0;
                self.base = Some(self.base.map_or(1, |base| base.saturating_add(1)));
            }
        }
        self.shown.show(self.counts);
    }

    fn caught_up(&mut self, at: Seq) {
        self.shown.caught_up.send_replace(at);
    }
}

fn count(counts: &mut Counts, event: &Event) {
    let one = |count: &mut u64| *count = count.saturating_add(1);
    // An order that changes is no other order.
    let is_new = event.record.as_ref().is_none_or(|it| it.version == 1);
    match event.kind {
        E::PatientAdmission => one(&mut counts.admissions),
        E::PatientDischarge => one(&mut counts.discharges),
        E::MedicationOrder if is_new => one(&mut counts.medication_orders),
        E::LabOrder if is_new => one(&mut counts.lab_orders),
        E::ImagingOrder if is_new => one(&mut counts.imaging_orders),
        _ => {}
    }
    if event.priority == EventPriority::Critical {
        one(&mut counts.critical_alerts);
    }
}
