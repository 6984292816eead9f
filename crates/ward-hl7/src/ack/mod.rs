//! When and with which code a message is acknowledged.

mod answer;
mod reply;
pub mod sequence;

use ward_core::Kind;

use crate::{
    header::Header,
    problem::{ErrorCode, Problem, Severity},
};

pub use answer::{Answer, Next};
pub use reply::Reply;

/// MSA-1.
///
/// - Source: HL7 table 0008, Acknowledgment code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AckCode {
    /// Original mode: processed. Enhanced mode: the application took it.
    ApplicationAccept,
    /// The content is wrong; sending it again does not help.
    ApplicationError,
    /// Not for its content: unsupported, or not now.
    ApplicationReject,
    /// Enhanced mode: in safe storage; the sender need not send it again.
    CommitAccept,
    CommitError,
    CommitReject,
}

impl AckCode {
    pub const ALL: [AckCode; 6] = [
        AckCode::ApplicationAccept,
        AckCode::ApplicationError,
        AckCode::ApplicationReject,
        AckCode::CommitAccept,
        AckCode::CommitError,
        AckCode::CommitReject,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            AckCode::ApplicationAccept => "AA",
            AckCode::ApplicationError => "AE",
            AckCode::ApplicationReject => "AR",
            AckCode::CommitAccept => "CA",
            AckCode::CommitError => "CE",
            AckCode::CommitReject => "CR",
        }
    }

    pub fn from_code(code: &str) -> Option<AckCode> {
        Self::ALL.into_iter().find(|it| it.as_str() == code)
    }

    pub const fn is_positive(self) -> bool {
        matches!(self, AckCode::ApplicationAccept | AckCode::CommitAccept)
    }

    /// The code of an original or application acknowledgment.
    pub const fn application(verdict: Verdict) -> AckCode {
        match verdict {
            Verdict::Accept => AckCode::ApplicationAccept,
            Verdict::Error => AckCode::ApplicationError,
            Verdict::Reject => AckCode::ApplicationReject,
        }
    }

    /// The code of an accept acknowledgment.
    pub const fn commit(verdict: Verdict) -> AckCode {
        match verdict {
            Verdict::Accept => AckCode::CommitAccept,
            Verdict::Error => AckCode::CommitError,
            Verdict::Reject => AckCode::CommitReject,
        }
    }
}

/// What is to be said about a message.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Verdict {
    Accept,
    /// Something in its content.
    Error,
    /// Its type, event, processing id or version; or, in original mode, the receiver's own state.
    Reject,
}

impl Verdict {
    /// From the problems of a message.
    ///
    /// - Source: HL7 v2.8, 2.9.2.1 and 2.9.3.1: rejected for MSH-9, MSH-11 and MSH-12 only.
    pub fn of(problems: &[Problem]) -> Verdict {
        let errors = || problems.iter().filter(|p| Severity::Error <= p.severity);
        if errors().any(|p| p.code().is_rejection()) {
            Verdict::Reject
        } else if errors().next().is_some() {
            Verdict::Error
        } else {
            Verdict::Accept
        }
    }
}

/// What a failure of Ward says on this wire. The only place that knows both.
///
/// A failure that passes by itself is a rejection in original mode, so that the sender tries
/// again; an accept acknowledgment has no such word, and the listener then sends none.
///
/// - Source: HL7 v2.8, 2.9.2.2: AR where the reason is not in the content or the structure.
pub const fn outcome_code(kind: Kind) -> (Verdict, ErrorCode) {
    match kind {
        Kind::Invalid => (Verdict::Error, ErrorCode::DataTypeError),
        Kind::Unprocessable | Kind::Precondition => (Verdict::Error, ErrorCode::OtherHl7Error),
        Kind::NotFound | Kind::Gone => (Verdict::Error, ErrorCode::UnknownKeyIdentifier),
        Kind::Conflict => (Verdict::Error, ErrorCode::DuplicateKeyIdentifier),
        Kind::TooLarge => (Verdict::Error, ErrorCode::ValueTooLong),
        Kind::Unauthenticated | Kind::Refused => {
            (Verdict::Reject, ErrorCode::ApplicationInternalError)
        }
        Kind::Busy | Kind::Unavailable | Kind::Full | Kind::Bug => {
            (Verdict::Reject, ErrorCode::ApplicationInternalError)
        }
    }
}

