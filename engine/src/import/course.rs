//! The database's side of an import.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::account::{Account, Failure};
use super::convert::{Person, Proving};
use super::gather::{Batch, Gather};
use super::{Asked, ImportFault, Imports, Turn};
use crate::domain::{ContactId, ImportId, Partition, Purpose, Recipient};
use crate::people::{ImportState, Outcome, Said, Source, SourceKind, Upserted};
use crate::sheet::{Reading, SheetFault, Spool};

/// Batches that may wait for the database.
const BATCHES_MAX: usize = 1;

/// One file on its way into the database.
pub(super) struct Course {
    imports: Imports,
    id: ImportId,
    account: Account,
    asked: Asked,
    turn: Turn,
    proving: Proving,
    /// Of the file of errors.
    pieces: i64,
}

impl Course {
    pub(super) fn new(
        imports: &Imports,
        (id, account): (ImportId, Account),
        asked: Asked,
        (turn, proving): (Turn, Proving),
    ) -> Self {
        Self {
            imports: imports.clone(),
            id,
            account,
            asked,
            turn,
            proving,
            pieces: 0,
        }
    }

    /// To the end of the file, or until `stop`.
    pub(super) async fn run(mut self, (spool, reading): (Spool, Reading), stop: CancellationToken) {
        let (sender, mut batches) = mpsc::channel(BATCHES_MAX);
        let mut gather = Gather::new(sender, (self.imports.words, self.asked.language), self.proving);
        let reader = tokio::task::spawn_blocking(move || {
            let read = reading.read(spool, &mut gather);
            gather.finish();
            read
        });
        let mut state = ImportState::Completed;
        while let Some(batch) = stop.run_until_cancelled(batches.recv()).await.unwrap_or_default() {
            if let Err(fault) = self.take(batch).await {
                state = self.fail(&fault);
                break;
            }
        }
        if stop.is_cancelled() {
            state = ImportState::Interrupted;
        }
        // Whoever still reads finds nobody to hand it to.
        drop(batches);
        match reader.await {
            Ok(Ok(()) | Err(SheetFault::Stopped)) => {}
            Ok(Err(fault)) => state = self.fail(&fault.into()),
            Err(_) => state = self.fail(&ImportFault::Broken),
        }
        self.note(state, "").await;
    }

    async fn take(&mut self, batch: Batch) -> Result<(), ImportFault> {
        let arrived = self.welcome(batch.people).await?;
        let given: Vec<_> = arrived.iter().map(|person| person.given.clone()).collect();
        if !given.is_empty() {
            let people = &self.imports.people;
            let source = Source::new(SourceKind::Import, self.id);
            let became = people
                .upsert(self.asked.tenant, &given, (self.asked.list, Some(&source)))
                .await?;
            let said: Vec<(ContactId, &Said)> = became
                .iter()
                .zip(&arrived)
                .filter_map(|(became, person)| Some((became.id, person.said.as_ref()?)))
                .collect();
            let consents = people.consents_with(&self.imports.mirror);
            let news = consents.said(self.asked.tenant, &said).await?;
            let numbers: Vec<_> = given.iter().map(|given| given.number.flatten()).collect();
            let suppressed = self.suppressed(&numbers).await?;
            let cannot: Vec<_> = arrived.iter().map(|person| !person.mobile).zip(suppressed).collect();
            self.count(&became, &news, &cannot);
        }
        let rows = &mut self.account.rows;
        rows.read += batch.rows.read;
        rows.invalid += batch.rows.invalid;
        rows.duplicate_in_file += batch.rows.duplicate_in_file;
        for (code, count) in batch.invalid {
            *self.account.invalid.entry(code).or_default() += count;
        }
        self.account.visits_to_come += batch.visits_to_come;
        self.account.errors.listed += batch.errors.listed;
        self.account.errors.cut |= batch.errors.cut;
        self.turn.show(Some(self.id), &self.account);
        if !batch.listed.is_empty() {
            self.note(ImportState::Running, &batch.listed).await;
        }
        Ok(())
    }

