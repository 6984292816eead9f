//! What must hold whatever the orders are.

use proptest::prelude::*;

use super::{kb, order, somebody};
use crate::medication::{
    CheckContext, Issue, check,
    context::{Order, Quantity, RouteGiven},
    knowledge::Measure,
    lab::Analyte,
    route::Route,
};

const SIGS: &[&str] = &[
    "metoprolol 50 mg PO BID",
    "ibuprofen 400 mg PO TID",
    "warfarin 5 mg PO daily",
    "lisinopril 10 mg PO daily",
    "acetaminophen 650 mg PO q6h prn pain",
    "simvastatin 20 mg PO daily",
    "clarithromycin 500 mg PO BID",
    "morphine 4 mg IV q4h prn pain",
    "potassium chloride 20 mEq PO BID",
    "gentamicin 375 mg IV daily",
    "digoxin 0.125 mg PO daily",
    "enoxaparin 40 mg subcut daily",
    "frobnicain 10 mg PO BID",
    "\"oxycodone-acetaminophen 5-325 mg tablet\" 1 tab PO q6h prn pain",
    "furosemide 40 mg PO BID",
    "sertraline 50 mg PO daily",
];

fn with(active: &[usize], proposed: Order) -> CheckContext {
    let mut cx = somebody();
    cx.active = active.iter().map(|n| order(&format!("active-{n}"), SIGS[*n])).collect();
    cx.proposed = [proposed].into();
    cx
}

/// A patient of any age, of whom weight, height and creatinine may or may not be known.
fn anybody() -> impl Strategy<Value = CheckContext> {
    let birth = proptest::sample::select(vec![1_936_i16, 1_976, 2_012, 2_023, 2_026]);
    let weight = proptest::option::of(3.0_f64..140.0);
    let creatinine = proptest::option::of(0.3_f64..6.0);
    (birth, weight, creatinine).prop_map(|(year, weight, creatinine)| {
        let mut cx = somebody();
        cx.patient.birth_date = Some(jiff::civil::date(year, 5, 1));
        match weight {
            Some(kg) => cx.patient.weights[0].quantity.value = kg,
            None => cx.patient.weights.clear(),
        }
        cx.labs.retain(|it| it.analyte != Analyte::Creatinine || creatinine.is_some());
        for lab in cx.labs.iter_mut().filter(|it| it.analyte == Analyte::Creatinine) {
            lab.quantity.value = creatinine.unwrap_or_default();
        }
        cx
    })
}

/// An order of anything that the knowledge base has a limit for, about as large as that limit.
fn about_a_limit() -> impl Strategy<Value = Order> {
    let limits = &kb().parts().limits;
    let is_amount = |measure| matches!(measure, Measure::Single | Measure::Daily);
    let limits: Vec<_> = limits.iter().filter(|it| is_amount(it.measure)).collect();
    let often =
        proptest::sample::select(vec!["daily", "BID", "q6h", "q4h prn pain", "once", "weekly"]);
    (proptest::sample::select(limits), -2.0_f64..1.0, often).prop_map(|(limit, ten_to, often)| {
        let name = &kb().substance(limit.substance).unwrap().name;
        let route = limit.routes.first().map_or("PO", |it| it.name());
        let mut made = order("new", &format!("\"{name}\" 1 mg PO {often}"));
        let unit = limit.unit.split('/').next().unwrap();
        for dosing in &mut made.dosing {
            dosing.dose = Some(Quantity::new(limit.value * 10.0_f64.powf(ten_to), unit));
            dosing.route = RouteGiven::Known(Route::parse(route).unwrap_or(Route::Oral));
            dosing.text = None;
        }
        made
    })
}

fn larger(order: &Order, times: f64) -> Order {
    let mut large = order.clone();
    for dosing in &mut large.dosing {
        if let Some(dose) = &mut dosing.dose {
            dose.value *= times;
        }
    }
    large
}

/// Everything but what a number in it says.
fn kinds(issues: &[Issue]) -> Vec<String> {
    let mut all: Vec<String> = issues
        .iter()
        .map(|it| format!("{} {} {:?}", it.tier.name(), it.rule.id, it.orders))
        .collect();
    all.sort();
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_larger_dose_never_gives_fewer_issues(
        active in proptest::sample::subsequence((0..SIGS.len()).collect::<Vec<_>>(), 0..6),
        which in 0..SIGS.len(),
        times in 1.0_f64..200.0,
    ) {
        let small = order("new", SIGS[which]);
        let large = larger(&small, times);
        let few = check(kb(), &with(&active, small));
        let many = check(kb(), &with(&active, large));
        prop_assert!(few.len() <= many.len(), "{few:#?}\n{many:#?}");
        let worst = |issues: &[Issue]| issues.iter().map(|it| it.tier).max();
        prop_assert!(worst(&few) <= worst(&many));
    }

    /// Of every drug that has a limit, in patients of any age, for one order and beside another of
    /// the same drug.
    #[test]
    fn a_larger_dose_of_anything_never_gives_fewer_issues(
        cx in anybody(),
        small in about_a_limit(),
        is_twice in any::<bool>(),
        times in 1.0_f64..100.0,
    ) {
        let issues = |order: Order| {
            let mut cx = cx.clone();
            if is_twice {
                cx.active = [Order { id: "active".to_owned(), ..small.clone() }].into();
            }
            cx.proposed = [order].into();
            check(kb(), &cx)
        };
        let few = issues(small.clone());
        let many = issues(larger(&small, times));
        prop_assert!(few.len() <= many.len(), "{few:#?}\n{many:#?}");
        for kind in few.iter().map(|it| it.kind) {
            let worst = |issues: &[Issue]| {
                issues.iter().filter(|it| it.kind == kind).map(|it| it.tier).max()
            };
            prop_assert!(worst(&few) <= worst(&many), "{kind:?}: {few:#?}\n{many:#?}");
        }
    }

    #[test]
    fn the_order_of_orders_does_not_matter(
        active in proptest::sample::subsequence((0..SIGS.len()).collect::<Vec<_>>(), 2..8).prop_shuffle(),
        which in 0..SIGS.len(),
    ) {
        let mut here = with(&active, order("new", SIGS[which]));
        let mut there = here.clone();
        there.active.reverse();
        there.labs.reverse();
        prop_assert_eq!(check(kb(), &here), check(kb(), &there));
        // Nor among orders that are signed together.
        here.proposed.append(&mut here.active);
        let mut there = here.clone();
        there.proposed.reverse();
        let said = |cx: &CheckContext| {
            let mut issues = check(kb(), cx);
            // Of two that are checked with each other either may be named first.
            issues.iter_mut().for_each(|it| it.orders.sort());
            kinds(&issues)
        };
        prop_assert_eq!(said(&here), said(&there));
    }

    #[test]
    fn units_of_the_same_quantity_give_the_same(
        which in 0..SIGS.len(),
        dose in 1_u32..2_000_000,
    ) {
        // Micrograms, milligrams and grams, each as people write it.
        let of = |value: f64, unit: &str| {
            let mut made = order("new", SIGS[which]);
            for dosing in &mut made.dosing {
                dosing.dose = Some(Quantity::new(value, unit));
                dosing.text = None;
            }
            check(kb(), &with(&[], made))
        };
        let mcg = f64::from(dose);
        let first = of(mcg, "mcg");
        for (value, unit) in [(mcg, "ug"), (mcg / 1e3, "mg"), (mcg / 1e3, "MG"), (mcg / 1e6, "g"), (mcg / 1e9, "kg")] {
            prop_assert_eq!(kinds(&first), kinds(&of(value, unit)), "{} {}", value, unit);
        }
    }
}
