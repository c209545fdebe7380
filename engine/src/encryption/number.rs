//! Numbers of people who are not to be known any more: HMAC-SHA256 (RFC 2104), under a key that is derived of one of its own. Without
//! the key file nobody finds a number by its hash, though there are few enough numbers to try them all.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD as BASE64;
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::hmac::{self, HMAC_SHA256};

use super::{EncryptionFault, TextKey};
use crate::domain::{Recipient, TenantId};

/// Hashes the numbers of all tenants.
pub(crate) struct NumberKey(hmac::Key);

impl fmt::Debug for NumberKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NumberKey")
    }
}

/// A number, as nobody reads it. One of another tenant has another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NumberDigest([u8; 32]);

impl NumberKey {
    /// Derived of a key as those of texts are kept.
    ///
    /// # Errors
    /// [`EncryptionFault::TooLong`], which it never is.
    pub(crate) fn of(key: &TextKey) -> Result<Self, EncryptionFault> {
        let extracted = Salt::new(HKDF_SHA256, &[]).extract(&key.secret);
        let expanded = extracted.expand(&[b"campanile numbers"], HMAC_SHA256);
        Ok(Self(expanded.map_err(|_| EncryptionFault::TooLong)?.into()))
    }

    pub(crate) fn digest(&self, tenant: TenantId, number: Recipient) -> NumberDigest {
        let (tenant, number) = (tenant.0.to_be_bytes(), number.0.to_be_bytes());
        let tag = hmac::sign(&self.0, &[&tenant[..], &number[..]].concat());
        let mut digest = [0; 32];
        digest.copy_from_slice(tag.as_ref());
        NumberDigest(digest)
    }
}

impl NumberDigest {
    /// As it is stored.
    pub(crate) fn text(&self) -> String {
        BASE64.encode(self.0)
    }

    /// As it was stored; `None`: it is none.
    pub(crate) fn stored(text: &str) -> Option<Self> {
        BASE64.decode(text).ok()?.try_into().ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_hash_for_each_tenant_and_each_key() {
        let (one, other) = (TextKey::generate().unwrap(), TextKey::generate().unwrap());
        let (one, other) = (NumberKey::of(&one).unwrap(), NumberKey::of(&other).unwrap());
        let number = Recipient(33_612_345_678);
        let digest = one.digest(TenantId(4), number);
        assert_eq!(digest, one.digest(TenantId(4), number));
        assert_eq!(NumberDigest::stored(&digest.text()), Some(digest));
        assert_ne!(digest, one.digest(TenantId(5), number));
        assert_ne!(digest, one.digest(TenantId(4), Recipient(33_612_345_679)));
        assert_ne!(digest, other.digest(TenantId(4), number));
        assert_eq!(NumberDigest::stored("33612345678"), None);
    }
}
