//! The signature of a request.
//!
//! - Source: Amazon S3 API, Authenticating Requests: Using the Authorization Header (AWS Signature
//!   Version 4), Transferring Payload in a Single Chunk.

use ward_crypto::{hmac_sha256, sha256};

use super::Credentials;

/// What of a request is signed.
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    /// As it is written in the request, without a query.
    pub(super) path: &'a str,
    /// Names in lower case, sorted.
    pub(super) headers: &'a [(&'a str, String)],
    /// SHA-256 of the body, in hexadecimal.
    pub(super) hash: &'a str,
}

impl Signed<'_> {
    /// The value of `Authorization`; `time` is that of `x-amz-date`.
    pub(super) fn authorization(
        &self,
        credentials: &Credentials,
        region: &str,
        time: &str,
    ) -> String {
        let date = time.split('T').next().unwrap_or_default();
        let scope = format!("{date}/{region}/s3/aws4_request");
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let lines = self.headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim()));
        let (method, path, hash) = (self.method, self.path, self.hash);
        let canonical =
            format!("{method}\n{path}\n\n{}\n{names}\n{hash}", lines.collect::<String>());
        let canonical = hex(&sha256(canonical.as_bytes()));
        let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{canonical}");
        let mut key =
            hmac_sha256(format!("AWS4{}", credentials.secret()).as_bytes(), date.as_bytes());
        for part in [region, "s3", "aws4_request"] {
            key = hmac_sha256(&key, part.as_bytes());
        }
        let signature = hex(&hmac_sha256(&key, text.as_bytes()));
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope},SignedHeaders={names},Signature={signature}",
            credentials.id()
        )
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the source, with the keys that it prints.
    #[test]
    fn requests_are_signed_as_the_published_ones() {
        let keys = Credentials::new(
            "AKIAIOSFODNN7EXAMPLE",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            None,
        );
        let keys = keys.ok().unwrap();
        let time = "20130524T000000Z";
        let host = ("host", "examplebucket.s3.amazonaws.com".to_owned());
        let signature = |method, path, body: &[u8], more: &[(&'static str, &str)]| {
            let hash = hex(&sha256(body));
            let mut headers = vec![
                host.clone(),
                ("x-amz-content-sha256", hash.clone()),
                ("x-amz-date", time.to_owned()),
            ];
            headers.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
            headers.sort();
            let signed = Signed { method, path, headers: &headers, hash: &hash };
            let value = signed.authorization(&keys, "us-east-1", time);
            value.rsplit('=').next().unwrap().to_owned()
        };
        assert_eq!(
            signature("GET", "/test.txt", b"", &[("range", "bytes=0-9")]),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
        let more = [
            ("date", "Fri, 24 May 2013 00:00:00 GMT"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ];
        assert_eq!(
            signature("PUT", "/test%24file.text", b"Welcome to Amazon S3.", &more),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        );
    }
}
