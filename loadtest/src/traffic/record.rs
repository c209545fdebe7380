//! Messages that somebody recorded: CSV with a header, or a JSON object a line; columns `at`, `to`, `text`, `sender`.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use smpp::address::Address;
use smpp::segment::{Segments, segment};
use smpp::text::{EncodingPolicy, choose};

use super::numbers::address_of;
use super::sender::Sender;

/// Rows of a recording: 100 MB of them, texts aside.
const ROWS_MAX: usize = 5_000_000;

/// Faulty rows that are named; the rest is counted.
const FAULTS_SHOWN: usize = 10;

/// One row of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// A time of day with its date (RFC 3339), or seconds from the beginning.
    at: Moment,
    to: String,
    text: String,
    sender: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Moment {
    Seconds(f64),
    Text(String),
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    at_us: i64,
    to: u64,
    text: u32,
    sender: u32,
}

/// Recorded messages in the order of their moments. Equal texts and senders are kept once.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    entries: Vec<Entry>,
    texts: Vec<Segments>,
    senders: Vec<Sender>,
}

impl Recording {
    /// Reads a file: `.jsonl`, `.ndjson` and `.json` as JSON lines, everything else as CSV.
    ///
    /// # Errors
    /// Names file and line of every row that cannot be sent, with what is allowed.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let json = path
            .extension()
            .is_some_and(|extension| ["jsonl", "ndjson", "json"].iter().any(|known| extension == *known));
        Self::parse(&text, &path.display().to_string(), json)
    }

    fn parse(text: &str, file: &str, json: bool) -> Result<Self> {
        let rows = if json { json_rows(text) } else { csv_rows(text) };
        ensure!(
            rows.len() <= ROWS_MAX,
            "{file} has {} rows: at most {ROWS_MAX}",
            rows.len()
        );
        let (mut recording, mut known) = (Self::default(), Known::default());
        let mut faults = Vec::new();
        for (line, row) in rows {
            match row.and_then(|row| recording.add(&row, &mut known)) {
                Ok(()) => {}
                Err(fault) => faults.push(format!("{file}:{line}: {fault:#}")),
            }
        }
        if !faults.is_empty() {
            let shown = faults[..faults.len().min(FAULTS_SHOWN)].join("\n");
            bail!("{} rows cannot be sent:\n{shown}", faults.len());
        }
        ensure!(
            !recording.entries.is_empty(),
            "{file} has no row: columns at, to, text, sender"
        );
        recording.entries.sort_by_key(|entry| entry.at_us);
        Ok(recording)
    }

    fn add(&mut self, row: &Row, known: &mut Known) -> Result<()> {
        let to = Address::international(row.to.as_bytes()).e164();
        let to = to.with_context(|| format!("to: {:?} is no international number, as in 33612345678", row.to))?;
        let at_us = row.at.us()?;
        let text = match known.texts.get(&row.text) {
            Some(text) => *text,
            None => {
                let (text, encoding) = choose(&row.text, EncodingPolicy::Auto);
                let segments = segment(&text, encoding, 0).context("text: it takes more than 255 segments")?;
                self.texts.push(segments);
                let place = self.texts.len() as u32 - 1;
                known.texts.insert(row.text.clone(), place);
                place
            }
        };
        let sender = match known.senders.get(&row.sender) {
            Some(sender) => *sender,
            None => {
                let sender: Sender = row.sender.parse().map_err(|fault| anyhow::anyhow!("sender: {fault}"))?;
                self.senders.push(sender);
                let place = self.senders.len() as u32 - 1;
                known.senders.insert(row.sender.clone(), place);
                place
            }
        };
        self.entries.push(Entry {
            at_us,
            to,
            text,
            sender,
        });
        Ok(())
    }

    /// When each is due, in µs after the first, `speed` times as fast as recorded.
    pub(crate) fn moments(&self, speed: f64) -> Vec<u64> {
        let first_us = self.entries.first().map_or(0, |entry| entry.at_us);
        let scaled = |entry: &Entry| ((entry.at_us - first_us) as f64 / speed) as u64;
        self.entries.iter().map(scaled).collect()
    }

    pub(super) fn text(&self, number: u64) -> &Segments {
        &self.texts[self.entry(number).text as usize]
    }

    pub(super) fn sender(&self, number: u64) -> Address<'_> {
        self.senders[self.entry(number).sender as usize].address()
    }

    pub(super) fn recipient<'a>(&self, number: u64, digits: &'a mut [u8; 20]) -> Address<'a> {
        address_of(self.entry(number).to, digits)
    }

    fn entry(&self, number: u64) -> Entry {
        self.entries[number as usize]
    }
}

