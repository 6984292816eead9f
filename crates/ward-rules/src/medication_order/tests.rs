//! The machines as tables that a pharmacist can sign, and quantity that is never lost.

use expect_test::expect_file;
use jiff::{Timestamp, civil::date};
use proptest::prelude::*;

use super::{
    Quantity, barcode,
    bedside::{self, Bypass, Look, LotFitness, Scanned, Unit, Vital, VitalRule},
    dose, order,
    prepare::{Category, Storage, beyond_use},
    reconcile::{self, Choice, Decision},
    schedule::{AsNeeded, Given, Timeliness, Window},
    stock::{Discrepancy, LotStatus, Stock, StockRefusal},
    supply::{Move, Supply},
    titration::{OutOfBounds, Titration},
};

fn at(s: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + s).unwrap()
}

fn n(text: &str) -> Quantity {
    text.parse().unwrap()
}

#[test]
fn the_machines_are_as_signed() {
    let mut table = String::from("# order\n");
    for state in order::State::ALL {
        for event in order::Event::ALL {
            let line = match order::step(*state, *event) {
                Ok((to, effects)) => format!("{} {effects:?}", to.as_str()),
                Err(_) => "-".to_owned(),
            };
            table += &format!("{:<10} {:<16} {line}\n", state.as_str(), event.as_str());
        }
    }
    table += "# dose\n";
    for state in dose::State::ALL {
        for event in dose::Event::ALL {
            let line = match dose::step(*state, *event) {
                Ok((to, effects)) => format!("{} {effects:?}", to.as_str()),
                Err(_) => "-".to_owned(),
            };
            table += &format!("{:<10} {:<16} {line}\n", state.as_str(), event.as_str());
        }
    }
    expect_file!["../../tests/data/medication_order.txt"].assert_eq(&table);
}

#[test]
fn the_lot_that_expires_first_goes_out_first_and_some_never_do() {
    let mut stock = Stock::default();
    let today = date(2026, 11, 28);
    stock.receive(("B", date(2027, 1, 1)), "pharmacy", n("10")).unwrap();
    stock.receive(("A", date(2026, 12, 1)), "pharmacy", n("4")).unwrap();
    stock.receive(("OLD", date(2026, 11, 27)), "pharmacy", n("50")).unwrap();
    let picked = stock.first_expired_first_out("pharmacy", n("6"), today).unwrap();
    let picked: Vec<_> = picked.iter().map(|it| (it.lot.as_str(), it.quantity)).collect();
    assert_eq!(picked, [("A", n("4")), ("B", n("2"))]);
    let too_little = StockRefusal::TooLittle { wanted: n("15"), there: n("14") };
    assert_eq!(stock.first_expired_first_out("pharmacy", n("15"), today), Err(too_little));
    let first = stock.issue("B", "pharmacy", n("1"), today);
    assert_eq!(first, Err(StockRefusal::SoonerFirst("A".to_owned())));
    let old = stock.issue("OLD", "pharmacy", n("1"), today);
    assert_eq!(old, Err(StockRefusal::Expired(date(2026, 11, 27))));
    stock.issue("A", "pharmacy", n("1"), today).unwrap();
    // On its last day it may still go out.
    assert!(stock.clone().issue("A", "pharmacy", n("1"), date(2026, 12, 1)).is_ok());
    stock.set_status("A", LotStatus::Recalled).unwrap();
    assert_eq!(stock.issue("A", "pharmacy", n("1"), today), Err(StockRefusal::Recalled));
    let moved = stock.transfer("A", ("pharmacy", "cabinet"), n("1"), today);
    assert_eq!(moved, Err(StockRefusal::Recalled));
    stock.issue("B", "pharmacy", n("1"), today).unwrap();
    stock.set_status("B", LotStatus::Quarantined).unwrap();
    assert_eq!(stock.issue("B", "pharmacy", n("1"), today), Err(StockRefusal::Quarantined));
    assert_eq!(stock.count("B", "pharmacy", n("8")), Ok(Discrepancy::Less(n("1"))));
    assert_eq!(stock.count("B", "pharmacy", n("8.5")), Ok(Discrepancy::More(n("0.5"))));
    let other = stock.receive(("B", date(2028, 1, 1)), "pharmacy", n("1"));
    assert_eq!(other, Err(StockRefusal::OtherExpiry(date(2027, 1, 1))));
    assert!(stock.is_conserved());
}

