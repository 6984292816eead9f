//! A value as plain text.

use std::borrow::Cow;

use super::{Format, Piece, pieces};
use crate::{charset::Charset, problem::ProblemKind, separators::Separators};

/// Most lines or spaces that one formatting command is given.
/// LIMIT: a page has fewer, and `\.sp65000\` must not fill memory.
const SKIP_MAX: u16 = 100;

/// The escape character of ISO 2022, which `\C..\` and `\M..\` stand for.
const ISO_2022_ESCAPE: u8 = 0x1b;

/// `raw` with its escape sequences done.
///
/// - Shape: new lines become line feeds, highlighting is left out. What is not defined, not
///   closed, local to a site, or no text in its character set stays as it was written.
/// - Cost: borrows where there is no escape character.
pub fn plain<'t>(raw: &'t str, separators: &Separators, charset: Charset) -> Cow<'t, str> {
    let Some(escape) = separators.escape() else { return Cow::Borrowed(raw) };
    if memchr::memchr(escape, raw.as_bytes()).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut writer = Writer { out: String::with_capacity(raw.len()), charset, flaw: None };
    writer.all(raw, separators);
    Cow::Owned(writer.out)
}

/// What [`plain`] left as it was, if anything.
pub fn flaw(raw: &str, separators: &Separators, charset: Charset) -> Option<ProblemKind> {
    memchr::memchr(separators.escape()?, raw.as_bytes())?;
    let mut writer = Writer { out: String::new(), charset, flaw: None };
    writer.all(raw, separators);
    writer.flaw
}

struct Writer {
    out: String,
    charset: Charset,
    flaw: Option<ProblemKind>,
}

/// Pieces that only together can be decoded, and where they began in the value.
#[derive(Default)]
struct Pending {
    bytes: Vec<u8>,
    from: usize,
    is_switched: bool,
}

impl Writer {
    fn all(&mut self, raw: &str, separators: &Separators) {
        let mut pending: Option<Pending> = None;
        let mut all = pieces(raw, separators);
        let mut at = 0;
        while let Some(piece) = all.next() {
            let next = raw.len() - all.rest.len();
            let open = pending.take();
            pending = match (piece, open) {
                (Piece::Hex(digits), Some(mut open)) => {
                    open.bytes.extend(hex(digits));
                    Some(open)
                }
                (Piece::Hex(digits), None) => {
                    Some(Pending { bytes: hex(digits).collect(), from: at, is_switched: false })
                }
                (Piece::SingleByte(digits) | Piece::MultiByte(digits), open) => {
                    let mut open = match open {
                        Some(open) if open.is_switched => open,
                        other => {
                            self.close(other, raw, at);
                            Pending { from: at, is_switched: true, ..Pending::default() }
                        }
                    };
                    open.bytes.push(ISO_2022_ESCAPE);
                    open.bytes.extend(hex(digits).filter(|byte| *byte != 0));
                    Some(open)
                }
                (Piece::Text(text), Some(mut open)) if open.is_switched && text.is_ascii() => {
                    open.bytes.extend_from_slice(text.as_bytes());
                    Some(open)
                }
                (Piece::Delimiter(c), Some(mut open)) if open.is_switched => {
                    open.bytes.extend(u8::try_from(c));
                    Some(open)
                }
                (piece, open) => {
                    self.close(open, raw, at);
                    self.piece(piece);
                    None
                }
            };
            at = next;
        }
        self.close(pending, raw, raw.len());
    }

    fn close(&mut self, pending: Option<Pending>, raw: &str, to: usize) {
        let Some(pending) = pending else { return };
        let charset = match pending.is_switched {
            true => Charset::Iso2022Jp,
            // Control characters and the like mean the same in every set, also in UTF-16.
            false if pending.bytes.is_ascii() => Charset::Ascii,
            false => self.charset,
        };
        match charset.decode(&pending.bytes) {
            Ok(text) => self.out.push_str(&text),
            Err(_) => {
                self.out.push_str(raw.get(pending.from..to).unwrap_or_default());
                self.flaw = self.flaw.or(Some(ProblemKind::EscapeUndecodable));
            }
        }
    }

    fn piece(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Text(text) => self.out.push_str(text),
            Piece::Delimiter(c) => self.out.push(c),
            Piece::Format(format) => self.format(format),
            Piece::HighlightOn | Piece::HighlightOff => {}
            Piece::Local(whole) => self.out.push_str(whole),
            Piece::Unknown(whole) => {
                self.out.push_str(whole);
                self.flaw = self.flaw.or(Some(ProblemKind::EscapeUnknown));
            }
            Piece::Open(rest) => {
                self.out.push_str(rest);
                self.flaw = self.flaw.or(Some(ProblemKind::EscapeOpen));
            }
            // Handled with their neighbours.
            Piece::Hex(_) | Piece::SingleByte(_) | Piece::MultiByte(_) => {}
        }
    }

    fn format(&mut self, format: Format) {
        let (character, count) = match format {
            Format::Break | Format::Center => ('\n', 1),
            // SPEC: `.sp n` ends the line and skips n lines; without formatting, n line feeds.
            Format::Space(n) => ('\n', n),
            Format::Skip(n) => (' ', n),
            Format::WrapOn | Format::WrapOff | Format::Indent(_) | Format::IndentOnce(_) => {
                return;
            }
        };
        self.out.extend(std::iter::repeat_n(character, usize::from(count.min(SKIP_MAX))));
    }
}

fn hex(digits: &str) -> impl Iterator<Item = u8> {
    let value = |b: u8| char::from(b).to_digit(16).and_then(|n| u8::try_from(n).ok()).unwrap_or(0);
    let (pairs, _) = digits.as_bytes().as_chunks::<2>();
    pairs.iter().map(move |[high, low]| 16 * value(*high) + value(*low))
}
