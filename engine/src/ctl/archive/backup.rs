//! `campanile backup`.
//!
//! The engine has ended, Redis runs. What the engine sends after a backup would be queued in it and sent again, so it is not made
//! while one works on the database.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use kit::output::complain;
use tempfile::NamedTempFile;
use tokio_util::sync::CancellationToken;

use super::super::failure::Failure;
use super::form::{self, Contents, FOLDER};
use super::held::{Aof, hold};
use super::show;
use crate::clock::Clock;
use crate::config::Config;
use crate::dispatch::DEAD_AFTER;
use crate::store::{Embedded, EmbeddedFault, Place, Servers, Source, SourceFault, StoreError, Users};

/// How long a server may take to read its append-only file when it starts: gigabytes, from a slow disk.
const LOADED_WITHIN: Duration = Duration::from_secs(600);

/// How often it is looked whether a stamp is written, in all and for the same one, and the pause between two looks: a busy disk holds it
/// back for up to two seconds.
const TRIES: u32 = 60;
const LOOKS: u32 = 30;
const PAUSE: Duration = Duration::from_millis(100);

/// What is kept, and where.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  campanile backup campanile.tar\n  campanile backup campanile.tar --force --json | jq .files"
)]
pub(crate) struct Backup {
    /// The archive to make, a tar file; `-`: standard output, and what is kept is said on standard error.
    file: PathBuf,
    /// The configuration, TOML: which Redis, or where the data of the embedded one is.
    #[arg(long, value_name = "FILE", default_value = "campanile.toml")]
    config: PathBuf,
    /// Where the folder that Redis has as `dir` is seen from here. Default: where Redis says.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Put it in place of an archive that is there.
    #[arg(long)]
    force: bool,
    /// JSON.
    #[arg(long)]
    json: bool,
}

impl Backup {
    /// Keeps it, and says what is kept.
    ///
    /// # Errors
    /// [`Failure::Configuration`]; [`Failure::Away`] when Redis or its data cannot be reached; [`Failure::Other`].
    pub(crate) async fn run(&self) -> Result<(), Failure> {
        if !self.force && !self.is_output() && self.file.exists() {
            return Err(self.is_there());
        }
        let config = Config::load(&self.config).map_err(Failure::Configuration)?;
        let contents = match &config.redis.url {
            Some(address) => {
                let servers = Servers::new(address).map_err(|error| Failure::Away(format!("redis.url: {error}")))?;
                self.keep(&servers, servers.address()).await?
            }
            None => self.keep_embedded(&config.redis.data_dir).await?,
        };
        if self.is_output() {
            let (octets, files) = (contents.octets(), contents.files.len());
            complain(format!("Kept: {octets} octets in {files} files."));
            return Ok(());
        }
        show(&contents, &[("file", self.file.display().to_string())], self.json)
    }

    fn is_output(&self) -> bool {
        self.file == Path::new("-")
    }

    /// Its server runs only while it is kept: it alone says whether what is on the disk can be read.
    async fn keep_embedded(&self, folder: &Path) -> Result<Contents, Failure> {
        if !folder.join(FOLDER).is_dir() {
            return Err(Failure::Other(format!(
                "redis.data_dir {} has no data: no engine has run on it",
                folder.display()
            )));
        }
        refuse_others(folder)?;
        let server = Embedded::start_afresh(folder).await.map_err(|fault| match fault {
            EmbeddedFault::NotInstalled | EmbeddedFault::NoShell => Failure::Away(fault.to_string()),
            EmbeddedFault::InUse { folder, holder } => Failure::Other(format!(
                "the data folder {} is used by {holder}: stop the engine first",
                folder.display()
            )),
            EmbeddedFault::Folder(..)
            | EmbeddedFault::Foreign { .. }
            | EmbeddedFault::Stays { .. }
            | EmbeddedFault::Ended(..)
            | EmbeddedFault::Start(_)
            | EmbeddedFault::Late(_) => Failure::Other(fault.to_string()),
        })?;
        let kept = match server.servers() {
            Ok(servers) => self.keep(&servers, "redis.data_dir").await,
            Err(error) => Err(Failure::Other(format!("redis.data_dir {}: {error}", folder.display()))),
        };
        let stop = CancellationToken::new();
        stop.cancel();
        server.supervise(stop).await;
        kept
    }

