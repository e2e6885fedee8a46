//! A file's lines, none of them longer than can be.

use std::io::{self, BufRead, Read as _};

/// The longest line: far more than all columns together may hold.
const LONGEST: u64 = 64 * 1024;

/// Reads lines, and numbers them from 1.
pub(super) struct Lines {
    reader: Box<dyn BufRead + Send>,
    number: u64,
}

/// One line, without its end.
pub(super) struct Line {
    /// Its number, from 1.
    pub(super) number: u64,
    /// Its text, or what is wrong with it.
    pub(super) text: Result<String, String>,
}

impl Lines {
    pub(super) fn new(reader: Box<dyn BufRead + Send>) -> Self {
        Self { reader, number: 0 }
    }

    /// The next line that holds anything.
    pub(super) fn next_line(&mut self) -> io::Result<Option<Line>> {
        loop {
            let mut bytes = Vec::new();
            if self.reader.by_ref().take(LONGEST).read_until(b'\n', &mut bytes)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            let is_cut = !bytes.ends_with(b"\n") && bytes.len() as u64 == LONGEST;
            if is_cut {
                self.skip_line()?;
                let text = Err(format!("the line is longer than {LONGEST} bytes: no line of this file can be"));
                return Ok(Some(Line { number: self.number, text }));
            }
            // Files from spreadsheets begin with a byte order mark.
            let bytes = if self.number == 1 { bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes) } else { &bytes };
            let text = match std::str::from_utf8(bytes) {
                Ok(text) if text.trim().is_empty() => continue,
                Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
                Err(error) => Err(format!(
                    "the text is not UTF-8 from byte {} of the line on: save the file as UTF-8",
                    error.valid_up_to() + 1
                )),
            };
            return Ok(Some(Line { number: self.number, text }));
        }
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                return Ok(());
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let used = end.map_or(buffer.len(), |end| end + 1);
            self.reader.consume(used);
            if end.is_some() {
                return Ok(());
            }
        }
    }
}