#[test]
fn barcodes_are_read_as_printed_and_as_scanned() {
    let scan = barcode::read("]d2010030116143014217271231").unwrap_err();
    assert_eq!(scan, barcode::ScanError::CheckDigit);
    let fnc1 = '\u{1d}';
    assert!(barcode::read("]d20100312345678906172712311 0").is_err());
    let text = format!("]d201003123456789061727123110LOT-7{fnc1}21S1");
    let scan = barcode::read(&text).unwrap();
    assert_eq!(scan.gtin.as_deref(), Some("00312345678906"));
    assert_eq!(scan.ndc10.as_deref(), Some("1234567890"));
    assert_eq!(scan.expires, Some(date(2027, 12, 31)));
    assert_eq!((scan.lot.as_deref(), scan.serial.as_deref()), (Some("LOT-7"), Some("S1")));
    let same = barcode::read("(01)00312345678906(17)271200(10)LOT-7(21)S1").unwrap();
    assert_eq!(same, scan, "day 00 is the last of the month");
    assert_eq!(barcode::read("0100312345678906").unwrap().ndc10, scan.ndc10);
    assert_eq!(barcode::read("312345678906").unwrap().gtin, scan.gtin, "UPC-A");
    assert_eq!(barcode::read("312345678905"), Err(barcode::ScanError::CheckDigit));
    assert_eq!(barcode::read("1234567890").unwrap().ndc10.as_deref(), Some("1234567890"));
    assert_eq!(barcode::read(" 4711\r\n").unwrap().text.as_deref(), Some("4711"));
    assert_eq!(barcode::read("\r\n"), Err(barcode::ScanError::Empty));
    assert_eq!(barcode::ndc11_of("1234567890"), ["01234567890", "12345067890", "12345678900"]);
}

#[test]
fn windows_and_limits_of_what_is_needed() {
    let window = Window { early_min: 30, late_min: 60, missed_min: 240 };
    let judge = |min: i64| window.judge(at(0), at(60 * min));
    assert_eq!(judge(-31), Timeliness::Early);
    assert_eq!([judge(-30), judge(0), judge(60)], [Timeliness::Due; 3]);
    assert_eq!([judge(61), judge(240)], [Timeliness::Late; 2]);
    assert_eq!(judge(241), Timeliness::Missed);
    let limits = AsNeeded {
        min_interval_min: Some(240),
        max_doses_24h: Some(3),
        max_quantity_24h: Some(n("6")),
    };
    let given = |hours: &[i64]| -> Vec<Given> {
        hours.iter().map(|h| Given { at: at(3600 * h), quantity: n("2") }).collect()
    };
    let codes =
        |hours: &[i64], now: i64| limits.refusals(&given(hours), at(3600 * now), n("2")).len();
    assert_eq!(codes(&[], 0), 0);
    assert_eq!(codes(&[0], 3), 1, "too soon");
    assert_eq!(codes(&[0], 4), 0);
    assert_eq!(codes(&[0, 4, 8], 12), 2, "too often and too much");
    assert_eq!(codes(&[0, 4, 8], 24), 0, "a day has passed since the first");
}

fn good<'a>() -> Look<'a> {
    Look {
        now: at(0),
        today: date(2026, 9, 21),
        patient: Scanned::Is(true),
        drug: Scanned::Is(Unit { is_of_order: true, is_on_ward: true, lot: LotFitness::Fit }),
        ordered: n("2"),
        dose: n("2"),
        due: Some(at(0)),
        window: Window::default(),
        as_needed: None,
        as_needed_for: None,
        given: &[],
        vital_rules: &[],
        vitals: &[],
        unsettled_allergy: false,
        unsettled: false,
        is_high_alert: false,
        has_second: false,
        reason: None,
        at: at(0),
    }
}

