//! The key hierarchy: root, tenant, one data key per patient or shelf.
//!
//! The root wraps the tenant key; the tenant key is split by use and wraps the data keys; a data
//! key seals records and blinds their patient lists. Rotating a key above re-wraps the keys below
//! and never touches a record; destroying a data key destroys what it sealed.

use aws_lc_rs::aead::{self, AES_256_GCM, LessSafeKey, Nonce, UnboundKey};

use crate::{CryptoFailed, OpenError, Random, SealingKey, Secret32, TokenKey};

/// The keys of one hospital, by use.
pub struct TenantKey {
    tenant: [u8; 16],
    version: u32,
    wrap: WrapKey,
    tokens: TokenKey,
    audit: SealingKey,
    cursor: SealingKey,
    backup: Secret32,
}

impl TenantKey {
    /// Splits the tenant's secret.
    ///
    /// `index` is the secret of the population tokens: it outlives rotations of `secret`, because
    /// changing it means writing the index anew.
    pub fn new(
        tenant: [u8; 16],
        version: u32,
        secret: &Secret32,
        index: &Secret32,
    ) -> Result<TenantKey, CryptoFailed> {
        let part = |label: &[u8]| secret.derive(&[b"ward tenant", &tenant, label]);
        Ok(TenantKey {
            tenant,
            version,
            wrap: WrapKey::new(&part(b"wrap")?)?,
            tokens: TokenKey::new(&index.derive(&[b"ward tenant", &tenant, b"index"])?),
            audit: SealingKey::new(&index.derive(&[b"ward tenant", &tenant, b"audit"])?, 1)?,
            cursor: SealingKey::new(&index.derive(&[b"ward tenant", &tenant, b"cursor"])?, 1)?,
            backup: part(b"backup")?,
        })
    }

    pub fn tenant(&self) -> &[u8; 16] {
        &self.tenant
    }

    pub fn version(&self) -> u32 {
        self.version
    }

    /// Blinds population terms, record ids and patient pseudonyms.
    pub fn tokens(&self) -> &TokenKey {
        &self.tokens
    }

    /// Seals audit entries.
    pub fn audit(&self) -> &SealingKey {
        &self.audit
    }

    /// Seals page cursors.
    pub fn cursor(&self) -> &SealingKey {
        &self.cursor
    }

    /// Seals backups.
    pub fn backup(&self) -> &Secret32 {
        &self.backup
    }

    /// Wraps a data key for `scope`.
    pub fn wrap(
        &self,
        scope: &[u8; 16],
        key_version: u32,
        secret: &Secret32,
        random: &dyn Random,
    ) -> Result<Vec<u8>, CryptoFailed> {
        self.wrap.wrap(&self.bound(scope, key_version), secret, random)
    }

    /// Unwraps a data key; fails when it was wrapped for another scope, version or tenant.
    pub fn unwrap(
        &self,
        scope: &[u8; 16],
        key_version: u32,
        wrapped: &[u8],
    ) -> Result<Secret32, OpenError> {
        self.wrap.unwrap(&self.bound(scope, key_version), wrapped)
    }

    /// Wraps a data key of this tenant key anew under `to`, the next one: a rotation.
    pub fn rewrap(
        &self,
        to: &TenantKey,
        scope: &[u8; 16],
        key_version: u32,
        wrapped: &[u8],
        random: &dyn Random,
    ) -> Result<Vec<u8>, OpenError> {
        let secret = self.unwrap(scope, key_version, wrapped)?;
        to.wrap(scope, key_version, &secret, random).map_err(|CryptoFailed| OpenError::Tampered)
    }

    fn bound(&self, scope: &[u8; 16], key_version: u32) -> Vec<u8> {
        let mut bound = Vec::with_capacity(64);
        bound.extend_from_slice(b"ward data key");
        bound.extend_from_slice(&self.tenant);
        bound.extend_from_slice(scope);
        bound.extend_from_slice(&key_version.to_be_bytes());
        bound
    }
}

/// The key of one patient or shelf.
pub struct DataKey {
    sealing: SealingKey,
    tokens: TokenKey,
}

