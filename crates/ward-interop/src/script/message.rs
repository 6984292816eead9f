//! A message, as a script sees it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, Position};
use ward_hl7::{Draft, Path, Put, SegmentId, draft::EditError};

use super::engine::{Limits, Stop, stop};

/// The message of a script, which every name in the script means.
#[derive(Clone)]
pub(super) struct Handle(Arc<Mutex<Work>>);

struct Work {
    draft: Draft<'static>,
    /// Bytes that may still be read or written.
    left: usize,
    text_bytes: usize,
}

/// What a script did wrong with its message; it may catch it.
#[derive(Clone, Copy)]
pub(super) struct Wrong(pub(super) &'static str);

type Raised<T> = Result<T, Box<EvalAltResult>>;

impl Handle {
    pub(super) fn new(draft: Draft<'static>, limits: &Limits) -> Handle {
        let Limits { moved_bytes, text_bytes, .. } = *limits;
        Handle(Arc::new(Mutex::new(Work { draft, left: moved_bytes, text_bytes })))
    }

    pub(super) fn to_bytes(&self) -> Option<Vec<u8>> {
        self.work().draft.to_bytes().ok()
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work {
    fn moves(&mut self, n_bytes: usize) -> Raised<()> {
        match self.left.checked_sub(n_bytes) {
            Some(left) if n_bytes <= self.text_bytes => {
                self.left = left;
                Ok(())
            }
            _ => stop(Stop::TooLarge),
        }
    }

    fn set(&mut self, path: &str, put: Put<'_>, n_bytes: usize) -> Raised<()> {
        let path = path_of(path)?;
        // The delimiters up to it are written too.
        let numbers = [path.field(), path.repetition(), path.component(), path.subcomponent()];
        let n_delimiters = numbers.into_iter().flatten().fold(0, usize::saturating_add);
        self.moves(n_bytes.saturating_add(n_delimiters))?;
        self.draft.set(&path, put).map_err(wrong)
    }
}

/// Gives scripts their words for the message.
pub(super) fn register(engine: &mut Engine) {
    engine.register_type_with_name::<Handle>("Message");
    engine.register_fn("get", |message: &mut Handle, path: &str| -> Raised<ImmutableString> {
        let path = path_of(path)?;
        let mut work = message.work();
        let text: ImmutableString = match work.draft.raw_at(&path) {
            // What is too large is not turned into text first.
            Some(raw) if work.text_bytes < raw.len() => return stop(Stop::TooLarge),
            _ => work.draft.text_at(&path).unwrap_or_default().as_ref().into(),
        };
        work.moves(text.len())?;
        Ok(text)
    });
    engine.register_fn("raw", |message: &mut Handle, path: &str| -> Raised<ImmutableString> {
        let path = path_of(path)?;
        let mut work = message.work();
        let n_bytes = work.draft.raw_at(&path).map_or(0, str::len);
        work.moves(n_bytes)?;
        Ok(work.draft.raw_at(&path).unwrap_or_default().into())
    });
    engine.register_fn("has", |message: &mut Handle, path: &str| -> Raised<bool> {
        let path = path_of(path)?;
        let work = message.work();
        Ok(!matches!(work.draft.raw_at(&path), None | Some("" | "\"\"")))
    });
    engine.register_fn("count", |message: &mut Handle, path: &str| -> Raised<i64> {
        let path = path_of(path)?;
        let work = message.work();
        let n = match path.field() {
            None => work.draft.count(path.segment()),
            Some(_) => work.draft.n_repetitions(&path),
        };
        Ok(i64::try_from(n).unwrap_or(i64::MAX))
    });
    engine.register_fn("set", |message: &mut Handle, path: &str, text: &str| -> Raised<()> {
        message.work().set(path, Put::Text(text), text.len())
    });
    engine.register_fn("set", |message: &mut Handle, path: &str, n: i64| -> Raised<()> {
        message.work().set(path, Put::Text(&n.to_string()), 20)
    });
    engine.register_fn("set_raw", |message: &mut Handle, path: &str, text: &str| -> Raised<()> {
        message.work().set(path, Put::Written(text), text.len())
    });
    engine.register_fn("clear", |message: &mut Handle, path: &str| -> Raised<()> {
        message.work().set(path, Put::Empty, 0)
    });
    engine.register_fn("delete", |message: &mut Handle, path: &str| -> Raised<()> {
        message.work().set(path, Put::Null, 2)
    });
    engine.register_fn("remove", |message: &mut Handle, path: &str| -> Raised<()> {
        let path = path_of(path)?;
        let mut work = message.work();
        if path.field().is_some() {
            return raised("`remove` takes out a segment; for a value there is `clear`");
        }
        let place = work.draft.place(&path);
        let place = place.ok_or(EditError::NoSegment).map_err(wrong)?;
        work.draft.remove(place).map_err(wrong)
    });
    engine.register_fn("add", |message: &mut Handle, name: &str| -> Raised<i64> {
        let segment = segment_of(name)?;
        let mut work = message.work();
        work.moves(SEGMENT_BYTES)?;
        work.draft.push(segment);
        number_of(&work, segment, None)
    });
    engine.register_fn("add", |message: &mut Handle, name: &str, after: &str| -> Raised<i64> {
        let (segment, after) = (segment_of(name)?, path_of(after)?);
        let mut work = message.work();
        work.moves(SEGMENT_BYTES)?;
        let place = work.draft.place(&after);
        let place = place.ok_or(EditError::NoSegment).map_err(wrong)?.saturating_add(1);
        work.draft.insert(place, segment).map_err(wrong)?;
        number_of(&work, segment, Some(place))
    });
}

/// What a new segment counts as.
/// LIMIT: a script adds a thousand, whatever else it does.
const SEGMENT_BYTES: usize = 16 * 1024;

/// Which of its name the segment at `place` is, from 1; the last one without a place.
fn number_of(work: &Work, segment: SegmentId, place: Option<usize>) -> Raised<i64> {
    let places = 0..place.map_or(work.draft.n_lines(), |place| place.saturating_add(1));
    let n = places.filter(|at| work.draft.segment_at(*at) == Some(segment)).count();
    Ok(i64::try_from(n).unwrap_or(i64::MAX))
}

fn path_of(text: &str) -> Raised<Path> {
    match text.parse::<Path>() {
        Ok(path) if path.groups().is_empty() => Ok(path),
        _ => raised("a place in a message is written as `PID-3[2].4` or `OBX[2]-5`"),
    }
}

fn segment_of(name: &str) -> Raised<SegmentId> {
    match SegmentId::new(name.as_bytes()) {
        Some(segment) if segment != SegmentId::MSH => Ok(segment),
        _ => raised("a segment to add has a name such as `NTE`"),
    }
}

fn raised<T>(what: &'static str) -> Raised<T> {
    Err(EvalAltResult::ErrorRuntime(Dynamic::from(Wrong(what)), Position::NONE).into())
}

fn wrong(error: EditError) -> Box<EvalAltResult> {
    let what = match error {
        EditError::NoSegment => "there is no such segment",
        EditError::NoField => "a value is put into a field, such as `PID-3`",
        EditError::Delimiters => "MSH-1, MSH-2 and MSH-18 are not set",
        EditError::TooFar => "the number of a field or part is larger than 1,000",
        EditError::Breaks => "the value has the end of a field or segment in it",
        EditError::Unmappable => "the character set of the message does not have the value",
        EditError::Groups | EditError::NoDelimiter | EditError::NoEscape => {
            "the value cannot be put there"
        }
    };
    EvalAltResult::ErrorRuntime(Dynamic::from(Wrong(what)), Position::NONE).into()
}
