//! `decode pdu`: hexadecimal → PDUs, field by field, and what is wrong with each.

mod json;
mod pieces;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use smpp::anatomy::anatomy;

use super::hex::HexReader;
use super::lines::{Lines, each_file};
use super::show::Show;
use json::PduObject;
use pieces::{Pieces, begins_pdu};

/// Explains all PDUs of every file. Exit code 1: octets of some could not be read.
pub(super) fn each_pdu(files: &[PathBuf], show: Show) -> ExitCode {
    each_file(files, |lines| {
        let mut tool = Tool {
            show,
            pieces: Pieces::default(),
        };
        // Ends early when nobody reads any more.
        let _ended = tool.explain(lines);
    })
}

/// Nobody takes what is shown.
struct Unread;

struct Tool {
    show: Show,
    pieces: Pieces,
}

impl Tool {
    fn explain(&mut self, lines: &mut Lines) -> Result<(), Unread> {
        let mut reader = HexReader::default();
        while let Some(line) = lines.next() {
            let read = line.and_then(|line| match line.trim() {
                "" => Ok(None),
                _ => reader.read(&line).map(Some).map_err(|fault| fault.to_string()),
            });
            let number = lines.number;
            match read {
                Ok(Some(line)) => {
                    if !line.continues && begins_pdu(&line.octets) {
                        self.rest(lines)?;
                    }
                    self.pieces.append(&line.octets, number);
                    while let Some((begun, pdu)) = self.pieces.next(number) {
                        self.pdu(lines, begun, &pdu)?;
                    }
                }
                Ok(None) => self.rest(lines)?,
                Err(why) => {
                    self.rest(lines)?;
                    lines.complain(number, &why);
                    let object = serde_json::json!({ "error": why, "line": number });
                    taken(lines.goes_on(self.show.object(&object)))?;
                }
            }
        }
        self.rest(lines)
    }

    /// What no more octets come to.
    fn rest(&mut self, lines: &mut Lines) -> Result<(), Unread> {
        match self.pieces.rest() {
            Some((begun, pdu)) => self.pdu(lines, begun, &pdu),
            None => Ok(()),
        }
    }

    fn pdu(&self, lines: &mut Lines, begun: u64, octets: &[u8]) -> Result<(), Unread> {
        let anatomy = anatomy(octets);
        for problem in anatomy.problems.iter().filter(|problem| problem.breaks) {
            lines.complain(begun, &format_args!("{}: {}", problem.place, problem.what));
        }
        let place = format!("{}:{begun}", lines.name);
        let object = PduObject {
            place: &place,
            anatomy: &anatomy,
        };
        let shown = self.show.written(&object, || words::words(&place, &anatomy));
        taken(lines.goes_on(shown))
    }
}

fn taken(is_taken: bool) -> Result<(), Unread> {
    if is_taken { Ok(()) } else { Err(Unread) }
}
