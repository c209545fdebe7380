//! What an archive looks like: a tar file with the pieces of an append-only file, a document that lists them, and that document's SHA-256.
//!
//! The document stands behind the files, so that each of these is read once; an archive that was cut has none. `tar` and
//! `sha256sum` read it, too.

use std::io::{Error, Read, Result, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tar::{Archive, Builder, EntryType, Header};

use super::held::Aof;

/// Another form gets another number.
const FORMAT: u32 = 1;

/// The folder that a server looks into, unless its `appenddirname` says otherwise.
pub(super) const FOLDER: &str = "appendonlydir";

const DOCUMENT: &str = "backup.json";

const DIGEST: &str = "backup.json.sha256";

/// There are a handful of files, and a few lines for each.
const DOCUMENT_OCTETS_MAX: u64 = 1 << 20;

/// People's numbers and texts are in it.
const MODE: u32 = 0o600;

/// What an archive says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Contents {
    pub(super) format: u32,
    /// The version of the program that made it.
    pub(super) program: String,
    /// When, RFC 3339.
    pub(super) created_at: String,
    /// The database's id.
    pub(super) database: String,
    /// What the files begin with: the server's `appendfilename`.
    pub(super) appendfilename: String,
    /// In their order.
    pub(super) files: Vec<Entry>,
}

/// One piece of the append-only file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// With its folder.
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) sha256: String,
}

/// Why a file is no archive to restore from.
#[derive(Debug, thiserror::Error)]
pub(super) enum Damage {
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] Error),
    #[error("it is no backup: it does not begin as a tar file does")]
    NoArchive,
    #[error("it is damaged behind its first {0} files")]
    Broken(usize),
    #[error("it is no backup, or one that was cut: {DOCUMENT} is missing at its end")]
    Cut,
    #[error("it has the format {0}, and this program reads {FORMAT}: restore it with the program that made it")]
    OtherFormat(u32),
    #[error("{0} is not what was kept")]
    Different(String),
    #[error("{0}: {1}")]
    NotTaken(String, #[source] Error),
}

impl Contents {
    /// Without files.
    pub(super) fn new(created_at: String, database: String, appendfilename: String) -> Self {
        Self {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            created_at,
            database,
            appendfilename,
            files: Vec::new(),
        }
    }

    /// Octets of its files.
    pub(super) fn octets(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

/// Writes an archive of that append-only file, and lists its pieces in `contents`.
///
/// # Errors
/// When a file cannot be read whole, or the archive not be written.
pub(super) fn write(to: impl Write, aof: Aof, contents: &mut Contents) -> Result<()> {
    let mut builder = Builder::new(to);
    for held in aof.0 {
        let name = format!("{FOLDER}/{}", held.name);
        let mut hashed = Hashed::new(held.file.take(held.length));
        add(&mut builder, &name, held.length, &mut hashed)?;
        if hashed.size != held.length {
            return Err(Error::other(format!("{name} has become shorter while it was read")));
        }
        contents.files.push(hashed.entry(name));
    }
    let document = serde_json::to_vec_pretty(contents)?;
    let line = format!("{}  {DOCUMENT}\n", hexadecimal(&Sha256::digest(&document)));
    add(&mut builder, DOCUMENT, document.len() as u64, &document[..])?;
    add(&mut builder, DIGEST, line.len() as u64, line.as_bytes())?;
    builder.into_inner()?.flush()
}

fn add(builder: &mut Builder<impl Write>, name: &str, size: u64, from: impl Read) -> Result<()> {
    let mut header = Header::new_gnu();
    header.set_size(size);
    header.set_mode(MODE);
    builder.append_data(&mut header, name, from)
}

/// Reads an archive to its end, and hands each piece over, by its name within the folder, with the reader that it is to
/// take it from.
///
/// # Errors
/// See [`Damage`]; then what was handed over is worth nothing.
pub(super) fn read(
    path: &Path,
    mut take: impl FnMut(&str, &mut dyn Read) -> Result<()>,
) -> std::result::Result<Contents, Damage> {
    let mut archive = Archive::new(std::fs::File::open(path)?);
    let (mut files, mut document, mut line) = (Vec::new(), Vec::new(), Vec::new());
    for entry in archive.entries()? {
        // What does not fit is not said: it may be anybody's.
        let broken = |error: Error| match (error.raw_os_error(), files.len()) {
            (Some(_), _) => Damage::Unreadable(error),
            (None, 0) => Damage::NoArchive,
            (None, read) => Damage::Broken(read),
        };
        let entry = entry.map_err(broken)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        match (&*name, plain(&name)) {
            (DOCUMENT, _) => document = whole(entry)?,
            (DIGEST, _) => line = whole(entry)?,
            (_, Some(inner)) if entry.header().entry_type() == EntryType::Regular => {
                let size = entry.size();
                let mut hashed = Hashed::new(entry);
                take(inner, &mut hashed).map_err(|error| Damage::NotTaken(name.clone(), error))?;
                if hashed.size != size {
                    return Err(Damage::Cut);
                }
                files.push(hashed.entry(name));
            }
            _ => return Err(Damage::Different(name)),
        }
    }
    judge(files, &document, &line)
}

fn whole(entry: impl Read) -> Result<Vec<u8>> {
    let mut octets = Vec::new();
    entry.take(DOCUMENT_OCTETS_MAX).read_to_end(&mut octets)?;
    Ok(octets)
}

/// The name of a file right in the folder.
fn plain(name: &str) -> Option<&str> {
    let inner = name.strip_prefix(FOLDER)?.strip_prefix('/')?;
    let is_plain = !inner.is_empty() && !inner.contains(['/', '\0']) && inner != "." && inner != "..";
    is_plain.then_some(inner)
}

fn judge(files: Vec<Entry>, document: &[u8], line: &[u8]) -> std::result::Result<Contents, Damage> {
    if document.is_empty() || line.is_empty() {
        return Err(Damage::Cut);
    }
    let digest = hexadecimal(&Sha256::digest(document));
    let different = || Damage::Different(DOCUMENT.to_owned());
    if !line.starts_with(digest.as_bytes()) {
        return Err(different());
    }
    // First what every format has: the rest of another one cannot be read.
    let value: serde_json::Value = serde_json::from_slice(document).map_err(|_| different())?;
    match value["format"].as_u64().and_then(|format| u32::try_from(format).ok()) {
        Some(FORMAT) => {}
        Some(other) => return Err(Damage::OtherFormat(other)),
        None => return Err(different()),
    }
    let contents: Contents = serde_json::from_value(value).map_err(|_| different())?;
    if contents.files == files {
        return Ok(contents);
    }
    let found = files.iter().zip(&contents.files).find(|(found, kept)| found != kept);
    Err(Damage::Different(found.map_or_else(
        || "its list of files".to_owned(),
        |(found, _)| found.name.clone(),
    )))
}

/// Counts and hashes what is read through it.
struct Hashed<R> {
    inner: R,
    size: u64,
    hash: Sha256,
}

impl<R> Hashed<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            size: 0,
            hash: Sha256::new(),
        }
    }

    fn entry(self, name: String) -> Entry {
        Entry {
            name,
            size: self.size,
            sha256: hexadecimal(&self.hash.finalize()),
        }
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let count = self.inner.read(into)?;
        self.hash.update(&into[..count]);
        self.size += count as u64;
        Ok(count)
    }
}

