//! What stands in a short link: whose it is, which nobody reads, nor makes.
//!
//! An id and what kind it is of are 80 bits, permuted by a Feistel network of ten rounds, whose function is AES-256 of one block, as `ring` has it to mask
//! packet numbers (RFC 9001, 5.4.3). So a link needs no row before somebody follows it, and the next one cannot be told from it.

use std::fmt;

use ring::aead::quic::{AES_256, HeaderProtectionKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};

use super::{EncryptionFault, KEY, TextKey};
use crate::domain::{MessageId, OwnLinkId};

/// Characters of every token: as many as 80 bits need.
pub(crate) const LINK_TOKEN: usize = 14;

/// Digits of a token: letters that every alphabet of SMS has, and no link is cut at.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Rounds: four make a permutation of random functions that nobody tells from chance; FF1 takes ten (NIST SP 800-38G).
const ROUNDS: u8 = 10;

/// Bits of a half, and of the kind behind an id, of which there are two: any other is of no token of ours.
const HALF: u32 = 40;
const KIND: u32 = 16;
const HALF_MASK: u128 = (1 << HALF) - 1;
const OF_MESSAGE: u16 = 0;
const OF_ITS_OWN: u16 = 1;

/// Whose a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkOf {
    /// A recipient's of a campaign, by their message.
    Message(MessageId),
    /// One message's by itself.
    Own(OwnLinkId),
}

impl LinkOf {
    fn plain(self) -> u128 {
        let (id, kind) = match self {
            Self::Message(id) => (id.0, OF_MESSAGE),
            Self::Own(id) => (id.0, OF_ITS_OWN),
        };
        u128::from(id) << KIND | u128::from(kind)
    }

    fn read(plain: u128) -> Option<Self> {
        let id = u64::try_from(plain >> KIND).ok()?;
        match (plain & ((1 << KIND) - 1)) as u16 {
            OF_MESSAGE => Some(Self::Message(MessageId(id))),
            OF_ITS_OWN => Some(Self::Own(OwnLinkId(id))),
            _ => None,
        }
    }
}

/// Makes and reads tokens.
pub(crate) struct LinkKey(HeaderProtectionKey);

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKey")
    }
}

/// How long the key of an AES-256 is.
struct KeyLength;

impl KeyType for KeyLength {
    fn len(&self) -> usize {
        KEY
    }
}

impl LinkKey {
    /// Derived of a key as those of texts are kept.
    ///
    /// # Errors
    /// [`EncryptionFault::TooLong`], which it never is.
    pub(crate) fn of(key: &TextKey) -> Result<Self, EncryptionFault> {
        let extracted = Salt::new(HKDF_SHA256, &[]).extract(&key.secret);
        let mut derived = [0; KEY];
        let expanded = extracted.expand(&[b"campanile links"], KeyLength);
        let filled = expanded.and_then(|expanded| expanded.fill(&mut derived));
        filled.map_err(|_| EncryptionFault::TooLong)?;
        let key = HeaderProtectionKey::new(&AES_256, &derived);
        key.map(Self).map_err(|_| EncryptionFault::TooLong)
    }

    /// The token of a link: the same each time.
    pub(crate) fn token(&self, of: LinkOf) -> Option<String> {
        let plain = of.plain();
        let (mut left, mut right) = (plain >> HALF, plain & HALF_MASK);
        for round in 0..ROUNDS {
            (left, right) = (right, left ^ self.mask(round, right)?);
        }
        let mut number = left << HALF | right;
        let mut digits = [0; LINK_TOKEN];
        for digit in digits.iter_mut().rev() {
            *digit = DIGITS[(number % 62) as usize];
            number /= 62;
        }
        Some(digits.map(char::from).iter().collect())
    }

    /// Whose token it is; `None`: nobody's.
    pub(crate) fn read(&self, token: &str) -> Option<LinkOf> {
        if token.len() != LINK_TOKEN {
            return None;
        }
        let mut number: u128 = 0;
        for octet in token.bytes() {
            let digit = DIGITS.iter().position(|digit| *digit == octet)?;
            number = number * 62 + digit as u128;
        }
        let (mut left, mut right) = (number >> HALF, number & HALF_MASK);
        if left > HALF_MASK {
            return None;
        }
        for round in (0..ROUNDS).rev() {
            (left, right) = (right ^ self.mask(round, left)?, left);
        }
        LinkOf::read(left << HALF | right)
    }

    fn mask(&self, round: u8, half: u128) -> Option<u128> {
        let mut block = half.to_be_bytes();
        block[0] = round;
        let mask = self.0.new_mask(&block).ok()?;
        Some(mask.iter().fold(0, |number, octet| number << 8 | u128::from(*octet)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn key() -> LinkKey {
        LinkKey::of(&TextKey::generate().unwrap()).unwrap()
    }

    #[test]
    fn a_token_is_of_its_link_and_has_one_length() {
        let key = key();
        let ids = [0, 1, 1 << 24, (1 << 24) + 1, u64::MAX, 0x0123_4567_89ab_cdef];
        let of = |id| [LinkOf::Message(MessageId(id)), LinkOf::Own(OwnLinkId(id))];
        for link in ids.into_iter().flat_map(of) {
            let token = key.token(link).unwrap();
            assert_eq!((token.len(), key.read(&token)), (LINK_TOKEN, Some(link)));
        }
        let tokens: HashSet<_> = (0..1_000).flat_map(of).map(|link| key.token(link).unwrap()).collect();
        assert_eq!(tokens.len(), 2_000);
    }

    #[test]
    fn neighbours_have_nothing_in_common_and_nobody_makes_a_token() {
        let (key, other) = (key(), key());
        let seven = LinkOf::Message(MessageId(7));
        let token = key.token(seven).unwrap();
        assert_eq!(other.read(&token), None);
        let next = key.token(LinkOf::Message(MessageId(8))).unwrap();
        let alike = token.bytes().zip(next.bytes()).filter(|(one, two)| one == two).count();
        assert!(alike < 8, "{token} {next}");
        let mut altered: Vec<String> = (0..LINK_TOKEN)
            .map(|at| {
                let mut octets = token.clone().into_bytes();
                octets[at] = if octets[at] == b'0' { b'1' } else { b'0' };
                String::from_utf8(octets).unwrap()
            })
            .collect();
        altered.extend(["", "favicon.ico", "zzzzzzzzzzzzzz", "éééééé0", "00000000000000é"].map(str::to_owned));
        for wrong in altered {
            assert_ne!(key.read(&wrong), Some(seven), "{wrong}");
        }
        assert_eq!(key.read("zzzzzzzzzzzzzz"), None);
    }
}
