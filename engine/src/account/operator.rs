//! The operator's key: given in a file, or made at the first start and shown once.

use std::path::{Path, PathBuf};

use super::{Accounts, key};
use crate::config;
use crate::mirror::MirrorFault;
use crate::store::StoreError;

/// The shortest operator key that is taken from a file, in octets: it opens everything.
const OPERATOR_KEY_MIN: usize = 16;

/// An operator key that cannot be set.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OperatorKeyFault {
    /// The file cannot be read.
    #[error("api.operator_key_file: {path} cannot be read: {source}", path = .0.display(), source = .1)]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// Its first line is no key.
    #[error("api.operator_key_file: the first line of {} must be a key of 16 to 256 characters", .0.display())]
    NoKey(PathBuf),
    /// The operating system gave no random octets.
    #[error("the system gives no random numbers: {0}")]
    NoRandom(#[from] getrandom::Error),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not be kept for a Redis that is rebuilt.
    #[error(transparent)]
    Mirror(#[from] MirrorFault),
}

impl Accounts {
    /// Sees to it that there is an operator key: that of `operator_key_file`, in place of any before, or else one that is
    /// made if there is not one yet. Returns the one that was made: it is shown to the operator this once.
    ///
    /// # Errors
    /// See [`OperatorKeyFault`].
    pub(crate) async fn ensure_operator_key(&self, api: &config::Api) -> Result<Option<String>, OperatorKeyFault> {
        if let Some(path) = &api.operator_key_file {
            let digest = key::hexadecimal(&key::digest(&read(path)?));
            self.store.set_operator_key(&digest, false).await?;
            self.mirror.keep_operator(&digest).await?;
            return Ok(None);
        }
        let made = key::generate(key::OPERATORS)?;
        let digest = key::hexadecimal(&key::digest(&made));
        let first = self.store.set_operator_key(&digest, true).await?;
        if !first {
            return Ok(None);
        }
        self.mirror.keep_operator(&digest).await?;
        Ok(Some(made))
    }
}

fn read(path: &Path) -> Result<String, OperatorKeyFault> {
    let text = std::fs::read_to_string(path).map_err(|error| OperatorKeyFault::Unreadable(path.to_owned(), error))?;
    let first = text.lines().next().unwrap_or_default().trim();
    if !(OPERATOR_KEY_MIN..=key::KEY_OCTETS_MAX).contains(&first.len()) {
        return Err(OperatorKeyFault::NoKey(path.to_owned()));
    }
    Ok(first.to_owned())
}
