//! Files of contacts → people: row by row, a thousand at a time, each row in one bucket.
//!
//! A file is read by a thread of its own and handed over in batches; each is one change of the database. Memory: two batches,
//! and 16 octets for each person of the file, by which who comes twice is known.

mod account;
mod convert;
mod course;
mod gather;
mod tell;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::tz::TimeZone;
use rustc_hash::FxHashMap;
use tokio_util::sync::CancellationToken;

pub(crate) use account::{Account, ColumnAccount, FileAccount};
pub(crate) use convert::{columns, written};
pub(crate) use gather::{PREVIEW_ROWS, Preview};

use crate::database::DatabaseError;
use crate::domain::{Country, ImportId, Language, ListId, TenantId, UnixMicros};
use crate::fault::FieldProblem;
use crate::mirror::{Mirror, MirrorFault};
use crate::people::{ConsentFault, Import, People, PeopleFault};
use crate::sheet::{Column, Manners, ROWS_MAX, Reading, SheetFault, Spool};
use crate::store::{Store, StoreError};
use crate::webhooks::{WebhookFault, Webhooks};
use convert::Proving;
use course::Course;

/// How often it is looked for imports of engines that have ended.
const ROUND: Duration = Duration::from_secs(2);

/// How often it is looked for some of which endpoints are to be told.
const LOOK: Duration = Duration::from_millis(500);

/// Files that are read at once, of all tenants: each takes a processor, and what [`crate::sheet`] says of memory.
const RUNNING_MAX: usize = 4;

/// Words for what is wrong with a field, for the file of errors.
pub(crate) type Words = fn(&FieldProblem, Language) -> String;

/// Why a file is not imported.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportFault {
    /// The file cannot be read.
    #[error(transparent)]
    Sheet(#[from] SheetFault),
    /// As many files are being read as can be.
    #[error("too many imports are running")]
    Full,
    /// Another file of this tenant is being read.
    #[error("another import of this tenant is running")]
    Running,
    #[error(transparent)]
    People(#[from] PeopleFault),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Endpoints cannot be told.
    #[error(transparent)]
    Webhook(#[from] WebhookFault),
    /// The thread that reads ended early.
    #[error("the reading ended early")]
    Broken,
}

impl From<ConsentFault> for ImportFault {
    fn from(fault: ConsentFault) -> Self {
        match fault {
            ConsentFault::People(fault) => fault.into(),
            ConsentFault::Mirror(MirrorFault::Database(error)) => error.into(),
            ConsentFault::Mirror(MirrorFault::Store(error)) => error.into(),
        }
    }
}

impl From<DatabaseError> for ImportFault {
    fn from(error: DatabaseError) -> Self {
        Self::People(error.into())
    }
}

impl From<io::Error> for ImportFault {
    fn from(error: io::Error) -> Self {
        Self::Sheet(error.into())
    }
}

/// How the imports stand that run, one of a tenant at most; without an id while their files come.
type Running = FxHashMap<TenantId, (Option<ImportId>, Account)>;

/// What is asked of an import.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) tenant: TenantId,
    /// What the columns are, if that was told.
    pub(crate) columns: Option<Vec<Column>>,
    /// Where everybody of the file is put.
    pub(crate) list: Option<ListId>,
    /// Of the file of errors.
    pub(crate) language: Language,
    /// By whose clocks its times are.
    pub(crate) zone: TimeZone,
}

/// The imports of all tenants. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Imports {
    people: People,
    store: Store,
    /// Knows who is not to come again.
    mirror: Mirror,
    /// Tells of those that have ended; `None`: nobody is told.
    webhooks: Option<Webhooks>,
    /// The number that this engine is known by.
    engine: u32,
    words: Words,
    /// Where files are kept while they are read.
    folder: Arc<Path>,
    running: Arc<Mutex<Running>>,
}

impl Imports {
    pub(crate) fn new(
        people: People,
        (store, mirror, engine): (Store, Mirror, u32),
        words: Words,
        folder: &Path,
    ) -> Self {
        Self {
            folder: folder.into(),
            people,
            store,
            mirror,
            webhooks: None,
            engine,
            words,
            running: Arc::default(),
        }
    }

    /// The same, and endpoints are told of those that have ended.
    pub(crate) fn telling(self, webhooks: Webhooks) -> Self {
        let webhooks = Some(webhooks);
        Self { webhooks, ..self }
    }

