//! A disk that fills up, and one that fails to flush.
//!
//! Simulated: SQLite's own page limit stands for the full disk, and a point before and after the
//! commit for a failed flush. What a real device does beneath a flush is not.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use ward_core::Kind;

use super::rig::*;
use crate::writer::faults::{Fault, Faults};

#[test]
fn a_full_disk_refuses_and_recovers() {
    let mut rig = Rig::new();
    run(rig.init().close(at(0)));
    let big = |n: usize| {
        let seed = u64::try_from(n).unwrap() + 7;
        // Text that does not compress, so that pages fill.
        let noise: String = (0..3000u64)
            .map(|at| {
                let mix = (at + 1).wrapping_mul(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                char::from(b'a' + u8::try_from((mix >> 57) % 26).unwrap())
            })
            .collect();
        patient(&format!("p{n}"), &noise)
    };
    rig.limits.pages = Some(120);
    let chart = rig.open();
    let mut n_kept = 0;
    let full = loop {
        match commit(&chart, 1, create(&big(n_kept))) {
            Ok(_) => n_kept += 1,
            Err(error) => break error,
        }
        assert!(n_kept < 1_000, "the limit was never met");
    };
    assert_eq!(full.kind(), Kind::Full);
    assert!(0 < n_kept);
    // Nothing of the refused one is there; what was acknowledged is.
    let cx = cx(2);
    let reader = chart.reader(&cx, act());
    for n in 0..=n_kept {
        let found = reader.get(&key(&format!("Patient/p{n}"))).unwrap();
        assert_eq!(found.is_some(), n < n_kept);
    }
    drop(reader);
    run(chart.close(at(3)));
    rig.limits.pages = None;
    let chart = rig.open();
    commit(&chart, 4, create(&big(n_kept))).unwrap();
    until_ready(&chart);
    assert_eq!(search(&chart, "Patient", "").len(), n_kept + 1);
    run(chart.close(at(5)));
    assert_eq!(rig.verify(), [""; 0]);
}

#[derive(Default)]
struct Planned {
    next: Mutex<Option<Fault>>,
    n_commits: AtomicUsize,
}

impl Planned {
    fn plan(&self, fault: Fault) {
        *self.next.lock().unwrap() = Some(fault);
    }
}

impl Faults for Planned {
    fn at_commit(&self) -> Option<Fault> {
        self.n_commits.fetch_add(1, Ordering::Relaxed);
        self.next.lock().unwrap().take()
    }
}

#[test]
fn a_failed_flush_is_not_acknowledged_and_the_writer_comes_back() {
    let rig = Rig::new();
    run(rig.init().close(at(0)));
    let faults = Arc::new(Planned::default());
    let chart = rig.open_with(faults.clone()).unwrap();
    commit(&chart, 1, create(&patient("a", "A"))).unwrap();

    faults.plan(Fault::Flush);
    let failed = commit(&chart, 2, create(&patient("b", "B"))).unwrap_err();
    assert_eq!(failed.kind(), Kind::Unavailable);
    commit(&chart, 3, create(&patient("c", "C"))).unwrap();
    assert_eq!(get(&chart, "Patient/b"), None);

    // Not acknowledged, though it turns out to be there: then it is there in every way.
    faults.plan(Fault::FlushAfter);
    let failed = commit(&chart, 4, create(&patient("d", "D"))).unwrap_err();
    assert_eq!(failed.kind(), Kind::Unavailable);
    commit(&chart, 5, create(&patient("e", "E"))).unwrap();
    assert!(get(&chart, "Patient/d").is_some());
    until_ready(&chart);
    assert_eq!(search(&chart, "Patient", ""), ["a", "c", "d", "e"]);
    assert!(4 < faults.n_commits.load(Ordering::Relaxed));
    run(chart.close(at(6)));
    assert_eq!(rig.verify(), [""; 0]);
}
