//! What programs say. Nobody has to read it to its end: a pipe that was closed is no fault, and never a panic.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

/// Writes a text on standard output. `false`: nobody reads any more.
///
/// # Errors
/// Somebody would, and it cannot be written: a disk is full.
pub fn print(text: &str) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    taken(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Writes a line on standard error, which is where a fault to write it would be told.
pub fn complain(line: impl Display) {
    let _unread = io::stderr().write_all(format!("{line}\n").as_bytes());
}

fn taken(written: io::Result<()>) -> io::Result<bool> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_is_no_fault_and_a_full_disk_is() {
        assert!(taken(Ok(())).unwrap());
        assert!(!taken(Err(ErrorKind::BrokenPipe.into())).unwrap());
        assert!(taken(Err(ErrorKind::StorageFull.into())).is_err());
    }
}
