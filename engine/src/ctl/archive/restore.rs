//! `campanile restore`.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Result, copy, sink};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

use clap::Args;
use tempfile::TempDir;

use super::super::failure::Failure;
use super::form::{self, Contents, Damage, FOLDER};
use super::show;

/// For the server alone.
const MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// What is brought back, and to where.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  campanile restore campanile.tar --verify\n  campanile restore campanile.tar --to /var/lib/redis"
)]
pub(crate) struct Restore {
    /// The archive, as `campanile backup` made it.
    file: PathBuf,
    /// An empty folder, or one that is not there yet: where Redis will have its `dir`, or the engine its redis.data_dir.
    #[arg(long, value_name = "FOLDER", required_unless_present = "verify")]
    to: Option<PathBuf>,
    /// Only look whether the archive is whole; nothing is written.
    #[arg(long, conflicts_with = "to")]
    verify: bool,
    /// JSON.
    #[arg(long)]
    json: bool,
}

impl Restore {
    /// Looks at all of the archive before anything is written, brings it back, and says what it was.
    ///
    /// # Errors
    /// [`Failure::Other`]: the folder is as it was.
    pub(crate) fn run(&self) -> std::result::Result<(), Failure> {
        if let Some(folder) = &self.to {
            refuse_data(folder)?;
        }
        let whole = form::read(&self.file, |_, from| copy(from, &mut sink()).map(drop));
        let contents = whole.map_err(|damage| self.damaged(&damage))?;
        let mut places = vec![("file", self.file.display().to_string())];
        if let Some(folder) = &self.to {
            self.bring_back(folder, &contents)?;
            places.push(("folder", folder.display().to_string()));
        }
        show(&contents, &places, self.json)
    }

    /// In a folder of another name first: a server that is started too early finds all or nothing.
    fn bring_back(&self, folder: &Path, checked: &Contents) -> std::result::Result<(), Failure> {
        let failed = |error: std::io::Error| Failure::Other(format!("{} cannot be filled: {error}", folder.display()));
        DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(folder)
            .map_err(failed)?;
        let parts = tempfile::Builder::new().prefix(".restore-").tempdir_in(folder);
        let parts = parts.map_err(failed)?;
        let read = form::read(&self.file, |name, from| write(&parts.path().join(name), from));
        let contents = read.map_err(|damage| self.damaged(&damage))?;
        if contents != *checked {
            return Err(self.damaged(&Damage::Different(
                "the archive, which changed while it was read,".to_owned(),
            )));
        }
        put_in_place(parts, folder).map_err(failed)
    }

    fn damaged(&self, damage: &Damage) -> Failure {
        Failure::Other(format!("{} is not restored: {damage}", self.file.display()))
    }
}

fn refuse_data(folder: &Path) -> std::result::Result<(), Failure> {
    let found = match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(Failure::Other(format!("{} cannot be used: {error}", folder.display()))),
    };
    match found {
        None => Ok(()),
        Some(_) => Err(Failure::Other(format!(
            "{} is not empty, and what is there is not replaced: give an empty folder, or one that is not there yet",
            folder.display()
        ))),
    }
}

fn write(path: &Path, from: &mut dyn Read) -> Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(path)?;
    copy(from, &mut file)?;
    file.sync_all()
}

/// Everything in it is whoever's the folder is: that one runs the server.
fn put_in_place(parts: TempDir, folder: &Path) -> Result<()> {
    let owner = std::fs::metadata(folder)?;
    let give = |path: &Path| {
        let ours = std::fs::metadata(path)?.uid() == owner.uid();
        if ours {
            return Ok(());
        }
        chown(path, Some(owner.uid()), Some(owner.gid()))
    };
    for entry in std::fs::read_dir(parts.path())? {
        give(&entry?.path())?;
    }
    give(parts.path())?;
    File::open(parts.path())?.sync_all()?;
    std::fs::rename(parts.path(), folder.join(FOLDER))?;
    // Nothing has that name any more.
    let _moved = parts.keep();
    File::open(folder)?.sync_all()
}