/// MSH-15 and MSH-16: when the sender wants an acknowledgment.
///
/// - Source: HL7 table 0155, Accept/application acknowledgment conditions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Condition {
    Always,
    Never,
    /// Error or reject only.
    OnError,
    /// Success only.
    OnSuccess,
}

impl Condition {
    pub fn from_code(code: &str) -> Option<Condition> {
        match code {
            "AL" => Some(Condition::Always),
            "NE" => Some(Condition::Never),
            "ER" => Some(Condition::OnError),
            "SU" => Some(Condition::OnSuccess),
            _ => None,
        }
    }

    pub const fn wants(self, verdict: Verdict) -> bool {
        match (self, verdict) {
            (Condition::Always, _)
            | (Condition::OnSuccess, Verdict::Accept)
            | (Condition::OnError, Verdict::Error | Verdict::Reject) => true,
            (Condition::Never | Condition::OnSuccess | Condition::OnError, _) => false,
        }
    }
}

/// How the sender wants to be answered.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mode {
    /// One acknowledgment, after processing, always.
    Original,
    /// One acknowledgment, after processing, when the sender wants one.
    Application(Condition),
    /// An accept acknowledgment when the message is safe, and an application acknowledgment as an
    /// exchange of its own.
    Enhanced { accept: Condition, application: Condition },
}

impl Mode {
    /// From MSH-15 and MSH-16.
    ///
    /// - Shape: original where both are empty; otherwise an empty one is never. A code that is not
    ///   in the table is taken as always: an acknowledgment too many does no harm.
    /// - Source: HL7 v2.8, 2.9.3 Enhanced acknowledgment mode; v2.9, the acknowledgment choreography
    ///   of each message: without an accept acknowledgment, the application's is the only answer,
    ///   as in original mode.
    pub fn of(header: &Header) -> Mode {
        let condition = |n: usize| match header.raw(n) {
            "" | "\"\"" => None,
            code => Some(Condition::from_code(code).unwrap_or(Condition::Always)),
        };
        match (condition(15), condition(16)) {
            (None, None) => Mode::Original,
            (None | Some(Condition::Never), Some(application))
                if application != Condition::Never =>
            {
                Mode::Application(application)
            }
            (accept, application) => Mode::Enhanced {
                accept: accept.unwrap_or(Condition::Never),
                application: application.unwrap_or(Condition::Never),
            },
        }
    }

    /// The same where application acknowledgments are exchanges of their own.
    pub const fn apart(self) -> Mode {
        match self {
            Mode::Application(application) => {
                Mode::Enhanced { accept: Condition::Never, application }
            }
            other => other,
        }
    }

    /// What goes back on the connection the message came by, once it is safe or refused.
    pub const fn immediate(self, verdict: Verdict) -> Option<AckCode> {
        match self {
            Mode::Original => Some(AckCode::application(verdict)),
            Mode::Application(wanted) if wanted.wants(verdict) => {
                Some(AckCode::application(verdict))
            }
            Mode::Enhanced { accept, .. } if accept.wants(verdict) => {
                Some(AckCode::commit(verdict))
            }
            Mode::Application(_) | Mode::Enhanced { .. } => None,
        }
    }

    /// What goes back later, as an exchange of its own, once the application is done.
    pub const fn later(self, verdict: Verdict) -> Option<AckCode> {
        match self {
            Mode::Enhanced { application, .. } if application.wants(verdict) => {
                Some(AckCode::application(verdict))
            }
            _ => None,
        }
    }
}
