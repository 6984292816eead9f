//! What must hold whatever the orders are.

use proptest::prelude::*;

use super::{kb, order, somebody};
use crate::medication::{
    CheckContext, Issue, check,
    context::{Order, Quantity},
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
        let mut large = small.clone();
        for dosing in &mut large.dosing {
            if let Some(dose) = &mut dosing.dose {
                dose.value *= times;
            }
        }
        let few = check(kb(), &with(&active, small));
        let many = check(kb(), &with(&active, large));
        prop_assert!(few.len() <= many.len(), "{few:#?}\n{many:#?}");
        let worst = |issues: &[Issue]| issues.iter().map(|it| it.tier).max();
        prop_assert!(worst(&few) <= worst(&many));
    }

    #[test]
    fn the_order_of_orders_does_not_matter(
        active in proptest::sample::subsequence((0..SIGS.len()).collect::<Vec<_>>(), 2..8).prop_shuffle(),
        which in 0..SIGS.len(),
    ) {
        let here = with(&active, order("new", SIGS[which]));
        let mut there = here.clone();
        there.active.reverse();
        there.labs.reverse();
        prop_assert_eq!(check(kb(), &here), check(kb(), &there));
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
