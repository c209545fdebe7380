//! The thread's side of an import: rows as they are read, put together in batches; and the first rows of a file, to look at.

use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::ops::ControlFlow;

use rustc_hash::{FxBuildHasher, FxHashSet};
use tokio::sync::mpsc;

use super::Words;
use super::account::{Account, Buckets, Errors};
use super::convert::{Person, Proving, person};
use crate::domain::Language;
use crate::fault::{FieldProblem, SheetProblem};
use crate::people::UPSERT_MAX;
use crate::sheet::{Contact, Dialect, ErrorList, Mapping, Reading, RowFault, RowRead, SheetFault, Spool, Taker};

/// The most rows that a file of errors lists.
const ERRORS_MAX: u64 = 10_000;

/// Rows of more octets than these together go to the database as they are, few or many.
const BATCH_OCTETS_MAX: usize = 4 << 20;

/// The most octets of errors that wait for the database.
const ERRORS_OCTETS_MAX: usize = 256 << 10;

/// Rows that are shown of a file, and that are counted for it.
pub(crate) const PREVIEW_ROWS: usize = 20;
const SAMPLE_ROWS: u64 = 1_000;

/// Rows that go to the database in one change.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) people: Vec<Person>,
    /// What their rows had.
    octets: usize,
    /// What became of the other rows.
    pub(super) rows: Buckets,
    pub(super) invalid: BTreeMap<String, u64>,
    pub(super) visits_to_come: u64,
    pub(super) errors: Errors,
    /// More of the file of errors.
    pub(super) listed: String,
}

/// What is to become of a row.
enum Sorted {
    Person(Box<Person>),
    Invalid(RowFault),
    Duplicate,
}

/// Sorts the rows of one file.
#[derive(Default)]
struct Sorter {
    proving: Proving,
    /// Who has come, by a digest: among a million people, two share one in 40 million files.
    seen: FxHashSet<(u64, u64)>,
}

impl Sorter {
    fn sort(&mut self, contact: Result<Contact, RowFault>) -> Sorted {
        let contact = match contact {
            Ok(contact) => contact,
            Err(fault) => return Sorted::Invalid(fault),
        };
        let person = match person(contact, self.proving) {
            Ok(person) => person,
            Err(problem) => {
                // What no column alone is at fault for.
                let (column, value) = (usize::MAX, String::new());
                return Sorted::Invalid(RowFault { column, value, problem });
            }
        };
        let identity = person.given.identity().unwrap_or_default();
        let digest = (
            FxBuildHasher.hash_one(&identity),
            FxBuildHasher.hash_one((&identity, 1)),
        );
        if self.seen.insert(digest) {
            Sorted::Person(Box::new(person))
        } else {
            Sorted::Duplicate
        }
    }
}

/// Puts rows together, and hands them on.
pub(super) struct Gather {
    batches: mpsc::Sender<Batch>,
    batch: Batch,
    sorter: Sorter,
    list: ErrorList,
    names: Vec<String>,
    listed: u64,
    words: (Words, Language),
}

impl Gather {
    pub(super) fn new(batches: mpsc::Sender<Batch>, words: (Words, Language), proving: Proving) -> Self {
        let dialect = match words.1 {
            Language::Fr => Dialect::ExcelFr,
            Language::En => Dialect::Rfc4180,
        };
        Self {
            batches,
            batch: Batch::default(),
            sorter: Sorter {
                proving,
                ..Sorter::default()
            },
            list: ErrorList::new(dialect),
            names: Vec::new(),
            listed: 0,
            words,
        }
    }

    /// Hands on what is left.
    pub(super) fn finish(mut self) {
        // Nobody who is gone has to be told.
        let _told: ControlFlow<()> = self.hand_on();
    }

    fn hand_on(&mut self) -> ControlFlow<()> {
        let batch = std::mem::take(&mut self.batch);
        match self.batches.blocking_send(batch) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    fn reject(&mut self, row: crate::sheet::Cells<'_>, (column, value, problem): (usize, &str, &FieldProblem)) {
        if self.listed == ERRORS_MAX {
            self.batch.errors.cut = true;
            return;
        }
        if self.listed == 0 {
            self.batch.listed += &self.list.head(&self.names);
        }
        self.listed += 1;
        self.batch.errors.listed += 1;
        let (words, language) = self.words;
        let why = words(problem, language);
        let error = match (self.names.get(column), value, language) {
            (None, ..) => why,
            (Some(name), "", Language::Fr) => format!("{name} : {why}"),
            (Some(name), value, Language::Fr) => format!("{name} « {value} » : {why}"),
            (Some(name), "", Language::En) => format!("{name}: {why}"),
            (Some(name), value, Language::En) => format!("{name} \"{value}\": {why}"),
        };
        self.batch.listed += &self.list.line(row, self.names.len(), &error);
    }
}

impl Taker for Gather {
    fn mapping(&mut self, mapping: &Mapping) -> ControlFlow<()> {
        self.names.clone_from(&mapping.names);
        ControlFlow::Continue(())
    }

