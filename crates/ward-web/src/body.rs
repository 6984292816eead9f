//! A request's body, whole, of a known kind, and no larger than allowed.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{
    HeaderMap, StatusCode,
    body::{Body, Bytes, Frame},
    header,
};
use ward_core::Kind;
use ward_fhir::outcome::IssueCode;
use ward_records::RecordsError;

use crate::{
    gunzip::{Gunzip, GunzipError},
    respond::Refusal,
};

/// A body that lets others know when it was read to its end.
///
/// Over HTTP/1.1 the next request follows the body. A connection is hung up when the body was left,
/// and the answer has to say so: the peer would send its next request into the void.
pub(crate) struct Told<B> {
    body: B,
    is_over: Arc<AtomicBool>,
}

impl<B: Body> Told<B> {
    pub(crate) fn new(body: B) -> Told<B> {
        let is_over = Arc::new(AtomicBool::new(body.is_end_stream()));
        Told { body, is_over }
    }

    /// Tells it, now and later.
    pub(crate) fn is_over(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_over)
    }
}

impl<B: Body + Unpin> Body for Told<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if matches!(polled, Poll::Ready(None)) || self.body.is_end_stream() {
            self.is_over.store(true, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

/// Largest body of a refused request that is read to its end all the same.
/// LIMIT: what fits into a few packets is sooner read than a connection is made anew.
const REFUSED_BYTES_MAX: u64 = 64 * 1024;

/// How long that may take.
/// LIMIT: who sends a small body sends it with the header.
const REFUSED_MAX: Duration = Duration::from_secs(1);

/// Reads what belongs to a request that was refused, if it is little, so that the connection can be
/// used again.
pub(crate) async fn leave(mut body: impl Body + Unpin, headers: &HeaderMap) {
    // Who waits for leave to send has not sent.
    let is_little = body.size_hint().upper().is_some_and(|n| n <= REFUSED_BYTES_MAX);
    if !is_little || headers.contains_key(header::EXPECT) {
        return;
    }
    let rest = async { while body.frame().await.is_some_and(|frame| frame.is_ok()) {} };
    let _in_time = tokio::time::timeout(REFUSED_MAX, rest).await;
}

/// Reads the body. What is compressed with gzip is opened, within the same limit.
///
/// - Errors: 413 for more than `bytes_max`, packed or opened; 415 for another encoding; 400 for a
///   body that ends early.
pub(crate) async fn whole(
    body: impl Body<Data = Bytes, Error = hyper::Error> + Unpin,
    headers: &HeaderMap,
    bytes_max: usize,
) -> Result<Bytes, Refusal> {
    let too_large =
        || RecordsError::new(Kind::TooLarge, format!("a body has at most {bytes_max} bytes"));
    let said = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if said.and_then(|n| n.parse::<usize>().ok()).is_some_and(|n| bytes_max < n) {
        return Err(too_large().into());
    }
    let encoding = headers.get(header::CONTENT_ENCODING).map(|value| value.to_str());
    let packed = match encoding {
        None | Some(Ok("identity")) => false,
        Some(Ok("gzip" | "x-gzip")) => true,
        _ => {
            return Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                IssueCode::NotSupported,
                "a body is sent as it is, or with `Content-Encoding: gzip`",
            ));
        }
    };
    let early = || RecordsError::new(Kind::Invalid, "the body ended too early");
    let mut body = Limited::new(body, bytes_max);
    if !packed {
        return match body.collect().await {
            Ok(whole) => Ok(whole.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(too_large().into()),
            Err(_) => Err(early().into()),
        };
    }
    let refused = |error| match error {
        GunzipError::TooLarge => too_large(),
        GunzipError::Damaged => RecordsError::new(Kind::Invalid, "the body is not what gzip wrote"),
    };
    let mut gunzip = Gunzip::new(bytes_max);
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => {
                let piece = frame.into_data().unwrap_or_default();
                gunzip.feed(&piece).await.map_err(refused)?;
            }
            Err(error) if error.is::<LengthLimitError>() => return Err(too_large().into()),
            Err(_) => return Err(early().into()),
        }
    }
    Ok(gunzip.finish().map_err(refused)?.into())
}

/// Whether a body of this `Content-Type` can be read on FHIR's paths. Without one it is taken for
/// JSON.
pub(crate) fn check_type(headers: &HeaderMap, is_form: bool) -> Result<(), Refusal> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let kind = value.to_str().unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let known = if is_form {
        kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    } else {
        ["application/fhir+json", "application/json", "text/json", "application/json-patch+json"]
            .iter()
            .any(|known| kind.eq_ignore_ascii_case(known))
    };
    if known {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        IssueCode::NotSupported,
        match is_form {
            true => "a search by form is `application/x-www-form-urlencoded`",
            false => "a resource is `application/fhir+json`",
        },
    ))
}
