//! The Merkle log: one root for everything written so far, and proofs about its parts.
//!
//! - Source: RFC 6962, section 2.1.

use aws_lc_rs::digest::{Context, SHA256};

pub type Hash = [u8; 32];

/// The root of a log without entries.
pub fn empty_root() -> Hash {
    crate::sha256(b"")
}

/// Hash of one entry.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    hash(&[&[0], entry])
}

fn node_hash(left: &Hash, right: &Hash) -> Hash {
    hash(&[&[1], left, right])
}

fn hash(parts: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    out
}

/// The roots of the whole subtrees of a log: all that appending and the root need.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Frontier {
    len: u64,
    /// INVARIANT: one hash per set bit of `len`, largest subtree first.
    roots: Vec<Hash>,
}

/// Bytes are not a frontier.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a Merkle frontier")]
pub struct FrontierError;

impl Frontier {
    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends one leaf.
    ///
    /// - Cost: one hash on average.
    pub fn push(&mut self, leaf: Hash) {
        let mut carried = leaf;
        let mut bits = self.len;
        while bits & 1 == 1 {
            if let Some(left) = self.roots.pop() {
                carried = node_hash(&left, &carried);
            }
            bits >>= 1;
        }
        self.roots.push(carried);
        self.len += 1;
    }

    pub fn root(&self) -> Hash {
        let mut subtrees = self.roots.iter().rev();
        match subtrees.next() {
            None => empty_root(),
            Some(last) => subtrees.fold(*last, |right, left| node_hash(left, &right)),
        }
    }

    /// - Shape: length 8 big-endian, then the subtree roots.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.len.to_be_bytes().to_vec();
        self.roots.iter().for_each(|root| out.extend_from_slice(root));
        out
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Frontier, FrontierError> {
        let (len, rest) = bytes.split_first_chunk::<8>().ok_or(FrontierError)?;
        let len = u64::from_be_bytes(*len);
        let (roots, []) = rest.as_chunks::<32>() else { return Err(FrontierError) };
        let fits = u32::try_from(roots.len()) == Ok(len.count_ones());
        if fits { Ok(Frontier { len, roots: roots.to_vec() }) } else { Err(FrontierError) }
    }
}

/// The path from the leaf at `at` to the root of the first `len` leaves.
///
/// - Cost: every leaf is hashed; a log keeps its leaf hashes at hand.
/// - Source: RFC 6962, section 2.1.1.
pub fn inclusion_proof(leaves: &[Hash], at: usize) -> Option<Vec<Hash>> {
    if leaves.len() <= at {
        return None;
    }
    let mut path = Vec::new();
    let (mut rest, mut at) = (leaves, at);
    while 1 < rest.len() {
        let (left, right) = rest.split_at_checked(split(rest.len()))?;
        if at < left.len() {
            path.push(root_of(right));
            rest = left;
        } else {
            path.push(root_of(left));
            at -= left.len();
            rest = right;
        }
    }
    path.reverse();
    Some(path)
}

/// The root that a leaf at `at` of `len` leads to with this path; compare it with a checkpoint's.
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

/// The root over some leaves.
pub fn root_of(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    leaves.iter().for_each(|leaf| frontier.push(*leaf));
    frontier.root()
}

/// The largest power of two below `n`, for `n` above one.
fn split(n: usize) -> usize {
    n.next_power_of_two() / 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn leaves(n: usize) -> Vec<Hash> {
        (0..n).map(|at| leaf_hash(&at.to_be_bytes())).collect()
    }

    /// The definition in the standard, word for word.
    fn by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(split(leaves.len()));
                node_hash(&by_definition(left), &by_definition(right))
            }
        }
    }

    #[test]
    fn roots_are_those_of_the_definition() {
        let all = leaves(130);
        let mut frontier = Frontier::default();
        for n in 0..=all.len() {
            assert_eq!(frontier.root(), by_definition(&all[..n]), "{n} leaves");
            assert_eq!(Frontier::from_bytes(&frontier.to_bytes()).as_ref(), Ok(&frontier));
            if n < all.len() {
                frontier.push(all[n]);
            }
        }
        assert_eq!(
            empty_root()[..4],
            [0xe3, 0xb0, 0xc4, 0x42],
            "SHA-256 of nothing, as the standard says"
        );
    }

    #[test]
    fn every_leaf_is_proved_and_no_other() {
        for n in 1..40 {
            let all = leaves(n);
            let root = root_of(&all);
            for at in 0..n {
                let path = inclusion_proof(&all, at).unwrap();
                let (at, n) = (u64::try_from(at).unwrap(), u64::try_from(n).unwrap());
                let leaf = all[usize::try_from(at).unwrap()];
                assert_eq!(root_from_inclusion(leaf, at, n, &path), Some(root));
                let other = leaf_hash(b"other");
                assert_ne!(root_from_inclusion(other, at, n, &path), Some(root));
                if 1 < n {
                    assert_ne!(root_from_inclusion(leaf, (at + 1) % n, n, &path), Some(root));
                    assert_ne!(root_from_inclusion(leaf, at, n, &path[1..]), Some(root));
                }
            }
            assert_eq!(inclusion_proof(&all, n), None);
        }
    }

    proptest! {
        #[test]
        fn garbage_is_no_frontier_or_reads_back(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(frontier) = Frontier::from_bytes(&bytes) {
                prop_assert_eq!(frontier.to_bytes(), bytes);
            }
        }
    }
}
