//! Reading JSON Lines records as a stream, one by one or many at a time, tolerating a torn last line.

use std::io::{BufRead, Read};

use serde::de::DeserializeOwned;

use crate::{Event, TrialRecord};

/// A line that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Reading failed.
    #[error("cannot read line {line}")]
    Io {
        /// The line, from 1.
        line: u64,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The line is not a record.
    #[error("line {line} is not a record")]
    Malformed {
        /// The line, from 1.
        line: u64,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
}

/// Reads `trials.jsonl` line by line. A last line without its line feed was torn by a crash and is left out.
pub fn read_trials(reader: impl BufRead) -> impl Iterator<Item = Result<TrialRecord, RecordError>> {
    Lines { reader, line: 0, text: Vec::new(), ended: false }
        .map(|line| line.and_then(|(line, text)| parse(line, &text)))
}

/// Reads `events.jsonl` line by line. A last line without its line feed was torn by a crash and is left out.
pub fn read_events(reader: impl BufRead) -> impl Iterator<Item = Result<Event, RecordError>> {
    Lines { reader, line: 0, text: Vec::new(), ended: false }
        .map(|line| line.and_then(|(line, text)| parse(line, &text)))
}

/// Reads a file of records in chunks of whole lines, about `size` bytes each; a longer line is a chunk of its own. A last line
/// without its line feed was torn by a crash and is left out.
pub fn read_chunks(reader: impl Read, size: usize) -> impl Iterator<Item = Result<LineChunk, RecordError>> {
    Chunks { reader, size: size.max(1), next_line: 1, rest: Vec::new(), end: None }
}

/// Whole lines of a file of records, which can be read apart from the others.
#[derive(Debug, Clone)]
pub struct LineChunk {
    first_line: u64,
    text: Vec<u8>,
}

impl LineChunk {
    /// Reads the lines as records of `trials.jsonl`.
    pub fn trials(&self) -> impl Iterator<Item = Result<TrialRecord, RecordError>> {
        self.lines().map(|(line, text)| parse(line, text))
    }

    /// The lines with their numbers, without line feeds.
    fn lines(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let lines = self.text.split_inclusive(|&byte| byte == b'\n');
        (self.first_line..).zip(lines.map(|line| line.strip_suffix(b"\n").unwrap_or(line)))
    }
}

struct Chunks<R> {
    reader: R,
    size: usize,
    next_line: u64,
    /// The beginning of a line.
    rest: Vec<u8>,
    /// What reading ended with.
    end: Option<std::io::Result<()>>,
}

impl<R: Read> Iterator for Chunks<R> {
    type Item = Result<LineChunk, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        let first_line = self.next_line;
        while self.end.is_none() {
            let searched = self.rest.len();
            self.rest.reserve(self.size);
            match self.reader.by_ref().take(self.size as u64).read_to_end(&mut self.rest) {
                Ok(0) => self.end = Some(Ok(())),
                Ok(_) => {}
                Err(source) => self.end = Some(Err(source)),
            }
            let feed = memchr::memrchr(b'\n', &self.rest[searched..]);
            if let Some(feed) = feed {
                let rest = self.rest.split_off(searched + feed + 1);
                let text = std::mem::replace(&mut self.rest, rest);
                self.next_line += memchr::memchr_iter(b'\n', &text).count() as u64;
                return Some(Ok(LineChunk { first_line, text }));
            }
        }
        let source = self.end.replace(Ok(()))?.err()?;
        Some(Err(RecordError::Io { line: first_line, source }))
    }
}

fn parse<T: DeserializeOwned>(line: u64, text: &[u8]) -> Result<T, RecordError> {
    serde_json::from_slice(text).map_err(|source| RecordError::Malformed { line, source })
}

struct Lines<R> {
    reader: R,
    line: u64,
    text: Vec<u8>,
    ended: bool,
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<(u64, Vec<u8>), RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        self.line += 1;
        self.text.clear();
        match self.reader.read_until(b'\n', &mut self.text) {
            Err(source) => {
                self.ended = true;
                Some(Err(RecordError::Io { line: self.line, source }))
            }
            Ok(_) if self.text.ends_with(b"\n") => {
                self.text.pop();
                Some(Ok((self.line, std::mem::take(&mut self.text))))
            }
            Ok(_) => {
                self.ended = true;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDED: &str = r#"{"event":"session_ended","at":"2026-01-02T03:04:05Z","reason":"complete","finished":1,"load":null}"#;

    #[test]
    fn a_torn_last_line_is_left_out() {
        let text = format!("{ENDED}\n{}", &ENDED[..30]);
        let events: Vec<_> = read_events(text.as_bytes()).collect();
        assert_eq!(events.len(), 1);
        assert!(events[0].is_ok());
    }

    /// Gives its text in pieces, then fails.
    struct Failing<'a>(&'a [u8]);

    impl Read for Failing<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.0.is_empty() {
                return Err(std::io::Error::other("the disk is gone"));
            }
            let size = buffer.len().min(self.0.len()).min(7);
            let (now, later) = self.0.split_at(size);
            buffer[..size].copy_from_slice(now);
            self.0 = later;
            Ok(size)
        }
    }

    /// Numbers and texts of the lines of all chunks.
    fn lines_in_chunks(reader: impl Read, size: usize) -> Result<Vec<(u64, String)>, RecordError> {
        let mut lines = Vec::new();
        for chunk in read_chunks(reader, size) {
            let text = |(line, text): (u64, &[u8])| (line, String::from_utf8(text.to_vec()).unwrap());
            lines.extend(chunk?.lines().map(text));
        }
        Ok(lines)
    }

    #[test]
    fn chunks_of_any_size_hold_the_whole_lines_with_their_numbers() {
        let text = "one\n\nthree is longer\nfour\ntorn";
        let expected = ["one", "", "three is longer", "four"].map(str::to_owned);
        let expected: Vec<(u64, String)> = (1..).zip(expected).collect();
        for size in 0..40 {
            assert_eq!(lines_in_chunks(text.as_bytes(), size).unwrap(), expected, "size {size}");
        }
    }

    #[test]
    fn a_failure_of_reading_comes_after_the_lines_before_it_and_with_its_line() {
        for size in 1..40 {
            let chunks: Vec<_> = read_chunks(Failing(b"one\ntwo\nthr"), size).collect();
            let (last, whole) = chunks.split_last().unwrap();
            assert_eq!(last.as_ref().unwrap_err().to_string(), "cannot read line 3");
            let lines: usize = whole.iter().map(|chunk| chunk.as_ref().unwrap().lines().count()).sum();
            assert_eq!(lines, 2, "size {size}");
        }
    }

    #[test]
    fn a_broken_line_in_the_middle_is_an_error_with_its_number() {
        let text = format!("{ENDED}\nnot json\n{ENDED}\n");
        let events: Vec<_> = read_events(text.as_bytes()).collect();
        assert_eq!(events.len(), 3);
        assert_eq!(events[1].as_ref().unwrap_err().to_string(), "line 2 is not a record");
    }
}
