//! Opening gzip as it comes in, within a limit.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;

/// Opens gzip members piece by piece. The packed bytes are not kept, and what they hold never
/// takes more room than a body that was sent as it is.
pub(crate) struct Gunzip {
    decoder: MultiGzDecoder<Plain>,
}

#[derive(PartialEq, Eq, Debug)]
pub(crate) enum GunzipError {
    TooLarge,
    Damaged,
}

/// Packed bytes opened at once.
/// LIMIT: gzip packs a thousandfold at most, so that a piece holds a megabyte: a millisecond's work
/// between two looks at what else is to be done.
const PIECE_BYTES: usize = 1024;

/// Room that is taken at once for what was opened.
/// LIMIT: the last one is half empty, which is half a megabyte for each body under way.
const BLOCK_BYTES: usize = 1024 * 1024;

/// What has been opened so far.
struct Plain {
    /// Each has room for `BLOCK_BYTES`: nothing is moved while more comes.
    blocks: Vec<Vec<u8>>,
    n_bytes: usize,
    bytes_max: usize,
    is_over: bool,
}

impl Gunzip {
    pub(crate) fn new(bytes_max: usize) -> Gunzip {
        let plain = Plain { blocks: Vec::new(), n_bytes: 0, bytes_max, is_over: false };
        Gunzip { decoder: MultiGzDecoder::new(plain) }
    }

    /// Opens what came; gives way to other work after each piece.
    pub(crate) async fn feed(&mut self, packed: &[u8]) -> Result<(), GunzipError> {
        for piece in packed.chunks(PIECE_BYTES) {
            self.feed_piece(piece)?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    fn feed_piece(&mut self, piece: &[u8]) -> Result<(), GunzipError> {
        self.decoder.write_all(piece).map_err(|_| self.why())
    }

    /// The whole, when the last member is complete.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>, GunzipError> {
        self.decoder.try_finish().map_err(|_| self.why())?;
        let plain = self.decoder.get_mut();
        let mut blocks = std::mem::take(&mut plain.blocks).into_iter();
        if plain.n_bytes <= BLOCK_BYTES {
            return Ok(blocks.next().unwrap_or_default());
        }
        let mut whole = Vec::with_capacity(plain.n_bytes);
        blocks.for_each(|block| whole.extend(block));
        Ok(whole)
    }

    fn why(&self) -> GunzipError {
        if self.decoder.get_ref().is_over { GunzipError::TooLarge } else { GunzipError::Damaged }
    }
}

impl Write for Plain {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if self.bytes_max < self.n_bytes.saturating_add(more.len()) {
            self.is_over = true;
            // Its room goes back at once.
            self.blocks = Vec::new();
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let is_full = |block: &Vec<u8>| BLOCK_BYTES <= block.len();
        if self.blocks.last().is_none_or(is_full) {
            // A small body takes little room.
            let room = if self.blocks.is_empty() { 0 } else { BLOCK_BYTES };
            self.blocks.push(Vec::with_capacity(room));
        }
        let Some(block) = self.blocks.last_mut() else { return Ok(0) };
        let (fits, _) = more.split_at(more.len().min(BLOCK_BYTES.saturating_sub(block.len())));
        block.extend_from_slice(fits);
        self.n_bytes = self.n_bytes.saturating_add(fits.len());
        Ok(fits.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut out = GzEncoder::new(Vec::new(), Compression::best());
        out.write_all(plain).unwrap();
        out.finish().unwrap()
    }

    fn room(gunzip: &Gunzip) -> usize {
        gunzip.decoder.get_ref().blocks.iter().map(Vec::capacity).sum()
    }

    async fn gunzip(packed: &[u8], bytes_max: usize) -> Result<Vec<u8>, GunzipError> {
        let mut gunzip = Gunzip::new(bytes_max);
        gunzip.feed(packed).await?;
        gunzip.finish()
    }

    #[tokio::test]
    async fn what_gzip_wrote_is_read() {
        assert_eq!(gunzip(&gzip(b"abc"), 3).await, Ok(b"abc".to_vec()));
        assert_eq!(gunzip(&[gzip(b"ab"), gzip(b"c")].concat(), 3).await, Ok(b"abc".to_vec()));
        assert_eq!(gunzip(&gzip(b""), 3).await, Ok(Vec::new()));
        let large: Vec<u8> = (0..50_000u32).flat_map(u32::to_be_bytes).collect();
        assert_eq!(gunzip(&gzip(&large), large.len()).await, Ok(large.clone()));
        assert_eq!(gunzip(&gzip(&large), large.len() - 1).await, Err(GunzipError::TooLarge));
    }

    #[tokio::test]
    async fn it_does_not_matter_how_the_bytes_come() {
        let packed = [gzip(b"a longer text"), gzip(b" in two members")].concat();
        for size in 1..packed.len() {
            let mut gunzip = Gunzip::new(100);
            for piece in packed.chunks(size) {
                gunzip.feed(piece).await.unwrap();
            }
            assert_eq!(gunzip.finish(), Ok(b"a longer text in two members".to_vec()), "{size}");
        }
    }

    #[tokio::test]
    async fn a_bomb_and_a_stump_are_refused() {
        let bomb = gzip(&vec![0; 10_000_000]);
        assert!(bomb.len() < 20_000);
        assert_eq!(gunzip(&bomb, 9_999_999).await, Err(GunzipError::TooLarge));
        let whole = gzip(b"a longer text that is cut in the middle");
        for n in 0..whole.len() {
            assert_eq!(gunzip(&whole[..n], 100).await, Err(GunzipError::Damaged), "{n} bytes");
        }
        assert_eq!(gunzip(b"not gzip", 100).await, Err(GunzipError::Damaged));
        let mut wrong = whole.clone();
        let last = wrong.len() - 5;
        wrong[last] ^= 1;
        assert_eq!(gunzip(&wrong, 100).await, Err(GunzipError::Damaged), "its checksum is wrong");
        let trailing = [&whole[..], b"garbage"].concat();
        assert_eq!(gunzip(&trailing, 100).await, Err(GunzipError::Damaged));
    }

    #[tokio::test]
    async fn it_takes_no_more_room_than_the_limit() {
        let bytes_max = 3_000_000;
        let packed = gzip(&vec![b' '; bytes_max]);
        let mut gunzip = Gunzip::new(bytes_max);
        for piece in packed.chunks(7) {
            gunzip.feed(piece).await.unwrap();
            assert!(room(&gunzip) <= bytes_max + BLOCK_BYTES);
        }
        let bomb = gzip(&vec![b' '; 10 * bytes_max]);
        let mut gunzip = Gunzip::new(bytes_max);
        assert_eq!(gunzip.feed(&bomb).await, Err(GunzipError::TooLarge));
        assert_eq!(room(&gunzip), 0);
    }
}
