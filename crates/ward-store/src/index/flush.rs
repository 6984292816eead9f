//! From memory to disk: one sorted run at a time, and worn windows written anew.

use std::collections::BTreeSet;

use fjall::Readable;

use super::{
    IndexError, Shared,
    layer::Layer,
    list::settle,
    segment::{self, ListKey, MARK_KEY, WINDOW},
};
use crate::Seq;

/// Writes `layer`, everything up to commit `seq`, as run number `run`. All of it or nothing is
/// there after a crash.
pub(super) fn write_run(
    shared: &Shared,
    layer: &Layer,
    seq: Seq,
    run: u32,
) -> Result<(), IndexError> {
    let mut out = shared.entries.start_ingestion()?;
    out.write(MARK_KEY, segment::mark_value(seq.0, run))?;
    let mut value = Vec::new();
    let mut ops = layer.ops();
    while let Some(first) = ops.first() {
        let window = first.rid / WINDOW;
        let same = |op: &&super::layer::Op| op.list == first.list && op.rid / WINDOW == window;
        let n = ops.iter().take_while(same).count();
        let (here, rest) = ops.split_at_checked(n).unwrap_or((ops, &[]));
        value.clear();
        let mut last = 0;
        for op in here {
            segment::write(&mut value, &mut last, op.rid, op.removed);
        }
        out.write(first.list.segment(window, run), value.as_slice())?;
        ops = rest;
    }
    for place in layer.places() {
        out.write(segment::place_key(place.rid), segment::place_value(place.vid))?;
    }
    out.finish()?;
    Ok(())
}

/// Writes each worn window anew as one segment of run `run`, without what was taken out.
///
/// Nothing else writes segments meanwhile; a reader sees the old ones or the new one, which say
/// the same.
pub(super) fn renew(
    shared: &Shared,
    worn: &BTreeSet<(ListKey, u64)>,
    run: u32,
) -> Result<(), IndexError> {
    if worn.is_empty() {
        return Ok(());
    }
    let snapshot = shared.db.snapshot();
    let mut out = shared.entries.start_ingestion()?;
    for (list, window) in worn {
        let range = list.segment(*window, 0)..=list.segment(*window, u32::MAX);
        let mut ops = Vec::new();
        let mut keys = Vec::new();
        for entry in snapshot.range(&shared.entries, range) {
            let (key, value) = entry.into_inner()?;
            segment::read(*window, &value, &mut |rid, removed| ops.push((rid, removed)))
                .ok_or(IndexError::Entry)?;
            keys.push(key);
        }
        settle(&mut ops, keys.len());
        let mut value = Vec::new();
        let mut last = 0;
        for (rid, _) in ops.iter().filter(|op| !op.1) {
            segment::write(&mut value, &mut last, *rid, false);
        }
        let new = list.segment(*window, run);
        for key in keys {
            if key.as_ref() < new.as_slice() {
                out.write_tombstone(key)?;
            }
        }
        if !value.is_empty() {
            out.write(new, value)?;
        }
    }
    out.finish()?;
    Ok(())
}
