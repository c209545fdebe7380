//! The master key: a file that nobody else may read.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD as BASE64};
use ring::aead::{AES_256_GCM, UnboundKey};

use super::{ContentKey, EncryptionFault, KEY, TextKey, random};

/// Who may read a key file that is made here: its owner.
const MODE: u32 = 0o600;

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyFileFault {
    #[error("encryption.key_file: {} cannot be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("encryption.key_file: {} cannot be made: {source}", path.display())]
    Unmade { path: PathBuf, source: std::io::Error },
    #[error(
        "encryption.key_file: line {line} of {} is no key: 32 random octets in base64 are, as `openssl rand -base64 32` makes them",
        path.display()
    )]
    NoKey { path: PathBuf, line: usize },
    #[error(
        "encryption.key_file: {} is not there, and what is stored was encrypted with a key: put the file back, from where it was kept \
         apart from the data",
        .0.display()
    )]
    Missing(PathBuf),
    #[error("encryption.key_file: what is stored was encrypted with another key than that of {}", .0.display())]
    Other(PathBuf),
    #[error(transparent)]
    Encryption(#[from] EncryptionFault),
}

/// The keys of the file: the first encrypts, and the others, which were first before, still decrypt.
pub(crate) struct MasterKeys {
    first: ContentKey,
    others: Vec<ContentKey>,
}

/// A text key as it was stored.
pub(crate) struct Unwrapped {
    pub(crate) key: TextKey,
    /// It was encrypted with a key that is not the first any more.
    pub(crate) is_old: bool,
}

impl MasterKeys {
    /// Of the file; `None` when there is none.
    ///
    /// # Errors
    /// See [`KeyFileFault`].
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, KeyFileFault> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                let path = path.to_owned();
                return Err(KeyFileFault::Unreadable { path, source });
            }
        };
        let mut keys = Vec::new();
        let lines = (1..).zip(text.lines().map(str::trim));
        for (line, text) in lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#')) {
            let octets = BASE64_STANDARD.decode(text).ok();
            let secret = octets.and_then(|octets| <[u8; KEY]>::try_from(octets).ok());
            let path = path.to_owned();
            keys.push(master(&secret.ok_or(KeyFileFault::NoKey { path, line })?)?);
        }
        if keys.is_empty() {
            let path = path.to_owned();
            return Err(KeyFileFault::NoKey { path, line: 1 });
        }
        let first = keys.remove(0);
        Ok(Some(Self { first, others: keys }))
    }

    /// Makes the file with a new key. One that somebody else has made meanwhile is read.
    ///
    /// # Errors
    /// See [`KeyFileFault`].
    pub(crate) fn make(path: &Path) -> Result<Self, KeyFileFault> {
        let secret = random()?;
        let unmade = |source| KeyFileFault::Unmade {
            path: path.to_owned(),
            source,
        };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(unmade)?;
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(path);
        let mut file = match file {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Self::read(path)?.ok_or_else(|| KeyFileFault::Missing(path.to_owned()));
            }
            opened => opened.map_err(unmade)?,
        };
        let line = format!("{}\n", BASE64_STANDARD.encode(secret));
        let written = file.write_all(line.as_bytes()).and_then(|()| file.sync_all());
        written.map_err(unmade)?;
        Ok(Self {
            first: master(&secret)?,
            others: Vec::new(),
        })
    }

    /// A text key as it is stored.
    ///
    /// # Errors
    /// [`EncryptionFault::TooLong`], which it never is.
    pub(crate) fn wrap(&self, key: &TextKey) -> Result<String, EncryptionFault> {
        Ok(BASE64.encode(self.first.encrypt(&key.secret)?))
    }

    /// A stored text key.
    ///
    /// # Errors
    /// [`EncryptionFault::Unreadable`] when none of these keys has encrypted it.
    pub(crate) fn unwrap(&self, stored: &str) -> Result<Unwrapped, EncryptionFault> {
        let sealed = BASE64.decode(stored).map_err(|_| EncryptionFault::Unreadable)?;
        let (plain, is_old) = match self.first.decrypt(&sealed) {
            Ok(plain) => (plain, false),
            Err(_) => {
                let opened = self.others.iter().find_map(|key| key.decrypt(&sealed).ok());
                (opened.ok_or(EncryptionFault::Unreadable)?, true)
            }
        };
        let secret = <[u8; KEY]>::try_from(plain).map_err(|_| EncryptionFault::Unreadable)?;
        Ok(Unwrapped {
            key: TextKey::of(secret)?,
            is_old,
        })
    }
}

fn master(secret: &[u8; KEY]) -> Result<ContentKey, EncryptionFault> {
    let key = UnboundKey::new(&AES_256_GCM, secret).map_err(|_| EncryptionFault::Unreadable)?;
    ContentKey::new(key)
}
