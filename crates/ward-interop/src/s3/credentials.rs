//! Who we are at an object store.

/// An access key.
///
/// - Shape: it has no `Debug`: a key is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    id: String,
    secret: String,
    session: Option<String>,
}

/// Text has no access key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no `aws_access_key_id` and `aws_secret_access_key` under `[default]`")]
pub struct NoCredentials;

impl Credentials {
    /// - Errors: the id or the secret is empty.
    pub fn new(
        id: &str,
        secret: &str,
        session: Option<&str>,
    ) -> Result<Credentials, NoCredentials> {
        if id.is_empty() || secret.is_empty() {
            return Err(NoCredentials);
        }
        let session = session.filter(|it| !it.is_empty()).map(ToOwned::to_owned);
        Ok(Credentials { id: id.to_owned(), secret: secret.to_owned(), session })
    }

    /// The keys of the profile `default` of a file as other tools for S3 read it.
    ///
    /// - Source: AWS SDKs and Tools Reference, Shared config and credentials files.
    pub fn from_file(text: &str) -> Result<Credentials, NoCredentials> {
        let mut is_default = false;
        let (mut id, mut secret, mut session) = ("", "", None);
        for line in text.lines().map(str::trim) {
            if line.starts_with('[') {
                is_default = line == "[default]";
            }
            let Some((name, value)) = line.split_once('=').filter(|_| is_default) else { continue };
            match name.trim() {
                "aws_access_key_id" => id = value.trim(),
                "aws_secret_access_key" => secret = value.trim(),
                "aws_session_token" => session = Some(value.trim()),
                _ => {}
            }
        }
        Credentials::new(id, secret, session)
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    pub(super) fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_profile_is_read() {
        let text = "[other]\naws_access_key_id=x\n\n[default]\n# ours\naws_access_key_id = A\n\
                    aws_secret_access_key = b=/c\nregion=q\n[last]\naws_access_key_id=y\n";
        let keys = Credentials::from_file(text).ok().unwrap();
        assert_eq!((keys.id(), keys.secret(), keys.session()), ("A", "b=/c", None));
        for wrong in ["", "[default]\naws_access_key_id=A", "aws_access_key_id=A"] {
            assert!(Credentials::from_file(wrong).is_err(), "{wrong}");
        }
    }
}
