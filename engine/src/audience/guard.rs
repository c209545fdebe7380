//! A limit on the strings of a JSON document, kept before the parser gathers one in memory.

use std::io::{self, Read};

/// The longest string of a request body, in octets: a list of two million numbers.
pub(crate) const STRING_OCTETS_MAX: usize = 32 << 20;

/// Reads on from `inner` until a JSON string is longer than the limit; then fails with [`StringTooLong`].
pub(super) struct StringGuard<R> {
    inner: R,
    max: usize,
    /// Octets of the string that is being read; `None` outside of strings.
    length: Option<usize>,
    escaped: bool,
}

/// A string of the document is longer than `max` octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a string of more than {max} bytes")]
pub(super) struct StringTooLong {
    pub(super) max: usize,
}

impl<R: Read> StringGuard<R> {
    pub(super) fn new(inner: R, max: usize) -> Self {
        Self {
            inner,
            max,
            length: None,
            escaped: false,
        }
    }

    fn look_at(&mut self, bytes: &[u8]) -> Result<(), StringTooLong> {
        for byte in bytes {
            let Some(length) = &mut self.length else {
                if *byte == b'"' {
                    self.length = Some(0);
                }
                continue;
            };
            if self.escaped {
                self.escaped = false;
            } else if *byte == b'\\' {
                self.escaped = true;
            } else if *byte == b'"' {
                self.length = None;
                continue;
            }
            *length += 1;
            if *length > self.max {
                return Err(StringTooLong { max: self.max });
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for StringGuard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.look_at(&buffer[..read])
            .map_err(|fault| io::Error::new(io::ErrorKind::InvalidData, fault))?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, max: usize) -> io::Result<usize> {
        StringGuard::new(text.as_bytes(), max).read_to_end(&mut Vec::new())
    }

    #[test]
    fn strings_up_to_the_limit_pass() {
        let text = r#"{"abcde": ["\"\\12", 1234567890, "", "a"]}"#;
        assert_eq!(read(text, 6).unwrap(), text.len());
        let fault = read(text, 5).unwrap_err();
        assert!(fault.get_ref().is_some_and(|fault| fault.is::<StringTooLong>()));
    }

    #[test]
    fn a_string_may_come_in_pieces() {
        let text = "\"".to_owned() + &"x".repeat(1_000);
        assert!(read(&text, 999).is_err());
        assert!(read(&text, 1_000).is_ok());
    }
}
