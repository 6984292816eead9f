//! Signed tokens that say who sends a request, for services of others that ask for them.

use std::path::Path;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject};

use crate::CryptoFailed;

/// The name of the only algorithm here.
///
/// - Source: RFC 7518, 3.4: ECDSA on P-384 with SHA-384; one of the two that CDS Hooks asks for.
pub const ALGORITHM: &str = "ES384";

#[derive(Debug, thiserror::Error)]
pub enum JwtError {
    #[error("the key file cannot be read as PEM of a PKCS#8 key")]
    Pem,
    #[error("the key is none of the curve P-384")]
    Curve,
    #[error(transparent)]
    Failed(#[from] CryptoFailed),
}

/// A key that signs tokens.
pub struct JwtKey(EcdsaKeyPair);

impl JwtKey {
    /// Reads a key as `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384` writes it.
    pub fn read(path: &Path) -> Result<JwtKey, JwtError> {
        let key = PrivatePkcs8KeyDer::from_pem_file(path).map_err(|_| JwtError::Pem)?;
        JwtKey::of_pkcs8(key.secret_pkcs8_der())
    }

    fn of_pkcs8(der: &[u8]) -> Result<JwtKey, JwtError> {
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, der);
        key.map(JwtKey).map_err(|_| JwtError::Curve)
    }

    /// A token of a header and claims, both JSON objects that the caller has written.
    ///
    /// - Source: RFC 7515, 7.1: compact serialization.
    pub fn sign(&self, header: &[u8], claims: &[u8]) -> Result<String, JwtError> {
        let mut token = URL_SAFE_NO_PAD.encode(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = self.0.sign(&SystemRandom::new(), token.as_bytes());
        let signature = signature.map_err(CryptoFailed::from)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut token);
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED, KeyPair, UnparsedPublicKey,
    };

    use super::*;

    #[test]
    fn a_token_is_what_its_key_has_signed() {
        let made = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        let public = made.public_key().as_ref().to_vec();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        let der = made.to_pkcs8v1().unwrap();
        let body = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        fs::write(&path, pem).unwrap();
        let token = JwtKey::read(&path).unwrap().sign(b"{\"a\":1}", b"{\"b\":2}").unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        assert_eq!(signed, "eyJhIjoxfQ.eyJiIjoyfQ");
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert_eq!(signature.len(), 96, "both numbers at their full length");
        let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, public);
        key.verify(signed.as_bytes(), &signature).unwrap();
        assert!(key.verify(b"eyJhIjoyfQ.eyJiIjoyfQ", &signature).is_err());
    }

    #[test]
    fn another_key_is_refused() {
        let other = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let der = other.to_pkcs8v1().unwrap();
        assert!(matches!(JwtKey::of_pkcs8(der.as_ref()), Err(JwtError::Curve)));
        assert!(matches!(JwtKey::read(Path::new("/nowhere")), Err(JwtError::Pem)));
    }
}
