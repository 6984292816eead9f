//! Truth compared with a model, in the terms that any engine must meet.
//!
//! [`Truth`] is the boundary where another engine plugs in: it says what a commit, a read, a
//! history and a feed of changes mean, and nothing of rows. An engine passes by adding one line to
//! `engines`.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::rig::*;
use crate::{Chart, CommitError, CommitUnit, HistoryOf, Seq, Stored, WriteKind};

/// What an engine of truth does.
trait Truth {
    fn commit(&mut self, now_s: i64, writes: &[Op]) -> Result<u64, Refusal>;
    fn get(&self, id: &str) -> Option<Told>;
    /// Newest first.
    fn history(&self, id: &str) -> Vec<Told>;
    /// Oldest first: commit, id and what was written.
    fn changes_since(&self, seq: u64) -> Vec<(u64, String, Told)>;
    /// Forgets everything that is not durable.
    fn reopen(&mut self);
}

/// A version as told: number and body, no body when deleted.
type Told = (u32, Option<String>);

#[derive(Clone, Debug)]
struct Op {
    id: usize,
    base: Option<u32>,
    /// `None` deletes.
    family: Option<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Refusal {
    Conflict,
    Malformed,
}

fn id_of(n: usize) -> String {
    format!("p{n}")
}

fn body_of(op: &Op) -> Option<String> {
    op.family.map(|family| patient(&id_of(op.id), &format!("F{family}")))
}

/// The model: what is meant.
#[derive(Default)]
struct Model {
    records: BTreeMap<String, Vec<Told>>,
    log: Vec<Vec<(String, Told)>>,
}

impl Truth for Model {
    fn commit(&mut self, _: i64, ops: &[Op]) -> Result<u64, Refusal> {
        let mut ids: Vec<_> = ops.iter().map(|op| op.id).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.len() != ops.len() {
            return Err(Refusal::Malformed);
        }
        for op in ops {
            let current = self.records.get(&id_of(op.id)).and_then(|it| it.last());
            if current.map(|(version, _)| *version) != op.base {
                return Err(Refusal::Conflict);
            }
        }
        let mut written = Vec::new();
        for op in ops {
            let told = (op.base.unwrap_or(0) + 1, body_of(op));
            self.records.entry(id_of(op.id)).or_default().push(told.clone());
            written.push((id_of(op.id), told));
        }
        self.log.push(written);
        Ok(u64::try_from(self.log.len()).unwrap())
    }

    fn get(&self, id: &str) -> Option<Told> {
        self.records.get(id)?.last().cloned()
    }

    fn history(&self, id: &str) -> Vec<Told> {
        self.records.get(id).into_iter().flatten().rev().cloned().collect()
    }

    fn changes_since(&self, seq: u64) -> Vec<(u64, String, Told)> {
        let all = (1u64..).zip(&self.log).skip_while(|(at, _)| *at <= seq);
        all.flat_map(|(at, one)| one.iter().map(move |(id, told)| (at, id.clone(), told.clone())))
            .collect()
    }

    fn reopen(&mut self) {}
}

/// SQLite behind the chart.
struct Embedded {
    rig: Rig,
    chart: Option<Chart>,
}

impl Embedded {
    fn new() -> Embedded {
        let rig = Rig::new();
        let chart = Some(rig.init());
        Embedded { rig, chart }
    }

    fn chart(&self) -> &Chart {
        self.chart.as_ref().unwrap()
    }
}

fn told(stored: &Stored) -> Told {
    let body = String::from_utf8(stored.body.clone()).unwrap();
    (stored.version, (!stored.deleted).then_some(body))
}

impl Truth for Embedded {
    fn commit(&mut self, now_s: i64, ops: &[Op]) -> Result<u64, Refusal> {
        let mut unit = CommitUnit::default();
        for op in ops {
            unit.writes.extend(match (body_of(op), op.base) {
                (Some(body), base) => vec![write(WriteKind::Update { base }, &body)],
                (None, base) => {
                    delete(base.unwrap_or(0), &format!("Patient/{}", id_of(op.id))).writes
                }
            });
        }
        match commit(self.chart(), now_s, unit) {
            Ok(receipt) => Ok(receipt.seq.0),
            Err(CommitError::Stale { .. } | CommitError::Exists { .. }) => Err(Refusal::Conflict),
            Err(CommitError::Malformed(_)) => Err(Refusal::Malformed),
            Err(other) => panic!("{other}"),
        }
    }

    fn get(&self, id: &str) -> Option<Told> {
        get(self.chart(), &format!("Patient/{id}")).as_ref().map(told)
    }

    fn history(&self, id: &str) -> Vec<Told> {
        let cx = cx(0);
        let reader = self.chart().reader(&cx, act());
        let of = HistoryOf::Instance(key(&format!("Patient/{id}")));
        reader.history(&of, None, None, None, 1000).unwrap().iter().map(told).collect()
    }

    fn changes_since(&self, seq: u64) -> Vec<(u64, String, Told)> {
        let (changes, _) = self.chart().changes_since(&cx(0), Seq(seq), 1000).unwrap();
        changes.iter().map(|it| (it.seq.0, it.key.id.to_string(), told(it))).collect()
    }

    fn reopen(&mut self) {
        self.chart = None;
        self.chart = Some(self.rig.open());
    }
}

fn engines() -> Vec<Box<dyn Truth>> {
    vec![Box::new(Embedded::new())]
}

const RECORDS: usize = 4;

#[derive(Clone, Debug)]
enum Step {
    Commit(Vec<(usize, Guess, Option<u8>)>),
    Reopen,
}

/// Which version a caller believes to be the current one.
#[derive(Clone, Copy, Debug)]
enum Guess {
    Right,
    New,
    Wrong(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let guess = prop_oneof![
        6 => Just(Guess::Right),
        1 => Just(Guess::New),
        1 => (1u32..4).prop_map(Guess::Wrong),
    ];
    let op = (0..RECORDS, guess, proptest::option::weighted(0.8, any::<u8>()));
    let step = prop_oneof![
        12 => proptest::collection::vec(op, 1..4).prop_map(Step::Commit),
        1 => Just(Step::Reopen),
    ];
    proptest::collection::vec(step, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn every_engine_does_what_the_model_does(steps in steps()) {
        for mut engine in engines() {
            let mut model = Model::default();
            for (now_s, step) in (1i64..).zip(&steps) {
                match step {
                    Step::Reopen => engine.reopen(),
                    Step::Commit(guesses) => {
                        let ops: Vec<Op> = guesses
                            .iter()
                            .map(|(id, guess, family)| {
                                let current = model.get(&id_of(*id)).map(|(version, _)| version);
                                let base = match guess {
                                    Guess::Right => current,
                                    Guess::New => None,
                                    Guess::Wrong(version) => Some(*version),
                                };
                                // Only what is there can be deleted.
                                let family = if base.is_none() { family.or(Some(0)) } else { *family };
                                Op { id: *id, base, family }
                            })
                            .collect();
                        prop_assert_eq!(engine.commit(now_s, &ops), model.commit(now_s, &ops));
                    }
                }
            }
            for n in 0..RECORDS {
                let id = id_of(n);
                prop_assert_eq!(engine.get(&id), model.get(&id));
                prop_assert_eq!(engine.history(&id), model.history(&id));
            }
            for seq in 0..3 {
                prop_assert_eq!(engine.changes_since(seq), model.changes_since(seq));
            }
        }
    }
}
