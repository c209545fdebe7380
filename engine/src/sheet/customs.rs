//! What a workbook is looked through for before it is let in.
//!
//! The library that reads workbooks believes what they say of themselves: it makes room for as many texts as one claims to
//! have, and gathers a text until its end. So all of it is unpacked once, and nothing kept, to see how much that is, how long
//! a text gets, and what it claims.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};

use zip::ZipArchive;

use super::SheetFault;
use super::rows::ROW_OCTETS_MAX;
use crate::fault::WorkbookFlaw;

/// The most parts of a workbook: sheets, pictures, styles.
const PARTS_MAX: usize = 1_000;

/// The most that all parts may be, unpacked, in octets: a million rows of ten cells.
const ALL_OCTETS_MAX: u64 = 512 << 20;

/// The same of the texts that sheets share, which are kept in memory.
const TEXTS_OCTETS_MAX: u64 = 64 << 20;

/// The same of any other part that is no sheet: styles, relations.
const OTHER_OCTETS_MAX: u64 = 8 << 20;

/// The most texts that sheets share.
const TEXTS_MAX: u64 = 2_000_000;

/// The longest tag whose attributes are read, in octets.
const TAG_OCTETS_MAX: usize = 4 << 10;

/// The longest name of a column, and number of a row: `XFD1048576`.
const COLUMN_LETTERS_MAX: usize = 3;
const ROW_DIGITS_MAX: usize = 7;

/// The end of a zip archive's table of contents, and how long it is without a comment.
const CONTENTS_END: &[u8] = b"PK\x05\x06";
const CONTENTS_END_OCTETS: usize = 22;

/// Elements whose texts are gathered up to their ends.
const GATHERED: [&[u8]; 4] = [b"si", b"is", b"v", b"f"];

/// Whether the workbook can be read in bounded memory.
///
/// # Errors
/// What it is that speaks against it.
pub(super) fn check(file: &mut File) -> Result<(), SheetFault> {
    check_contents(file)?;
    file.rewind()?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(SheetFault::broken)?;
    if archive.len() > PARTS_MAX {
        return Err(WorkbookFlaw::TooManyParts.into());
    }
    let mut left = ALL_OCTETS_MAX;
    for at in 0..archive.len() {
        let mut part = archive.by_index(at).map_err(SheetFault::broken)?;
        let name = part.name().map_err(SheetFault::broken)?.to_ascii_lowercase();
        let max = if name.ends_with("/sharedstrings.xml") {
            TEXTS_OCTETS_MAX
        } else if is_sheet(&name) {
            ALL_OCTETS_MAX
        } else {
            OTHER_OCTETS_MAX
        };
        let scan = (name.ends_with(".xml") || name.ends_with(".rels")).then(Scan::default);
        left -= check_part(&mut part, max.min(left), scan)?;
    }
    Ok(())
}

/// By the name that all programs give them: nothing else that is read is called that.
fn is_sheet(name: &str) -> bool {
    let number = name
        .strip_prefix("xl/worksheets/sheet")
        .and_then(|name| name.strip_suffix(".xml"));
    number.is_some_and(|number| number.bytes().all(|octet| octet.is_ascii_digit()))
}

/// The table of contents is read whole when an archive is opened: it has to be at the end, and short.
fn check_contents(file: &mut File) -> Result<(), SheetFault> {
    let length = file.seek(io::SeekFrom::End(0))?;
    let from = length.checked_sub(CONTENTS_END_OCTETS as u64);
    file.seek(io::SeekFrom::Start(from.ok_or(WorkbookFlaw::EndsEarly)?))?;
    let mut end = [0; CONTENTS_END_OCTETS];
    file.read_exact(&mut end)?;
    if !end.starts_with(CONTENTS_END) {
        return Err(WorkbookFlaw::NoContents.into());
    }
    if usize::from(u16::from_le_bytes([end[10], end[11]])) > PARTS_MAX {
        return Err(WorkbookFlaw::TooManyParts.into());
    }
    Ok(())
}

