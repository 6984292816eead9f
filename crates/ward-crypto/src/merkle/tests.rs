use std::{cell::Cell, convert::Infallible};

use ct_merkle::{HashableLeaf, mem_backed_tree::MemoryBackedTree};
use proptest::prelude::*;

use super::{proof::Signed, *};

fn leaves(n: u64) -> Vec<Hash> {
    (0..n).map(|at| leaf_hash(&at.to_be_bytes())).collect()
}

/// The definition in the standard, word for word.
fn by_definition(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let middle = proof::split(leaves.len() as u64) as usize;
            let (left, right) = leaves.split_at(middle);
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
    // SHA-256 of nothing, as the standard says.
    assert_eq!(empty_root()[..4], [0xe3, 0xb0, 0xc4, 0x42]);
}

#[test]
fn every_leaf_is_proved_and_no_other() {
    for n in 1..40 {
        let all = leaves(n);
        let root = root_of(&all);
        for at in 0..n {
            let path = proof::inclusion(&all[..], at, n).unwrap();
            let leaf = all[at as usize];
            assert_eq!(root_from_inclusion(leaf, at, n, &path), Some(root));
            let other = leaf_hash(b"other");
            assert_ne!(root_from_inclusion(other, at, n, &path), Some(root));
            if 1 < n {
                assert_ne!(root_from_inclusion(leaf, (at + 1) % n, n, &path), Some(root));
                assert_ne!(root_from_inclusion(leaf, at, n, &path[1..]), Some(root));
            }
        }
        assert_eq!(proof::inclusion(&all[..], n, n), Err(ProofError::Range));
        let more = proof::inclusion(&all[..], 0, n + 1);
        assert_eq!(more, Err(ProofError::Subtree(proof::OutOfRange)));
    }
}

#[test]
fn growth_is_proved_and_nothing_else() {
    let all = leaves(40);
    let signed = |n: u64| Signed { len: n, root: root_of(&all[..n as usize]) };
    for new in 0..=40 {
        for old in 0..=new {
            let path = proof::consistency(&all[..], old, new).unwrap();
            let (before, after) = (signed(old), signed(new));
            assert!(consistency_holds(before, after, &path), "{old} to {new}");
            let changed = Signed { root: leaf_hash(b"x"), ..before };
            assert!(!consistency_holds(changed, after, &path), "{old} to {new}");
            if 0 < old {
                let changed = Signed { root: leaf_hash(b"x"), ..after };
                assert!(!consistency_holds(before, changed, &path), "{old} to {new}");
            }
            if old < new {
                assert!(!consistency_holds(after, before, &path), "{new} back to {old}");
            }
            if !path.is_empty() {
                assert!(!consistency_holds(before, after, &path[1..]), "{old} to {new}");
                let longer = [&path[..], &[[0; 32]]].concat();
                assert!(!consistency_holds(before, after, &longer), "{old} to {new}");
            }
        }
    }
    assert_eq!(proof::consistency(&all[..], 41, 40), Err(ProofError::Range));
}

#[derive(Clone)]
struct Entry(Vec<u8>);

impl HashableLeaf for Entry {
    fn hash<H: sha2::digest::Update>(&self, hasher: &mut H) {
        hasher.update(&self.0);
    }
}

/// Tiles made from leaves, as a writer would.
struct Folder {
    leaves: Vec<Hash>,
    n_reads: Cell<u32>,
}

impl Tiles for &Folder {
    type Error = Infallible;

    fn tile(&self, tile: &Tile) -> Result<Vec<u8>, Infallible> {
        self.n_reads.set(self.n_reads.get() + 1);
        let each = 256_usize.pow(u32::from(tile.level()));
        let start = tile.index() as usize * 256;
        let hashes = (start..start + usize::from(tile.width()))
            .flat_map(|at| root_of(&self.leaves[at * each..(at + 1) * each]));
        Ok(hashes.collect())
    }
}

