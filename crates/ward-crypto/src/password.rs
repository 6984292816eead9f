//! Passwords and bearer tokens: how they are made, kept and compared.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

use crate::{CryptoFailed, Random, sha256};

/// Memory, passes and lanes: OWASP's first choice for Argon2id, 19 MiB, 2, 1.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;

/// Longest password taken, in bytes.
/// LIMIT: far beyond any passphrase; hashing time must not depend on a caller's wish.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// Hashes a password for keeping.
///
/// - Shape: `$argon2id$v=19$m=…,t=…,p=…$salt$hash`, so that the cost can rise later.
/// - Cost: 19 MiB and tens of milliseconds; call it off the request threads.
pub fn hash_password(password: &str, random: &dyn Random) -> Result<String, CryptoFailed> {
    if PASSWORD_BYTES_MAX < password.len() {
        return Err(CryptoFailed);
    }
    let mut salt = [0; 16];
    random.fill(&mut salt)?;
    let hash = argon2id(password, &salt, MEMORY_KIB, PASSES)?;
    Ok(format!(
        "$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1${}${}",
        STANDARD_NO_PAD.encode(salt),
        STANDARD_NO_PAD.encode(hash)
    ))
}

/// Whether `password` is the one that was hashed. A hash that cannot be read matches nothing.
pub fn verify_password(password: &str, kept: &str) -> bool {
    let Some((memory, passes, salt, hash)) = parse(kept) else { return false };
    if PASSWORD_BYTES_MAX < password.len() {
        return false;
    }
    let Ok(computed) = argon2id(password, &salt, memory, passes) else { return false };
    aws_lc_rs::constant_time::verify_slices_are_equal(&computed, &hash).is_ok()
}

fn parse(kept: &str) -> Option<(u32, u32, Vec<u8>, Vec<u8>)> {
    let rest = kept.strip_prefix("$argon2id$v=19$m=")?;
    let (memory, rest) = rest.split_once(",t=")?;
    let (passes, rest) = rest.split_once(",p=1$")?;
    let (salt, hash) = rest.split_once('$')?;
    let memory: u32 = memory.parse().ok()?;
    let passes: u32 = passes.parse().ok()?;
    // LIMIT: a stored hash may not ask for more than 256 MiB or 16 passes.
    let sane = memory <= 256 * 1024 && passes <= 16;
    let hash = STANDARD_NO_PAD.decode(hash).ok()?;
    (sane && hash.len() == 32).then_some((memory, passes, STANDARD_NO_PAD.decode(salt).ok()?, hash))
}

fn argon2id(
    password: &str,
    salt: &[u8],
    memory: u32,
    passes: u32,
) -> Result<[u8; 32], CryptoFailed> {
    let params = Params::new(memory, passes, 1, Some(32)).map_err(|_| CryptoFailed)?;
    let mut out = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), salt, &mut out)
        .map_err(|_| CryptoFailed)?;
    Ok(out)
}

/// A fresh bearer token: `ward_` and 32 random bytes. Only its digest is ever kept.
pub fn new_token(random: &dyn Random) -> Result<String, CryptoFailed> {
    let mut bytes = [0; 32];
    random.fill(&mut bytes)?;
    Ok(format!("ward_{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// What is kept of a token. Its 256 random bits need no slow hash.
pub fn token_digest(token: &str) -> [u8; 32] {
    sha256(token.as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::SeededRandom;

    #[test]
    fn a_password_matches_its_own_hash_only() {
        let random = SeededRandom::new(1);
        let kept = hash_password("correct horse battery", &random).unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(verify_password("correct horse battery", &kept));
        assert!(!verify_password("correct horse batter", &kept));
        assert!(!verify_password("", &kept));
        for broken in [
            "",
            "$argon2id$",
            "plain",
            &kept[..kept.len() - 3],
            "$argon2id$v=19$m=4000000000,t=2,p=1$AA$AA",
        ] {
            assert!(!verify_password("correct horse battery", broken));
        }
        assert_ne!(kept, hash_password("correct horse battery", &random).unwrap(), "salted");
        assert!(hash_password(&"x".repeat(2000), &random).is_err());
    }

    #[test]
    fn tokens_differ_and_are_safe_in_a_header() {
        let random = SeededRandom::new(2);
        let (a, b) = (new_token(&random).unwrap(), new_token(&random).unwrap());
        assert_ne!(token_digest(&a), token_digest(&b));
        assert_eq!(a.len(), 5 + 43);
        assert!(a.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
    }

    proptest! {
        #[test]
        fn a_hash_that_is_garbage_or_too_dear_is_not_computed(
            text in ".{0,80}",
            (memory, passes) in prop_oneof![
                (256 * 1024 + 1..=u32::MAX, 0..=u32::MAX),
                (0..=u32::MAX, 17..=u32::MAX),
            ],
            salt in "[A-Za-z0-9+/]{22}",
        ) {
            prop_assert!(parse(&text).is_none());
            let hash = STANDARD_NO_PAD.encode([1; 32]);
            let dear = format!("$argon2id$v=19$m={memory},t={passes},p=1${salt}${hash}");
            prop_assert!(parse(&dear).is_none());
        }
    }
}
