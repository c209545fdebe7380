//! Texts at rest: what campaigns and messages say, and what people write back, is encrypted wherever it is kept for longer than it is
//! on its way. AES-256-GCM, by `ring`.
//!
//! The *master key* is in a file, and encrypts nothing but the *text keys*: one a tenant, and one for what is no tenant's. A text key
//! encrypts what stands by itself; the texts and variables of a campaign have a *content key* that is derived of it and of the campaign's
//! *salt*. So whoever has Redis, its append-only file or a backup has no text; a tenant's key destroyed erases all of its texts at once,
//! and a campaign's salt removed erases those of the campaign, whatever its size.

mod form;
mod link;
mod mark;
mod master;
mod number;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD as BASE64;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf;
use sha2::{Digest, Sha256};

use crate::domain::ENCRYPTED;

pub(crate) use form::FormKey;
pub(crate) use link::{LINK_TOKEN, LinkKey, LinkOf};
pub(crate) use master::{KeyFileFault, MasterKeys};
pub(crate) use number::{NumberDigest, NumberKey};

/// Octets of a key, and of a salt.
const KEY: usize = 32;

/// Octets of a nonce that a process draws once for each key; the others count.
const DRAWN: usize = NONCE_LEN - size_of::<u32>();

/// What cannot be encrypted, or decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EncryptionFault {
    /// The operating system gave no random octets.
    #[error("the system gives no random numbers for a key: {0}")]
    NoRandom(#[from] getrandom::Error),
    /// It is longer than the cipher takes.
    #[error("a text is too long to be encrypted")]
    TooLong,
    /// It was encrypted with another key, or is none of what this program writes.
    #[error("a text cannot be decrypted: it was encrypted with another key, or was changed since")]
    Unreadable,
    /// Its key was destroyed.
    #[error("a text was erased")]
    Erased,
}

/// Encrypts what stands by itself.
pub(crate) struct ContentKey {
    key: LessSafeKey,
    drawn: [u8; DRAWN],
    /// How many were encrypted: no key here has to do with a millionth of what it can count.
    count: AtomicU32,
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentKey")
    }
}

impl ContentKey {
    fn new(key: UnboundKey) -> Result<Self, EncryptionFault> {
        let mut drawn = [0; DRAWN];
        getrandom::fill(&mut drawn)?;
        Ok(Self {
            key: LessSafeKey::new(key),
            drawn,
            count: AtomicU32::new(0),
        })
    }

    /// Nonce, then text and tag. No nonce comes twice: its first octets are this process's own, the others count.
    ///
    /// # Errors
    /// [`EncryptionFault::TooLong`].
    pub(crate) fn encrypt(&self, plain: &[u8]) -> Result<Vec<u8>, EncryptionFault> {
        self.encrypt_behind(&[], plain)
    }

    /// The same behind some octets.
    fn encrypt_behind(&self, head: &[u8], plain: &[u8]) -> Result<Vec<u8>, EncryptionFault> {
        let mut nonce = [0; NONCE_LEN];
        nonce[..DRAWN].copy_from_slice(&self.drawn);
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        nonce[DRAWN..].copy_from_slice(&count.to_be_bytes());
        let begins = head.len() + NONCE_LEN;
        let mut sealed = Vec::with_capacity(begins + plain.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(head);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .key
            .seal_in_place_separate_tag(nonce, Aad::empty(), &mut sealed[begins..])
            .map_err(|_| EncryptionFault::TooLong)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// What was encrypted.
    ///
    /// # Errors
    /// [`EncryptionFault::Unreadable`].
    pub(crate) fn decrypt(&self, sealed: &[u8]) -> Result<Vec<u8>, EncryptionFault> {
        let (nonce, sealed) = sealed.split_first_chunk().ok_or(EncryptionFault::Unreadable)?;
        let mut plain = sealed.to_vec();
        let opened = self
            .key
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::empty(), &mut plain);
        let length = opened.map_err(|_| EncryptionFault::Unreadable)?.len();
        plain.truncate(length);
        Ok(plain)
    }

    /// [`ContentKey::encrypt`], as text.
    ///
    /// # Errors
    /// [`EncryptionFault::TooLong`].
    pub(crate) fn encrypt_text(&self, plain: &str) -> Result<String, EncryptionFault> {
        Ok(BASE64.encode(self.encrypt(plain.as_bytes())?))
    }

    /// Text again.
    ///
    /// # Errors
    /// [`EncryptionFault::Unreadable`].
    pub(crate) fn decrypt_text(&self, sealed: &str) -> Result<String, EncryptionFault> {
        let sealed = BASE64.decode(sealed).map_err(|_| EncryptionFault::Unreadable)?;
        String::from_utf8(self.decrypt(&sealed)?).map_err(|_| EncryptionFault::Unreadable)
    }
}

/// Which text key: its first octets, as a digest has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TextKeyId(u32);

/// A tenant's key, or that of what is no tenant's.
pub(crate) struct TextKey {
    secret: [u8; KEY],
    id: TextKeyId,
    own: ContentKey,
}

impl fmt::Debug for TextKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TextKey({:08x})", self.id.0)
    }
}

