//! A log as files of 256 hashes, which anybody can keep, serve and check.
//!
//! - Source: C2SP tlog-tiles.

use std::{error::Error, fmt, str::FromStr};

use super::{Hash, Subtrees, root_of};

/// Hashes in a full tile.
pub const TILE_WIDTH: u16 = 256;

/// LIMIT: eight levels of 256 cover every length that 64 bits can count.
const LEVELS: u8 = 8;

/// Names one tile: the hashes `index * 256 ..` of tile level `level`.
///
/// A hash of level 0 is a leaf's; one of level `n + 1` is the root of a full tile of level `n`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Tile {
    level: u8, // INVARIANT: below `LEVELS`.
    index: u64,
    width: u16, // INVARIANT: 1 to `TILE_WIDTH`.
}

impl Tile {
    /// The tile as it is in a log of `len` entries; `None` when it has no hashes yet.
    pub fn of_log(level: u8, index: u64, len: u64) -> Option<Tile> {
        if LEVELS <= level {
            return None;
        }
        let n_hashes = len >> (8 * u32::from(level));
        let start = index.checked_mul(u64::from(TILE_WIDTH))?;
        let left = n_hashes.checked_sub(start).filter(|left| 0 < *left)?;
        let width = u16::try_from(left).unwrap_or(TILE_WIDTH).min(TILE_WIDTH);
        Some(Tile { level, index, width })
    }

    pub fn level(&self) -> u8 {
        self.level
    }

    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes it holds.
    pub fn width(&self) -> u16 {
        self.width
    }

    pub fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }
}

/// The path a tile is kept at, such as `tile/0/x001/x234/067.p/12`.
impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}", self.level)?;
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while 0 < rest {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        let last = groups.len() - 1;
        for (at, group) in groups.iter().rev().enumerate() {
            f.write_str(if at < last { "/x" } else { "/" })?;
            write!(f, "{group:03}")?;
        }
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

/// Text is not a tile's path.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not the path of a tile")]
pub struct ParseTileError;

impl ParseTileError {
    pub fn kind(&self) -> ward_core::Kind {
        ward_core::Kind::Invalid
    }
}

impl FromStr for Tile {
    type Err = ParseTileError;

    /// Takes only what `Display` writes.
    fn from_str(text: &str) -> Result<Tile, ParseTileError> {
        let tile = parse(text).ok_or(ParseTileError)?;
        if tile.to_string() == text { Ok(tile) } else { Err(ParseTileError) }
    }
}

fn parse(text: &str) -> Option<Tile> {
    let (level, rest) = text.strip_prefix("tile/")?.split_once('/')?;
    let level = level.parse().ok().filter(|level| *level < LEVELS)?;
    let (groups, width) = match rest.split_once(".p/") {
        None => (rest, TILE_WIDTH),
        Some((groups, width)) => (groups, width.parse().ok()?),
    };
    let mut index = 0_u64;
    for group in groups.split('/') {
        let group: u64 = group.strip_prefix('x').unwrap_or(group).parse().ok()?;
        index = index.checked_mul(1000)?.checked_add(group)?;
    }
    (0 < width && width <= TILE_WIDTH).then_some(Tile { level, index, width })
}

/// Where tiles are kept.
pub trait Tiles {
    type Error: Error + 'static;

    /// The hashes of a tile, one after the other. A longer tile than asked for will do.
    fn tile(&self, tile: &Tile) -> Result<Vec<u8>, Self::Error>;
}

/// A log of known length, read from its tiles. Its proofs read a few tiles, however long it is.
pub struct TiledLog<T> {
    pub tiles: T,
    pub len: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TiledLogError<E: Error + 'static> {
    #[error("the log is not that long")]
    Range,
    #[error("tile `{0}` has too few hashes")]
    Short(Tile),
    #[error("tile `{0}`")]
    Read(Tile, #[source] E),
}

impl<T: Tiles> Subtrees for TiledLog<T> {
    type Error = TiledLogError<T::Error>;

    fn subtree(&self, level: u32, index: u64) -> Result<Hash, TiledLogError<T::Error>> {
        let size = 1_u64 << (level % 8);
        let first = index.checked_mul(size).ok_or(TiledLogError::Range)?;
        let width = u64::from(TILE_WIDTH);
        let tile = u8::try_from(level / 8)
            .ok()
            .and_then(|level| Tile::of_log(level, first / width, self.len))
            .ok_or(TiledLogError::Range)?;
        let bytes = self.tiles.tile(&tile).map_err(|source| TiledLogError::Read(tile, source))?;
        let (hashes, _) = bytes.as_chunks::<32>();
        let start = usize::try_from(first % width).map_err(|_| TiledLogError::Range)?;
        let end = usize::try_from(first % width + size).map_err(|_| TiledLogError::Range)?;
        Ok(root_of(hashes.get(start..end).ok_or(TiledLogError::Short(tile))?))
    }
}
