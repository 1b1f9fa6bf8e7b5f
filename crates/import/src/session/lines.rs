//! The lines of a log, each a JSON object.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use fs_err::File;
use serde_json::Value;

use crate::{ImportError, Place};

/// How long a line may be: pictures stand in lines as text.
const LONGEST: u64 = 256 << 20;

/// The lines of a log.
pub(crate) struct Lines {
    reader: BufReader<File>,
    path: PathBuf,
    number: u64,
}

/// A line of a log.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// Where it stands.
    pub(crate) place: Place,
    /// Its object.
    pub(crate) object: Value,
    /// How many bytes it took.
    pub(crate) bytes: u64,
}

impl Lines {
    /// Opens a log.
    ///
    /// # Errors
    /// [`ImportError`] where it cannot be opened.
    pub(crate) fn open(path: &Path) -> Result<Self, ImportError> {
        let file = File::open(path).map_err(|error| Place::file(path).caused("cannot be read", error))?;
        Ok(Self { reader: BufReader::new(file), path: path.to_owned(), number: 0 })
    }

    /// Returns the next line that is not blank; none at the end.
    ///
    /// # Errors
    /// [`ImportError`] where a line cannot be read, is too long, or is no JSON object.
    pub(crate) fn next(&mut self) -> Result<Option<Line>, ImportError> {
        let mut bytes = 0;
        loop {
            self.number += 1;
            let place = Place::within(&self.path, format!("line {}", self.number));
            let mut text = Vec::new();
            let read = (&mut self.reader).take(LONGEST + 1).read_until(b'\n', &mut text);
            let length = read.map_err(|error| place.caused("cannot be read", error))? as u64;
            bytes += length;
            if length == 0 {
                return Ok(None);
            }
            if length > LONGEST {
                return Err(place.error(format!("is longer than {LONGEST} bytes")));
            }
            if text.trim_ascii().is_empty() {
                continue;
            }
            let object: Value = serde_json::from_slice(&text)
                .map_err(|error| place.caused("is not JSON; expected one object in each line", error))?;
            if !object.is_object() {
                return Err(place.error("is not a JSON object; expected one in each line"));
            }
            return Ok(Some(Line { place, object, bytes }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Result<Vec<String>, ImportError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log.jsonl");
        fs_err::write(&path, text).unwrap();
        let mut lines = Lines::open(&path)?;
        let mut found = Vec::new();
        while let Some(line) = lines.next()? {
            found.push(format!("{} {}", line.place.within.unwrap(), line.object));
        }
        Ok(found)
    }

    #[test]
    fn blank_lines_are_passed_over_and_counted() {
        assert_eq!(read(b"{\"a\":1}\n\n \r\n{\"b\":2}").unwrap(), ["line 1 {\"a\":1}", "line 4 {\"b\":2}"]);
    }

    #[test]
    fn a_line_that_is_no_object_is_refused_with_its_number() {
        for bad in [
            &b"{\"a\":1}\n{\"b\":"[..],
            b"{}\n[1]\n",
            b"{}\n\xff\xfe\n",
            b"{}\nNaN\n",
            b"{}\n{\"a\":1}{\"b\":2}\n",
        ] {
            let error = read(bad).unwrap_err();
            assert!(error.to_string().contains("log.jsonl`, line 2: is not"), "{error}");
        }
        let deep = [b"{}\n".as_slice(), &b"[".repeat(100_000)].concat();
        assert!(read(&deep).unwrap_err().to_string().contains("line 2: is not JSON"));
    }
}