    fn row(&mut self, row: RowRead<'_>) -> ControlFlow<()> {
        self.batch.rows.read += 1;
        let is_to_come = has_visit_to_come(&row);
        match self.sorter.sort(row.contact) {
            Sorted::Person(person) => {
                self.batch.visits_to_come += u64::from(is_to_come);
                // Kept, and listed: whoever looks for their mobile sees whose is missing.
                let missing = match person.given.number {
                    Some(_) => FieldProblem::NotMobile,
                    None => SheetProblem::NoNumber.into(),
                };
                if !person.mobile {
                    self.reject(row.cells, (usize::MAX, "", &missing));
                }
                self.batch.people.push(*person);
                self.batch.octets += row.cells.octets();
            }
            Sorted::Invalid(fault) => {
                self.batch.rows.invalid += 1;
                let code = fault.problem.code().to_owned();
                *self.batch.invalid.entry(code).or_default() += 1;
                self.reject(row.cells, (fault.column, &fault.value, &fault.problem));
            }
            Sorted::Duplicate => {
                self.batch.rows.duplicate_in_file += 1;
                self.reject(row.cells, (usize::MAX, "", &SheetProblem::DuplicateInFile.into()));
            }
        }
        let batch = &self.batch;
        let full = batch.people.len() == UPSERT_MAX
            || batch.octets >= BATCH_OCTETS_MAX
            || batch.listed.len() >= ERRORS_OCTETS_MAX;
        if full {
            self.hand_on()
        } else {
            ControlFlow::Continue(())
        }
    }
}

fn has_visit_to_come(row: &RowRead<'_>) -> bool {
    row.contact
        .as_ref()
        .is_ok_and(|contact| contact.visit_to_come.is_some())
}

/// A file as it was understood, and its first rows.
#[derive(Debug)]
pub(crate) struct Preview {
    pub(crate) mapping: Mapping,
    pub(crate) account: Account,
    pub(crate) rows: Vec<(u64, Result<Contact, RowFault>)>,
}

impl Preview {
    pub(super) fn of(spool: Spool, reading: &Reading, proving: Proving) -> Result<Self, SheetFault> {
        let mut looker = Looker::default();
        looker.sorter.proving = proving;
        let look = spool.again()?;
        match reading.read(look, &mut looker) {
            Ok(()) | Err(SheetFault::Stopped) => {}
            Err(fault) => return Err(fault),
        }
        let mapping = looker.mapping.ok_or(SheetFault::Empty)?;
        let mut account = Account::of(&spool, &mapping);
        (account.rows, account.invalid) = (looker.counted, looker.invalid);
        account.visits_to_come = looker.visits_to_come;
        Ok(Self {
            mapping,
            account,
            rows: looker.rows,
        })
    }
}

#[derive(Default)]
struct Looker {
    mapping: Option<Mapping>,
    rows: Vec<(u64, Result<Contact, RowFault>)>,
    counted: Buckets,
    invalid: BTreeMap<String, u64>,
    visits_to_come: u64,
    sorter: Sorter,
}

impl Taker for Looker {
    fn mapping(&mut self, mapping: &Mapping) -> ControlFlow<()> {
        self.mapping = Some(mapping.clone());
        ControlFlow::Continue(())
    }

    fn row(&mut self, row: RowRead<'_>) -> ControlFlow<()> {
        let shown = (self.rows.len() < PREVIEW_ROWS).then(|| (row.cells.line, row.contact.clone()));
        let is_to_come = has_visit_to_come(&row);
        let counted = &mut self.counted;
        counted.read += 1;
        let sorted = self.sorter.sort(row.contact);
        self.rows.extend(shown.map(|(line, contact)| match &sorted {
            Sorted::Invalid(fault) => (line, Err(fault.clone())),
            Sorted::Person(_) | Sorted::Duplicate => (line, contact),
        }));
        match sorted {
            // Whether they are known, is the database's to say.
            Sorted::Person(person) => {
                counted.not_mobile += u64::from(!person.mobile);
                self.visits_to_come += u64::from(is_to_come);
            }
            Sorted::Invalid(fault) => {
                counted.invalid += 1;
                *self.invalid.entry(fault.problem.code().to_owned()).or_default() += 1;
            }
            Sorted::Duplicate => counted.duplicate_in_file += 1,
        }
        if counted.read < SAMPLE_ROWS {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }
}
