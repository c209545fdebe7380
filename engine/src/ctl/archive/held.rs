//! A server's append-only file as it is at one moment, held open: a rewrite may remove its pieces, and they can still be read.
//!
//! It is a base, what was written since in one or more files, and a manifest that names them. A rewrite puts other files in
//! their place, and then another manifest: files that a manifest names before and after they were opened are one state. Of the
//! last file, which grows, what was there is enough: each beginning of it is a state.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result, Seek};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Behind a manifest's name.
const MANIFEST: &str = ".manifest";

/// Longer ones have more files than any server makes: a rewrite leaves two or three.
const MANIFEST_OCTETS_MAX: u64 = 1 << 20;

/// Where a stamp is looked for. Nobody writes much when no engine runs: Redis, that something has expired.
const END_OCTETS: u64 = 64 << 10;

/// One file, and how much of it counts.
pub(super) struct Held {
    pub(super) name: String,
    pub(super) file: File,
    pub(super) length: u64,
}

/// All of it; the manifest comes last.
pub(super) struct Aof(pub(super) Vec<Held>);

impl Aof {
    /// Whether what was written last has that stamp.
    pub(super) fn ends_with(&self, stamp: &str) -> Result<bool> {
        let [.., last, _manifest] = &self.0[..] else {
            return Ok(false);
        };
        let length = last.length.min(END_OCTETS);
        let mut end = vec![0; usize::try_from(length).unwrap_or(0)];
        last.file.read_exact_at(&mut end, last.length - length)?;
        Ok(end.windows(stamp.len()).any(|octets| octets == stamp.as_bytes()))
    }
}

/// Opens the one in that folder whose pieces begin with `name`. `None`: it has just become another one.
///
/// # Errors
/// When a file cannot be opened.
pub(super) fn hold(folder: &Path, name: &str) -> Result<Option<Aof>> {
    let manifest = format!("{name}{MANIFEST}");
    let path = folder.join(&manifest);
    let mut held = File::open(&path)?;
    let text = text_of(&held)?;
    let is_still = || Ok::<_, Error>(text_of(&File::open(&path)?)? == text);
    let mut files = Vec::new();
    for name in names(&text) {
        match File::open(folder.join(name)) {
            Ok(file) => files.push((name.to_owned(), file)),
            Err(error) if error.kind() == ErrorKind::NotFound && !is_still()? => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    if !is_still()? {
        return Ok(None);
    }
    held.rewind()?;
    let measured = |(name, file): (String, File)| {
        let length = file.metadata()?.len();
        Ok(Held { name, file, length })
    };
    let mut files = files.into_iter().map(measured).collect::<Result<Vec<_>>>()?;
    files.push(measured((manifest, held))?);
    Ok(Some(Aof(files)))
}

fn text_of(mut manifest: &File) -> Result<String> {
    let mut text = String::new();
    manifest.by_ref().take(MANIFEST_OCTETS_MAX).read_to_string(&mut text)?;
    Ok(text)
}

/// The files that count: `file appendonly.aof.1.base.rdb seq 1 type b`. Those of type `h` are about to be removed.
fn names(manifest: &str) -> impl Iterator<Item = &str> {
    manifest.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let value = |key| words.chunks_exact(2).find(|pair| pair[0] == key).map(|pair| pair[1]);
        value("file").filter(|_| value("type") != Some("h"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "file a.1.base.rdb seq 1 type b\n";

    fn folder(manifest: &str, files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.manifest"), manifest).unwrap();
        for name in files {
            std::fs::write(folder.path().join(name), *name).unwrap();
        }
        folder
    }

    fn read(held: &mut Held) -> String {
        let mut text = String::new();
        held.file.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn what_the_manifest_names_is_held_whatever_becomes_of_it() {
        let text = format!("file a.0.incr.aof seq 3 type h\n{BASE}file a.4.incr.aof seq 4 type i startoffset 0\n");
        let folder = folder(&text, &["a.1.base.rdb", "a.4.incr.aof", "a.0.incr.aof"]);
        let mut aof = hold(folder.path(), "a").unwrap().unwrap();
        folder.close().unwrap();
        let names: Vec<&str> = aof.0.iter().map(|held| held.name.as_str()).collect();
        assert_eq!(names, ["a.1.base.rdb", "a.4.incr.aof", "a.manifest"]);
        assert!(aof.ends_with("incr").unwrap());
        assert!(!aof.ends_with("base").unwrap(), "that is no end");
        assert_eq!(read(&mut aof.0[1]), "a.4.incr.aof");
        assert_eq!(read(&mut aof.0[2]), text);
    }

    #[test]
    fn a_file_that_is_missing_is_a_fault() {
        let folder = folder(BASE, &[]);
        let error = hold(folder.path(), "a").err().unwrap();
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    }
}