impl TextKey {
    /// A new one.
    ///
    /// # Errors
    /// [`EncryptionFault::NoRandom`].
    pub(crate) fn generate() -> Result<Self, EncryptionFault> {
        Self::of(random()?)
    }

    fn of(secret: [u8; KEY]) -> Result<Self, EncryptionFault> {
        let [a, b, c, d, ..]: [u8; KEY] = Sha256::digest(secret).into();
        Ok(Self {
            secret,
            id: TextKeyId(u32::from_be_bytes([a, b, c, d])),
            own: ContentKey::new(derived(&secret, &[])?)?,
        })
    }

    /// For what stands by itself.
    pub(crate) const fn own(&self) -> &ContentKey {
        &self.own
    }

    fn content(&self, salt: &[u8]) -> Result<ContentKey, EncryptionFault> {
        ContentKey::new(derived(&self.secret, salt)?)
    }
}

fn random() -> Result<[u8; KEY], EncryptionFault> {
    let mut octets = [0; KEY];
    getrandom::fill(&mut octets)?;
    Ok(octets)
}

/// HKDF (RFC 5869) with SHA-256.
fn derived(secret: &[u8; KEY], salt: &[u8]) -> Result<UnboundKey, EncryptionFault> {
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    let expanded = extracted.expand(&[b"campanile texts"], &AES_256_GCM);
    // Never: the length is the cipher's own.
    Ok(expanded.map_err(|_| EncryptionFault::TooLong)?.into())
}

/// What the texts and variables of one campaign are encrypted with.
#[derive(Clone, Debug, Default)]
pub(crate) enum Cipher {
    /// Nothing: an earlier version kept them.
    #[default]
    Plain,
    Key(Arc<CampaignKey>),
    /// Their key is gone, and they with it.
    Erased,
}

/// A campaign's key, and what it is found by again.
#[derive(Debug)]
pub(crate) struct CampaignKey {
    content: ContentKey,
    /// Of which text key it was derived, and with which salt: as it is stored.
    stored: String,
}

impl Cipher {
    /// For a new campaign of that key's tenant.
    ///
    /// # Errors
    /// [`EncryptionFault::NoRandom`].
    pub(crate) fn new(key: &TextKey) -> Result<Self, EncryptionFault> {
        let salt = random()?;
        Ok(Self::Key(Arc::new(CampaignKey {
            content: key.content(&salt)?,
            stored: format!("{:08x}:{}", key.id.0, BASE64.encode(salt)),
        })))
    }

    /// The cipher of a stored campaign; one whose text key was destroyed since has none any more.
    ///
    /// # Errors
    /// [`EncryptionFault::Unreadable`] when it is not what this program stores.
    pub(crate) fn stored(stored: &str, key: &TextKey) -> Result<Self, EncryptionFault> {
        let parts = stored.split_once(':').and_then(|(id, salt)| {
            let id = u32::from_str_radix(id, 16).ok()?;
            Some((TextKeyId(id), BASE64.decode(salt).ok()?))
        });
        let (id, salt) = parts.ok_or(EncryptionFault::Unreadable)?;
        if id != key.id {
            return Ok(Self::Erased);
        }
        Ok(Self::Key(Arc::new(CampaignKey {
            content: key.content(&salt)?,
            stored: stored.to_owned(),
        })))
    }

    /// As it is stored with its campaign; `None`: there is nothing to store.
    pub(crate) fn as_stored(&self) -> Option<&str> {
        match self {
            Self::Key(key) => Some(&key.stored),
            Self::Plain | Self::Erased => None,
        }
    }

    /// The key, if there is one.
    pub(crate) fn key(&self) -> Option<&ContentKey> {
        match self {
            Self::Key(key) => Some(&key.content),
            Self::Plain | Self::Erased => None,
        }
    }

    /// Packed variables as a row keeps them. None stay none.
    ///
    /// # Errors
    /// [`EncryptionFault::Erased`] or [`EncryptionFault::TooLong`].
    pub(crate) fn close<'a>(&self, variables: &'a [u8]) -> Result<Cow<'a, [u8]>, EncryptionFault> {
        match self {
            Self::Erased => Err(EncryptionFault::Erased),
            Self::Key(key) if !variables.is_empty() => {
                key.content.encrypt_behind(&[ENCRYPTED], variables).map(Cow::Owned)
            }
            Self::Plain | Self::Key(_) => Ok(Cow::Borrowed(variables)),
        }
    }

    /// The packed variables of a row.
    ///
    /// # Errors
    /// [`EncryptionFault::Erased`] or [`EncryptionFault::Unreadable`].
    pub(crate) fn open<'a>(&self, variables: &'a [u8]) -> Result<Cow<'a, [u8]>, EncryptionFault> {
        match (self, variables.strip_prefix(&[ENCRYPTED])) {
            (Self::Erased, _) => Err(EncryptionFault::Erased),
            (Self::Plain | Self::Key(_), None) => Ok(Cow::Borrowed(variables)),
            (Self::Plain, Some(_)) => Err(EncryptionFault::Unreadable),
            (Self::Key(key), Some(sealed)) => key.content.decrypt(sealed).map(Cow::Owned),
        }
    }
}