#[test]
fn the_seven_elements_of_the_bedside() {
    assert!(bedside::may_give(&bedside::look(&good()), None));
    let rules = [VitalRule {
        code: "8867-4".to_owned(),
        name: "Heart rate".to_owned(),
        at_least: Some(50.0),
        at_most: None,
        max_age_min: 60,
    }];
    let slow = [Vital { code: "8867-4".to_owned(), value: 44.0, at: at(-60) }];
    let old = [Vital { code: "8867-4".to_owned(), value: 70.0, at: at(-3601) }];
    let fine = [Vital { code: "8867-4".to_owned(), value: 70.0, at: at(-60) }];
    let unit = |lot, is_of_order, is_on_ward| Scanned::Is(Unit { is_of_order, is_on_ward, lot });
    let needed = AsNeeded { min_interval_min: Some(60), ..AsNeeded::default() };
    let before = [Given { at: at(-60), quantity: n("2") }];
    let fit = LotFitness::Fit;
    // What is looked at, what is found, whether a reason settles it.
    let cases: Vec<(Look<'_>, &str, bool)> = vec![
        (Look { patient: Scanned::Is(false), ..good() }, "wrong-patient", false),
        (Look { patient: Scanned::Nothing, ..good() }, "no-patient-scan", false),
        (Look { drug: Scanned::Nothing, ..good() }, "no-drug-scan", false),
        (Look { drug: unit(fit, false, true), ..good() }, "wrong-medication", false),
        (Look { drug: unit(fit, true, false), ..good() }, "not-on-ward", false),
        (Look { drug: unit(LotFitness::Recalled, true, true), ..good() }, "recalled", false),
        (Look { drug: unit(LotFitness::Expired, true, true), ..good() }, "expired", false),
        (Look { drug: unit(LotFitness::Quarantined, true, true), ..good() }, "quarantined", false),
        (Look { drug: unit(LotFitness::BeyondUse, true, true), ..good() }, "beyond-use", false),
        (Look { dose: n("2.5"), ..good() }, "dose-too-high", false),
        (Look { dose: n("1"), ..good() }, "dose-too-low", true),
        (Look { at: at(3600), now: at(0), ..good() }, "in-the-future", false),
        (Look { due: Some(at(3601)), ..good() }, "early", true),
        (Look { due: Some(at(-3661)), ..good() }, "late", true),
        (Look { due: Some(at(-20_000)), ..good() }, "missed", true),
        (Look { due: None, as_needed: Some(&needed), ..good() }, "no-indication", false),
        (
            Look {
                due: None,
                as_needed: Some(&needed),
                as_needed_for: Some("pain"),
                given: &before,
                ..good()
            },
            "too-much-as-needed",
            false,
        ),
        (Look { vital_rules: &rules, ..good() }, "vital-unknown", true),
        (Look { vital_rules: &rules, vitals: &slow, ..good() }, "vital-low", true),
        (Look { vital_rules: &rules, vitals: &old, ..good() }, "vital-old", true),
        (Look { unsettled_allergy: true, ..good() }, "allergy", true),
        (Look { unsettled: true, ..good() }, "check", true),
        (Look { is_high_alert: true, ..good() }, "no-second-check", false),
    ];
    for (look, code, is_settled) in &cases {
        let found = bedside::look(look);
        let codes: Vec<_> = found.iter().map(|it| it.code).collect();
        assert_eq!(codes, [*code]);
        assert!(!bedside::may_give(&found, None), "{code}");
        assert_eq!(bedside::may_give(&found, Some("because")), *is_settled, "{code}");
    }
    let seen: std::collections::BTreeSet<_> =
        cases.iter().flat_map(|(it, ..)| bedside::look(it)).map(|it| it.element).collect();
    assert_eq!(seen.len(), bedside::Element::ALL.len());
    let fine = Look {
        vital_rules: &rules,
        vitals: &fine,
        is_high_alert: true,
        has_second: true,
        patient: Scanned::Bypassed(Bypass::NoWristband),
        drug: Scanned::Bypassed(Bypass::BadLabel),
        ..good()
    };
    assert!(bedside::look(&fine).is_empty());
}

