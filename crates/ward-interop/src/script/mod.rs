//! Scripts of channels: what rows and settings cannot say, in a room without doors.
//!
//! A script sees one message and nothing else: no files, no network, no clock, no other message. It
//! has so many steps, so long, so deep and so large; past that it is ended, and its message is set
//! aside. What it does is done to a copy: the message is kept as it came.
//!
//! ```rhai
//! fn chart(message) {                  // what the chart gets, of a source of the channel's own
//!     if message.get("PV1-2") == "T" { drop("a stay for tests"); }
//! }
//! fn out(message, to) {                // what goes out to the destination `to`
//!     message.set("MSH-5", to);
//! }
//! ```

mod engine;
mod message;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc, time::Duration};

use rhai::{AST, CallFnOptions, Dynamic, EvalAltResult, Scope};
use ward_hl7::Draft;

pub use self::engine::Limits;
use self::{engine::Stop, message::Handle};

/// Bytes of the file of a script.
/// LIMIT: a thousand long lines.
const SOURCE_BYTES_MAX: usize = 64 * 1024;

/// Characters of a reason that are kept.
/// LIMIT: a sentence.
const REASON_CHARS_MAX: usize = 200;

/// Time that passes, from any beginning.
pub type Stopwatch = Arc<dyn Fn() -> Duration + Send + Sync>;

/// A script that was read.
pub struct Script {
    source: String,
    ast: AST,
    has_chart: bool,
    has_out: bool,
}

/// Text is no script of a channel.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    #[error("the script has more than {SOURCE_BYTES_MAX} bytes")]
    TooLong,
    #[error("the script cannot be read: {0}")]
    Parse(String),
    #[error("the script has neither `fn chart(message)` nor `fn out(message, to)`")]
    Nothing,
    #[error("`{0}` is written as `fn chart(message)` or `fn out(message, to)`")]
    Signature(String),
}

/// What a script is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call<'a> {
    /// What the chart gets.
    Chart,
    /// What goes out to the destination of this name.
    Out(&'a str),
}

/// What a script made of a message.
#[derive(Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The message as it goes on.
    Goes(Vec<u8>),
    /// It goes nowhere, and that is right; why.
    Dropped(String),
    /// It cannot go on; why.
    Failed(String),
    /// The script took too long, which may be the machine's fault.
    Late,
}

impl Script {
    /// Reads a script.
    ///
    /// - Errors: what is wrong and where; it holds nothing but the script itself.
    pub fn read(source: &str) -> Result<Script, ScriptError> {
        if SOURCE_BYTES_MAX < source.len() {
            return Err(ScriptError::TooLong);
        }
        let engine = engine::engine(&Limits::default(), None);
        let ast = engine.compile(source).map_err(|e| ScriptError::Parse(e.to_string()))?;
        let (mut has_chart, mut has_out) = (false, false);
        for function in ast.iter_functions() {
            match (function.name, function.params.len()) {
                ("chart", 1) => has_chart = true,
                ("out", 2) => has_out = true,
                (name @ ("chart" | "out"), _) => {
                    return Err(ScriptError::Signature(name.to_owned()));
                }
                _ => {}
            }
        }
        match has_chart || has_out {
            true => Ok(Script { source: source.to_owned(), ast, has_chart, has_out }),
            false => Err(ScriptError::Nothing),
        }
    }

    /// Whether it says what the chart gets.
    pub fn has_chart(&self) -> bool {
        self.has_chart
    }

    /// Whether it says what goes out.
    pub fn has_out(&self) -> bool {
        self.has_out
    }

    /// Runs the script on a message.
    ///
    /// - Shape: what it does not touch is byte for byte as it was.
    /// - Cost: keeps a thread busy, for as long as `limits` say.
    pub fn run(
        &self,
        call: Call<'_>,
        draft: Draft<'static>,
        limits: &Limits,
        watch: &Stopwatch,
    ) -> Outcome {
        let engine = engine::engine(limits, Some(watch));
        let handle = Handle::new(draft, limits);
        let message = Dynamic::from(handle.clone());
        let options = CallFnOptions::new().eval_ast(false);
        let mut scope = Scope::new();
        let ended: Result<Dynamic, Box<EvalAltResult>> = match call {
            Call::Chart => {
                engine.call_fn_with_options(options, &mut scope, &self.ast, "chart", (message,))
            }
            Call::Out(to) => {
                let with = (message, to.to_owned());
                engine.call_fn_with_options(options, &mut scope, &self.ast, "out", with)
            }
        };
        match ended {
            Ok(_) => match handle.to_bytes() {
                Some(bytes) => Outcome::Goes(bytes),
                None => Outcome::Failed("the message cannot be written".to_owned()),
            },
            Err(error) => stopped(&error),
        }
    }
}

/// Why a script ended before its end. Values that it had at hand are not told.
fn stopped(error: &EvalAltResult) -> Outcome {
    use EvalAltResult as E;
    let why = match error.unwrap_inner() {
        E::ErrorTerminated(token, _) => match token.clone().try_cast::<Stop>() {
            Some(Stop::Late) => return Outcome::Late,
            Some(Stop::Dropped(reason)) => return Outcome::Dropped(short(&reason)),
            Some(Stop::Failed(reason)) => return Outcome::Failed(short(&reason)),
            Some(Stop::TooLarge) => "what the script holds is too large",
            None => "the script broke off",
        },
        E::ErrorTooManyOperations(_) => "the script takes too many steps",
        E::ErrorStackOverflow(_) => "the script calls itself too deep",
        E::ErrorDataTooLarge(..) => "what the script holds is too large",
        E::ErrorTooManyVariables(_) => "the script has too many variables",
        E::ErrorRuntime(value, _) => match value.clone().try_cast::<message::Wrong>() {
            Some(message::Wrong(what)) => what,
            None => "the script threw an error",
        },
        E::ErrorFunctionNotFound(..) => "the script calls a function that is not there",
        E::ErrorMismatchDataType(..) | E::ErrorMismatchOutputType(..) => {
            "the script uses a value as what it is not"
        }
        E::ErrorArithmetic(..) => "the script computes what has no result",
        _ => "the script has an error",
    };
    match error.position().line() {
        Some(line) => Outcome::Failed(format!("{why}, in line {line}")),
        None => Outcome::Failed(why.to_owned()),
    }
}

fn short(reason: &str) -> String {
    reason.chars().filter(|c| !c.is_control()).take(REASON_CHARS_MAX).collect()
}

/// Two scripts are the same when their text is.
impl PartialEq for Script {
    fn eq(&self, other: &Script) -> bool {
        self.source == other.source
    }
}

impl Eq for Script {}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Script({} bytes)", self.source.len())
    }
}
