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

/// What has been opened so far.
struct Plain {
    bytes: Vec<u8>,
    bytes_max: usize,
    is_over: bool,
}

impl Gunzip {
    pub(crate) fn new(bytes_max: usize) -> Gunzip {
        let plain = Plain { bytes: Vec::new(), bytes_max, is_over: false };
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
        Ok(std::mem::take(&mut self.decoder.get_mut().bytes))
    }

    fn why(&self) -> GunzipError {
        if self.decoder.get_ref().is_over { GunzipError::TooLarge } else { GunzipError::Damaged }
    }
}

impl Write for Plain {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        let wanted = self.bytes.len().saturating_add(more.len());
        if self.bytes_max < wanted {
            self.is_over = true;
            // Its room goes back at once.
            self.bytes = Vec::new();
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if self.bytes.capacity() < wanted {
            // By half, and never beyond the limit: doubling would ask for twice the limit.
            let grown = self.bytes.capacity().saturating_add(self.bytes.capacity() / 2);
            let room = grown.max(wanted).max(PIECE_BYTES).min(self.bytes_max);
            self.bytes.reserve_exact(room.saturating_sub(self.bytes.len()));
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
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
            assert!(gunzip.decoder.get_ref().bytes.capacity() <= bytes_max);
        }
        let bomb = gzip(&vec![b' '; 10 * bytes_max]);
        let mut gunzip = Gunzip::new(bytes_max);
        assert_eq!(gunzip.feed(&bomb).await, Err(GunzipError::TooLarge));
        assert_eq!(gunzip.decoder.get_ref().bytes.capacity(), 0);
    }
}
