//! Logs of exchanges (the wire log, the recording): one per line, compressed, readable up to the last whole exchange however its writer ended.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use fs_err::File;
use retrial_spec::Exchange;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The fastest level.
const LEVEL: i32 = 1;

/// The logarithm of how far back the compressor looks: far enough for a long conversation, in which every request repeats the one
/// before. It matters more for the size than the level does.
const WINDOW_LOG: u32 = 21;

/// A line of usual length; the room of a longer one is given back.
const LINE: usize = 1 << 20;

/// Writes exchanges. After every one the compressor is flushed, so that a process that is killed loses none that was written.
pub(crate) struct WireLog {
    encoder: zstd::Encoder<'static, File>,
    line: Vec<u8>,
}

impl WireLog {
    /// Makes the file, replacing one that exists.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let mut encoder = zstd::Encoder::new(File::create(path)?, LEVEL)?;
        encoder.window_log(WINDOW_LOG)?;
        Ok(Self { encoder, line: Vec::new() })
    }

    /// Writes one line.
    pub(crate) fn write(&mut self, exchange: &impl Serialize) -> io::Result<()> {
        // The compressor is slow at many small pieces, which is how a value is written.
        serde_json::to_writer(&mut self.line, exchange)?;
        self.line.push(b'\n');
        self.encoder.write_all(&self.line)?;
        self.line.clear();
        self.line.shrink_to(LINE);
        self.encoder.flush()
    }

    /// Ends the file.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.encoder.finish().map(drop)
    }
}

/// A wire log that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireLogError {
    /// The file cannot be opened or read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The log's path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A whole line is not an exchange.
    #[error("line {line} of `{}` is not an exchange", path.display())]
    Line {
        /// The log's path.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// The cause.
        source: serde_json::Error,
    },
}

/// Reads a wire log in a stream, in the order in which the exchanges ended.
///
/// A torn end, which a killed writer leaves, ends the log without an error: every exchange before it is returned.
///
/// # Errors
/// [`WireLogError::Read`] where the file cannot be opened; later, as items, also [`WireLogError::Line`].
pub fn read_wire_log(
    path: &Path,
) -> Result<impl Iterator<Item = Result<Exchange, WireLogError>> + use<>, WireLogError> {
    read_lines(path)
}

/// Reads a log whose lines are of any kind, as [`read_wire_log`] does.
pub(crate) fn read_lines<T: DeserializeOwned>(
    path: &Path,
) -> Result<impl Iterator<Item = Result<T, WireLogError>> + use<T>, WireLogError> {
    let path = path.to_owned();
    let failed = |source| WireLogError::Read { path: path.clone(), source };
    let file = File::open(&path).map_err(failed)?;
    let mut lines = BufReader::new(zstd::Decoder::new(file).map_err(failed)?);
    let mut number = 0;
    let mut ended = false;
    Ok(std::iter::from_fn(move || {
        if ended {
            return None;
        }
        number += 1;
        let mut line = Vec::new();
        let item = match lines.read_until(b'\n', &mut line) {
            Err(source) if source.kind() == io::ErrorKind::UnexpectedEof => None,
            Err(source) => Some(Err(WireLogError::Read { path: path.clone(), source })),
            Ok(_) if !line.ends_with(b"\n") => None,
            Ok(_) => Some(serde_json::from_slice(&line).map_err(|source| WireLogError::Line {
                path: path.clone(),
                line: number,
                source,
            })),
        };
        ended = !matches!(item, Some(Ok(_)));
        item
    }))
}

#[cfg(test)]
mod tests {
    use retrial_spec::{Protocol, Purpose, Reply};
    use serde_json::json;

    use super::*;

    fn exchange(number: u32) -> Exchange {
        Exchange {
            number,
            purpose: Purpose::Work,
            started_at: jiff::Timestamp::UNIX_EPOCH,
            protocol: Protocol::OpenaiChat,
            path: "/v1/chat/completions".to_owned(),
            request: json!({"messages": [{"role": "user", "content": format!("hello {number}")}]}),
            retry_of: None,
            status: Some(200),
            reply: Reply::default(),
            first_byte_ms: Some(1),
            total_ms: 2,
            waited_ms: 0,
            upstream_attempts: Vec::new(),
            fault: None,
            injected: None,
        }
    }

    fn numbers(path: &Path) -> Vec<u32> {
        read_wire_log(path).unwrap().map(|exchange| exchange.unwrap().number).collect()
    }

    #[test]
    fn what_was_written_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("wire.jsonl.zst");
        let mut log = WireLog::create(&path).unwrap();
        for number in 1..=5 {
            log.write(&exchange(number)).unwrap();
        }
        log.finish().unwrap();
        assert_eq!(numbers(&path), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_writer_that_is_killed_loses_no_exchange_it_had_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("wire.jsonl.zst");
        let mut log = WireLog::create(&path).unwrap();
        for number in 1..=5 {
            log.write(&exchange(number)).unwrap();
        }
        // As after a kill: the file as it lies there, without the end of the compressed stream.
        assert_eq!(numbers(&path), [1, 2, 3, 4, 5]);
        let whole = fs_err::read(&path).unwrap();
        for length in (0..whole.len()).rev() {
            fs_err::write(&path, &whole[..length]).unwrap();
            let read = numbers(&path);
            assert!(
                read.iter().copied().eq(1..=u32::try_from(read.len()).unwrap()),
                "{length} bytes: {read:?}"
            );
        }
    }

    #[test]
    fn a_line_that_is_no_exchange_is_an_error_with_its_number() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("wire.jsonl.zst");
        fs_err::write(&path, zstd::encode_all(&b"{}\n"[..], 1).unwrap()).unwrap();
        let first = read_wire_log(&path).unwrap().next().unwrap();
        assert!(matches!(first, Err(WireLogError::Line { line: 1, .. })));
    }
}
