use proptest::prelude::*;

use super::*;

const TABLE: &str = r#"
[[plan]]
name = "Gold"
payer = ["Organization/acme", "ACME"]
class = ["gold"]
copay = "250.00"
ask = "simulated"

[[plan.rule]]
class = ["IMP", "ACUTE"]
service = ["cosmetic surgery"]
covered = false

[[plan.rule]]
class = ["EMER"]
authorization = "not-needed"

[[plan.rule]]
class = ["IMP"]
up_to_days = 2
authorization = "not-needed"

[[plan]]
name = "Every other"
payer = ["acme"]
ask = "x12"
partner = "acme"
"#;

fn table() -> PlanTable {
    let table: PlanTable = toml::from_str(TABLE).unwrap();
    table.check().unwrap();
    table
}

fn cover(classes: &[&str], in_force: bool) -> Cover {
    let classes = classes.iter().map(|it| (*it).to_owned()).collect();
    Cover { payer: vec!["acme".to_owned()], classes, in_force }
}

fn stay(class: &str, service: Option<&str>, days: Option<u32>) -> Stay {
    Stay { class: class.to_owned(), service: service.map(str::to_owned), days }
}

#[test]
fn the_first_rule_that_fits_decides() {
    let table = table();
    for (class, service, days, rule, verdict) in [
        ("IMP", Some("Cosmetic surgery"), None, Some(1), Verdict::Denied),
        ("EMER", None, None, Some(2), Verdict::Granted),
        ("IMP", None, Some(2), Some(3), Verdict::Granted),
        ("IMP", None, Some(3), None, Verdict::Pended),
        // How long is not known: a rule about days says nothing of it.
        ("IMP", Some("cardiology"), None, None, Verdict::Pended),
    ] {
        let stay = stay(class, service, days);
        let decision = decide(&table, &cover(&["GOLD"], true), &stay).unwrap();
        assert_eq!((decision.rule, decision.verdict()), (rule, verdict), "{stay:?}");
        assert_eq!(decision.plan.name, "Gold");
    }
    let other = decide(&table, &cover(&["silver"], true), &stay("IMP", None, None)).unwrap();
    assert_eq!((other.plan.name.as_str(), other.verdict()), ("Every other", Verdict::Pended));
    let over = decide(&table, &cover(&["gold"], false), &stay("EMER", None, None)).unwrap();
    assert_eq!(over.verdict(), Verdict::Denied);
    let unknown = Cover { payer: vec!["another".to_owned()], ..Cover::default() };
    assert_eq!(decide(&table, &unknown, &stay("IMP", None, None)), None);
}

#[test]
fn a_table_that_cannot_be_meant_is_refused() {
    for (text, why) in [
        ("[[plan]]\nname = \"\"\npayer = [\"a\"]", "`name` is empty"),
        ("[[plan]]\nname = \"a\"\npayer = []", "`payer` names nobody"),
        ("[[plan]]\nname = \"a\"\npayer = [\"a\"]\nask = \"x12\"", "`partner`"),
        ("[[plan]]\nname = \"a\"\npayer = [\"a\"]\ncopay = \"-1\"", "below zero"),
        ("[[plan]]\nname = \"a\"\npayer = [\"a\"]\ncoinsurance_pct = 101", "0 to 100"),
        ("[[plan]]\nname = \"a\"\npayer = [\"a\"]\ncurrency = \"usd\"", "ISO 4217"),
    ] {
        let table: PlanTable = toml::from_str(text).unwrap();
        let error = table.check().unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
    for text in ["[[plan]]\nname = \"a\"\npayer = [\"a\"]\nprice = 1", "[plans]", "[[plan]]"] {
        assert!(toml::from_str::<PlanTable>(text).is_err(), "{text}");
    }
}

#[test]
fn the_simulated_payer_is_the_same_each_time() {
    let now = |member| simulated::verdict(member, 0);
    let later = |member| simulated::verdict(member, simulated::LOOKS_S);
    for (member, at_once, in_the_end) in [
        ("SIM-0", Verdict::Granted, Verdict::Granted),
        ("W5X", Verdict::Pended, Verdict::Granted),
        ("18", Verdict::Pended, Verdict::Denied),
        ("19", Verdict::Denied, Verdict::Denied),
        ("none", Verdict::Granted, Verdict::Granted),
        ("", Verdict::Granted, Verdict::Granted),
    ] {
        assert_eq!((now(member), later(member)), (at_once, in_the_end), "{member}");
    }
}

proptest! {
    /// A stay that a known plan has in force is denied only by a rule that says so.
    #[test]
    fn only_a_rule_denies(class in "[A-Z]{2,4}", service in prop::option::of("[a-z]{3,9}"), days in prop::option::of(0u32..60)) {
        let table = table();
        let stay = stay(&class, service.as_deref(), days);
        let decision = decide(&table, &cover(&["gold"], true), &stay).unwrap();
        prop_assert!(decision.verdict() != Verdict::Denied || decision.rule.is_some());
    }

    #[test]
    fn the_simulated_payer_decides_everything_in_the_end(member in ".{0,12}", s in 3i64..100_000) {
        let decided = simulated::verdict(&member, s);
        prop_assert!(decided != Verdict::Pended);
        prop_assert_eq!(decided, simulated::verdict(&member, s + 1));
    }
}