    async fn keep(&self, servers: &Servers, address: &str) -> Result<Contents, Failure> {
        let mut source = Server::connect(servers, address).await?;
        let before = source.users_at_rest().await?;
        let place = source.place().await?;
        let data = self.data.clone().unwrap_or_else(|| place.data.clone());
        let aof = source.hold(&data.join(&place.folder), &place.name).await?;

        let created_at = Clock::new().unix().timestamp().map(|at| at.to_string());
        let id = before.id.clone().unwrap_or_default();
        let mut contents = Contents::new(created_at.unwrap_or_default(), id, place.name);
        let archive = self.write(aof, &mut contents)?;
        if source.users_at_rest().await?.last_epoch != before.last_epoch {
            return Err(engine_works("has begun to work on this database meanwhile"));
        }
        self.put_in_place(archive)?;
        Ok(contents)
    }

    /// Under another name, in the same folder.
    fn write(&self, aof: Aof, contents: &mut Contents) -> Result<NamedTempFile, Failure> {
        let archive = match self.is_output() {
            true => NamedTempFile::new(),
            false => NamedTempFile::new_in(folder_of(&self.file)),
        };
        let archive = archive.map_err(|error| self.not_written(&error))?;
        form::write(archive.as_file(), aof, contents).map_err(|error| self.not_written(&error))?;
        archive.as_file().sync_all().map_err(|error| self.not_written(&error))?;
        Ok(archive)
    }

    fn put_in_place(&self, archive: NamedTempFile) -> Result<(), Failure> {
        if self.is_output() {
            let copy = || std::io::copy(&mut archive.reopen()?, &mut std::io::stdout());
            return copy().map(drop).map_err(|error| self.not_written(&error));
        }
        let placed = if self.force {
            archive.persist(&self.file)
        } else {
            archive.persist_noclobber(&self.file)
        };
        if let Err(fault) = placed {
            let taken = fault.error.kind() == std::io::ErrorKind::AlreadyExists;
            return Err(if taken {
                self.is_there()
            } else {
                self.not_written(&fault.error)
            });
        }
        let folder = File::open(folder_of(&self.file)).and_then(|folder| folder.sync_all());
        folder.map_err(|error| self.not_written(&error))
    }

    fn is_there(&self) -> Failure {
        Failure::Other(format!(
            "{} is there already: give another name, or --force",
            self.file.display()
        ))
    }

    fn not_written(&self, error: &std::io::Error) -> Failure {
        Failure::Other(format!("{} cannot be made: {error}", self.file.display()))
    }
}

fn folder_of(file: &Path) -> &Path {
    file.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// What a server makes there has to be the engine's, or that one could not go on with it.
fn refuse_others(folder: &Path) -> Result<(), Failure> {
    let cannot = |error: std::io::Error| {
        Failure::Away(format!(
            "redis.data_dir {} cannot be written to, which its server needs: {error}",
            folder.display()
        ))
    };
    let owner = std::fs::metadata(folder).map_err(cannot)?.uid();
    let own = tempfile::tempfile_in(folder).and_then(|file| file.metadata());
    if own.map_err(cannot)?.uid() == owner {
        return Ok(());
    }
    Err(Failure::Other(format!(
        "redis.data_dir {} is the user's with the number {owner}: run this as that user (sudo -u '#{owner}' …)",
        folder.display()
    )))
}

fn engine_works(how: &str) -> Failure {
    Failure::Other(format!(
        "an engine {how}: stop it first (systemctl stop campanile); what it sends after a backup would be sent again from it"
    ))
}

/// The server, and what it is called in messages.
struct Server<'a> {
    source: Source,
    address: &'a str,
}

