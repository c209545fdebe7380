//! The message log: one JSON line for each thing that happened to a message, out of the journal. Bills and disputes are settled by it.
//!
//! Lines are on the disk before the books move on: after a crash those of its last moment come again, under the same `entry`. They have
//! ids, and neither numbers nor texts: to whom a message went is known for as long as its campaign is kept.

mod line;
mod search;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::task::spawn_blocking;

use crate::config::LineFile;
use crate::domain::{BadForm, MessageId, Partition, SmscId, named_events};
use crate::metrics::Metrics;
use crate::rotated::Rotated;
use crate::store::JournalEntry;
use line::Teller;

/// Lines that are written, and brought to the disk, in one go, in octets.
const TOGETHER_MAX: usize = 1 << 20;

/// What an SMSC is called; `None`: nobody knows it any more.
pub(crate) type Names = Arc<dyn Fn(SmscId) -> Option<String> + Send + Sync>;

/// Where lines go. Cheap to clone.
#[derive(Clone)]
pub(crate) struct MessageLog(Option<Arc<Shared>>);

struct Shared {
    file: Mutex<Rotated>,
    /// The file could not be written last.
    fails: AtomicBool,
    names: Names,
    /// Of the database.
    partitions: u16,
    metrics: Metrics,
}

impl MessageLog {
    /// To the file of `[message_log]`; without one, nowhere.
    pub(crate) fn start(file: &LineFile, (partitions, metrics): (u16, &Metrics), names: Names) -> Self {
        Self(Rotated::new(file).map(|file| {
            Arc::new(Shared {
                file: Mutex::new(file),
                fails: AtomicBool::new(false),
                names,
                partitions,
                metrics: metrics.clone(),
            })
        }))
    }

    /// Nothing is written.
    #[cfg(test)]
    pub(crate) const fn off() -> Self {
        Self(None)
    }

    /// Writes what entries of a partition's journal say. What cannot be written is counted, and holds up nothing.
    ///
    /// # Errors
    /// When an entry is none, and where.
    pub(crate) async fn note(&self, partition: Partition, entries: &[JournalEntry]) -> Result<(), (String, BadForm)> {
        let Some(shared) = &self.0 else { return Ok(()) };
        let (mut text, mut lines) = (String::new(), 0);
        for entry in entries {
            let teller = Teller::new(partition, entry, shared.partitions);
            for (number, event) in named_events(&entry.events, entry.at()).enumerate() {
                let (event, ids) = event.map_err(|form| (entry.id.clone(), form))?;
                let ids: Vec<_> = ids.map(String::from_utf8_lossy).collect();
                teller.tell(number, (&event, &ids), &*shared.names, &mut text);
                lines += 1;
            }
            if text.len() >= TOGETHER_MAX {
                shared.clone().write(std::mem::take(&mut text), lines).await;
                lines = 0;
            }
        }
        shared.clone().write(text, lines).await;
        Ok(())
    }