#[test]
fn proofs_from_tiles_are_those_from_leaves_and_read_little() {
    let len = 70_000;
    let folder = Folder { leaves: leaves(len), n_reads: Cell::new(0) };
    let log = TiledLog { tiles: &folder, len };
    for at in [0, 255, 256, 65_535, 65_536, 69_999] {
        let path = proof::inclusion(&log, at, len).unwrap();
        assert_eq!(path, proof::inclusion(&folder.leaves[..], at, len).unwrap());
    }
    for old in [1, 255, 256, 257, 65_536, 69_999, 70_000] {
        let path = proof::consistency(&log, old, len).unwrap();
        assert_eq!(path, proof::consistency(&folder.leaves[..], old, len).unwrap());
    }
    assert!(folder.n_reads.get() < 13 * 40, "{}", folder.n_reads.get());
    let short = TiledLog { tiles: &folder, len: 100 };
    assert!(proof::inclusion(&short, 0, len).is_err());
}

#[test]
fn tile_paths_are_those_of_the_specification() {
    let of_log = |level, index, len| Tile::of_log(level, index, len).map(|it| it.to_string());
    let path = |text: &str| Some(text.to_owned());
    assert_eq!(of_log(0, 1_234_067, 400_000_000), path("tile/0/x001/x234/067"));
    assert_eq!(of_log(0, 0, 1), path("tile/0/000.p/1"));
    // The example of the specification: a log of 70,000 entries.
    assert_eq!(of_log(0, 273, 70_000), path("tile/0/273.p/112"));
    assert_eq!(of_log(1, 1, 70_000), path("tile/1/001.p/17"));
    assert_eq!(of_log(2, 0, 70_000), path("tile/2/000.p/1"));
    assert_eq!(of_log(0, 272, 70_000), path("tile/0/272"));
    for (level, index) in [(0, 274), (1, 2), (3, 0), (8, 0), (255, 0), (0, u64::MAX)] {
        assert_eq!(of_log(level, index, 70_000), None);
    }
    for bad in [
        "",
        "tile/0/",
        "tile/0/1",
        "tile/0/x000/001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/+1",
        "tile/8/000",
        "tile/00/000",
        "tile/0/001/234",
        "tile/0/x99999999999999999999/000",
    ] {
        assert_eq!(bad.parse::<Tile>(), Err(tile::ParseTileError), "{bad}");
    }
}

proptest! {
    #[test]
    fn garbage_is_no_frontier_or_reads_back(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(frontier) = Frontier::from_bytes(&bytes) {
            prop_assert_eq!(frontier.to_bytes(), bytes);
        }
    }

    #[test]
    fn garbage_proves_nothing(
        path in prop::collection::vec(any::<[u8; 32]>(), 0..70),
        at: u64, len: u64, old: u64,
    ) {
        let root = leaf_hash(b"root");
        prop_assert_ne!(root_from_inclusion(leaf_hash(b"leaf"), at, len, &path), Some(root));
        let (before, after) = (Signed { len: old, root }, Signed { len, root: leaf_hash(b"new") });
        prop_assert!(!consistency_holds(before, after, &path));
    }

    #[test]
    fn tile_paths_read_back(level in 0u8..8, index in 0u64..1 << 40, len: u64, text in ".{0,40}") {
        if let Some(tile) = Tile::of_log(level, index, len) {
            prop_assert_eq!(tile.to_string().parse(), Ok(tile));
        }
        if let Ok(tile) = text.parse::<Tile>() {
            prop_assert_eq!(tile.to_string(), text);
        }
    }

    /// Another implementation makes the same roots and the same proofs.
    #[test]
    fn another_log_agrees(
        entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 1..120),
        at: prop::sample::Index,
        old: prop::sample::Index,
    ) {
        let mut judge = MemoryBackedTree::<sha2::Sha256, Entry>::new();
        let mut ours = Frontier::default();
        for entry in &entries {
            judge.push(Entry(entry.clone()));
            ours.push(leaf_hash(entry));
        }
        let root = judge.root();
        prop_assert_eq!(&root.as_bytes()[..], &ours.root()[..]);
        let all: Vec<Hash> = entries.iter().map(|it| leaf_hash(it)).collect();
        let (at, len) = (at.index(all.len()), all.len());
        let path = proof::inclusion(&all[..], at as u64, len as u64).unwrap();
        let theirs = judge.prove_inclusion(at);
        prop_assert_eq!(theirs.as_bytes(), path.as_flattened());
        let old = 1 + old.index(len);
        let path = proof::consistency(&all[..], old as u64, len as u64).unwrap();
        let theirs = judge.prove_consistency(len - old);
        prop_assert_eq!(theirs.as_bytes(), path.as_flattened());
    }
}
