//! Why a destination did not take a message now: a word for people to look up, and what the
//! machine says of it. Never a value of a message.

use std::error::Error;

use crate::{
    http::{HttpError, NotSent},
    mllp::SendError,
    s3::S3Error,
};

/// Why the next message waits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// A word that stands for it, such as `no-connection`.
    pub why: &'static str,
    /// Such as `Connection refused (os error 111)`.
    pub detail: Option<String>,
}

impl Fault {
    pub(crate) fn new(why: &'static str) -> Fault {
        Fault { why, detail: None }
    }

    fn of(why: &'static str, error: &dyn Error) -> Fault {
        Fault { why, detail: error.source().map(ToString::to_string) }
    }

    fn said(why: &'static str, detail: String) -> Fault {
        Fault { why, detail: Some(detail) }
    }
}

impl From<&SendError> for Fault {
    fn from(error: &SendError) -> Fault {
        match error {
            SendError::Connect(_) => Fault::of("no-connection", error),
            SendError::Broken(_) => Fault::of("broken", error),
            SendError::Closed => Fault::new("closed"),
            SendError::ConnectTimeout(s) => Fault::said("connect-timeout", format!("{s} s")),
            SendError::AnswerTimeout(s) => Fault::said("no-answer", format!("{s} s")),
            SendError::Unframeable => Fault::new("request"),
        }
    }
}

impl From<&HttpError> for Fault {
    fn from(error: &HttpError) -> Fault {
        match error {
            HttpError::Connect(_) => Fault::of("no-connection", error),
            HttpError::Broken(_) => Fault::of("broken", error),
            HttpError::ConnectTimeout(s) => Fault::said("connect-timeout", format!("{s} s")),
            HttpError::AnswerTimeout(s) => Fault::said("no-answer", format!("{s} s")),
            HttpError::Request => Fault::new("request"),
            HttpError::TooLarge => Fault::new("too-large"),
        }
    }
}

impl From<&NotSent> for Fault {
    fn from(error: &NotSent) -> Fault {
        match error {
            NotSent::Http(error) => error.into(),
            NotSent::OtherAnswer => Fault::new("other-answer"),
            NotSent::Status(status) => Fault::said("status", status.to_string()),
            NotSent::Request => Fault::new("request"),
        }
    }
}

impl From<&S3Error> for Fault {
    fn from(error: &S3Error) -> Fault {
        match error {
            S3Error::Http(error) => error.into(),
            S3Error::Status(status) => Fault::said("status", status.to_string()),
            S3Error::Request => Fault::new("request"),
        }
    }
}

impl From<&std::io::Error> for Fault {
    fn from(error: &std::io::Error) -> Fault {
        Fault::said("not-written", error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_says_what_the_machine_said() {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let fault = Fault::from(&SendError::Connect(refused));
        assert_eq!(fault, Fault::said("no-connection", "connection refused".to_owned()));
        let fault = Fault::from(&NotSent::Http(HttpError::AnswerTimeout(30)));
        assert_eq!(fault, Fault::said("no-answer", "30 s".to_owned()));
    }
}
