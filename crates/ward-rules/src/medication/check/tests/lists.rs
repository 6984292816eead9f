//! The two lists of ONC, pair by pair.

use super::{kb, order, somebody};
use crate::medication::{
    Issue, Tier, check,
    knowledge::{Rule, Rxcui, Term},
};

fn members(term: &Term) -> Vec<Rxcui> {
    match term {
        Term::Substance(id) => [*id].into(),
        Term::Class(id) => kb().class(id).unwrap().members.clone(),
    }
}

fn pairs(rule: &Rule) -> Vec<(Rxcui, Rxcui)> {
    let right = members(rule.right.as_ref().unwrap());
    let left = members(&rule.left);
    let all = left.iter().flat_map(|a| right.iter().map(move |b| (*a, *b)));
    all.filter(|(a, b)| a != b).collect()
}

/// What a check says of the two together, whichever comes first.
fn of_pair(a: Rxcui, b: Rxcui) -> Vec<Issue> {
    let name = |id: Rxcui| kb().substance(id).unwrap().name.clone();
    let mut cx = somebody();
    cx.active = [order("a", &format!("\"{}\" 1 mg PO daily", name(a)))].into();
    cx.proposed = [order("b", &format!("\"{}\" 1 mg PO daily", name(b)))].into();
    let mut issues = check(kb(), &cx);
    issues.retain(|it| it.orders.contains(&"a".to_owned()) && it.orders.contains(&"b".to_owned()));
    issues
}

fn rules(prefix: &str) -> Vec<&'static Rule> {
    kb().parts().rules.iter().filter(|it| it.id.starts_with(prefix)).collect()
}

#[test]
fn all_fifteen_of_high_priority_interrupt_for_every_pair() {
    let rules = rules("onc-high-");
    let numbers: std::collections::BTreeSet<&str> =
        rules.iter().map(|it| it.id.split('-').nth(2).unwrap().trim_end_matches('b')).collect();
    assert_eq!(numbers.len(), 15);
    let mut n_pairs = 0;
    for rule in rules {
        let pairs = pairs(rule);
        assert!(!pairs.is_empty(), "{} has no pair", rule.id);
        for (a, b) in pairs {
            for (one, other) in [(a, b), (b, a)] {
                let found = of_pair(one, other);
                let is_loud = found.iter().any(|it| Tier::Interruptive <= it.tier);
                assert!(is_loud, "{}: {one} with {other}: {found:?}", rule.id);
            }
            n_pairs += 1;
        }
    }
    assert!(1_000 < n_pairs, "{n_pairs} pairs");
}

#[test]
fn none_of_thirty_three_of_low_priority_interrupts() {
    let rules = rules("onc-low-");
    assert_eq!(rules.len(), 33);
    let mut n_pairs = 0;
    for rule in rules {
        let pairs = pairs(rule);
        assert!(!pairs.is_empty(), "{} has no pair", rule.id);
        for (a, b) in pairs {
            let found = of_pair(a, b);
            let is_said = found.iter().any(|it| it.rule.id == rule.id);
            // Another rule may lift it, or say more of the same two drugs; this one never interrupts.
            let own = found.iter().filter(|it| it.rule.id.starts_with("onc-low-"));
            for issue in own {
                assert!(issue.tier <= Tier::Passive, "{}: {issue:?}", rule.id);
            }
            // A pair that is on the other list too, as sotalol with citalopram, is loud by that one.
            let loud = found.iter().filter(|it| Tier::Interruptive <= it.tier);
            let by: Vec<&str> = loud.map(|it| it.rule.id.as_str()).collect();
            let is_other = by.iter().all(|id| id.starts_with("onc-high-"));
            assert!(is_other, "{}: {a} with {b}: {by:?}", rule.id);
            assert!(is_said || !found.is_empty(), "{}: {a} with {b}: nothing", rule.id);
            n_pairs += 1;
        }
    }
    assert!(1_000 < n_pairs, "{n_pairs} pairs");
}

/// The members that the published lists name and the knowledge base has are in the classes.
#[test]
fn members_of_the_published_list_are_in_its_rules() {
    let shared = std::env::var("WARD_SHARED_DATA").unwrap_or_else(|_| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").to_owned()
    });
    let path = std::path::Path::new(&shared).join("meds/ddi/onc_high_priority_15.tsv");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("NOT CHECKED: no list of ONC in {}", path.display());
        return;
    };
    let mut n_pairs = 0;
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let known = |cell: &str| -> Vec<Rxcui> {
            let names = cell.split('|').map(|it| it.replace('’', "'"));
            names.filter_map(|it| kb().substance_named(&it).map(|it| it.rxcui)).collect()
        };
        for a in known(cells[2]) {
            for b in known(cells[4]).into_iter().filter(|b| *b != a) {
                let found = of_pair(a, b);
                let is_loud = found.iter().any(|it| Tier::Interruptive <= it.tier);
                assert!(is_loud, "row {}: {a} with {b}", cells[0]);
                n_pairs += 1;
            }
        }
    }
    assert!(300 < n_pairs, "{n_pairs} pairs");
}
