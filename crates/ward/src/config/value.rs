//! The kinds of values that a setting has, and how each is read and shown.

use std::{
    net::SocketAddr,
    num::{NonZeroU32, NonZeroU64, NonZeroUsize},
    path::PathBuf,
};

use ward_events::notify::MailTls;
use ward_pharmacy::settings::Take;

/// One kind of value.
pub trait Value: Sized {
    /// The kind in a word or two, for people.
    const KIND: &'static str;
    /// Whether a settings file writes it in quotes.
    const IS_QUOTED: bool;

    /// - Errors: what was expected; never the text, which may be a secret in the wrong place.
    fn read(text: &str) -> Result<Self, String>;

    /// As a settings file writes it; `None` when it is not set.
    fn show(&self) -> Option<String>;
}

macro_rules! values {
    ($($type:ty: $kind:literal, $expected:literal;)+) => {$(
        impl Value for $type {
            const KIND: &'static str = $kind;
            const IS_QUOTED: bool = false;

            fn read(text: &str) -> Result<$type, String> {
                text.parse().map_err(|_| concat!("expected ", $expected).to_owned())
            }

            fn show(&self) -> Option<String> {
                Some(self.to_string())
            }
        }
    )+};
}

values! {
    bool: "true or false", "`true` or `false`";
    NonZeroU32: "number", "a whole number from 1 to 4294967295";
    NonZeroU64: "number", "a whole number of at least 1";
    NonZeroUsize: "number", "a whole number of at least 1";
}

impl Value for SocketAddr {
    const KIND: &'static str = "address";
    const IS_QUOTED: bool = true;

    fn read(text: &str) -> Result<SocketAddr, String> {
        text.parse().map_err(|_| "expected an address such as `127.0.0.1:8080`".to_owned())
    }

    fn show(&self) -> Option<String> {
        Some(quoted(&self.to_string()))
    }
}

impl Value for PathBuf {
    const KIND: &'static str = "path";
    const IS_QUOTED: bool = true;

    fn read(text: &str) -> Result<PathBuf, String> {
        if text.is_empty() { Err("expected a path".to_owned()) } else { Ok(text.into()) }
    }

    fn show(&self) -> Option<String> {
        Some(quoted(&self.to_string_lossy()))
    }
}

impl Value for String {
    const KIND: &'static str = "text";
    const IS_QUOTED: bool = true;

    fn read(text: &str) -> Result<String, String> {
        Ok(text.to_owned())
    }

    fn show(&self) -> Option<String> {
        Some(quoted(self))
    }
}

impl<T: Value> Value for Option<T> {
    const KIND: &'static str = T::KIND;
    const IS_QUOTED: bool = T::IS_QUOTED;

    fn read(text: &str) -> Result<Option<T>, String> {
        T::read(text).map(Some)
    }

    fn show(&self) -> Option<String> {
        self.as_ref().and_then(Value::show)
    }
}

/// How log lines are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    Text,
    Json,
}

impl Value for LogFormat {
    const KIND: &'static str = "`text` or `json`";
    const IS_QUOTED: bool = true;

    fn read(text: &str) -> Result<LogFormat, String> {
        match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err("expected `text` or `json`".to_owned()),
        }
    }

    fn show(&self) -> Option<String> {
        Some(quoted(match self {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        }))
    }
}

impl Value for MailTls {
    const KIND: &'static str = "`implicit`, `starttls` or `none`";
    const IS_QUOTED: bool = true;

    fn read(text: &str) -> Result<MailTls, String> {
        match text {
            "implicit" => Ok(MailTls::Implicit),
            "starttls" => Ok(MailTls::StartTls),
            "none" => Ok(MailTls::None),
            _ => Err("expected `implicit`, `starttls` or `none`".to_owned()),
        }
    }

    fn show(&self) -> Option<String> {
        Some(quoted(match self {
            MailTls::Implicit => "implicit",
            MailTls::StartTls => "starttls",
            MailTls::None => "none",
        }))
    }
}

impl Value for Take {
    const KIND: &'static str = "`all`, `placed` or `none`";
    const IS_QUOTED: bool = true;

    fn read(text: &str) -> Result<Take, String> {
        Take::from_word(text).ok_or_else(|| "expected `all`, `placed` or `none`".to_owned())
    }

    fn show(&self) -> Option<String> {
        Some(quoted(self.as_str()))
    }
}

/// Which log lines are written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogLevel(String); // INVARIANT: directives that the log filter understands.

impl LogLevel {
    /// What can wait until morning, and worse.
    pub fn warn() -> LogLevel {
        LogLevel("warn".to_owned())
    }

    /// Changes of state, and worse.
    pub fn info() -> LogLevel {
        LogLevel("info".to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for LogLevel {
    const KIND: &'static str = "level";
    const IS_QUOTED: bool = true;

    fn read(text: &str) -> Result<LogLevel, String> {
        match tracing_subscriber::EnvFilter::try_new(text) {
            Ok(_) if !text.trim().is_empty() => Ok(LogLevel(text.to_owned())),
            _ => Err("expected `error`, `warn`, `info`, `debug`, `trace`, or such as \
                      `info,ward_store=debug`"
                .to_owned()),
        }
    }

    fn show(&self) -> Option<String> {
        Some(quoted(&self.0))
    }
}

/// How sure something is: more than 0, less than 1.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
pub struct Probability(f64); // INVARIANT: between 0 and 1, and neither.

impl Probability {
    pub fn get(self) -> f64 {
        self.0
    }

    /// What stands in this program; anything else becomes a half.
    pub fn of(value: f64) -> Probability {
        Probability(if 0.0 < value && value < 1.0 { value } else { 0.5 })
    }
}

impl Value for Probability {
    const KIND: &'static str = "number";
    const IS_QUOTED: bool = false;

    fn read(text: &str) -> Result<Probability, String> {
        match text.parse() {
            Ok(value) if 0.0 < value && value < 1.0 => Ok(Probability(value)),
            _ => Err("expected a number above 0 and below 1, such as `0.9`".to_owned()),
        }
    }

    fn show(&self) -> Option<String> {
        Some(self.0.to_string())
    }
}

/// A time of the day in UTC, or never.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimeOfDay {
    At(jiff::civil::Time),
    Never,
}

impl Value for TimeOfDay {
    const KIND: &'static str = "time of day";
    const IS_QUOTED: bool = true;

    fn read(text: &str) -> Result<TimeOfDay, String> {
        let wrong = || "expected a time of day in UTC such as `02:30`, or `never`".to_owned();
        if text == "never" {
            return Ok(TimeOfDay::Never);
        }
        jiff::civil::Time::strptime("%H:%M", text).map(TimeOfDay::At).map_err(|_| wrong())
    }

    fn show(&self) -> Option<String> {
        Some(quoted(&match self {
            TimeOfDay::At(time) => time.strftime("%H:%M").to_string(),
            TimeOfDay::Never => "never".to_owned(),
        }))
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
