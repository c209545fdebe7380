//! A file that somebody sends, kept aside on disk: what it is, is known only at its end.
//!
//! A file may begin as ASCII and have its first é after megabytes. So it is written down once, looked at as it goes by,
//! and read again from its beginning. A workbook has its table of contents at its end and needs this anyway.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use super::SheetFault;
use super::encoding::{Encoding, Judge};

/// The longest workbook, in octets: compressed, it is some two million rows.
pub(crate) const WORKBOOK_OCTETS_MAX: u64 = 64 << 20;

/// How much is read at a time, in octets.
const READ_OCTETS: usize = 64 << 10;

/// How a workbook begins: it is a zip archive.
const ZIP: &[u8] = b"PK\x03\x04";

/// How the workbooks of Excel 97 begin, and those with a password.
const COMPOUND: &[u8] = b"\xD0\xCF\x11\xE0";

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Cells between delimiters.
    Text(Encoding),
    /// XLSX.
    Workbook,
}

/// A file without a name, which is gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Spool {
    pub(super) file: File,
    pub(crate) form: Form,
    pub(crate) octets: u64,
}

impl Spool {
    /// Writes `body` down, in `folder`. Blocks on both. How long it may be is for whoever brings it to say.
    ///
    /// # Errors
    /// [`SheetFault::Io`], and what is no file of contacts.
    pub(crate) fn of(mut body: impl Read, folder: &Path) -> Result<Self, SheetFault> {
        let mut file = tempfile::tempfile_in(folder)?;
        let mut judge = Judge::default();
        let mut piece = vec![0; READ_OCTETS];
        let (mut head, mut octets) = (Vec::new(), 0);
        loop {
            let read = match body.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            octets += read as u64;
            let wanted = ZIP.len().saturating_sub(head.len()).min(read);
            head.extend_from_slice(&piece[..wanted]);
            if head == ZIP && octets > WORKBOOK_OCTETS_MAX {
                return Err(SheetFault::WorkbookTooLarge {
                    max: WORKBOOK_OCTETS_MAX,
                });
            }
            judge.look_at(&piece[..read]);
            file.write_all(&piece[..read])?;
        }
        file.rewind()?;
        let form = match head.as_slice() {
            ZIP => Form::Workbook,
            COMPOUND => return Err(SheetFault::OldWorkbook),
            _ => Form::Text(judge.verdict()),
        };
        Ok(Self { file, form, octets })
    }

    /// The same file from its beginning. Only one of the two may be read at a time.
    ///
    /// # Errors
    /// It cannot be had.
    pub(crate) fn again(&self) -> io::Result<Self> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        Ok(Self { file, ..*self })
    }
}
