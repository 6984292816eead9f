//! Vignettes, the lists of ONC, and properties.

mod lists;
mod properties;
mod vignettes;

use jiff::{Span, Timestamp, ToSpan, Unit};

use crate::medication::{
    CheckContext, KnowledgeBase,
    context::{Allergies, Drug, Lab, Measured, Order, Quantity, Sex},
    knowledge::starter,
    lab::Analyte,
    sig,
};

pub(super) fn kb() -> &'static KnowledgeBase {
    starter().as_ref().unwrap_or_else(|problems| panic!("{problems:#?}"))
}

pub(super) fn now() -> Timestamp {
    "2026-11-28T12:00:00Z".parse().unwrap()
}

pub(super) fn ago(span: Span) -> Timestamp {
    let zoned = now().to_zoned_datetime(jiff::tz::TimeZone::UTC);
    zoned.checked_sub(span).unwrap().round(Unit::Second).unwrap().timestamp()
}

/// A man of 50, 75 kg, 175 cm, creatinine 1.0, potassium 4.2, no known allergies.
pub(super) fn somebody() -> CheckContext {
    let mut cx = CheckContext::empty(now());
    cx.patient.birth_date = Some(jiff::civil::date(1976, 5, 1));
    cx.patient.sex = Some(Sex::Male);
    let at = Some(ago(1.day()));
    cx.patient.weights = [Measured { quantity: Quantity::new(75.0, "kg"), at }].into();
    cx.patient.heights = [Measured { quantity: Quantity::new(175.0, "cm"), at }].into();
    cx.allergies = Allergies::NoneKnown;
    cx.labs = [
        Lab { analyte: Analyte::Creatinine, quantity: Quantity::new(1.0, "mg/dL"), at },
        Lab { analyte: Analyte::Potassium, quantity: Quantity::new(4.2, "mmol/L"), at },
    ]
    .into();
    cx
}

/// `metoprolol 50 mg PO BID`, or `"a product" 1 tab PO BID`.
pub(super) fn order(id: &str, text: &str) -> Order {
    let (drug, sig) = match text.strip_prefix('"').and_then(|it| it.split_once('"')) {
        Some((drug, rest)) => (drug.to_owned(), sig::parse(rest)),
        None => sig::parse_order(text),
    };
    Order {
        id: id.to_owned(),
        drug: Drug { text: drug, ..Drug::default() },
        is_stat: sig.is_stat,
        dosing: [sig.dosing].into(),
        ..Order::default()
    }
}
