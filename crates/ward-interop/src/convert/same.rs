//! Equal people, places and things of a message become one; then so do those that refer to them.

use super::{
    element::{Element, Making, Node},
    finish::{Finished, finish},
};

/// Most rounds in which equal resources become one.
/// LIMIT: a bed in the sixth place around it takes seven; what is deeper stays two.
const ROUNDS_MAX: usize = 16;

/// Types of which equal ones in one message are one.
const MERGED: &[&str] =
    &["Device", "Location", "Medication", "Organization", "Practitioner", "PractitionerRole"];

/// The resources of a message in JSON.
pub(super) struct Settled {
    /// `None` for those that say nothing.
    pub finished: Vec<Option<Finished>>,
    /// For each, the place of the one that it is one with; its own where it stands for itself.
    pub same: Vec<usize>,
}

/// Finishes the resources that say something; `slots` are their names.
///
/// - Cost: each is finished once, and again whenever what it refers to became one with another.
pub(super) fn settle(resources: &[Making], alive: &[bool], slots: &[String]) -> Settled {
    let mut same: Vec<usize> = (0..resources.len()).collect();
    let mut finished: Vec<Option<Finished>> = Vec::with_capacity(resources.len());
    let refers: Vec<Vec<usize>> = resources.iter().map(|made| references(&made.root)).collect();
    let is_alive = |nth: usize| alive.get(nth).copied().unwrap_or(false);
    let finish_as = |same: &[usize], nth: usize, made: &Making| {
        let slot_of =
            |nth| same.get(nth).and_then(|nth| slots.get(*nth)).filter(|_| is_alive(nth)).cloned();
        is_alive(nth).then(|| finish(made, &slot_of))
    };
    finished.extend(resources.iter().enumerate().map(|(nth, made)| finish_as(&same, nth, made)));
    for _ in 1..ROUNDS_MAX {
        let next = merged(resources, &finished, &same);
        if next == same {
            break;
        }
        let has_moved = |to: &usize| next.get(*to) != same.get(*to);
        for (nth, (made, place)) in resources.iter().zip(&mut finished).enumerate() {
            if refers.get(nth).is_some_and(|to| to.iter().any(has_moved)) {
                *place = finish_as(&next, nth, made);
            }
        }
        same = next;
    }
    Settled { finished, same }
}

/// Which resource each is one with, as they are now.
fn merged(resources: &[Making], finished: &[Option<Finished>], same: &[usize]) -> Vec<usize> {
    let json = |nth: usize| finished.get(nth).and_then(Option::as_ref).map(|it| &it.json);
    let first_of = |(nth, made): (usize, &Making)| {
        let so_far = same.get(nth).copied().unwrap_or(nth);
        let Some(own) = json(nth).filter(|_| MERGED.contains(&made.kind)) else { return so_far };
        let before = resources.iter().take(nth).enumerate();
        let mut alike = before.filter(|(_, other)| other.kind == made.kind);
        alike.find(|(other, _)| json(*other) == Some(own)).map_or(so_far, |(other, _)| other)
    };
    resources.iter().enumerate().map(first_of).collect()
}

/// The places of the resources that an element refers to, at any depth.
fn references(element: &Element) -> Vec<usize> {
    fn collect(node: &Node, found: &mut Vec<usize>) {
        match node {
            Node::Leaf(..) => {}
            Node::Reference(to, _) => found.push(*to),
            Node::Object(element) => {
                element.members.iter().for_each(|(_, node)| collect(node, found));
            }
            Node::List(items) => items.iter().for_each(|(_, node)| collect(node, found)),
        }
    }
    let mut found = Vec::new();
    element.members.iter().for_each(|(_, node)| collect(node, &mut found));
    found
}
