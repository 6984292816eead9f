use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const N_LISTS: u8 = 5;

fn posting(list: u8) -> Posting {
    match list % 2 {
        0 => Posting::Population([list; 8]),
        _ => Posting::Patient([7; 8], [list; 8]),
    }
}

/// What the index must say.
#[derive(Clone, Default, Debug)]
struct Model {
    lists: BTreeMap<u8, BTreeSet<u64>>,
    places: BTreeMap<u64, Option<u64>>,
}

type Change = (u64, Vec<u8>, Vec<u8>, Option<u64>);

#[derive(Clone, Debug)]
enum Step {
    /// For each record its lists, those it leaves, and its new version.
    Apply(Vec<Change>),
    Persist,
    Reopen,
    /// Reads everything, which notes worn windows.
    Read,
    /// A view taken now must say the same at the end.
    Keep,
}

fn step() -> impl Strategy<Value = Step> {
    // Few windows, and numbers close together, so that changes meet.
    let rid = prop_oneof![1..40u64, 4080..4110u64, 12_300..12_310u64];
    let lists = || prop::collection::vec(0..N_LISTS, 0..4);
    let vid = prop_oneof![Just(None), (20_000..30_000u64).prop_map(Some)];
    let change = (rid, lists(), lists(), vid);
    prop_oneof![
        6 => prop::collection::vec(change, 0..30).prop_map(Step::Apply),
        4 => Just(Step::Persist),
        1 => Just(Step::Reopen),
        2 => Just(Step::Read),
        1 => Just(Step::Keep),
    ]
}

impl Model {
    fn apply(&mut self, changes: &[IndexChange]) {
        for change in changes {
            let named = |postings: &[Posting]| -> Vec<u8> {
                (0..N_LISTS).filter(|list| postings.contains(&posting(*list))).collect()
            };
            for list in named(&change.remove) {
                self.lists.entry(list).or_default().remove(&change.rid);
            }
            for list in named(&change.add) {
                self.lists.entry(list).or_default().insert(change.rid);
            }
            let vid = (!change.deleted).then_some(change.vid);
            self.places.insert(change.rid, vid);
        }
    }

    fn check(&self, view: &IndexView<'_>) -> Result<(), TestCaseError> {
        for list in 0..N_LISTS {
            let expected = self.lists.get(&list).cloned().unwrap_or_default();
            let mut reader = view.list(&posting(list));
            let mut numbers = BTreeSet::new();
            let mut next = 0;
            while let Some(rid) = reader.seek(next).unwrap() {
                prop_assert!(next <= rid);
                numbers.insert(rid);
                next = rid + 1;
            }
            prop_assert_eq!(&numbers, &expected, "list {}", list);
            // Jumps, and single questions.
            let mut reader = view.list(&posting(list));
            for target in [3, 39, 4090, 4090, 12_305, 12_400] {
                let found = reader.seek(target).unwrap();
                prop_assert_eq!(found, expected.range(target..).next().copied());
                let inside = view.contains(&posting(list), target).unwrap();
                prop_assert_eq!(inside, expected.contains(&target));
            }
        }
        for (rid, place) in &self.places {
            prop_assert_eq!(view.place(*rid).unwrap(), *place);
        }
        prop_assert_eq!(view.place(999_999).unwrap(), Some(999_999));
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn an_index_says_what_sets_say(steps in prop::collection::vec(step(), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        let mut index = Index::open(folder.path()).unwrap();
        let mut model = Model::default();
        let mut seq = 0;
        let mut kept: Vec<Model> = Vec::new();
        for step in steps {
            match step {
                Step::Apply(changes) => {
                    seq += 1;
                    let changes: Vec<IndexChange> = changes
                        .into_iter()
                        .map(|(rid, add, remove, vid)| IndexChange {
                            rid,
                            vid: vid.unwrap_or(rid),
                            deleted: vid.is_none() && rid % 3 == 0,
                            add: add.into_iter().map(posting).collect(),
                            remove: remove.into_iter().map(posting).collect(),
                        })
                        .collect();
                    model.apply(&changes);
                    // A record that goes back to its first version never happens.
                    model.places.retain(|rid, place| *place != Some(*rid));
                    let view = index.view();
                    let before = view.seq;
                    index.apply(Seq(seq), &changes).unwrap();
                    prop_assert_eq!(view.seq, before);
                    drop(view);
                    let view = index.view();
                    model.places.keys().try_for_each(|rid| {
                        prop_assert_eq!(view.place(*rid).unwrap(), model.places[rid]);
                        Ok(())
                    })?;
                }
                Step::Persist => index.persist().unwrap(),
                Step::Reopen => {
                    index.persist().unwrap();
                    drop(index);
                    index = Index::open(folder.path()).unwrap();
                    prop_assert_eq!(index.high_water(), Seq(seq));
                }
                Step::Read => {
                    model.check(&index.view())?;
                    model.check(&index.view().about_patient([7; 8]).unwrap())?;
                }
                Step::Keep => {
                    let view = index.view();
                    let about = index.view().about_patient([7; 8]).unwrap();
                    model.check(&view)?;
                    model.check(&about)?;
                    // While it is held everything goes to disk, and what is worn is written anew.
                    index.persist().unwrap();
                    index.apply(Seq(seq), &[IndexChange {
                        rid: 5, vid: 5, deleted: false, add: vec![posting(0)], remove: Vec::new(),
                    }]).unwrap();
                    index.persist().unwrap();
                    model.check(&view)?;
                    model.check(&about)?;
                    // What later views read and leave is not for earlier ones.
                    model.check(&view.about_patient([7; 8]).unwrap())?;
                    model.lists.entry(0).or_default().insert(5);
                    kept.push(model.clone());
                }
            }
        }
        model.check(&index.view())?;
        model.check(&index.view().about_patient([7; 8]).unwrap())?;
        model.check(&index.view().about_patient([8; 8]).unwrap())?;
    }

    #[test]
    fn a_segment_reads_back_as_written(
        ops in prop::collection::btree_map(0..WINDOW_OF_TEST, any::<bool>(), 0..200),
        window in 0..1_000_000u64,
    ) {
        let mut bytes = Vec::new();
        let mut last = 0;
        for (low, removed) in &ops {
            segment::write(&mut bytes, &mut last, window * segment::WINDOW + low, *removed);
        }
        let mut read = BTreeMap::new();
        let whole = segment::read(window, &bytes, &mut |rid, removed| {
            read.insert(rid - window * segment::WINDOW, removed);
        });
        prop_assert!(whole.is_some());
        prop_assert_eq!(read, ops);
    }

    #[test]
    fn no_bytes_make_reading_a_segment_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), window in any::<u64>()) {
        let _ = segment::read(window, &bytes, &mut |_, _| {});
    }
}