/// How many octets a part has.
fn check_part(part: &mut impl Read, max: u64, mut scan: Option<Scan>) -> Result<u64, SheetFault> {
    let mut piece = vec![0; 64 << 10];
    let mut octets = 0;
    loop {
        let read = match part.read(&mut piece) {
            Ok(0) => return Ok(octets),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(SheetFault::broken(error)),
        };
        octets += read as u64;
        if octets > max {
            return Err(SheetFault::WorkbookUnpacksTooLarge { max });
        }
        if let Some(scan) = &mut scan {
            piece[..read].iter().try_for_each(|octet| scan.take(*octet))?;
        }
    }
}

/// Looks at the XML of a part as it goes by, and refuses what programs do not write: it could mean something else to the
/// one who reads it then.
#[derive(Default)]
struct Scan {
    /// Octets since a tag or text began.
    length: usize,
    /// The tag that is being read.
    tag: Option<Tag>,
    /// The element whose text is gathered now, and how much of it there is.
    gathered: Option<(&'static [u8], usize)>,
    /// Shared texts so far: each takes room of its own, even an empty one.
    texts: u64,
}

#[derive(Default)]
struct Tag {
    /// Its first octets, without the brackets.
    text: Vec<u8>,
    quote: Option<u8>,
    last: u8,
}

impl Scan {
    fn take(&mut self, octet: u8) -> Result<(), SheetFault> {
        // Letters of two octets would hide what is looked for.
        if octet == 0 {
            return Err(WorkbookFlaw::NotUtf8.into());
        }
        self.length += 1;
        if let Some((_, length)) = &mut self.gathered {
            *length += 1;
        }
        let gathered = self.gathered.map_or(0, |(_, length)| length);
        if self.length.max(gathered) > ROW_OCTETS_MAX {
            return Err(WorkbookFlaw::LongText.into());
        }
        match (&mut self.tag, octet) {
            (None, b'<') => {
                self.length = 0;
                self.tag = Some(Tag::default());
            }
            (None, _) => {}
            (Some(_), b'<') => return Err(WorkbookFlaw::TagInTag.into()),
            (Some(tag), b'>') if tag.quote.is_none() => {
                self.length = 0;
                let tag = self.tag.take().unwrap_or_default();
                self.pass(&tag)?;
            }
            (Some(tag), _) => tag.take(octet)?,
        }
        Ok(())
    }

    fn pass(&mut self, tag: &Tag) -> Result<(), SheetFault> {
        let name = tag.name();
        if tag.text.starts_with(b"/") {
            self.gathered = self.gathered.filter(|(gathered, _)| *gathered != name);
        } else if self.gathered.is_none() && tag.last != b'/' {
            let gathered = GATHERED.into_iter().find(|gathered| *gathered == name);
            self.gathered = gathered.map(|name| (name, 0));
        }
        if matches!(name, b"row" | b"c") && !tag.has_a_plain_place() {
            return Err(WorkbookFlaw::NoPlace.into());
        }
        self.texts += u64::from(name == b"si" && !tag.text.starts_with(b"/"));
        if self.texts > TEXTS_MAX {
            return Err(WorkbookFlaw::TooManyTexts.into());
        }
        if name == b"sst" && tag.claims_more_than(TEXTS_MAX) {
            return Err(WorkbookFlaw::TooManyTexts.into());
        }
        Ok(())
    }
}

impl Tag {
    fn take(&mut self, octet: u8) -> Result<(), SheetFault> {
        // Comments and the like may hold what looks like tags.
        if self.text.is_empty() && octet == b'!' {
            return Err(WorkbookFlaw::Comments.into());
        }
        match self.quote {
            None if matches!(octet, b'"' | b'\'') => self.quote = Some(octet),
            Some(quote) if quote == octet => self.quote = None,
            None | Some(_) => {}
        }
        if self.text.len() < TAG_OCTETS_MAX {
            self.text.push(octet);
        } else if self.name() == b"sst" {
            return Err(WorkbookFlaw::LongTag.into());
        }
        self.last = octet;
        Ok(())
    }

