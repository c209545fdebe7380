//! A file of lines: they are brought to the disk before the next are taken, and a long file makes way for a new one.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::config::LineFile;

/// Read by its owner alone.
const MODE: u32 = 0o600;

/// `audit.log`, and behind it `audit.log.1`, the newest of the older ones, `audit.log.2` and so on.
pub(crate) struct Rotated {
    path: PathBuf,
    max_size: u64,
    keep: u32,
    /// Open, with what is in it, in octets. `None`: before the first line, and after a fault.
    open: Option<(File, u64)>,
}

impl Rotated {
    /// The file of that part of the configuration; `None` without one.
    pub(crate) fn new(file: &LineFile) -> Option<Self> {
        let path = file.path.clone()?;
        Some(Self::of(path, file.max_size, file.keep))
    }

    fn of(path: PathBuf, max_size: u64, keep: u32) -> Self {
        Self {
            path,
            max_size,
            keep,
            open: None,
        }
    }

    /// Writes whole lines. What was written when it fails is opened anew at the next call.
    pub(crate) fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let written = self.try_write(lines);
        if written.is_err() {
            self.open = None;
        }
        written
    }

    fn try_write(&mut self, lines: &[u8]) -> io::Result<()> {
        let (mut file, mut size) = match self.open.take() {
            // Who has moved it away or deleted it is not written to any more.
            Some(open) if self.is_there(&open.0) => open,
            Some(_) | None => self.begin()?,
        };
        if size > 0 && size + lines.len() as u64 > self.max_size {
            drop(file);
            self.rotate()?;
            (file, size) = self.begin()?;
        }
        let written = file.write_all(lines).and_then(|()| file.sync_data());
        if let Err(error) = written {
            // Without the part that found room: what follows begins a line of its own. Who cannot cut it off ends it there later.
            let _cut = file.set_len(size);
            return Err(error);
        }
        self.open = Some((file, size + lines.len() as u64));
        Ok(())
    }

    /// Opens the file at its end. A line that was cut off there, by a full disk or a crash, ends there.
    fn begin(&self) -> io::Result<(File, u64)> {
        let mut options = OpenOptions::new();
        let mut file = options.create(true).append(true).mode(MODE).open(&self.path)?;
        let mut size = file.metadata()?.len();
        if size == 0 {
            self.sync_folder()?;
        } else if !ends_whole(&self.path)? {
            file.write_all(b"\n")?;
            size += 1;
        }
        Ok((file, size))
    }

    /// Whether that file still stands at the path.
    fn is_there(&self, open: &File) -> bool {
        match (open.metadata(), fs::metadata(&self.path)) {
            (Ok(open), Ok(there)) => (open.dev(), open.ino()) == (there.dev(), there.ino()),
            (Ok(_) | Err(_), _) => false,
        }
    }

    /// Each file takes the next number; the last leaves.
    fn rotate(&self) -> io::Result<()> {
        for number in (1..self.keep).rev() {
            let older = self.numbered(number);
            if older.exists() {
                fs::rename(older, self.numbered(number + 1))?;
            }
        }
        fs::rename(&self.path, self.numbered(1))?;
        self.sync_folder()
    }

    /// All its files, the oldest first.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let older = (1..=self.keep).rev().map(|number| self.numbered(number));
        older.chain([self.path.clone()]).filter(|path| path.exists()).collect()
    }

    fn numbered(&self, number: u32) -> PathBuf {
        let mut name = OsString::from(&self.path);
        name.push(format!(".{number}"));
        PathBuf::from(name)
    }

    /// Names of files are on the disk when their folder is.
    fn sync_folder(&self) -> io::Result<()> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

fn ends_whole(path: &Path) -> io::Result<bool> {
    use std::io::{Read, Seek, SeekFrom};

    let mut file = File::open(path)?;
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_long_file_makes_way_and_the_oldest_leaves() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let mut writer = Rotated::of(path.clone(), 10, 2);
        for line in [
            "one\n", "two\n", "three\n", "four\n", "five\n", "six\n", "seven\n", "eight\n",
        ] {
            writer.write(line.as_bytes()).unwrap();
        }
        assert_eq!(read(&path), "eight\n");
        assert_eq!(read(&writer.numbered(1)), "six\nseven\n");
        assert_eq!(read(&writer.numbered(2)), "four\nfive\n");
        assert!(!writer.numbered(3).exists());
        assert_eq!(writer.files(), [writer.numbered(2), writer.numbered(1), path]);
    }

    #[test]
    fn it_goes_on_where_it_was_and_ends_a_line_that_was_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        fs::write(&path, "one\ntw").unwrap();
        let mut writer = Rotated::of(path.clone(), 1_000, 2);
        writer.write(b"three\n").unwrap();
        assert_eq!(read(&path), "one\ntw\nthree\n");
        Rotated::of(path.clone(), 1_000, 2).write(b"four\n").unwrap();
        assert_eq!(read(&path), "one\ntw\nthree\nfour\n");
    }

    #[test]
    fn who_moves_or_deletes_it_gets_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("messages.log");
        let mut writer = Rotated::of(path.clone(), 1_000, 2);
        writer.write(b"one\n").unwrap();
        let moved = folder.path().join("messages.log.moved");
        fs::rename(&path, &moved).unwrap();
        writer.write(b"two\n").unwrap();
        assert_eq!((read(&moved).as_str(), read(&path).as_str()), ("one\n", "two\n"));
        fs::remove_file(&path).unwrap();
        writer.write(b"three\n").unwrap();
        assert_eq!(read(&path), "three\n");
    }

    #[test]
    fn after_a_fault_it_is_tried_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("later").join("audit.log");
        let mut writer = Rotated::of(path.clone(), 1_000, 2);
        assert!(writer.write(b"one\n").is_err());
        fs::create_dir(path.parent().unwrap()).unwrap();
        writer.write(b"two\n").unwrap();
        assert_eq!(read(&path), "two\n");
    }
}
