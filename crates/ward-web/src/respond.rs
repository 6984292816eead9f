//! Answers: FHIR JSON with the headers that keep patient data out of caches and frames.

use axum::body::Body;
use hyper::{
    HeaderMap, Response, StatusCode,
    header::{self, HeaderName, HeaderValue},
};
use jiff::Timestamp;
use ward_core::Kind;
use ward_fhir::outcome::{Issue, IssueCode, Severity, operation_outcome};
use ward_records::{RecordsError, Reply};

use crate::{AuthError, request_id::RequestId};

/// What a handler gives.
pub(crate) type Answer = Result<Response<Body>, RecordsError>;

const FHIR_JSON: HeaderValue = HeaderValue::from_static("application/fhir+json; charset=utf-8");

/// On every answer.
///
/// - Source: OWASP ASVS 5.0, V3.4.
const ALWAYS: [(HeaderName, &str); 7] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'self'; frame-ancestors 'none'"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// - Source: RFC 6797; a year, as its section 11.2 suggests for sites that stay with TLS.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

pub(crate) fn add_security_headers(headers: &mut HeaderMap, tls: bool) {
    for (name, value) in ALWAYS {
        // The interface's own files say more of themselves.
        let is_said = name == header::CACHE_CONTROL || name == header::CONTENT_SECURITY_POLICY;
        if !(is_said && headers.contains_key(&name)) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if tls {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
}

/// Why a request is not answered as asked.
#[derive(Debug)]
pub(crate) enum Refusal {
    Records(RecordsError),
    /// What only HTTP has a number for.
    Http {
        status: StatusCode,
        code: IssueCode,
        says: &'static str,
        /// The methods that the address has.
        allow: Option<String>,
    },
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: IssueCode, says: &'static str) -> Refusal {
        Refusal::Http { status, code, says, allow: None }
    }
}

impl From<RecordsError> for Refusal {
    fn from(error: RecordsError) -> Refusal {
        Refusal::Records(error)
    }
}

/// The OperationOutcome of a refusal.
pub(crate) fn refused(refusal: &Refusal, id: &RequestId) -> Response<Body> {
    let (status, code, says, allow) = match refusal {
        Refusal::Records(error) => return failure(error, id),
        Refusal::Http { status, code, says, allow } => (*status, *code, *says, allow),
    };
    let issue = Issue::error(code, says);
    let mut response = Response::new(Body::from(operation_outcome(&[issue])));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, FHIR_JSON);
    if let Some(allow) = allow {
        put(response.headers_mut(), header::ALLOW, allow.clone());
    }
    response
}

/// The same answer without its body, when the client has this version already.
///
/// - Source: FHIR R4, 3.1.0.1.7 conditional read; RFC 9110, 13.1.2.
pub(crate) fn unless_known(mut response: Response<Body>, known: Option<&str>) -> Response<Body> {
    let etag = response.headers().get(header::ETAG).and_then(|value| value.to_str().ok());
    let (Some(known), Some(etag)) = (known, etag) else { return response };
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    if known.split(',').any(|tag| tag.trim() == "*" || bare(tag) == bare(etag)) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(header::CONTENT_TYPE);
    }
    response
}

pub(crate) fn reply(reply: Reply) -> Answer {
    let mut response = Response::new(Body::from(reply.body.unwrap_or_default()));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, FHIR_JSON);
    if let Some(version) = reply.etag {
        put(headers, header::ETAG, format!("W/\"{version}\""));
    }
    if let Some(time) = reply.last_modified {
        put(headers, header::LAST_MODIFIED, http_date(time));
    }
    if let Some(location) = reply.location {
        put(headers, header::LOCATION, location);
    }
    Ok(response)
}

/// A resource that was made here.
pub(crate) fn fhir(status: StatusCode, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, FHIR_JSON);
    response
}

pub(crate) fn json(status: StatusCode, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// A value of ours as JSON.
pub(crate) fn value(status: StatusCode, value: &serde_json::Value) -> Response<Body> {
    json(status, value.to_string().into_bytes())
}

/// There is nothing more to say.
pub(crate) fn done(status: StatusCode) -> Response<Body> {
    json(status, br#"{"done":true}"#.to_vec())
}

pub(crate) fn text(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// The OperationOutcome of a refused or failed request. One that failed tells what it is called in
/// the log, where the cause stands.
fn failure(error: &RecordsError, id: &RequestId) -> Response<Body> {
    let body = if error.status() < 500 {
        error.outcome()
    } else {
        let mut issues = error.issues.clone();
        issues.push(Issue {
            severity: Severity::Information,
            code: IssueCode::Informational,
            expression: None,
            diagnostics: format!("request {}", id.as_str()),
        });
        operation_outcome(&issues)
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() =
        StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, FHIR_JSON);
    if error.kind == Kind::Unauthenticated {
        let challenge = HeaderValue::from_static("Bearer realm=\"ward\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    if matches!(error.kind, Kind::Busy | Kind::Unavailable) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

impl From<AuthError> for RecordsErrorOf {
    fn from(error: AuthError) -> RecordsErrorOf {
        let kind = error.kind();
        let says = if kind == Kind::Bug { "internal error".to_owned() } else { error.to_string() };
        RecordsErrorOf(RecordsError {
            cause: Some(Box::new(error)),
            ..RecordsError::new(kind, says)
        })
    }
}

/// Carries a sign-in failure to the FHIR form.
pub(crate) struct RecordsErrorOf(pub(crate) RecordsError);

pub(crate) fn auth_error(error: AuthError) -> RecordsError {
    RecordsErrorOf::from(error).0
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

/// - Source: RFC 9110, 5.6.7 IMF-fixdate.
fn http_date(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
