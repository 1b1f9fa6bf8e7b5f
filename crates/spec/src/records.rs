//! Reading JSON Lines records as a stream, tolerating a torn last line.

use std::io::BufRead;

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
    Lines { reader, line: 0, text: Vec::new(), ended: false }.map(|line| line.and_then(parse))
}

/// Reads `events.jsonl` line by line. A last line without its line feed was torn by a crash and is left out.
pub fn read_events(reader: impl BufRead) -> impl Iterator<Item = Result<Event, RecordError>> {
    Lines { reader, line: 0, text: Vec::new(), ended: false }.map(|line| line.and_then(parse))
}

fn parse<T: DeserializeOwned>((line, text): (u64, Vec<u8>)) -> Result<T, RecordError> {
    serde_json::from_slice(&text).map_err(|source| RecordError::Malformed { line, source })
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

    #[test]
    fn a_broken_line_in_the_middle_is_an_error_with_its_number() {
        let text = format!("{ENDED}\nnot json\n{ENDED}\n");
        let events: Vec<_> = read_events(text.as_bytes()).collect();
        assert_eq!(events.len(), 3);
        assert_eq!(events[1].as_ref().unwrap_err().to_string(), "line 2 is not a record");
    }
}
