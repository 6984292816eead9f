//! The room a script runs in: what is in it, and how large it is.

use std::time::Duration;

use rhai::{
    Dynamic, Engine, EvalAltResult, ImmutableString, Position,
    packages::{
        ArithmeticPackage, BasicIteratorPackage, BasicMathPackage, BasicStringPackage,
        LogicPackage, MoreStringPackage, Package,
    },
};

use super::{Stopwatch, message};

/// How much a script may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    pub time: Duration,
    pub n_steps: u64,
    /// Calls within calls.
    pub n_calls: usize,
    /// Bytes of one text.
    pub text_bytes: usize,
    /// Variables of one call.
    pub n_variables: usize,
    /// Bytes of a message that a script is run on.
    pub message_bytes: usize,
    /// Bytes that a script may read from a message, and write into it, in all.
    pub moved_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            // LIMIT: a thousand times what a script of a hundred lines takes.
            time: Duration::from_secs(1),
            // LIMIT: fifty times twenty steps for each of a report's thousand results.
            n_steps: 1_000_000,
            n_calls: 8,
            // LIMIT: an embedded document is passed on, not read. The variables of all calls hold
            // 16 MB.
            text_bytes: 64 * 1024,
            n_variables: 32,
            // LIMIT: four times this is held while a script runs.
            message_bytes: 16 * 1024 * 1024,
            moved_bytes: 16 * 1024 * 1024,
        }
    }
}

/// How a script is ended. It cannot catch it.
#[derive(Clone)]
pub(super) enum Stop {
    Late,
    TooLarge,
    Dropped(String),
    Failed(String),
}

type Raised<T> = Result<T, Box<EvalAltResult>>;

pub(super) fn stop<T>(stop: Stop) -> Raised<T> {
    Err(EvalAltResult::ErrorTerminated(Dynamic::from(stop), Position::NONE).into())
}

/// How often the time is looked at.
const STEPS_A_LOOK: u64 = 64;

/// An engine with nothing in it but values and the message; with `watch`, it ends in time.
pub(super) fn engine(limits: &Limits, watch: Option<&Stopwatch>) -> Engine {
    let mut engine = Engine::new_raw();
    // Not the core of the language: it can sleep.
    ArithmeticPackage::new().register_into_engine(&mut engine);
    BasicIteratorPackage::new().register_into_engine(&mut engine);
    BasicMathPackage::new().register_into_engine(&mut engine);
    BasicStringPackage::new().register_into_engine(&mut engine);
    LogicPackage::new().register_into_engine(&mut engine);
    MoreStringPackage::new().register_into_engine(&mut engine);
    // INVARIANT: a value is a number, a text, a range or the message. Lists, maps and functions as
    // values can be nested, and then the sizes that the interpreter looks at are not those that
    // grow. An error that is caught would be a map.
    for symbol in ["eval", "print", "debug", "#{", "Fn", "curry", "call", "try", "catch"] {
        engine.disable_symbol(symbol);
    }
    engine.set_allow_anonymous_fn(false);
    engine
        .set_max_operations(limits.n_steps)
        .set_max_call_levels(limits.n_calls)
        .set_max_expr_depths(32, 32)
        .set_max_string_size(limits.text_bytes)
        .set_max_variables(limits.n_variables)
        .set_max_functions(64)
        .set_strict_variables(true);
    bounded(&mut engine, limits);
    message::register(&mut engine);
    // The part of a text with number `n`, from 1, as a list would have it.
    engine.register_fn("part", |text: &str, separator: &str, n: i64| -> ImmutableString {
        let nth = usize::try_from(n).ok().and_then(|n| n.checked_sub(1));
        let part = nth.filter(|_| !separator.is_empty()).and_then(|n| text.split(separator).nth(n));
        part.unwrap_or_default().into()
    });
    engine.register_fn("drop", |reason: &str| -> Raised<()> { stop(Stop::Dropped(reason.into())) });
    engine.register_fn("fail", |reason: &str| -> Raised<()> { stop(Stop::Failed(reason.into())) });
    if let Some(watch) = watch {
        let (watch, begun, time) = (Stopwatch::clone(watch), watch(), limits.time);
        engine.on_progress(move |n_steps| {
            let looks = n_steps.is_multiple_of(STEPS_A_LOOK);
            let is_late = looks && time < watch().saturating_sub(begun);
            is_late.then(|| Dynamic::from(Stop::Late))
        });
    }
    engine
}

/// What makes much of little at one step has its size looked at before, and not after.
fn bounded(engine: &mut Engine, limits: &Limits) {
    let max = limits.text_bytes;
    let replaced = move |text: &str, old: &str, new: &str| -> Raised<ImmutableString> {
        let n = text.matches(old).count();
        let grown = n.saturating_mul(new.len()).saturating_add(text.len());
        match grown.saturating_sub(n.saturating_mul(old.len())) {
            n if max < n => stop(Stop::TooLarge),
            _ => Ok(text.replace(old, new).into()),
        }
    };
    engine.register_fn(
        "replace",
        move |text: &mut ImmutableString, old: &str, new: &str| -> Raised<()> {
            *text = replaced(text, old, new)?;
            Ok(())
        },
    );
    engine.register_fn(
        "replace",
        move |text: &mut ImmutableString, old: char, new: &str| -> Raised<()> {
            *text = replaced(text, old.encode_utf8(&mut [0; 4]), new)?;
            Ok(())
        },
    );
}