impl DataKey {
    pub fn new(secret: &Secret32, version: u32) -> Result<DataKey, CryptoFailed> {
        Ok(DataKey {
            sealing: SealingKey::new(&secret.derive(&[b"ward data", b"seal"])?, version)?,
            tokens: TokenKey::new(&secret.derive(&[b"ward data", b"index"])?),
        })
    }

    pub fn sealing(&self) -> &SealingKey {
        &self.sealing
    }

    /// Blinds the terms of this patient's lists.
    pub fn tokens(&self) -> &TokenKey {
        &self.tokens
    }
}

/// Wraps 32-byte keys: AES-256-GCM with a random nonce.
pub(crate) struct WrapKey(LessSafeKey);

impl WrapKey {
    pub(crate) fn new(secret: &Secret32) -> Result<WrapKey, CryptoFailed> {
        Ok(WrapKey(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, secret.expose())?)))
    }

    /// - Shape: nonce 12 | cipher text 32 | tag 16.
    pub(crate) fn wrap(
        &self,
        bound: &[u8],
        secret: &Secret32,
        random: &dyn Random,
    ) -> Result<Vec<u8>, CryptoFailed> {
        let mut nonce = [0; 12];
        random.fill(&mut nonce)?;
        let mut body = secret.expose().to_vec();
        let tag = self.0.seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            aead::Aad::from(bound),
            &mut body,
        )?;
        let mut out = nonce.to_vec();
        out.extend_from_slice(&body);
        out.extend_from_slice(tag.as_ref());
        Ok(out)
    }

    pub(crate) fn unwrap(&self, bound: &[u8], wrapped: &[u8]) -> Result<Secret32, OpenError> {
        let (nonce, body) = wrapped.split_first_chunk::<12>().ok_or(OpenError::Short)?;
        let mut body = zeroize::Zeroizing::new(body.to_vec());
        let plain = self
            .0
            .open_in_place(Nonce::assume_unique_for_key(*nonce), aead::Aad::from(bound), &mut body)
            .map_err(|_| OpenError::Tampered)?;
        let plain: [u8; 32] = (&*plain).try_into().map_err(|_| OpenError::Short)?;
        Ok(Secret32::new(plain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededRandom;

    #[test]
    fn a_data_key_unwraps_only_for_its_scope_version_and_tenant() {
        let random = SeededRandom::new(1);
        let index = Secret32::new([5; 32]);
        let tenant = TenantKey::new([1; 16], 1, &Secret32::new([2; 32]), &index).unwrap();
        let secret = Secret32::random(&random).unwrap();
        let wrapped = tenant.wrap(&[3; 16], 4, &secret, &random).unwrap();
        let back = tenant.unwrap(&[3; 16], 4, &wrapped).unwrap();
        assert_eq!(back.expose(), secret.expose());
        assert!(tenant.unwrap(&[0; 16], 4, &wrapped).is_err());
        assert!(tenant.unwrap(&[3; 16], 5, &wrapped).is_err());
        let other = TenantKey::new([9; 16], 1, &Secret32::new([2; 32]), &index).unwrap();
        assert!(other.unwrap(&[3; 16], 4, &wrapped).is_err());
        let rotated = TenantKey::new([1; 16], 2, &Secret32::new([8; 32]), &index).unwrap();
        assert!(rotated.unwrap(&[3; 16], 4, &wrapped).is_err());
        let anew = tenant.rewrap(&rotated, &[3; 16], 4, &wrapped, &random).unwrap();
        assert_eq!(rotated.unwrap(&[3; 16], 4, &anew).unwrap().expose(), secret.expose());
        assert!(tenant.unwrap(&[3; 16], 4, &anew).is_err());
        assert!(tenant.rewrap(&rotated, &[3; 16], 5, &wrapped, &random).is_err());
        // Tokens outlive a rotation.
        assert_eq!(rotated.tokens().token8_raw(b"x"), tenant.tokens().token8_raw(b"x"));
        assert!(tenant.unwrap(&[3; 16], 4, &[]).is_err());
    }
}
