//! The Merkle log: one root for everything written so far, and proofs about its parts.
//!
//! - Source: RFC 6962, section 2.1.

use aws_lc_rs::digest::{Context, SHA256};

pub mod proof;
pub mod tile;

pub use proof::{ProofError, Subtrees, consistency_holds, root_from_inclusion};
pub use tile::{Tile, TiledLog, Tiles};

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

impl FrontierError {
    pub fn kind(&self) -> ward_core::Kind {
        ward_core::Kind::Bug
    }
}

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

/// The root over some leaves.
pub fn root_of(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    leaves.iter().for_each(|leaf| frontier.push(*leaf));
    frontier.root()
}

#[cfg(test)]
#[path = "merkle/tests.rs"]
mod tests;