#[test]
fn a_rate_stays_within_the_order() {
    let order = Titration {
        start: n("0.05"),
        lowest: n("0.02"),
        highest: n("0.5"),
        step: n("0.05"),
        unit: "mcg/kg/min".to_owned(),
        every_min: 5,
        target: "MAP at least 65 mmHg".to_owned(),
    };
    order.check().unwrap();
    assert_eq!(order.allows(None, n("0.1")), Err(OutOfBounds::OtherStart(n("0.05"))));
    order.allows(None, n("0.05")).unwrap();
    let now = Some((n("0.3"), 5));
    order.allows(now, n("0.35")).unwrap();
    assert!(matches!(order.allows(now, n("0.36")), Err(OutOfBounds::StepTooLarge(..))));
    let soon = order.allows(Some((n("0.3"), 4)), n("0.35"));
    assert_eq!(soon, Err(OutOfBounds::TooSoon { ago_min: 4, every_min: 5 }));
    // Down may be at once and by as much as is needed.
    order.allows(Some((n("0.3"), 0)), n("0.02")).unwrap();
    assert!(matches!(order.allows(now, n("0.01")), Err(OutOfBounds::TooLow(..))));
    let high = order.allows(Some((n("0.49"), 9)), n("0.51"));
    assert!(matches!(high, Err(OutOfBounds::TooHigh(..))));
    assert_eq!(Titration { start: n("1"), ..order }.check(), Err(OutOfBounds::Order));
}

#[test]
fn a_batch_lasts_no_longer_than_its_parts() {
    let made: Timestamp = "2026-11-28T08:00:00Z".parse().unwrap();
    let cold = (Category::Category2, Storage::Refrigerator);
    let until = |expiries: &[jiff::civil::Date]| beyond_use(made, cold, expiries);
    assert_eq!(until(&[]), Some("2026-12-08T08:00:00Z".parse().unwrap()));
    let sooner = until(&[date(2030, 1, 1), date(2026, 11, 30)]);
    assert_eq!(sooner, Some("2026-12-01T00:00:00Z".parse().unwrap()));
    assert_eq!(until(&[date(2026, 11, 1)]), None, "a part of it has expired");
    assert_eq!(beyond_use(made, (Category::ImmediateUse, Storage::Freezer), &[]), None);
}

#[test]
fn nothing_that_was_taken_at_home_is_left_undecided() {
    let list = ["a", "b"].map(str::to_owned);
    let decide = |of: &str, choice, order: Option<&str>, reason: Option<&str>| Decision {
        of: of.to_owned(),
        choice,
        order: order.map(str::to_owned),
        reason: reason.map(str::to_owned),
    };
    let fine = [
        decide("a", Choice::Continue, None, None),
        decide("b", Choice::Stop, None, Some("no indication")),
    ];
    assert!(reconcile::check(&list, &fine).is_empty());
    assert_eq!(reconcile::check(&list, &fine[..1]).len(), 1);
    let twice = [fine[0].clone(), fine[0].clone(), fine[1].clone()];
    assert_eq!(reconcile::check(&list, &twice).len(), 1);
    let wrong = [
        decide("a", Choice::Substitute, None, None),
        decide("b", Choice::Stop, None, None),
        decide("c", Choice::Continue, None, None),
    ];
    assert_eq!(reconcile::check(&list, &wrong).len(), 3);
}

#[derive(Clone, Debug)]
enum Act {
    Receive(u8, u8, u8),
    Issue(u8, u8, u8),
    Transfer(u8, u8),
    Discard(u8, u8, u8),
    Count(u8, u8, u8),
    Status(u8, u8),
    Ward(u8, u8, u8),
}

