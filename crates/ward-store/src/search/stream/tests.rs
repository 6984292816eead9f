use std::collections::BTreeSet;

use proptest::prelude::*;

use super::Stream;
use crate::{
    Seq,
    index::{Index, IndexChange},
    postings::Posting,
};

/// A combination of lists, as a stream and as sets.
#[derive(Clone, Debug)]
enum Shape {
    List(u8),
    Numbers(Vec<u64>),
    Union(Vec<Shape>),
    Both(Vec<Shape>),
}

const N_LISTS: u8 = 4;

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        (0..N_LISTS).prop_map(Shape::List),
        prop::collection::vec(1..200u64, 0..20).prop_map(Shape::Numbers),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Shape::Union),
            prop::collection::vec(inner, 1..4).prop_map(Shape::Both),
        ]
    })
}

fn posting(list: u8) -> Posting {
    Posting::Population([list; 8])
}

fn model(shape: &Shape, lists: &[BTreeSet<u64>]) -> BTreeSet<u64> {
    match shape {
        Shape::List(n) => lists[usize::from(*n)].clone(),
        Shape::Numbers(numbers) => numbers.iter().copied().collect(),
        Shape::Union(parts) => parts.iter().flat_map(|part| model(part, lists)).collect(),
        Shape::Both(parts) => {
            let mut sets = parts.iter().map(|part| model(part, lists));
            let first = sets.next().unwrap_or_default();
            sets.fold(first, |all, set| all.intersection(&set).copied().collect())
        }
    }
}

fn stream<'v>(shape: &Shape, view: &'v crate::index::IndexView<'v>) -> Stream<'v> {
    let all = |parts: &[Shape]| parts.iter().map(|part| stream(part, view)).collect();
    match shape {
        Shape::List(n) => Stream::List(Box::new(view.list(&posting(*n)))),
        Shape::Numbers(numbers) => Stream::numbers(numbers.clone()),
        Shape::Union(parts) => Stream::Union(all(parts)),
        Shape::Both(parts) => Stream::Both(all(parts)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn streams_give_what_sets_give(
        lists in prop::collection::vec(prop::collection::btree_set(1..200u64, 0..80), usize::from(N_LISTS)),
        shape in shape(),
        jumps in prop::collection::vec(0..60u64, 0..8),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let index = Index::open(folder.path()).unwrap();
        let mut changes: Vec<IndexChange> = Vec::new();
        for rid in 1..200u64 {
            let add = (0..N_LISTS).filter(|n| lists[usize::from(*n)].contains(&rid)).map(posting);
            let add: Vec<Posting> = add.collect();
            changes.push(IndexChange { rid, vid: rid, deleted: false, add, remove: Vec::new() });
        }
        index.apply(Seq(41), &changes).unwrap();
        let view = index.view();
        prop_assert_eq!(view.seq, Seq(41));

        let expected = model(&shape, &lists);
        let mut walk = stream(&shape, &view);
        let (numbers, all) = walk.sample(1_000).unwrap();
        prop_assert!(all);
        prop_assert_eq!(numbers, expected.iter().copied().collect::<Vec<_>>());

        let mut walk = stream(&shape, &view);
        let mut target = 0;
        for jump in jumps {
            target += jump;
            prop_assert_eq!(walk.seek(target).unwrap(), expected.range(target..).next().copied());
        }
    }
}
