//! A message as a person reads it: segments, fields and components with the names that the
//! standard gives them, and what is wrong at the very place where it is.

mod place;
mod reading;
#[cfg(test)]
mod tests;
mod tree;

use ward_hl7::{Message, Path, ProblemKind, ReadSettings, Version, dictionary::dictionary};
use ward_interop::contract::Told;

use self::{
    place::Levels,
    reading::Reading,
    tree::{SegmentLine, Tree, Wrong},
};

/// Most segments that are shown.
/// LIMIT: a report of a thousand lines; who reads more reads the bytes.
const SEGMENTS_MAX: usize = 1_000;

/// Which parts of a message are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parts {
    /// Those that have a value, or a problem.
    Valued,
    /// Those that the standard knows, too.
    All,
}

/// Reads `raw` again; `None` where it is no message.
///
/// - Shape: `told` are the problems that are kept with it; what is wrong with the reading itself is
///   among them.
pub(crate) fn parsed(
    raw: &[u8],
    settings: &ReadSettings,
    told: &[Told],
    parts: Parts,
) -> Option<Tree> {
    let (message, _) = Message::read(raw, settings);
    let message = message?;
    let version = message.version();
    let names = dictionary(version.unwrap_or(Version::V2_5_1));
    let mut reading = Reading { names, problems: wrongs(told), parts };
    let segments: Vec<SegmentLine> = message
        .segments()
        .take(SEGMENTS_MAX)
        .map(|segment| reading.segment(&message, segment))
        .collect();
    Some(Tree {
        version: version.map(|it| it.as_str().to_owned()),
        charset: message.charset().name(),
        left: message.n_segments().saturating_sub(segments.len()),
        problems: reading.problems,
        segments,
    })
}

fn wrongs(told: &[Told]) -> Vec<Wrong> {
    let wrong = |it: &Told| Wrong {
        severity: it.severity.clone(),
        kind: it.kind.clone(),
        at: it.at.clone(),
        says: match ProblemKind::from_word(&it.kind) {
            Some(kind) => kind.text().to_owned(),
            None => it.kind.clone(),
        },
        placed: false,
        place: it.at.parse::<Path>().ok().map(|path| Levels::of(&path)),
    };
    told.iter().map(wrong).collect()
}