    /// Without its namespace.
    fn name(&self) -> &[u8] {
        let text = self.text.strip_prefix(b"/").unwrap_or(&self.text);
        let end = |octet: &u8| octet.is_ascii_whitespace() || *octet == b'/';
        let name = text.split(end).next().unwrap_or_default();
        name.rsplit(|octet| *octet == b':').next().unwrap_or_default()
    }

    /// Whether its `r` is a place that a sheet has, if it has one: `7`, `XFD1048576`. The library reckons with it as it comes.
    fn has_a_plain_place(&self) -> bool {
        let text = String::from_utf8_lossy(&self.text);
        let mut rest = text.as_ref();
        while let Some((before, behind)) = rest.split_once('=') {
            let name = before.split_whitespace().next_back();
            let mut quoted = behind.splitn(3, ['"', '\'']).skip(1);
            let place = quoted.next().unwrap_or_default();
            let letters = place.bytes().take_while(u8::is_ascii_alphabetic).count();
            let digits = &place[letters..];
            let plain = letters <= COLUMN_LETTERS_MAX
                && digits.len() <= ROW_DIGITS_MAX
                && digits.bytes().all(|octet| octet.is_ascii_digit());
            if name == Some("r") && !plain {
                return false;
            }
            rest = quoted.next().unwrap_or_default();
        }
        true
    }

    /// Whether it says that there are more than `max` texts, or says so in a way that nobody can tell.
    fn claims_more_than(&self, max: u64) -> bool {
        let text = String::from_utf8_lossy(&self.text);
        text.split("uniqueCount").skip(1).any(|behind| {
            let behind = behind.trim_start_matches(|letter: char| letter.is_whitespace() || letter == '=');
            let number = behind.split(['"', '\'']).nth(1).map(str::parse::<u64>);
            !number.is_some_and(|number| number.is_ok_and(|number| number <= max))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(xml: &str) -> bool {
        let mut scan = Scan::default();
        xml.bytes().try_for_each(|octet| scan.take(octet)).is_ok()
    }

    #[test]
    fn what_programs_write_passes() {
        assert!(scanned(
            "<?xml version=\"1.0\"?><sst uniqueCount=\"2\"><si><t>a</t></si><si/><x:si><t a='>'>b</t></x:si></sst>"
        ));
        let cells = "<c r=\"A1\" t=\"inlineStr\"><is><t>0612345678</t></is></c><c r=\"B1\"><v>1</v></c>".repeat(10_000);
        assert!(scanned(&format!("<sheetData><row>{cells}</row></sheetData>")));
    }

    #[test]
    fn what_would_fill_the_memory_does_not() {
        let long = "x".repeat(ROW_OCTETS_MAX);
        let runs = "<r><t>abc</t></r>".repeat(ROW_OCTETS_MAX / 16);
        for xml in [
            "<sst uniqueCount=\"99999999999999\">".to_owned(),
            "<x:sst a='1' uniqueCount = '2000001'>".to_owned(),
            format!("<sst>{}</sst>", "<si/>".repeat(2_000_001)),
            "<sst uniqueCount=\"+5\" uniqueCount=\"x\">".to_owned(),
            format!("<sst a=\"{}\" uniqueCount=\"9\">", "x".repeat(TAG_OCTETS_MAX)),
            format!("<t>{long}</t>"),
            format!("<t a=\"{long}\">"),
            format!("<si>{runs}</si>"),
            format!("<c><is>{runs}</is></c>"),
            format!("<si><si>{runs}</si></si>"),
            "<is><!-- </is> -->".to_owned(),
            "<t a=\"</is>\">".to_owned(),
            "<\0s\0s\0t".to_owned(),
            "<row spans='1:2' r=\"4294967296\">".to_owned(),
            "<c r = 'ABCDEFG1'>".to_owned(),
        ] {
            assert!(!scanned(&xml), "{}", xml.chars().take(60).collect::<String>());
        }
    }
}
