//! API keys: random texts of which only the digest is kept.

use sha2::{Digest, Sha256};

/// What is kept and compared of a key. It is looked up by its digest, whose octets say nothing of the key's: how long that
/// takes tells nobody how near a guess is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeyDigest(pub(super) [u8; 32]);

/// Whether a key begins as those of resellers do.
pub(crate) fn is_of_reseller(key: &str) -> bool {
    key.starts_with(RESELLERS)
}

impl KeyDigest {
    /// `None`: no key of ours is as short, or as long.
    pub(crate) fn of(key: &str) -> Option<Self> {
        (1..=KEY_OCTETS_MAX).contains(&key.len()).then(|| Self(digest(key)))
    }
}

/// The longest key that is looked at, in octets: ours have 40.
pub(super) const KEY_OCTETS_MAX: usize = 256;

/// How keys begin, so that people see whose they are.
pub(super) const TENANTS: &str = "sk_live_";
pub(super) const SANDBOXES: &str = "sk_test_";
pub(super) const OPERATORS: &str = "op_live_";
pub(super) const RESELLERS: &str = "rk_live_";

/// Random characters of a key: 32 of 32 kinds are 160 bits.
const RANDOM_CHARACTERS: usize = 32;

/// Without letters that look like digits: keys are read aloud.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A new key behind that prefix.
///
/// # Errors
/// When the operating system has no random octets.
pub(super) fn generate(prefix: &str) -> Result<String, getrandom::Error> {
    let mut octets = [0; RANDOM_CHARACTERS];
    getrandom::fill(&mut octets)?;
    let characters = octets.iter().map(|octet| char::from(ALPHABET[usize::from(octet & 31)]));
    Ok(prefix.chars().chain(characters).collect())
}

/// SHA-256. Keys are random, so that no slow hash is needed to hide them.
pub(super) fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key).into()
}

/// As it is kept in the store.
pub(super) fn hexadecimal(digest: &[u8; 32]) -> String {
    digest.iter().map(|octet| format!("{octet:02x}")).collect()
}
