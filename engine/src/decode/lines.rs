//! Lines of files and of standard input, each of bounded length.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kit::output::complain;
use serde_json::Value;

use super::Refusal;
use super::show::Show;

/// Octets of a line: more than any text of 255 segments has.
pub(super) const LINE_MAX: usize = 256 * 1024;

/// Some of what was asked for could not be done.
pub(super) const IN_PART: u8 = 1;

/// Explains every line. Exit code 1 when a line or a file could not be: standard error says which and why.
pub(super) fn each_line(files: &[PathBuf], show: Show, explain: impl Fn(&str) -> Result<Value, Refusal>) -> ExitCode {
    each_file(files, |lines| {
        while let Some(line) = lines.next() {
            // Nothing is asked on an empty line.
            if line.as_ref().is_ok_and(String::is_empty) {
                continue;
            }
            let object = line.and_then(|line| explain(&line)).unwrap_or_else(|why| {
                lines.complain(lines.number, &why);
                serde_json::json!({ "error": why, "line": lines.number })
            });
            if !lines.goes_on(show.object(&object)) {
                return;
            }
        }
    })
}

/// Explains the whole of every file, without the end of its last line.
pub(super) fn each_whole(files: &[PathBuf], show: Show, explain: impl Fn(&str) -> Result<Value, Refusal>) -> ExitCode {
    each_file(files, |lines| {
        let whole = lines.whole().and_then(|whole| explain(&whole));
        let object = whole.unwrap_or_else(|why| {
            lines.complain(1, &why);
            serde_json::json!({ "error": why })
        });
        lines.goes_on(show.object(&object));
    })
}

/// Opens every file, or standard input. Exit code 1: something was complained of.
pub(super) fn each_file(files: &[PathBuf], mut each: impl FnMut(&mut Lines)) -> ExitCode {
    let input = [PathBuf::from("-")];
    let files = if files.is_empty() { &input[..] } else { files };
    let mut whole = true;
    for file in files {
        match Lines::open(file) {
            Ok(mut lines) => {
                each(&mut lines);
                whole &= !lines.complained;
            }
            Err(error) => {
                complain(format_args!("{}: cannot be read: {error}", file.display()));
                whole = false;
            }
        }
    }
    if whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(IN_PART)
    }
}

/// What one file has to say.
pub(super) struct Lines {
    pub(super) name: String,
    /// Of the line that was read last, from 1.
    pub(super) number: u64,
    reader: BufReader<Box<dyn Read>>,
    complained: bool,
}

impl Lines {
    fn open(path: &Path) -> io::Result<Self> {
        let name = path.display().to_string();
        let input: Box<dyn Read> = match name.as_str() {
            "-" => Box::new(io::stdin()),
            _ => Box::new(File::open(path)?),
        };
        Ok(Self {
            name,
            number: 0,
            reader: BufReader::new(input),
            complained: false,
        })
    }

    /// The next line; `None`: there are no more, or they cannot be read, which standard error says.
    pub(super) fn next(&mut self) -> Option<Result<String, Refusal>> {
        self.number += 1;
        match next_line(&mut self.reader) {
            Ok(line) => line.map(|line| line_text(&line, self.number == 1)),
            Err(error) => {
                self.complain(self.number, &format_args!("cannot be read: {error}"));
                None
            }
        }
    }

    fn whole(&mut self) -> Result<String, Refusal> {
        let mut whole = Vec::new();
        let read = self.reader.by_ref().take(LINE_MAX as u64 + 1).read_to_end(&mut whole);
        read.map_err(|error| format!("cannot be read: {error}"))?;
        for end in [b"\n", b"\r"] {
            whole.truncate(whole.strip_suffix(end).map_or(whole.len(), <[u8]>::len));
        }
        line_text(&whole, true)
    }

    /// Whether somebody still reads what was shown; that it could not be written is said.
    pub(super) fn goes_on(&mut self, shown: io::Result<bool>) -> bool {
        shown.unwrap_or_else(|error| {
            complain(unwritten(&error));
            self.complained = true;
            false
        })
    }

    /// Says on standard error what is wrong, and where.
    pub(super) fn complain(&mut self, line: u64, what: &impl Display) {
        complain(format_args!("{}:{line}: {what}", self.name));
        self.complained = true;
    }
}

/// What is said when the output is lost.
pub(super) fn unwritten(error: &io::Error) -> String {
    format!("campanile: the output cannot be written: {error}")
}

/// A line without its end; one octet more than allowed of a longer one, whose rest is skipped. `None`: there are no more.
fn next_line(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let read = reader.by_ref().take(LINE_MAX as u64 + 1).read_until(b'\n', &mut line)?;
    if read == 0 {
        return Ok(None);
    }
    if line.len() > LINE_MAX && !line.ends_with(b"\n") {
        reader.skip_until(b'\n')?;
        return Ok(Some(line));
    }
    let end = line.trim_ascii_end().len().max(
        line.iter()
            .rposition(|octet| !matches!(octet, b'\r' | b'\n'))
            .map_or(0, |at| at + 1),
    );
    line.truncate(end);
    Ok(Some(line))
}

fn line_text(line: &[u8], is_first: bool) -> Result<String, Refusal> {
    if line.len() > LINE_MAX {
        return Err(format!("longer than {LINE_MAX} octets"));
    }
    let text = std::str::from_utf8(line).map_err(|error| format!("not UTF-8 from octet {} on", error.valid_up_to()))?;
    // A byte order mark, as some editors write it.
    let text = if is_first {
        text.strip_prefix('\u{FEFF}').unwrap_or(text)
    } else {
        text
    };
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_in_many_ways_and_long_ones_are_skipped() {
        let long = vec![b'x'; 2 * LINE_MAX];
        let input = [&b"a\r\nb  \n\n"[..], &long, b"\nlast"].concat();
        let mut reader = BufReader::new(&input[..]);
        let mut lines = std::iter::from_fn(|| next_line(&mut reader).unwrap());
        assert_eq!(lines.next().unwrap(), b"a");
        assert_eq!(lines.next().unwrap(), b"b  ", "a text may end in spaces");
        assert_eq!(lines.next().unwrap(), b"");
        assert_eq!(lines.next().unwrap().len(), LINE_MAX + 1);
        assert_eq!(lines.next().unwrap(), b"last");
        assert_eq!(lines.next(), None);
    }

    #[test]
    fn what_is_no_text_is_said_to_be_none() {
        assert_eq!(line_text("\u{FEFF}a".as_bytes(), true).unwrap(), "a");
        assert!(line_text(&[b'a', 0xFF], false).unwrap_err().contains("octet 1"));
        assert!(line_text(&vec![b'x'; LINE_MAX + 1], false).is_err());
    }
}
