//! Signatures as Standard Webhooks 1.0.0 has them, and the secrets that they are made with.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What a secret begins with (Standard Webhooks, "Signature scheme").
const PREFIX: &str = "whsec_";

/// Octets of a secret: 24 to 64 are allowed; as long as the hash.
const LENGTH: usize = 32;

/// What a receiver shares with us. It never shows itself in logs.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(String);

impl Secret {
    /// A new one.
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let mut octets = [0; LENGTH];
        getrandom::fill(&mut octets)?;
        Ok(Self(format!("{PREFIX}{}", STANDARD.encode(octets))))
    }

    /// As it is stored.
    pub(super) fn stored(text: String) -> Self {
        Self(text)
    }

    /// As it is stored, and shown once.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    /// `v1,…`: what proves that we have sent this body under that id at that second. `None`: it is no secret.
    fn sign(&self, id: &str, second: u64, body: &[u8]) -> Option<String> {
        let octets = STANDARD.decode(self.0.strip_prefix(PREFIX)?).ok()?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&octets).ok()?;
        mac.update(format!("{id}.{second}.").as_bytes());
        mac.update(body);
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What stands in `webhook-signature`: a signature of each secret that holds, the newest first.
pub(super) fn signatures<'a>(
    secrets: impl Iterator<Item = &'a Secret>,
    (id, second): (&str, u64),
    body: &[u8],
) -> String {
    let signed: Vec<String> = secrets.filter_map(|secret| secret.sign(id, second, body)).collect();
    signed.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of the reference implementations (standard-webhooks, libraries/*/test).
    #[test]
    fn the_reference_implementations_make_the_same_signature() {
        let secret = Secret::stored("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
        let (id, second, body) = (
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signatures([&secret].into_iter(), (id, second), body), expected);
        let two = signatures([&secret, &secret].into_iter(), (id, second), body);
        assert_eq!(two, format!("{expected} {expected}"));
        let none = Secret::stored("whsec_?".to_owned());
        assert_eq!(signatures([&none].into_iter(), (id, second), body), "");
    }

    #[test]
    fn a_new_secret_is_long_enough_unlike_others_and_hidden() {
        let (one, other) = (Secret::new().unwrap(), Secret::new().unwrap());
        assert_ne!(one, other);
        assert!(!signatures([&one].into_iter(), ("a", 1), b"").is_empty());
        assert_eq!(format!("{one:?}"), "Secret(…)");
    }
}