/// Where equal texts and senders are kept.
#[derive(Default)]
struct Known {
    texts: HashMap<String, u32>,
    senders: HashMap<String, u32>,
}

impl Moment {
    fn us(&self) -> Result<i64> {
        let seconds = match self {
            Self::Seconds(seconds) => *seconds,
            Self::Text(text) => match text.trim().parse::<f64>() {
                Ok(seconds) => seconds,
                Err(_) => {
                    let time: Result<jiff::Timestamp, _> = text.trim().parse();
                    let wrong = || format!("at: {text:?} is neither a time (2026-11-22T09:00:00Z) nor seconds");
                    return Ok(time.ok().with_context(wrong)?.as_microsecond());
                }
            },
        };
        ensure!(
            (0.0..1e9).contains(&seconds),
            "at: {seconds} seconds: from 0 to 1000000000"
        );
        Ok((seconds * 1e6) as i64)
    }
}

fn csv_rows(text: &str) -> Vec<(usize, Result<Row>)> {
    // What a spreadsheet writes where commas stand in numbers.
    let head = text.lines().next().unwrap_or_default();
    let semicolons = head.contains(';') && !head.contains(',');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(if semicolons { b';' } else { b',' })
        .trim(csv::Trim::Headers)
        .from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for row in reader.deserialize::<Row>() {
        // The header is line 1; a fault that has no place belongs to it.
        let line = match &row {
            Ok(_) => rows.len() + 2,
            Err(error) => error.position().map_or(1, |place| place.line() as usize),
        };
        let row = row.map_err(|error| anyhow::anyhow!("columns at, to, text, sender are wanted: {}", words(&error)));
        rows.push((line, row));
    }
    rows
}

/// What is wrong with a row, without where the reader was.
fn words(error: &csv::Error) -> String {
    if let csv::ErrorKind::Deserialize { err, .. } = error.kind() {
        err.kind().to_string()
    } else {
        error.to_string()
    }
}

fn json_rows(text: &str) -> Vec<(usize, Result<Row>)> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(place, line)| {
            let row = serde_json::from_str(line).context("an object with at, to, text and sender is wanted");
            (place + 1, row)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_and_json_are_the_same_recording_in_the_order_of_time() {
        let csv = "to,at,text,sender\n33612345678,2.5,Bonjour,CLINIQUE\n+33698765432,0.5,\"A, b\",36034\n";
        let json = "{\"at\":\"2026-11-22T09:00:02Z\",\"to\":\"33612345678\",\"text\":\"Bonjour\",\"sender\":\"CLINIQUE\"}\n\n\
                    {\"at\":\"2026-11-22T10:00:00+01:00\",\"to\":\"33698765432\",\"text\":\"A, b\",\"sender\":\"36034\"}\n";
        for recording in [
            Recording::parse(csv, "r.csv", false).unwrap(),
            Recording::parse(json, "r.jsonl", true).unwrap(),
        ] {
            assert_eq!(recording.moments(2.0), [0, 1_000_000]);
            let mut digits = [0; 20];
            assert_eq!(recording.recipient(0, &mut digits).digits, b"33698765432");
            assert_eq!(recording.sender(1).digits, b"CLINIQUE");
            assert_eq!(recording.text(1).get(0), Some(&b"Bonjour"[..]));
        }
    }

    #[test]
    fn semicolons_separate_columns_as_well() {
        let csv = "at;to;text;sender\n0.5;33612345678;Bonjour;C\n";
        let recording = Recording::parse(csv, "r.csv", false).unwrap();
        let mut digits = [0; 20];
        assert_eq!(recording.recipient(0, &mut digits).digits, b"33612345678");
    }

    #[test]
    fn every_faulty_row_is_named() {
        let csv = "at,to,text,sender\n0,0612,x,C\nsoon,33612345678,x,C\n1,33612345678,x,\n1,33612345678\n";
        let fault = Recording::parse(csv, "r.csv", false).unwrap_err().to_string();
        for part in ["r.csv:2: to:", "r.csv:3: at:", "r.csv:4: sender:", "r.csv:5: columns"] {
            assert!(fault.contains(part), "{part} is not in\n{fault}");
        }
        assert!(Recording::parse("at,to,text,sender\n", "r.csv", false).is_err());
    }
}
