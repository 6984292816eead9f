//! Orders and what is taken at home.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use ward_rules::medication::{
    CheckContext,
    context::{Order, Origin},
    timing::Bounds,
};

use super::{
    dosage, drug,
    read::{Reading, codes, kind, list, place, text},
};

/// How long what ended still counts for washouts, in days. LIMIT: fluoxetine's is five weeks.
const RECENT_DAYS: i64 = 60;

/// One order or statement, whatever its status.
pub(super) fn read(reading: &mut Reading<'_>, resource: &Value) -> Order {
    let place = place(resource);
    let is_statement = kind(resource) == "MedicationStatement";
    let (member, written) = match is_statement {
        true => ("dosage", "effectiveDateTime"),
        false => ("dosageInstruction", "authoredOn"),
    };
    let mut is_stat = text(resource, "priority") == "stat";
    let mut dosing = Vec::new();
    for (n, written) in list(resource, member).enumerate() {
        let made = dosage::read(reading, &format!("{place}.{member}[{n}]"), written);
        is_stat = is_stat || made.is_stat;
        dosing.push(made.dosing);
    }
    let period = resource
        .get("effectivePeriod")
        .or_else(|| resource.get("dispenseRequest").and_then(|it| it.get("validityPeriod")));
    let of_period = |reading: &mut Reading<'_>, member: &str| reading.time(&place, period?, member);
    let bounds = dosing.iter().filter_map(|it| it.timing.repeat.as_ref()?.bounds.as_ref());
    let ends: Vec<Option<Timestamp>> = bounds
        .map(|bounds| match bounds {
            Bounds::Period { end, .. } => *end,
            _ => None,
        })
        .collect();
    let last_bound =
        if ends.iter().all(Option::is_some) { ends.into_iter().flatten().max() } else { None };
    let start = of_period(reading, "start").or_else(|| reading.time(&place, resource, written));
    let end = last_bound.or_else(|| of_period(reading, "end").filter(|_| is_statement));
    Order {
        drug: drug::read(reading, &place, resource),
        origin: if is_statement { Origin::Home } else { Origin::House },
        start,
        end,
        reasons: list(resource, "reasonCode").flat_map(codes).collect(),
        replaces: resource
            .get("priorPrescription")
            .map(|it| text(it, "reference").to_owned())
            .filter(|it| !it.is_empty()),
        id: place,
        dosing,
        is_stat,
    }
}

/// Puts an order where its status says: active, recent, or nowhere.
pub(super) fn sort(reading: &mut Reading<'_>, cx: &mut CheckContext, resource: &Value) {
    let is_plan = matches!(text(resource, "intent"), "proposal" | "plan" | "option");
    let is_asked_not = resource.get("doNotPerform").and_then(Value::as_bool) == Some(true);
    if is_plan || is_asked_not {
        return;
    }
    match text(resource, "status") {
        // What is held goes on again without being ordered anew.
        "active" | "on-hold" | "intended" => {
            let order = read(reading, resource);
            match order.end.is_some_and(|end| end < reading.now) {
                true => recent(reading, cx, order),
                false => cx.active.push(order),
            }
        }
        "completed" | "stopped" | "ended" => {
            let mut order = read(reading, resource);
            let place = place(resource);
            let last = |reading: &mut Reading<'_>| {
                let meta = resource.get("meta")?;
                reading.time(&place, meta, "lastUpdated")
            };
            if order.end.is_none() {
                order.end = last(reading).or(order.start);
            }
            recent(reading, cx, order);
        }
        "draft" | "cancelled" | "entered-in-error" | "not-taken" => {}
        "unknown" => {
            // It may be taken; that counts.
            let order = read(reading, resource);
            cx.active.push(order);
        }
        _ => reading.gap(
            format!("{}.status", place(resource)),
            "it is no status of an order; the order was left out",
        ),
    }
}

fn recent(reading: &Reading<'_>, cx: &mut CheckContext, order: Order) {
    let window = SignedDuration::from_hours(24 * RECENT_DAYS);
    let is_recent = order.end.is_some_and(|end| reading.now.duration_since(end) <= window);
    if is_recent {
        cx.recent.push(order);
    }
}
