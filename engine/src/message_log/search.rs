//! Looking for some messages in all files.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;

use memchr::memmem::Finder;
use serde_json::Value;

use crate::domain::MessageId;

/// The most lines that are found, of which a message has some five, or messages.
const FOUND_MAX: usize = 1_000;

/// What is read of a file at once.
const READ: usize = 256 << 10;

/// The lines about these messages, in the order of the files, each once.
pub(super) fn lines(files: &[PathBuf], messages: &[MessageId], partitions: u16) -> io::Result<Vec<Value>> {
    let ids: Vec<String> = messages.iter().map(|id| format!("\"message\":\"{id}\"")).collect();
    let finders: Vec<Finder<'_>> = ids.iter().map(Finder::new).collect();
    let together = Finder::new("\"count\":");
    let (mut found, mut entries) = (Vec::new(), HashSet::new());
    each_line(files, |line| {
        let is_one = finders.iter().any(|finder| finder.find(line).is_some());
        if !is_one && together.find(line).is_none() {
            return true;
        }
        // A line that was cut off is none.
        let Ok(said) = serde_json::from_slice::<Value>(line) else {
            return true;
        };
        let wanted = is_one || messages.iter().any(|id| is_among(&said, *id, partitions));
        if wanted && entries.insert(said["entry"].to_string()) {
            found.push(said);
        }
        found.len() < FOUND_MAX
    })?;
    Ok(found)
}

/// The messages of which a segment was called so, each once.
pub(super) fn named(files: &[PathBuf], smsc_id: &str) -> io::Result<Vec<MessageId>> {
    // As it stands in a line.
    let quoted = Value::from(smsc_id).to_string();
    let finder = Finder::new(&quoted);
    let mut found = Vec::new();
    let is_called = |said: &Value| {
        said["smsc_message_ids"]
            .as_array()
            .is_some_and(|ids| ids.iter().any(|id| id == smsc_id))
    };
    each_line(files, |line| {
        if finder.find(line).is_none() || smsc_id.is_empty() {
            return true;
        }
        let said = serde_json::from_slice::<Value>(line).ok().filter(is_called);
        let id = said.and_then(|said| said["message"].as_str()?.parse().ok());
        if let Some(id) = id.filter(|id| !found.contains(id)) {
            found.push(id);
        }
        found.len() < FOUND_MAX
    })?;
    Ok(found)
}

/// Shows each line, until one is the last that is wanted.
fn each_line(files: &[PathBuf], mut goes_on: impl FnMut(&[u8]) -> bool) -> io::Result<()> {
    let mut line = Vec::new();
    for path in files {
        let file = match File::open(path) {
            Ok(file) => file,
            // It has made way meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let mut reader = BufReader::with_capacity(READ, file);
        loop {
            line.clear();
            if reader.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            if !goes_on(&line) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Whether a message is one of those that a line has ended together.
fn is_among(line: &Value, id: MessageId, partitions: u16) -> bool {
    let first: Option<MessageId> = line["message"].as_str().and_then(|first| first.parse().ok());
    let (Some(first), Some(count)) = (first, line["count"].as_u64()) else {
        return false;
    };
    let ((partition, position), (of, from)) = (id.place(partitions), first.place(partitions));
    let behind = u64::from(position).checked_sub(u64::from(from));
    id.campaign() == first.campaign() && partition == of && behind.is_some_and(|behind| behind < count)
}