    /// Tells of files that were read, and says of those of engines that have ended that they were not read to their ends, until `stop`.
    pub(crate) async fn keep(self, stop: CancellationToken) {
        let tell = async {
            while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
                if let Err(error) = self.tell().await {
                    tracing::debug!(%error, "of imports that have ended cannot be told; it is tried again");
                }
            }
        };
        tokio::join!(tell, self.keep_ends(&stop));
    }

    async fn keep_ends(&self, stop: &CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(ROUND)).await.is_some() {
            match self.interrupt().await {
                Ok(0) => {}
                Ok(interrupted) => tracing::warn!(
                    interrupted,
                    "imports were interrupted; the same files may be sent again"
                ),
                Err(error) => tracing::debug!(%error, "imports of engines that ended cannot be looked for yet"),
            }
        }
    }

    /// Who is silent leaves the list of epochs when what it had leased is settled: then it is known to have ended.
    async fn interrupt(&self) -> Result<u64, ImportFault> {
        let alive: Vec<u32> = self.store.epochs().await?.iter().map(|epoch| epoch.number).collect();
        Ok(self.people.interrupt_imports(&alive).await?)
    }

    /// The tenant's place, before a file of its is taken in.
    ///
    /// # Errors
    /// [`ImportFault::Running`].
    pub(crate) fn admit(&self, tenant: TenantId) -> Result<Turn, ImportFault> {
        let mut running = self.lock();
        if running.len() >= RUNNING_MAX {
            return Err(ImportFault::Full);
        }
        if running.contains_key(&tenant) {
            return Err(ImportFault::Running);
        }
        running.insert(tenant, (None, Account::default()));
        Ok(Turn {
            imports: self.clone(),
            tenant,
        })
    }

    /// Keeps a file aside. Blocks on it.
    ///
    /// # Errors
    /// It cannot be read, or kept.
    pub(crate) fn spool(&self, body: impl io::Read) -> Result<Spool, SheetFault> {
        Spool::of(body, &self.folder)
    }

    /// What a file says: its columns, and its first rows.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) async fn preview(&self, spool: Spool, asked: &Asked) -> Result<Preview, ImportFault> {
        let proving = self.proving(asked.tenant).await?;
        let reading = reading(asked, proving.now);
        blocking(move || Preview::of(spool, &reading, proving)).await
    }

    /// Begins to take a file in; the work is the future's that comes with it.
    ///
    /// # Errors
    /// Its columns cannot be told, or the database's.
    pub(crate) async fn begin(
        &self,
        (turn, spool): (Turn, Spool),
        asked: Asked,
        stop: CancellationToken,
    ) -> Result<(Import, impl Future<Output = ()> + Send + use<>), ImportFault> {
        if let Some(list) = asked.list {
            self.people.list(asked.tenant, list).await?;
        }
        let proving = self.proving(asked.tenant).await?;
        let (reading, look) = (reading(&asked, proving.now), spool.again()?);
        let head = blocking({
            let reading = reading.clone();
            move || Preview::of(look, &reading, proving)
        });
        let account = Account::of(&spool, &head.await?.mapping);
        let import = self
            .people
            .begin_import((asked.tenant, self.engine), &account.stored())
            .await?;
        turn.show(Some(import.id), &account);
        let course = Course::new(self, (import.id, account), asked, (turn, proving));
        Ok((import, course.run((spool.again()?, reading), stop)))
    }

    /// By what the consents of a tenant's file are measured.
    async fn proving(&self, tenant: TenantId) -> Result<Proving, ImportFault> {
        let known = self.store.tenant(tenant).await?;
        Ok(Proving {
            now: self.people.now(),
            required: known.is_some_and(|known| known.terms.require_consent),
        })
    }

    /// An import of the tenant, as it stands now.
    ///
    /// # Errors
    /// [`PeopleFault::NotFound`], or the database's.
    pub(crate) async fn show(&self, tenant: TenantId, id: ImportId) -> Result<(Import, Account), PeopleFault> {
        let import = self.people.import(tenant, id).await?;
        let account = self.account(tenant, &import);
        Ok((import, account))
    }

    /// All imports of the tenant that are kept, the latest first.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn list(&self, tenant: TenantId) -> Result<Vec<(Import, Account)>, DatabaseError> {
        let imports = self.people.imports(tenant).await?.into_iter();
        Ok(imports
            .map(|import| (self.account(tenant, &import), import))
            .map(|(account, import)| (import, account))
            .collect())
    }

    fn account(&self, tenant: TenantId, import: &Import) -> Account {
        match self.lock().get(&tenant) {
            Some((Some(id), account)) if *id == import.id => account.clone(),
            Some(_) | None => Account::read(&import.account),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A tenant's place among the imports, until it is dropped.
pub(crate) struct Turn {
    imports: Imports,
    tenant: TenantId,
}

impl Turn {
    fn show(&self, id: Option<ImportId>, account: &Account) {
        self.imports.lock().insert(self.tenant, (id, account.clone()));
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.imports.lock().remove(&self.tenant);
    }
}

/// How the files of this product are read and written; their times are by the clocks of that zone.
pub(crate) const fn manners(zone: TimeZone) -> Manners {
    Manners {
        country: Country::FRANCE,
        zone,
        read_on: None,
    }
}

fn reading(asked: &Asked, now: UnixMicros) -> Reading {
    Reading {
        columns: asked.columns.clone(),
        manners: Manners {
            read_on: now.last_day(),
            ..manners(asked.zone.clone())
        },
        rows_max: ROWS_MAX,
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SheetFault> + Send + 'static,
) -> Result<T, ImportFault> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| ImportFault::Broken)?.map_err(ImportFault::Sheet)
}
