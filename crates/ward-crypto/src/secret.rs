//! Keys in memory: wiped when dropped, silent when printed.

use std::fmt;

use zeroize::ZeroizeOnDrop;

use crate::{CryptoFailed, Random};

/// 32 secret bytes.
#[derive(ZeroizeOnDrop)]
pub struct Secret32([u8; 32]);

impl Secret32 {
    pub fn new(bytes: [u8; 32]) -> Secret32 {
        Secret32(bytes)
    }

    pub fn random(random: &dyn Random) -> Result<Secret32, CryptoFailed> {
        let mut secret = Secret32([0; 32]);
        random.fill(&mut secret.0)?;
        Ok(secret)
    }

    /// A key of another use, from this one.
    ///
    /// - Source: RFC 5869 (HKDF-SHA256), this key as the pseudorandom key.
    pub fn derive(&self, parts: &[&[u8]]) -> Result<Secret32, CryptoFailed> {
        let key = aws_lc_rs::hkdf::Prk::new_less_safe(aws_lc_rs::hkdf::HKDF_SHA256, &self.0);
        let mut secret = Secret32([0; 32]);
        key.expand(parts, Len32)?.fill(&mut secret.0)?;
        Ok(secret)
    }

    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

struct Len32;

impl aws_lc_rs::hkdf::KeyType for Len32 {
    fn len(&self) -> usize {
        32
    }
}

impl fmt::Debug for Secret32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}