fn hexadecimal(digest: &[u8]) -> String {
    digest.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, copy, sink};

    use super::super::held::Held;
    use super::*;

    fn held(name: &str, text: &str) -> Held {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.rewind().unwrap();
        let (name, length) = (name.to_owned(), text.len() as u64);
        Held { name, file, length }
    }

    /// An archive of two files, and what it says of itself.
    fn archive() -> (Vec<u8>, Contents) {
        let files = vec![
            held("a.1.base.rdb", &"numbers ".repeat(100)),
            held("a.manifest", "file"),
        ];
        let mut contents = Contents::new("2026-03-02T08:15:30Z".into(), "id".into(), "a".into());
        let mut octets = Vec::new();
        write(&mut octets, Aof(files), &mut contents).unwrap();
        (octets, contents)
    }

    fn read_octets(octets: &[u8]) -> std::result::Result<Contents, Damage> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(octets).unwrap();
        read(file.path(), |_, from| copy(from, &mut sink()).map(drop))
    }

    #[test]
    fn what_was_written_is_read() {
        let (octets, contents) = archive();
        assert_eq!(read_octets(&octets).unwrap(), contents);
        assert_eq!(contents.octets(), 804);
        assert_eq!(contents.files[0].name, "appendonlydir/a.1.base.rdb");
    }

    #[test]
    fn an_archive_that_is_cut_anywhere_before_its_end_is_refused() {
        let (octets, _) = archive();
        // Behind the last file are only octets of zero.
        let end = octets.iter().rposition(|octet| *octet != 0).unwrap();
        for length in 0..=end {
            read_octets(&octets[..length]).unwrap_err();
        }
    }

    #[test]
    fn a_changed_octet_is_found_unless_it_means_nothing() {
        let (octets, contents) = archive();
        for at in 0..octets.len() {
            let mut changed = octets.clone();
            changed[at] ^= 0x10;
            if let Ok(read) = read_octets(&changed) {
                assert_eq!(read, contents, "octet {at}");
            }
        }
    }

    #[test]
    fn nothing_is_taken_that_would_lie_elsewhere() {
        for name in [
            "appendonlydir/../x",
            "appendonlydir/",
            "appendonlydir/..",
            "x",
            "appendonlydirx/y",
        ] {
            assert_eq!(plain(name), None, "{name}");
        }
        assert_eq!(plain("appendonlydir/a.manifest"), Some("a.manifest"));
    }

    #[test]
    fn what_is_no_archive_is_not_shown() {
        let said = read_octets(&b"root:x:0:0:root:/root:/bin/bash\n".repeat(40))
            .unwrap_err()
            .to_string();
        assert_eq!(said, "it is no backup: it does not begin as a tar file does");
    }

    #[test]
    fn an_archive_of_another_form_says_which() {
        let document = br#"{"format":2}"#;
        let line = hexadecimal(&Sha256::digest(document));
        let damage = judge(Vec::new(), document, line.as_bytes()).unwrap_err();
        assert!(matches!(damage, Damage::OtherFormat(2)), "{damage}");
    }
}