    /// The lines about these messages, oldest first. All its files are read: a gigabyte takes a second or so.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(crate) async fn find(&self, messages: Vec<MessageId>) -> io::Result<Vec<Value>> {
        let Some(shared) = self.0.clone().filter(|_| !messages.is_empty()) else {
            return Ok(Vec::new());
        };
        let files = shared.files();
        let found = spawn_blocking(move || search::lines(&files, &messages, shared.partitions));
        found.await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    /// The messages of which an SMSC has called a segment so. All its files are read.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(crate) async fn named(&self, smsc_id: &str) -> io::Result<Vec<MessageId>> {
        let Some(shared) = self.0.clone() else {
            return Ok(Vec::new());
        };
        let (files, smsc_id) = (shared.files(), smsc_id.to_owned());
        let found = spawn_blocking(move || search::named(&files, &smsc_id));
        found.await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

impl Shared {
    fn files(&self) -> Vec<PathBuf> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).files()
    }

    async fn write(self: Arc<Self>, text: String, lines: u64) {
        let writing = self.clone();
        let written = spawn_blocking(move || {
            let mut file = writing.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.write(text.as_bytes())
        });
        let written = written.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        let failed = self.fails.swap(written.is_err(), Ordering::Relaxed);
        if let Err(error) = written {
            self.metrics.message_log_lines_lost_total.inc_by(lines);
            // Once for as long as it lasts: the metric counts.
            if !failed {
                tracing::error!(%error, "the message log cannot be written: its lines are lost until it can");
            }
        } else if failed {
            tracing::info!("the message log is written again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tests::leased;
    use crate::domain::{Event, Mark, Reason, Status, Trace, Traces, UnixMicros};

    const PARTITIONS: u16 = 16;

    fn log(path: PathBuf, metrics: &Metrics) -> MessageLog {
        let file = LineFile {
            path: Some(path),
            ..LineFile::default()
        };
        let names = Arc::new(|smsc: SmscId| Some(format!("smsc {}", smsc.0)));
        MessageLog::start(&file, (PARTITIONS, metrics), names)
    }

    /// A message that was refused, and 8 rows of its campaign that were stopped.
    fn entry() -> JournalEntry {
        let refused = Event::Rejected {
            status: Status::UnknownNumber,
            reason: Reason::Answer,
            code: 11,
        };
        let mut events = leased(3, 1)
            .apply(refused, UnixMicros(7_000_000))
            .unwrap()
            .journal
            .unwrap();
        events.extend(b"r\x07c");
        events.extend(leased(3, 1).id.campaign().0.to_be_bytes());
        events.extend([9_u32, 4, 8].iter().flat_map(|number| number.to_be_bytes()));
        JournalEntry {
            id: "1800000000123-2".to_owned(),
            events,
        }
    }

    #[tokio::test]
    async fn what_an_smsc_calls_a_message_stands_in_its_line_and_finds_it() {
        let folder = tempfile::tempdir().unwrap();
        let (path, metrics) = (folder.path().join("messages.log"), Metrics::new(1).unwrap());
        let log = log(path.clone(), &metrics);
        let trace = |id: &str| Trace {
            mark: Mark::Taken,
            smsc_id: id.into(),
        };
        let traces = Traces {
            at: UnixMicros(5),
            segments: vec![trace("4A\"7"), trace("")],
        };
        let accepted = leased(3, 2).apply(Event::Accepted(traces), UnixMicros(9)).unwrap();
        let mut events = Vec::new();
        accepted.untold.unwrap().pack_ids(&mut events);
        events.extend(accepted.journal.unwrap());
        let id = "1800000000123-2".to_owned();
        let entries = [JournalEntry { id, events }, entry()];
        log.note(Partition(5), &entries).await.unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let line: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(line["event"], "taken");
        assert_eq!(line["smsc_message_ids"], serde_json::json!(["4A\"7", ""]));
        assert_eq!(text.matches("smsc_message_ids").count(), 1, "no empty lists");
        assert_eq!(log.named("4A\"7").await.unwrap(), [leased(3, 2).id]);
        for other in ["4A", "taken", "msg_", ""] {
            assert_eq!(log.named(other).await.unwrap(), [], "{other}");
        }
    }

    #[tokio::test]
    async fn events_are_lines_and_lines_are_found_by_their_messages() {
        let folder = tempfile::tempdir().unwrap();
        let (path, metrics) = (folder.path().join("messages.log"), Metrics::new(1).unwrap());
        let log = log(path.clone(), &metrics);
        let partition = Partition(5);
        // A crash between the disk and the books: the same comes again.
        for _ in 0..2 {
            log.note(partition, &[entry()]).await.unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 4);
        let message = leased(3, 1).id;
        let found = log.find(vec![message]).await.unwrap();
        let [line] = &found[..] else { panic!("{found:?}") };
        assert_eq!(
            (&line["time"], &line["entry"], &line["event"], &line["code"]),
            (
                &"2027-01-15T08:00:00.123Z".into(),
                &"5:1800000000123-2.0".into(),
                &"unknown_number".into(),
                &11.into()
            )
        );
        let row = |position| MessageId::new(message.campaign(), partition, PARTITIONS, position);
        for (position, lines) in [(3, 0), (4, 1), (11, 1), (12, 0)] {
            let found = log.find(vec![row(position)]).await.unwrap();
            assert_eq!(found.len(), lines, "{position}");
            assert!(
                found
                    .iter()
                    .all(|line| line["event"] == "canceled" && line["count"] == 8)
            );
        }
        let elsewhere = MessageId::new(message.campaign(), Partition(6), PARTITIONS, 4);
        assert!(log.find(vec![elsewhere]).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_cannot_be_written_is_counted_and_an_entry_that_is_none_says_where() {
        let folder = tempfile::tempdir().unwrap();
        let metrics = Metrics::new(1).unwrap();
        let log = log(folder.path().join("missing").join("messages.log"), &metrics);
        log.note(Partition(5), &[entry()]).await.unwrap();
        assert_eq!(metrics.message_log_lines_lost_total.get(), 2);
        let broken = JournalEntry {
            id: "1-0".to_owned(),
            events: b"?".to_vec(),
        };
        let said = log.note(Partition(5), &[broken]).await.unwrap_err();
        assert_eq!(said, ("1-0".to_owned(), BadForm { at: 0 }));
    }
}
