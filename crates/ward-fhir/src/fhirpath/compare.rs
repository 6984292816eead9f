//! Equality and order of items.

use std::cmp::Ordering;

use super::item::{Item, Moment, Node};
use crate::json::Json;

/// `=`: `None` when the precision of dates does not tell.
pub(super) fn equal(a: &[Item<'_>], b: &[Item<'_>]) -> Option<bool> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    if a.len() != b.len() {
        return Some(false);
    }
    let mut all = Some(true);
    for (a, b) in a.iter().zip(b) {
        match equal_items(a, b) {
            Some(true) => {}
            Some(false) => return Some(false),
            None => all = None,
        }
    }
    all
}

pub(super) fn equal_items(a: &Item<'_>, b: &Item<'_>) -> Option<bool> {
    if let (Item::Node(Node { json: a, .. }), Item::Node(Node { json: b, .. })) = (a, b)
        && let (Json::Object(_), Json::Object(_)) = (a, b)
    {
        return Some(same(a, b));
    }
    if let (Item::Moment(_), _) | (_, Item::Moment(_)) = (a, b) {
        return match (a.as_moment(), b.as_moment()) {
            (Some(a), Some(b)) => order_moments(&a, &b).map(|order| order == Ordering::Equal),
            _ => Some(false),
        };
    }
    if let (Some(a), Some(b)) = (a.as_number(), b.as_number()) {
        return Some(a == b);
    }
    Some(match (a.value(), b.value()) {
        (Some(Item::Bool(a)), Some(Item::Bool(b))) => a == b,
        (Some(Item::Text(a)), Some(Item::Text(b))) => a == b,
        (Some(Item::Quantity(a, unit)), Some(Item::Quantity(b, other))) => {
            if unit != other {
                return None;
            }
            a == b
        }
        _ => false,
    })
}

/// Numbers are equal by value here, whatever their text.
fn same(a: &Json<'_>, b: &Json<'_>) -> bool {
    match (a, b) {
        (Json::Number(_), Json::Number(_)) => {
            let number = |json: &Json<'_>| {
                json.as_number().and_then(|n| super::number::Number::parse(n.as_str()))
            };
            number(a) == number(b)
        }
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(name, value)| b.get(name).is_some_and(|b| same(value, b)))
        }
        _ => a == b,
    }
}

/// `~`: order does not matter, nor case and white space of texts.
pub(super) fn equivalent(a: &[Item<'_>], b: &[Item<'_>]) -> bool {
    a.len() == b.len()
        && a.iter().all(|a| b.iter().any(|b| equivalent_items(a, b)))
        && b.iter().all(|b| a.iter().any(|a| equivalent_items(a, b)))
}

fn equivalent_items(a: &Item<'_>, b: &Item<'_>) -> bool {
    if let (Some(Item::Text(a)), Some(Item::Text(b))) = (a.value(), b.value()) {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        return words(&a).to_lowercase() == words(&b).to_lowercase();
    }
    equal_items(a, b).unwrap_or(false)
}

/// Whether an item is among others.
pub(super) fn is_among(item: &Item<'_>, others: &[Item<'_>]) -> bool {
    others.iter().any(|other| equal_items(item, other) == Some(true))
}

/// `<` and its like: the outer `None` when the two cannot be compared at all.
pub(super) fn order(a: &Item<'_>, b: &Item<'_>) -> Option<Option<Ordering>> {
    if let (Item::Moment(_), _) | (_, Item::Moment(_)) = (a, b) {
        return Some(order_moments(&a.as_moment()?, &b.as_moment()?));
    }
    if let (Some(a), Some(b)) = (a.as_number(), b.as_number()) {
        return Some(Some(a.cmp(&b)));
    }
    match (a.value()?, b.value()?) {
        (Item::Text(a), Item::Text(b)) => match (Moment::parse(&a), Moment::parse(&b)) {
            // Two dates of the resource, which may be of different zones.
            (Some(x), Some(y)) if a.contains('-') && b.contains('-') => Some(order_moments(&x, &y)),
            _ => Some(Some(a.cmp(&b))),
        },
        (Item::Quantity(a, unit), Item::Quantity(b, other)) => {
            Some((unit == other).then(|| a.cmp(&b)))
        }
        _ => None,
    }
}

/// `None` when one is within the other, and so it is not known which comes first.
fn order_moments(a: &Moment, b: &Moment) -> Option<Ordering> {
    let (a, b) = (a.interval, b.interval);
    let width = |i: crate::search::Interval| i.to_us.saturating_sub(i.from_us);
    // Seconds and their fractions are one precision.
    let fine = 1_000_000;
    if a == b || (width(a) <= fine && width(b) <= fine) {
        return Some(a.from_us.cmp(&b.from_us));
    }
    if a.to_us <= b.from_us {
        return Some(Ordering::Less);
    }
    if b.to_us <= a.from_us {
        return Some(Ordering::Greater);
    }
    // Two months or two years overlap only when they are the same.
    None
}
