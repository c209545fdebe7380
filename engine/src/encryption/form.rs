//! What a page may have of us: the id of a form, signed, so that nobody finds the form of others by counting.

use std::fmt::Write as _;

use ring::hkdf::{HKDF_SHA256, Salt};
use ring::hmac::{self, HMAC_SHA256};

use super::{EncryptionFault, TextKey};
use crate::domain::FormId;

/// What every token begins with.
const PREFIX: &str = "cft_";

/// Octets of an id, and of its signature.
const ID: usize = 8;
const SIGNATURE: usize = 32;

/// Signs forms.
pub(crate) struct FormKey(hmac::Key);

impl std::fmt::Debug for FormKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FormKey")
    }
}

impl FormKey {
    /// Derived of a key as those of texts are kept.
    ///
    /// # Errors
    /// [`EncryptionFault::TooLong`], which it never is.
    pub(crate) fn of(key: &TextKey) -> Result<Self, EncryptionFault> {
        let extracted = Salt::new(HKDF_SHA256, &[]).extract(&key.secret);
        let expanded = extracted.expand(&[b"campanile forms"], HMAC_SHA256);
        Ok(Self(expanded.map_err(|_| EncryptionFault::TooLong)?.into()))
    }

    /// The token of a form: the same each time.
    pub(crate) fn sign(&self, form: FormId) -> String {
        let id = form.0.to_be_bytes();
        let signature = hmac::sign(&self.0, &id);
        let mut token = PREFIX.to_owned();
        for octet in id.iter().chain(signature.as_ref()) {
            // A String takes everything.
            let _written = write!(token, "{octet:02x}").is_ok();
        }
        token
    }

    /// Whose token it is; `None`: nobody's.
    pub(crate) fn verify(&self, token: &str) -> Option<FormId> {
        let digits = token.strip_prefix(PREFIX)?;
        if digits.len() != 2 * (ID + SIGNATURE) || !digits.is_ascii() {
            return None;
        }
        let octet = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
        let octets: Vec<u8> = (0..digits.len()).step_by(2).map(octet).collect::<Option<_>>()?;
        let (id, signature) = octets.split_first_chunk::<ID>()?;
        hmac::verify(&self.0, id, signature).ok()?;
        Some(FormId(u64::from_be_bytes(*id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_of_its_form_and_nobody_makes_one() {
        let key = FormKey::of(&TextKey::generate().unwrap()).unwrap();
        let token = key.sign(FormId(7));
        assert_eq!((token.len(), key.verify(&token)), (84, Some(FormId(7))));
        let altered = token.replacen("07", "08", 1);
        for wrong in [
            altered.as_str(),
            "",
            "cft_",
            &token[..83],
            "frm_0",
            &token.replace('c', "é"),
        ] {
            assert_eq!(key.verify(wrong), None, "{wrong}");
        }
        let other = FormKey::of(&TextKey::generate().unwrap()).unwrap();
        assert_eq!(other.verify(&token), None);
    }
}
