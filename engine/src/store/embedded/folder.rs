//! The data folder, and the lock that makes it one engine's own.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::EmbeddedFault;

/// What the lock file is called; it holds the process id of the engine that has the lock.
const LOCK: &str = "engine.lock";

/// What the file is called that says whose the server is.
const SIGNATURE: &str = "redis.signed";

/// The socket that the folder's server listens on.
pub(super) const SOCKET: &str = "redis.sock";

/// More octets than a process id has.
const PID_OCTETS_MAX: u64 = 20;

/// A data folder that no other engine uses while this lives. The system lets go of the lock when the process ends,
/// however it ends; the file stays, since removing it would let two processes lock two files of one name.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
    /// What stands in the file of the signature while the folder's server is ours.
    signature: String,
}

impl Folder {
    /// Makes the folder if need be, and takes it.
    ///
    /// # Errors
    /// [`EmbeddedFault::InUse`] when another engine has it, [`EmbeddedFault::Folder`] when it cannot be used.
    pub(super) fn take(path: &Path) -> Result<Self, EmbeddedFault> {
        let unusable = |error| EmbeddedFault::Folder(path.to_owned(), error);
        std::fs::create_dir_all(path).map_err(unusable)?;
        let path = path.canonicalize().map_err(unusable)?;
        let lock = lock(&path)?;
        Ok(Self {
            path,
            _lock: lock,
            signature: String::new(),
        })
    }

    /// Signs for the server of the folder, which is or will be started with these settings: the watcher of an engine before does not end
    /// it from now on. Returns the settings that were signed for before.
    ///
    /// # Errors
    /// [`EmbeddedFault::Folder`].
    pub(super) fn sign(&mut self, settings: &str) -> Result<Option<String>, EmbeddedFault> {
        let before = std::fs::read_to_string(self.signature_file()).unwrap_or_default();
        let before = before
            .trim_end()
            .rsplit_once(' ')
            .map(|(settings, _)| settings.to_owned());
        let once = getrandom::u64().map_err(|error| EmbeddedFault::Folder(self.path.clone(), error.into()))?;
        self.signature = format!("{settings} {once:016x}");
        let unusable = |error| EmbeddedFault::Folder(self.path.clone(), error);
        // Put in place at once: a watcher reads it at any time.
        let new = self.path.join(format!("{SIGNATURE}.new"));
        std::fs::write(&new, &self.signature).map_err(unusable)?;
        std::fs::rename(&new, self.signature_file()).map_err(unusable)?;
        Ok(before)
    }

    pub(super) fn signature(&self) -> &str {
        &self.signature
    }

    pub(super) fn signature_file(&self) -> PathBuf {
        self.path.join(SIGNATURE)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.path.join(SOCKET)
    }

    pub(super) fn pid_file(&self) -> PathBuf {
        self.path.join("redis.pid")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.path.join("redis.log")
    }
}

fn lock(folder: &Path) -> Result<File, EmbeddedFault> {
    let path = folder.join(LOCK);
    let unusable = |error| EmbeddedFault::Folder(folder.to_owned(), error);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(EmbeddedFault::InUse {
                folder: folder.to_owned(),
                holder: holder(&mut file),
            });
        }
        Err(TryLockError::Error(error)) => return Err(unusable(error)),
    }
    let sign = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    sign(&mut file).map_err(unusable)?;
    Ok(file)
}

/// Who has the lock, for people: nothing depends on it.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.take(PID_OCTETS_MAX).read_to_string(&mut text);
    match text.trim().parse::<u32>() {
        Ok(pid) if read.is_ok() => format!("process {pid}"),
        _ => "another process".to_owned(),
    }
}