    /// All but those who are not to be known any more, who are counted with those who want nothing.
    async fn welcome(&mut self, mut people: Vec<Person>) -> Result<Vec<Person>, ImportFault> {
        let number = |person: &Person| person.given.number.flatten();
        let numbers: Vec<_> = people.iter().filter_map(number).collect();
        let held_back = self.imports.mirror.held_back(self.asked.tenant, numbers).await?;
        let arrived = people.len();
        people.retain(|person| !number(person).is_some_and(|number| held_back.contains(&number)));
        self.account.rows.suppressed += (arrived - people.len()) as u64;
        Ok(people)
    }

    /// Each row is counted once. `cannot`: they have no mobile; they want no advertising.
    fn count(&mut self, became: &[Upserted], news: &[ContactId], cannot: &[(bool, bool)]) {
        let news: rustc_hash::FxHashSet<_> = news.iter().map(|id| id.0).collect();
        let rows = &mut self.account.rows;
        for (became, (not_mobile, suppressed)) in became.iter().zip(cannot) {
            let bucket = match became.outcome {
                _ if *suppressed => &mut rows.suppressed,
                _ if *not_mobile => &mut rows.not_mobile,
                Outcome::Created => &mut rows.created,
                Outcome::Unchanged if !news.contains(&became.id.0) => &mut rows.unchanged,
                Outcome::Updated | Outcome::Unchanged => &mut rows.updated,
            };
            *bucket += 1;
        }
    }

    /// Which of these want no advertising of this tenant.
    async fn suppressed(&self, numbers: &[Option<Recipient>]) -> Result<Vec<bool>, ImportFault> {
        let store = &self.imports.store;
        let mut groups: Vec<(Partition, Vec<Recipient>)> = store
            .all_partitions()
            .map(|partition| (partition, Vec::new()))
            .collect();
        let partition = |number: &Recipient| usize::from(number.partition(store.partitions()).0);
        for number in numbers.iter().flatten() {
            groups[partition(number)].1.push(*number);
        }
        groups.retain(|(_, numbers)| !numbers.is_empty());
        let of = (self.asked.tenant, Purpose::Marketing);
        let struck = store.opted_out(of, &groups).await?;
        let struck: rustc_hash::FxHashSet<u64> = groups
            .iter()
            .zip(&struck)
            .flat_map(|((_, numbers), struck)| numbers.iter().zip(struck))
            .filter(|(_, struck)| **struck)
            .map(|(number, _)| number.0)
            .collect();
        let is_struck = |number: &Recipient| struck.contains(&number.0);
        Ok(numbers
            .iter()
            .map(|number| number.as_ref().is_some_and(is_struck))
            .collect())
    }

    fn fail(&mut self, fault: &ImportFault) -> ImportState {
        let (words, language) = (self.imports.words, self.asked.language);
        let problem = match fault {
            ImportFault::Sheet(fault) => fault.problem().map(Into::into),
            ImportFault::People(crate::people::PeopleFault::Fields(faults)) => {
                faults.first().map(|fault| fault.problem.clone())
            }
            ImportFault::People(_)
            | ImportFault::Store(_)
            | ImportFault::Webhook(_)
            | ImportFault::Broken
            | ImportFault::Running
            | ImportFault::Full => None,
        };
        self.account.failure = Some(match problem {
            Some(problem) => Failure {
                code: crate::fault::FieldProblem::code(&problem).to_owned(),
                detail: words(&problem, language),
            },
            None => {
                tracing::warn!(error = %fault, import = %self.id, "an import failed");
                Failure {
                    code: "internal".to_owned(),
                    detail: String::new(),
                }
            }
        });
        ImportState::Failed
    }

    async fn note(&mut self, state: ImportState, errors: &str) {
        let noted = self
            .imports
            .people
            .note_import(self.id, (state, &self.account.stored()), (self.pieces, errors))
            .await;
        self.pieces += 1;
        if let Err(error) = noted {
            tracing::warn!(%error, import = %self.id, "how an import stands cannot be kept");
        }
    }
}
