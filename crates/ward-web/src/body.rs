//! A request's body, whole, of a known kind, and no larger than allowed.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{
    HeaderMap, StatusCode,
    body::{Bytes, Incoming},
    header,
};
use ward_core::Kind;
use ward_fhir::outcome::IssueCode;
use ward_records::RecordsError;

use crate::respond::Refusal;

/// Reads the body. What is compressed with gzip is opened, within the same limit.
///
/// - Errors: 413 for more than `bytes_max`, packed or opened; 415 for another encoding; 400 for a
///   body that ends early.
pub(crate) async fn whole(
    body: Incoming,
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
    let bytes = match Limited::new(body, bytes_max).collect().await {
        Ok(whole) => whole.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(too_large().into()),
        Err(_) => {
            return Err(RecordsError::new(Kind::Invalid, "the body ended too early").into());
        }
    };
    if !packed {
        return Ok(bytes);
    }
    let opened = tokio::task::spawn_blocking(move || gunzip(&bytes, bytes_max)).await;
    match opened.map_err(|_| RecordsError::new(Kind::Bug, "internal error"))? {
        Ok(plain) => Ok(plain.into()),
        Err(Gunzip::TooLarge) => Err(too_large().into()),
        Err(Gunzip::Damaged) => {
            Err(RecordsError::new(Kind::Invalid, "the body is not what gzip wrote").into())
        }
    }
}

#[derive(PartialEq, Eq, Debug)]
enum Gunzip {
    TooLarge,
    Damaged,
}

/// Opens gzip members. Memory stays within the limit however much the bytes claim to hold.
fn gunzip(packed: &[u8], bytes_max: usize) -> Result<Vec<u8>, Gunzip> {
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    let mut plain = Vec::new();
    let mut reader = MultiGzDecoder::new(packed).take(limit.saturating_add(1));
    reader.read_to_end(&mut plain).map_err(|_| Gunzip::Damaged)?;
    if bytes_max < plain.len() { Err(Gunzip::TooLarge) } else { Ok(plain) }
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut out = GzEncoder::new(Vec::new(), Compression::best());
        out.write_all(plain).unwrap();
        out.finish().unwrap()
    }

    #[test]
    fn what_gzip_wrote_is_read() {
        assert_eq!(gunzip(&gzip(b"abc"), 3), Ok(b"abc".to_vec()));
        assert_eq!(gunzip(&[gzip(b"ab"), gzip(b"c")].concat(), 3), Ok(b"abc".to_vec()));
    }

    #[test]
    fn a_bomb_and_a_stump_are_refused() {
        let bomb = gzip(&vec![0; 10_000_000]);
        assert!(bomb.len() < 20_000);
        assert_eq!(gunzip(&bomb, 9_999_999), Err(Gunzip::TooLarge));
        let whole = gzip(b"a longer text that is cut in the middle");
        assert_eq!(gunzip(&whole[..whole.len() - 9], 100), Err(Gunzip::Damaged));
        assert_eq!(gunzip(b"not gzip", 100), Err(Gunzip::Damaged));
    }
}
