//! Appends the ledger to a file while the simulator runs.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use crate::handle::Handle;
use crate::ledger::Line;

/// Rows taken at once while the sessions wait: about a millisecond.
const ROWS_AT_ONCE: usize = 1_000;

/// What is written goes to the disk in pieces of this size.
const BUFFER: usize = 256 << 10;

/// With nothing to write, it looks again so soon.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Opens the file for appending.
///
/// # Errors
/// It cannot be opened; the error says which.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.map_err(|error| io::Error::new(error.kind(), format!("the ledger's file {}: {error}", path.display())))
}

/// Appends every finished row as one JSON object a line until the simulator stops, then the rows that are not
/// finished, as they are. To be run where it may block.
pub(crate) fn follow(handle: &Handle, file: File) {
    if let Err(error) = append(handle, file) {
        tracing::error!(%error, "the ledger's file is no longer written");
        handle.smsc().give_up_file();
    }
}

fn append(handle: &Handle, file: File) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(BUFFER, file);
    let runtime = tokio::runtime::Handle::current();
    loop {
        let lines = handle.smsc().finished_lines(ROWS_AT_ONCE);
        if !lines.is_empty() {
            write(&mut out, &lines)?;
            continue;
        }
        out.flush()?;
        if handle.stopping().is_cancelled() {
            break;
        }
        let stopped = handle.stopping().cancelled();
        // Either way it looks again.
        drop(runtime.block_on(async { tokio::time::timeout(LOOK_AGAIN, stopped).await }));
    }
    loop {
        let lines = handle.smsc().unfinished_lines(ROWS_AT_ONCE);
        if lines.is_empty() {
            return out.flush();
        }
        write(&mut out, &lines)?;
    }
}

fn write(out: &mut impl Write, lines: &[Line]) -> io::Result<()> {
    for line in lines {
        serde_json::to_writer(&mut *out, line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