fn acts() -> impl Strategy<Value = Act> {
    let (lot, shelf, amount) = (0u8..3, 0u8..2, 0u8..12);
    prop_oneof![
        (lot.clone(), shelf.clone(), amount.clone()).prop_map(|(a, b, c)| Act::Receive(a, b, c)),
        (lot.clone(), shelf.clone(), amount.clone()).prop_map(|(a, b, c)| Act::Issue(a, b, c)),
        (lot.clone(), amount.clone()).prop_map(|(a, b)| Act::Transfer(a, b)),
        (lot.clone(), shelf.clone(), amount.clone()).prop_map(|(a, b, c)| Act::Discard(a, b, c)),
        (lot.clone(), shelf, amount.clone()).prop_map(|(a, b, c)| Act::Count(a, b, c)),
        (lot.clone(), 0u8..3).prop_map(|(a, b)| Act::Status(a, b)),
        (lot, 0u8..4, amount).prop_map(|(a, b, c)| Act::Ward(a, b, c)),
    ]
}

proptest! {
    /// Whatever is done in whatever order, nothing is lost and nothing comes from nowhere.
    #[test]
    fn quantity_is_conserved(acts in prop::collection::vec(acts(), 0..80)) {
        let (mut stock, mut supply) = (Stock::default(), Supply::default());
        let today = date(2026, 11, 28);
        let lots = [("A", date(2026, 12, 1)), ("B", date(2027, 1, 1)), ("C", date(2026, 11, 1))];
        let shelves = ["pharmacy", "cabinet"];
        let amount = |halves: u8| Quantity::whole(u32::from(halves) / 2)
            .plus(if halves % 2 == 1 { n("0.5") } else { Quantity::ZERO });
        for act in acts {
            let before = (stock.clone(), supply.clone());
            let lot = |l: u8| lots[usize::from(l)].0;
            let shelf = |s: u8| shelves[usize::from(s)];
            // A refusal leaves everything as it was.
            let done = match act {
                Act::Receive(l, s, a) => stock.receive(lots[usize::from(l)], shelf(s), amount(a)).is_ok(),
                Act::Issue(l, s, a) => {
                    let done = stock.issue(lot(l), shelf(s), amount(a), today).is_ok();
                    prop_assert!(!done || supply.dispense("p", lot(l), amount(a)).is_ok());
                    prop_assert!(!done || l != 2, "an expired lot went out");
                    done
                }
                Act::Transfer(l, a) => {
                    stock.transfer(lot(l), ("pharmacy", "cabinet"), amount(a), today).is_ok()
                }
                Act::Discard(l, s, a) => stock.discard(lot(l), shelf(s), amount(a)).is_ok(),
                Act::Count(l, s, a) => stock.count(lot(l), shelf(s), amount(a)).is_ok(),
                Act::Status(l, to) => {
                    stock.set_status(lot(l), LotStatus::ALL[usize::from(to)]).is_ok()
                }
                Act::Ward(l, to, a) => {
                    let to = [Move::Administer, Move::Waste, Move::Return, Move::TakeBack][usize::from(to)];
                    let done = supply.take(("p", lot(l)), to, amount(a)).is_ok();
                    if done && to == Move::Return {
                        prop_assert!(stock.take_back(lot(l), "pharmacy", amount(a)).is_ok());
                    }
                    done
                }
            };
            prop_assert!(done || (stock.clone(), supply.clone()) == before);
            prop_assert!(stock.is_conserved(), "{stock:?}");
            prop_assert!(supply.is_conserved(), "{supply:?}");
            for lot in &supply.lots {
                let of_stock = stock.lot(&lot.lot).unwrap();
                prop_assert_eq!(of_stock.issued.plus(lot.returned), lot.dispensed);
            }
        }
    }

    #[test]
    fn no_barcode_panics(text in "\\PC*", tail in "[0-9()\u{1d}A-Z]{0,40}") {
        let _read = (barcode::read(&text), barcode::read(&tail), barcode::read(&format!("]d2{tail}")));
    }
}
