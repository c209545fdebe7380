//! A directory for one run.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::fault::{Result, cannot};

/// A directory that is empty at the start. It is removed when dropped, unless it is to be kept, or a test fails: then its
/// logs are what one wants to read.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    keep: bool,
}

impl Scratch {
    /// The directory `name` under `parent`; what an earlier run left there is removed.
    pub fn named(parent: &Path, name: &str) -> Result<Self> {
        let path = parent.join(name);
        if path.exists() {
            fs::remove_dir_all(&path).map_err(cannot(format!("remove {}", path.display())))?;
        }
        fs::create_dir_all(&path).map_err(cannot(format!("make {}", path.display())))?;
        Ok(Self { path, keep: false })
    }

    /// A new directory for temporary files whose name begins with `prefix`. Only this user may enter: keys lie in it. The
    /// prefix should be short, since a unix socket's path is.
    pub fn temporary(prefix: &str, keep: bool) -> Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(prefix).permissions(Permissions::from_mode(0o700));
        let directory = builder.tempdir().map_err(cannot("make a temporary directory"))?;
        // From here on it is removed by this value.
        let path = directory.keep();
        Ok(Self { path, keep })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.keep {
            println!("kept: {}", self.path.display());
        } else if std::thread::panicking() {
            eprintln!("the programs' output is kept in {}", self.path.display());
        } else if let Err(error) = fs::remove_dir_all(&self.path) {
            eprintln!("cannot remove {}: {error}", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_is_private_and_goes_away() {
        let scratch = Scratch::temporary("lab-", false).unwrap();
        let path = scratch.path().to_owned();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        drop(scratch);
        assert!(!path.exists());
    }
}
