//! When a certificate ends: the one thing about it that TLS itself tells nobody in advance.

use base64::Engine as _;
use jiff::{Timestamp, civil::DateTime, tz::Offset};

/// The earliest end among the certificates of a PEM text; `None` when there is none to read.
///
/// - Source: RFC 7468 for the text; RFC 5280, 4.1.2.5 for the validity.
pub fn earliest_end(pem: &str) -> Option<Timestamp> {
    let blocks = pem.split("-----BEGIN CERTIFICATE-----").skip(1);
    let ends: Option<Vec<Timestamp>> = blocks
        .map(|block| {
            let body = block.split("-----END CERTIFICATE-----").next()?;
            let body: String = body.split_whitespace().collect();
            end_of(&base64::engine::general_purpose::STANDARD.decode(body).ok()?)
        })
        .collect();
    ends?.into_iter().min()
}

fn end_of(der: &[u8]) -> Option<Timestamp> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    let (_, certificate, _) = element(der)?;
    let (_, mut to_be_signed, _) = element(certificate)?;
    let (tag, _, rest) = element(to_be_signed)?;
    if tag == VERSION {
        to_be_signed = rest;
    }
    // Serial number, algorithm, issuer; then validity.
    for _ in 0..3 {
        (_, _, to_be_signed) = element(to_be_signed)?;
    }
    let (tag, validity, _) = element(to_be_signed)?;
    if tag != SEQUENCE {
        return None;
    }
    let (_, _, rest) = element(validity)?;
    let (tag, end, _) = element(rest)?;
    time_of(tag, std::str::from_utf8(end).ok()?)
}

/// Tag, content, and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (len, rest) = match first {
        0..0x80 => (usize::from(*first), rest),
        _ => {
            let n = usize::from(first & 0x7f);
            // LIMIT: four bytes of length are 4 GB.
            let (bytes, rest) = rest.split_at_checked(n).filter(|_| n <= 4)?;
            let len = bytes.iter().fold(0usize, |len, byte| len << 8 | usize::from(*byte));
            (len, rest)
        }
    };
    let (content, after) = rest.split_at_checked(len)?;
    Some((*tag, content, after))
}

fn time_of(tag: u8, text: &str) -> Option<Timestamp> {
    const UTC: u8 = 0x17;
    const GENERALIZED: u8 = 0x18;
    let whole = match tag {
        // Two digits of the year: from 50 on they are of the last century.
        UTC if text.get(..2)? < "50" => format!("20{text}"),
        UTC => format!("19{text}"),
        GENERALIZED => text.to_owned(),
        _ => return None,
    };
    let time = DateTime::strptime("%Y%m%d%H%M%SZ", whole).ok()?;
    Offset::UTC.to_timestamp(time).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by OpenSSL; nobody holds its key.
    const PEM: &str = "\
-----BEGIN CERTIFICATE-----\n\
MIIBgjCCASmgAwIBAgIUQUMxObuK+0gkO3HhnTGgUiO68PswCgYIKoZIzj0EAwIw\n\
FzEVMBMGA1UEAwwMd2FyZC5leGFtcGxlMB4XDTI2MTEyMzE3MjQwOFoXDTI2MTIx\n\
MzE3MjQwOFowFzEVMBMGA1UEAwwMd2FyZC5leGFtcGxlMFkwEwYHKoZIzj0CAQYI\n\
KoZIzj0DAQcDQgAEPJkRxhOBE5/npx6CYs2Xe60N6Plxgm/6nUOkojrAriAsTG0n\n\
SmZaFDxBGuj/CYt7y/Ku0xQgLEIT/jPjFyBe4qNTMFEwHQYDVR0OBBYEFDEBh7OQ\n\
txRJfh3iOX0e6wjDMWjbMB8GA1UdIwQYMBaAFDEBh7OQtxRJfh3iOX0e6wjDMWjb\n\
MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgcTknJp8vtVCoF8Mq\n\
HSOLwwaeNN6573xysVTis+daZSoCIBXvHhMJd/wY09KF92xtE6LwqNbMKIKvDpG7\n\
dFcujbeS\n\
-----END CERTIFICATE-----\n";

    #[test]
    fn the_earliest_end_of_a_chain() {
        let end = |pem: &str| earliest_end(pem).map(|end| end.to_string());
        assert_eq!(end(PEM).unwrap(), "2026-12-13T17:24:08Z");
        assert_eq!(end(&format!("{PEM}{PEM}")), end(PEM));
    }

    #[test]
    fn both_forms_of_time() {
        let says = |tag, text| time_of(tag, text).map(|time| time.to_string());
        assert_eq!(says(0x17, "491231235959Z").unwrap(), "2049-12-31T23:59:59Z");
        assert_eq!(says(0x17, "500101000000Z").unwrap(), "1950-01-01T00:00:00Z");
        assert_eq!(says(0x18, "20510203040506Z").unwrap(), "2051-02-03T04:05:06Z");
        assert_eq!(says(0x18, "later"), None);
        assert_eq!(says(0x02, "491231235959Z"), None);
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        for pem in [
            "",
            "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\nMIT/////\n-----END CERTIFICATE-----",
        ] {
            assert_eq!(earliest_end(pem), None);
        }
    }
}
