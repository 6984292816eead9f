//! What was applied lately, in memory: immutable sorted layers, the newest of which is right.

use std::cmp::Ordering;

use super::{IndexChange, segment::ListKey};

/// One record put into a list or taken out of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Op {
    pub(super) list: ListKey,
    pub(super) removed: bool,
    pub(super) rid: u64,
}

/// Where the current version of a record stands, where that is not its first version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) rid: u64,
    /// `None`: the record is deleted.
    pub(super) vid: Option<u64>,
}

/// Changes in the order of their lists.
#[derive(Default, Debug)]
pub(super) struct Layer {
    ops: Vec<Op>,       // INVARIANT: sorted by list and record, one for each.
    places: Vec<Place>, // INVARIANT: sorted by record, one for each.
}

impl Layer {
    /// One batch. Where it speaks of a record twice, the later change counts.
    pub(super) fn new(changes: &[IndexChange]) -> Layer {
        let n = changes.iter().map(|change| change.add.len() + change.remove.len()).sum();
        let mut ops = Vec::with_capacity(n);
        let mut places = Vec::new();
        for change in changes {
            let op = |posting, removed| Op { list: ListKey::of(posting), removed, rid: change.rid };
            ops.extend(change.remove.iter().map(|posting| op(posting, true)));
            ops.extend(change.add.iter().map(|posting| op(posting, false)));
            if change.deleted || change.vid != change.rid {
                let vid = (!change.deleted).then_some(change.vid);
                places.push(Place { rid: change.rid, vid });
            }
        }
        // Stable sorts: of equal ones the last given stays.
        ops.sort_by(order_of_ops);
        keep_last(&mut ops, |a, b| order_of_ops(a, b) == Ordering::Equal);
        places.sort_by_key(|place| place.rid);
        keep_last(&mut places, |a, b| a.rid == b.rid);
        Layer { ops, places }
    }

    /// Both in one; where they differ, `newer` is right.
    pub(super) fn merge(older: &Layer, newer: &Layer) -> Layer {
        Layer {
            ops: merge_sorted(&older.ops, &newer.ops, order_of_ops),
            places: merge_sorted(&older.places, &newer.places, |a, b| a.rid.cmp(&b.rid)),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ops.len() + self.places.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ops.is_empty() && self.places.is_empty()
    }

    pub(super) fn ops(&self) -> &[Op] {
        &self.ops
    }

    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }

    /// The changes of one list, in order of record.
    pub(super) fn of_list(&self, list: &ListKey) -> &[Op] {
        let start = self.ops.partition_point(|op| op.list < *list);
        let rest = self.ops.get(start..).unwrap_or_default();
        // Lists are short next to layers: the end is near.
        let mut step = 8;
        while rest.get(step).is_some_and(|op| op.list == *list) {
            step *= 2;
        }
        let head = rest.get(..step.min(rest.len())).unwrap_or_default();
        head.get(..head.partition_point(|op| op.list == *list)).unwrap_or_default()
    }

    pub(super) fn place(&self, rid: u64) -> Option<Place> {
        let at = self.places.binary_search_by_key(&rid, |place| place.rid).ok()?;
        self.places.get(at).copied()
    }
}

fn order_of_ops(a: &Op, b: &Op) -> Ordering {
    a.list.cmp(&b.list).then(a.rid.cmp(&b.rid))
}

/// Of each run of equal neighbors keeps the last.
fn keep_last<T: Copy>(items: &mut Vec<T>, same: impl Fn(&T, &T) -> bool) {
    items.dedup_by(|next, kept| {
        let equal = same(next, kept);
        if equal {
            *kept = *next;
        }
        equal
    });
}

fn merge_sorted<T: Copy>(older: &[T], newer: &[T], order: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    let mut out = Vec::with_capacity(older.len() + newer.len());
    let (mut older, mut newer) = (older, newer);
    loop {
        match (older.split_first(), newer.split_first()) {
            (Some((a, rest_a)), Some((b, rest_b))) => match order(a, b) {
                Ordering::Less => {
                    out.push(*a);
                    older = rest_a;
                }
                Ordering::Greater => {
                    out.push(*b);
                    newer = rest_b;
                }
                Ordering::Equal => {
                    out.push(*b);
                    older = rest_a;
                    newer = rest_b;
                }
            },
            _ => {
                out.extend_from_slice(older);
                out.extend_from_slice(newer);
                return out;
            }
        }
    }
}
