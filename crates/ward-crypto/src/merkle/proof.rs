//! Proofs: that an entry is in a log, and that a log only grew.

use std::error::Error;

use super::{Hash, empty_root, node_hash, root_of};

/// Where a prover finds the hashes of a log: memory, rows or tiles.
pub trait Subtrees {
    type Error: Error + 'static;

    /// Root of the `2^level` leaves from `index * 2^level` on. Asked only for leaves of the log.
    fn subtree(&self, level: u32, index: u64) -> Result<Hash, Self::Error>;
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProofError<E: Error + 'static> {
    #[error("the log has no such entries")]
    Range,
    #[error("a hash of the log cannot be read")]
    Subtree(#[source] E),
}

impl<E: Error + 'static> ProofError<E> {
    pub fn kind(&self) -> ward_core::Kind {
        match self {
            ProofError::Range => ward_core::Kind::NotFound,
            ProofError::Subtree(_) => ward_core::Kind::Unavailable,
        }
    }
}

/// The path from the leaf at `at` to the root of the first `len` leaves.
///
/// - Cost: `log2(len)` hashes of the path, each of at most `log2(len)` subtrees.
/// - Source: RFC 6962, section 2.1.1.
pub fn inclusion<S: Subtrees + ?Sized>(
    log: &S,
    at: u64,
    len: u64,
) -> Result<Vec<Hash>, ProofError<S::Error>> {
    if len <= at {
        return Err(ProofError::Range);
    }
    let mut path = Vec::new();
    let (mut start, mut end) = (0, len);
    while 1 < end - start {
        let middle = start + split(end - start);
        if at < middle {
            path.push(range_root(log, middle, end)?);
            end = middle;
        } else {
            path.push(range_root(log, start, middle)?);
            start = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// What proves that the first `old` of `new` leaves are still the first.
///
/// - Shape: empty when `old` is zero or equals `new`; there is nothing to prove then.
/// - Source: RFC 6962, section 2.1.2.
pub fn consistency<S: Subtrees + ?Sized>(
    log: &S,
    old: u64,
    new: u64,
) -> Result<Vec<Hash>, ProofError<S::Error>> {
    if new < old {
        return Err(ProofError::Range);
    }
    let mut path = Vec::new();
    if old == 0 {
        return Ok(path);
    }
    // INVARIANT: start < old <= end; the verifier knows the root of `start..end` while start is 0.
    let (mut start, mut end) = (0, new);
    while old < end {
        let middle = start + split(end - start);
        if old <= middle {
            path.push(range_root(log, middle, end)?);
            end = middle;
        } else {
            path.push(range_root(log, start, middle)?);
            start = middle;
        }
    }
    if 0 < start {
        path.push(range_root(log, start, end)?);
    }
    path.reverse();
    Ok(path)
}

/// The root that a leaf at `at` of `len` leads to with this path; compare it with a checkpoint's.
///
/// - Source: RFC 9162, section 2.1.3.2.
pub fn root_from_inclusion(leaf: Hash, at: u64, len: u64, path: &[Hash]) -> Option<Hash> {
    if len <= at {
        return None;
    }
    let (mut node, mut last) = (at, len - 1);
    let mut root = leaf;
    for sibling in path {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            root = node_hash(sibling, &root);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            root = node_hash(&root, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(root)
}

/// A log as somebody signed it: how long, and its root.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Signed {
    pub len: u64,
    pub root: Hash,
}

/// Whether `new` continues `old`: nothing of the old log was changed, removed or moved.
///
/// - Source: RFC 9162, section 2.1.4.2.
pub fn consistency_holds(old: Signed, new: Signed, path: &[Hash]) -> bool {
    if old.len == 0 {
        return path.is_empty() && old.root == empty_root() && (0 < new.len || old == new);
    }
    if old.len == new.len {
        return path.is_empty() && old.root == new.root;
    }
    if new.len < old.len {
        return false;
    }
    // A whole subtree is its own start, and is not repeated in the path.
    let (first, rest) = match path.split_first() {
        None => return false,
        Some(_) if old.len.is_power_of_two() => (&old.root, path),
        Some(split) => split,
    };
    let (mut node, mut last) = (old.len - 1, new.len - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old_root, mut new_root) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            old_root = node_hash(sibling, &old_root);
            new_root = node_hash(sibling, &new_root);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_root = node_hash(&new_root, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && old_root == old.root && new_root == new.root
}

/// Leaf hashes in memory.
impl Subtrees for [Hash] {
    type Error = OutOfRange;

    fn subtree(&self, level: u32, index: u64) -> Result<Hash, OutOfRange> {
        let size = 1_u64.checked_shl(level).ok_or(OutOfRange)?;
        let start = index.checked_mul(size).ok_or(OutOfRange)?;
        let end = start.checked_add(size).ok_or(OutOfRange)?;
        let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
        let leaves = range.and_then(|(start, end)| self.get(start..end)).ok_or(OutOfRange)?;
        Ok(root_of(leaves))
    }
}

/// Fewer leaves are at hand than the log is said to have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("fewer leaves than the log has")]
pub struct OutOfRange;

/// The root of `start..end`, not empty, where `start` is a multiple of a power of two that is not
/// below its length.
fn range_root<S: Subtrees + ?Sized>(
    log: &S,
    start: u64,
    end: u64,
) -> Result<Hash, ProofError<S::Error>> {
    let mut roots = Vec::new();
    let mut at = start;
    while at < end {
        let level = (end - at).ilog2();
        roots.push(log.subtree(level, at >> level).map_err(ProofError::Subtree)?);
        at += 1 << level;
    }
    let root = roots.into_iter().rev().reduce(|right, left| node_hash(&left, &right));
    root.ok_or(ProofError::Range)
}

/// The largest power of two below `n`, for `n` above one.
pub(super) fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}
