//! Which text is which, where nobody is to read them: HMAC-SHA256 (RFC 2104), under a key that is derived of its tenant's. It goes with that.

use ring::hkdf::{HKDF_SHA256, Salt};
use ring::hmac::{self, HMAC_SHA256};

use super::{EncryptionFault, TextKey};

/// Octets of it that are kept: no tenant has so many texts that two have the same.
const KEPT: usize = 8;

impl TextKey {
    /// `txt_…`, the same for the same text of a tenant, and for no other.
    ///
    /// # Errors
    /// [`EncryptionFault::TooLong`], which it never is.
    pub(crate) fn mark(&self, text: &str) -> Result<String, EncryptionFault> {
        let extracted = Salt::new(HKDF_SHA256, &[]).extract(&self.secret);
        let expanded = extracted.expand(&[b"campanile marks"], HMAC_SHA256);
        let key: hmac::Key = expanded.map_err(|_| EncryptionFault::TooLong)?.into();
        let tag = hmac::sign(&key, text.as_bytes());
        let octets = tag.as_ref().iter().take(KEPT);
        Ok(octets.fold("txt_".to_owned(), |mark, octet| mark + &format!("{octet:02x}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_mark_under_each_key() {
        let (one, other) = (TextKey::generate().unwrap(), TextKey::generate().unwrap());
        let mark = one.mark("Portes ouvertes").unwrap();
        assert_eq!(one.mark("Portes ouvertes").unwrap(), mark);
        assert!(mark.starts_with("txt_") && mark.len() == 20, "{mark}");
        assert_ne!(one.mark("Portes ouverte").unwrap(), mark);
        assert_ne!(other.mark("Portes ouvertes").unwrap(), mark);
    }
}
