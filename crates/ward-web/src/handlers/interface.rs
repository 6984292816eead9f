//! The files of the interface, out of the binary.

use std::fmt::Write as _;

use axum::body::Body;
use hyper::{
    Response, StatusCode,
    body::Bytes,
    header::{self, HeaderValue},
};
use ward_core::Kind;
use ward_records::RecordsError;

use crate::{app::App, request::Asked, respond::Answer};

/// One file, as it is and packed.
struct File {
    name: &'static str,
    plain: &'static [u8],
    br: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/interface.rs"));

/// What is said where the interface was not built.
const NOT_BUILT: &str = "<!doctype html><title>Ward</title><p>Ward runs. Its interface is not in \
                         this binary: build it with <code>cargo xtask web</code>, then Ward again.";

/// The page that everything else is loaded by.
///
/// - Shape: styles that the page makes for itself carry a nonce that is new with each answer.
/// - Shape: `blob:` is what the page itself made of bytes that it has read: pictures and pages of
///   documents, shown as what they are and never as HTML. A frame of one inherits this policy, so
///   that nothing in it can run or be sent anywhere.
/// - Source: OWASP ASVS 5.0, V3.4.3; CSP Level 3.
pub(crate) async fn index(app: &App, _: &Asked) -> Answer {
    let mut random = [0; 16];
    let filled = app.random.fill(&mut random);
    filled.map_err(|_| RecordsError::new(Kind::Unavailable, "no randomness"))?;
    let nonce = random.iter().fold(String::with_capacity(32), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ok = write!(text, "{byte:02x}");
        text
    });
    let page = INDEX.unwrap_or(NOT_BUILT).replace("__NONCE__", &nonce);
    let policy = format!(
        "default-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; \
         frame-src blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    let mut response = Response::new(Body::from(page));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

/// A file whose name changes with what is in it.
pub(crate) async fn file(_: &App, asked: &Asked) -> Answer {
    let name = asked.value("file")?;
    let Some(file) = FILES.iter().find(|file| file.name == name) else {
        return Err(RecordsError::new(Kind::NotFound, "there is no such file"));
    };
    let takes = asked.header(header::ACCEPT_ENCODING).unwrap_or_default();
    let takes = |coding: &str| takes.split(',').any(|it| it.trim() == coding);
    let (bytes, coding) = match (file.br, file.gzip) {
        (Some(bytes), _) if takes("br") => (bytes, Some("br")),
        (_, Some(bytes)) if takes("gzip") => (bytes, Some("gzip")),
        _ => (file.plain, None),
    };
    let mut response = Response::new(Body::from(Bytes::from_static(bytes)));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind_of(name)));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    let for_ever = HeaderValue::from_static("public, max-age=31536000, immutable");
    headers.insert(header::CACHE_CONTROL, for_ever);
    if let Some(coding) = coding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    Ok(response)
}

fn kind_of(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    }
}