impl<'a> Server<'a> {
    /// Waits until it has its data.
    async fn connect(servers: &Servers, address: &'a str) -> Result<Self, Failure> {
        let away = |error| {
            Failure::Away(format!(
                "cannot use Redis at {address}: {error}; a backup is made while Redis runs and the engine does not"
            ))
        };
        let mut source = Source::connect(servers).await.map_err(away)?;
        let loaded = async {
            while source.is_loading().await? {
                tokio::time::sleep(PAUSE).await;
            }
            Ok::<_, StoreError>(())
        };
        match tokio::time::timeout(LOADED_WITHIN, loaded).await {
            Ok(loaded) => loaded.map_err(away)?,
            Err(_) => {
                return Err(Failure::Away(format!(
                    "Redis at {address} has not read its data within {} minutes",
                    LOADED_WITHIN.as_secs() / 60
                )));
            }
        }
        Ok(Self { source, address })
    }

    /// Who uses the database: an engine did, and none does.
    async fn users_at_rest(&mut self) -> Result<Users, Failure> {
        let users = self.source.users().await;
        let users = users.map_err(|error| Failure::Away(format!("Redis at {}: {error}", self.address)))?;
        if users.id.is_none() {
            return Err(Failure::Other(format!(
                "Redis at {} has no data of an engine in the database that redis.url names",
                self.address
            )));
        }
        if users.last_sign.is_some_and(|ago| ago <= DEAD_AFTER) {
            let how = format!(
                "works on this database, or was killed within the last {} s",
                DEAD_AFTER.as_secs()
            );
            return Err(engine_works(&how));
        }
        Ok(users)
    }

    async fn place(&mut self) -> Result<Place, Failure> {
        self.source.place().await.map_err(|fault| {
            let problem = format!("Redis at {}: {fault}", self.address);
            match fault {
                SourceFault::Store(_) => Failure::Away(problem),
                SourceFault::Cluster | SourceFault::Hidden | SourceFault::Setting(..) => Failure::Other(problem),
            }
        })
    }

    /// The append-only file with the stamp that the server was just given: it is this one's, and nothing is missing in it.
    async fn hold(&mut self, folder: &Path, name: &str) -> Result<Aof, Failure> {
        let mut stamp = String::new();
        for attempt in 0..TRIES {
            // A rewrite takes a stamp from the end of the file.
            if attempt % LOOKS == 0 {
                stamp = self.stamp().await?;
            }
            let aof = hold(folder, name).map_err(|error| self.out_of_reach(folder, &error))?;
            if let Some(aof) = aof
                && aof
                    .ends_with(&stamp)
                    .map_err(|error| self.out_of_reach(folder, &error))?
            {
                return Ok(aof);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(Failure::Other(format!(
            "{} is not what Redis at {} writes to: give its folder as it is seen from here (--data), or run this where Redis runs",
            folder.display(),
            self.address
        )))
    }

    async fn stamp(&mut self) -> Result<String, Failure> {
        let mut octets = [0; 16];
        getrandom::fill(&mut octets)
            .map_err(|error| Failure::Other(format!("the machine has no random numbers: {error}")))?;
        let stamp = format!("backup_{:032x}", u128::from_be_bytes(octets));
        let stamped = self.source.stamp(&stamp).await;
        stamped.map_err(|error| Failure::Away(format!("Redis at {}: {error}", self.address)))?;
        Ok(stamp)
    }

    fn out_of_reach(&self, folder: &Path, error: &std::io::Error) -> Failure {
        Failure::Away(format!(
            "Redis at {} keeps its data in {}, which cannot be read from here: {error}; run this where Redis runs, as a user who may \
             read that folder, or give the folder as it is seen from here (--data)",
            self.address,
            folder.display()
        ))
    }
}
