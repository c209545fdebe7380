//! Lines of files and of standard input, each of bounded length.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::Value;

use super::Refusal;
use super::show::Show;

/// Octets of a line: more than any text of 255 segments has.
pub(super) const LINE_MAX: usize = 256 * 1024;

/// Some of what was asked for could not be done.
const IN_PART: u8 = 1;

/// Explains every line. Exit code 1 when a line or a file could not be: standard error says which and why.
pub(super) fn each_line(files: &[PathBuf], show: Show, explain: impl Fn(&str) -> Result<Value, Refusal>) -> ExitCode {
    let input = [PathBuf::from("-")];
    let files = if files.is_empty() { &input[..] } else { files };
    let mut whole = true;
    for file in files {
        whole &= of_file(file, show, &explain);
    }
    if whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(IN_PART)
    }
}

fn of_file(path: &Path, show: Show, explain: &impl Fn(&str) -> Result<Value, Refusal>) -> bool {
    let name = path.display().to_string();
    let input: Box<dyn Read> = if name == "-" {
        Box::new(std::io::stdin())
    } else {
        match File::open(path) {
            Ok(file) => Box::new(file),
            Err(error) => {
                eprintln!("{name}: cannot be read: {error}");
                return false;
            }
        }
    };
    let (mut reader, mut number, mut whole) = (BufReader::new(input), 0u64, true);
    loop {
        number += 1;
        let explained = match next_line(&mut reader) {
            Ok(None) => return whole,
            // Nothing is asked on an empty line.
            Ok(Some(line)) if line.is_empty() => continue,
            Ok(Some(line)) => line_text(&line, number == 1).and_then(|line| explain(&line)),
            Err(error) => {
                eprintln!("{name}:{number}: cannot be read: {error}");
                return false;
            }
        };
        let object = explained.unwrap_or_else(|why| {
            eprintln!("{name}:{number}: {why}");
            whole = false;
            serde_json::json!({ "error": why, "line": number })
        });
        if !show.object(&object) {
            // Nobody reads any more.
            return whole;
        }
    }
}

/// A line without its end; one octet more than allowed of a longer one, whose rest is skipped. `None`: there are no more.
fn next_line(reader: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
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
