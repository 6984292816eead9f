//! Objects in a bucket: as much of S3 as keeping messages needs.

mod credentials;
mod sign;

use http_body_util::Full;
use hyper::{Method, Request, StatusCode, body::Bytes, header::HeaderValue};
use jiff::Timestamp;
use ward_crypto::sha256;

pub use self::credentials::Credentials;
use self::sign::{Signed, hex};
use crate::http::{Client, ClientSettings, HttpError, Reply};

/// Where objects go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BucketSettings {
    pub region: String,
    pub bucket: String,
    /// What the names of objects begin with.
    pub prefix: String,
}

/// What became of an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stored {
    /// It is there, now or since an earlier try.
    Stored,
    /// Another one has its name; it was left as it is.
    Other,
}

/// Why an object is not known to be there.
#[derive(Debug, thiserror::Error)]
pub enum S3Error {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("status {0}")]
    Status(u16),
    #[error("a name or a key cannot be written into a request")]
    Request,
}

/// A bucket, and who we are there.
pub struct Bucket {
    client: Client,
    settings: BucketSettings,
    credentials: Credentials,
}

impl Bucket {
    pub fn new(
        client: ClientSettings,
        settings: BucketSettings,
        credentials: Credentials,
    ) -> Bucket {
        Bucket { client: Client::new(client), settings, credentials }
    }

    /// Puts an object under a name that nobody has.
    ///
    /// - Shape: an object of this name is never written over.
    /// - Repeat: safe; the same bytes under the same name are `Stored`.
    /// - Source: Amazon S3 API, PutObject, `If-None-Match`.
    pub async fn put(
        &mut self,
        name: &str,
        bytes: &[u8],
        now: Timestamp,
    ) -> Result<Stored, S3Error> {
        let body = Bytes::copy_from_slice(bytes);
        let only_new = [("if-none-match", "*".to_owned())];
        let reply = self.ask(Method::PUT, name, &only_new, body, now).await?;
        match reply.status {
            status if status.is_success() => return Ok(Stored::Stored),
            StatusCode::PRECONDITION_FAILED => {}
            status => return Err(S3Error::Status(status.as_u16())),
        }
        let there = self.ask(Method::GET, name, &[], Bytes::new(), now).await?;
        match there.status {
            StatusCode::OK if there.body == bytes => Ok(Stored::Stored),
            StatusCode::OK => Ok(Stored::Other),
            status => Err(S3Error::Status(status.as_u16())),
        }
    }

    async fn ask(
        &mut self,
        method: Method,
        name: &str,
        headers: &[(&str, String)],
        body: Bytes,
        now: Timestamp,
    ) -> Result<Reply, S3Error> {
        let BucketSettings { region, bucket, prefix } = &self.settings;
        let path = format!("/{bucket}/{prefix}{name}");
        let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let hash = hex(&sha256(&body));
        let mut headers = headers.to_vec();
        headers.push(("host", self.client.endpoint().authority()));
        headers.push(("x-amz-content-sha256", hash.clone()));
        headers.push(("x-amz-date", time.clone()));
        headers
            .extend(self.credentials.session().map(|it| ("x-amz-security-token", it.to_owned())));
        headers.sort();
        let signed =
            Signed { method: method.as_str(), path: &path, headers: &headers, hash: &hash };
        let authorization = signed.authorization(&self.credentials, region, &time);
        headers.push(("authorization", authorization));
        let mut request = Request::builder().method(method).uri(&path);
        for (name, value) in &headers {
            let mut value = HeaderValue::from_str(value).map_err(|_| S3Error::Request)?;
            value.set_sensitive(matches!(*name, "authorization" | "x-amz-security-token"));
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(body)).map_err(|_| S3Error::Request)?;
        Ok(self.client.send(request).await?)
    }
}

#[cfg(test)]
mod tests;