const WINDOW_OF_TEST: u64 = segment::WINDOW;

#[test]
fn worn_windows_are_written_anew_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(folder.path()).unwrap();
    let list = posting(0);
    let n_segments = || {
        let view = index.view();
        view.segments(&ListKey::of(&list), 0).count()
    };
    for n in 1..=12u64 {
        let change = IndexChange {
            rid: n,
            vid: n,
            deleted: false,
            add: vec![list.clone()],
            remove: Vec::new(),
        };
        index.apply(Seq(n), &[change]).unwrap();
        index.persist().unwrap();
    }
    assert_eq!(n_segments(), 12);
    assert!(index.view().contains(&list, 12).unwrap());
    let gone =
        IndexChange { rid: 3, vid: 20, deleted: true, add: Vec::new(), remove: vec![list.clone()] };
    index.apply(Seq(13), &[gone]).unwrap();
    index.persist().unwrap();
    assert_eq!(n_segments(), 2, "one of the worn twelve, one of the new run");
    let view = index.view();
    let mut reader = view.list(&list);
    let mut numbers = Vec::new();
    while let Some(rid) = reader.seek(numbers.last().map_or(0, |n| n + 1)).unwrap() {
        numbers.push(rid);
    }
    assert_eq!(numbers, [1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
}

#[test]
fn what_never_reached_the_disk_is_missing_from_the_mark() {
    let folder = tempfile::tempdir().unwrap();
    let change = |rid| IndexChange {
        rid,
        vid: rid,
        deleted: false,
        add: vec![posting(1)],
        remove: Vec::new(),
    };
    {
        let index = Index::open(folder.path()).unwrap();
        index.apply(Seq(1), &[change(1)]).unwrap();
        index.persist().unwrap();
        index.apply(Seq(2), &[change(2)]).unwrap();
        assert_eq!(index.high_water(), Seq(2));
    }
    let index = Index::open(folder.path()).unwrap();
    assert_eq!(index.high_water(), Seq(1));
    assert!(!index.view().contains(&posting(1), 2).unwrap());
}

#[test]
fn a_patient_with_more_than_is_read_at_once_has_all_lists() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(folder.path()).unwrap();
    let posting = |n: u64| Posting::Patient([7; 8], n.to_be_bytes());
    // On both sides of the limit.
    for n_lists in [255, 256, 257, 300] {
        let changes: Vec<IndexChange> = (1..=n_lists)
            .map(|n| IndexChange {
                rid: n,
                vid: n,
                deleted: false,
                add: vec![posting(n)],
                remove: Vec::new(),
            })
            .collect();
        index.apply(Seq(n_lists), &changes).unwrap();
        index.persist().unwrap();
        let view = index.view().about_patient([7; 8]).unwrap();
        for n in 1..=n_lists {
            assert_eq!(view.list(&posting(n)).seek(0).unwrap(), Some(n), "{n} of {n_lists}");
        }
        assert_eq!(view.list(&posting(0)).seek(0).unwrap(), None);
        assert_eq!(view.list(&posting(n_lists + 1)).seek(0).unwrap(), None);
    }
}
