//! One proposed order against thirty that run: the time of a whole check, with its worst hundredth.

use std::{hint::black_box, time::Instant};

use jiff::{Timestamp, civil::date};
use ward_rules::medication::{
    CheckContext, KnowledgeBase, check,
    context::{Allergies, Drug, Lab, Measured, Order, Quantity, Sex},
    knowledge::starter,
    lab::Analyte,
    sig,
};

/// What somebody very ill gets.
const ACTIVE: [&str; 30] = [
    "metoprolol 50 mg PO BID",
    "lisinopril 10 mg PO daily",
    "furosemide 40 mg IV BID",
    "potassium chloride 20 mEq PO BID",
    "spironolactone 25 mg PO daily",
    "atorvastatin 80 mg PO daily",
    "aspirin 81 mg PO daily",
    "clopidogrel 75 mg PO daily",
    "heparin 5000 units subcut TID",
    "pantoprazole 40 mg IV daily",
    "insulin glargine 20 units subcut QHS",
    "insulin lispro 6 units subcut TID AC",
    "vancomycin 1000 mg IV q12h",
    "meropenem 1 g IV q8h",
    "fluconazole 200 mg IV daily",
    "acetaminophen 650 mg PO q6h prn pain",
    "oxycodone 5 mg PO q4h prn pain",
    "hydromorphone 0.5 mg IV q3h prn pain",
    "lorazepam 1 mg IV q6h prn anxiety",
    "haloperidol 2 mg IV q6h prn agitation",
    "ondansetron 4 mg IV q8h prn nausea",
    "sertraline 50 mg PO daily",
    "levothyroxine 100 mcg PO daily",
    "prednisone 20 mg PO daily",
    "tacrolimus 2 mg PO BID",
    "albuterol 2.5 mg inhaled q4h",
    "gabapentin 300 mg PO TID",
    "docusate 100 mg PO BID",
    "digoxin 0.125 mg PO daily",
    "amiodarone 200 mg PO daily",
];

fn order(id: usize, text: &str) -> Order {
    let (drug, sig) = sig::parse_order(text);
    Order {
        id: format!("MedicationRequest/{id}"),
        drug: Drug { text: drug, ..Drug::default() },
        dosing: [sig.dosing].into(),
        ..Order::default()
    }
}

fn context() -> CheckContext {
    let now = Timestamp::UNIX_EPOCH;
    let mut cx = CheckContext::empty(now);
    cx.patient.birth_date = Some(date(1900, 5, 1));
    cx.patient.sex = Some(Sex::Female);
    let measured =
        |value: f64, unit: &str| Measured { quantity: Quantity::new(value, unit), at: Some(now) };
    cx.patient.weights = [measured(60.0, "kg")].into();
    cx.patient.heights = [measured(160.0, "cm")].into();
    cx.allergies = Allergies::NoneKnown;
    let lab = |analyte: Analyte, value: f64| Lab {
        analyte,
        quantity: Quantity::new(value, analyte.unit()),
        at: Some(now),
    };
    cx.labs = Analyte::all().map(|it| lab(it, 1.0)).collect();
    cx.active = ACTIVE.iter().enumerate().map(|(n, text)| order(n, text)).collect();
    cx.proposed = [order(99, "ciprofloxacin 400 mg IV q12h")].into();
    cx
}

/// Checks measured. LIMIT: enough that the worst hundredth is twenty of them.
const N: usize = 2_000;

fn measure(kb: &KnowledgeBase, cx: &CheckContext) {
    let mut times_us: Vec<u128> = (0..N)
        .map(|_| {
            let begin = Instant::now();
            black_box(check(kb, black_box(cx)));
            begin.elapsed().as_micros()
        })
        .collect();
    times_us.sort_unstable();
    let at = |part: usize| times_us.get(N * part / 1_000).copied().unwrap_or_default();
    let n_issues = check(kb, cx).len();
    eprintln!(
        "check: {n_issues} issues; p50 {} us, p99 {} us, p99.9 {} us over {N} checks",
        at(500),
        at(990),
        at(999)
    );
}

/// Its own harness: what is asked for is the worst hundredth, which a mean does not tell.
fn main() {
    match starter() {
        Ok(kb) => measure(kb, &context()),
        Err(problems) => eprintln!("the starter knowledge base does not load: {problems:?}"),
    }
}
