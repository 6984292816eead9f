use proptest::prelude::*;

use super::*;

/// `family, given, birth date, sex`, and then `phone:`, `email:`, `line:`, `zip:` or `no:`.
fn person(text: &str) -> Person {
    let mut parts = text.split(", ");
    let mut next = || parts.next().filter(|it| !it.is_empty()).map(str::to_owned);
    let (family, given, birth, sex) = (next(), next(), next(), next());
    let birth = birth.map(|it| {
        let year = it.split('-').next().unwrap();
        let mut rest = it.split('-').skip(1).map(|it| it.parse().unwrap());
        Birth { year: year.parse().unwrap(), month: rest.next(), day: rest.next() }
    });
    let mut person = Person { birth, sex, ..Person::default() };
    person.families.extend(family);
    person.givens.extend(given);
    for more in parts {
        let (kind, value) = more.split_once(':').unwrap();
        let value = value.to_owned();
        match kind {
            "phone" => person.phones.push(value),
            "email" => person.emails.push(value),
            "line" => person.lines.push(value),
            "zip" => person.postal_codes.push(value),
            _ => person.numbers.push(Number { system: "ssn".to_owned(), value }),
        }
    }
    person
}

fn likeness(one: &str, other: &str) -> Likeness {
    compare(&person(one), &person(other), &Weights::default(), Thresholds::default())
}

/// `one | other | grade`.
const CASES: &str = include_str!("../../tests/data/likeness.txt");

#[test]
fn pairs_are_graded_as_who_looks_at_them_would() {
    let mut n = 0;
    for line in CASES.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let mut parts = line.split(" | ");
        let (one, other, grade) =
            (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let found = likeness(one, other);
        assert_eq!(found.grade.as_str(), grade, "{line}\n{found:?}");
        assert_eq!(likeness(other, one).grade, found.grade, "{line}");
        n += 1;
    }
    assert!(15 <= n);
}

proptest! {
    #[test]
    fn more_that_agrees_is_never_worth_less(
        family in "[a-z]{2,8}", given in "[a-z]{2,8}", year in 1920_i16..2020, phone in "[0-9]{7}",
    ) {
        let birth = Some(Birth { year, month: Some(5), day: Some(7) });
        let bare = Person { families: vec![family], givens: vec![given], birth, ..Person::default() };
        let more = Person { phones: vec![phone], ..bare.clone() };
        let of = |one: &Person| compare(one, one, &Weights::default(), Thresholds::default());
        prop_assert!(of(&bare).probability < of(&more).probability);
        prop_assert!(of(&bare).grade <= of(&more).grade);
    }

    #[test]
    fn the_order_of_two_does_not_matter(
        a in "[a-d]{0,4}", b in "[a-d]{0,4}", c in "[a-d]{0,4}", d in "[a-d]{0,4}",
        days in (1_i8..13, 1_i8..13),
    ) {
        let make = |family: String, given: String, day| Person {
            families: vec![family], givens: vec![given],
            birth: Some(Birth { year: 1970, month: Some(days.0), day: Some(day) }),
            ..Person::default()
        };
        let (one, other) = (make(a, b, days.0), make(c, d, days.1));
        let (weights, limits) = (Weights::default(), Thresholds::default());
        prop_assert_eq!(
            compare(&one, &other, &weights, limits),
            compare(&other, &one, &weights, limits)
        );
    }
}
