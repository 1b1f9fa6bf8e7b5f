//! Tables of separated text: CSV and TSV.

use std::cell::Cell as Counter;
use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;

use csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder};

use super::cell::Cell;
use super::mapping::Mapping;
use super::row::{Row, Rows};
use crate::counted::CountedFile;
use crate::{ImportError, Place, Sink};

/// Gives every row of a table to the sink. The first line names the columns.
///
/// # Errors
/// [`ImportError`] where it cannot be read, has no rows, rows of different lengths or a quotation mark without its partner.
pub(crate) fn read(
    path: &Path,
    separator: u8,
    mapping: &Mapping,
    sink: &mut dyn Sink,
) -> Result<(), ImportError> {
    let (file, bytes) = CountedFile::open(path, "a table")?;
    let seen = Rc::new(Seen::default());
    let source = Watched { file, seen: Rc::clone(&seen) };
    let mut reader = ReaderBuilder::new().delimiter(separator).buffer_capacity(1 << 16).from_reader(source);
    let names = names(&mut reader, path)?;
    let mut rows = Rows::new(path, &names, mapping, sink)?;
    let mut record = ByteRecord::new();
    let mut is_empty = true;
    while reader.read_byte_record(&mut record).map_err(|error| unreadable(path, error))? {
        is_empty = false;
        rows.take(&record, format!("line {}", seen.line(&record)), sink)?;
        bytes.tell(sink);
    }
    bytes.tell(sink);
    if is_empty {
        return Err(Place::file(path)
            .error("holds no row; expected one for every trial, after a line that names the columns"));
    }
    if seen.quotes.get() % 2 == 1 {
        let why = "holds an odd number of quotation marks: a quoted cell is not closed, or the file is cut";
        return Err(Place::file(path).error(why));
    }
    Ok(())
}

fn names(reader: &mut Reader<Watched>, path: &Path) -> Result<Vec<String>, ImportError> {
    let header = reader.byte_headers().map_err(|error| unreadable(path, error))?;
    let read = |name: &[u8]| String::from_utf8(name.to_owned());
    let names: Result<Vec<String>, _> = header.iter().map(read).collect();
    let names = names
        .map_err(|_| Place::within(path, "line 1").error("is not UTF-8; expected the names of columns"))?;
    if names.iter().all(|name| name.trim().is_empty()) {
        return Err(Place::file(path).error("is empty; expected a line that names the columns"));
    }
    Ok(names)
}

fn unreadable(path: &Path, error: csv::Error) -> ImportError {
    if let ErrorKind::UnequalLengths { pos: Some(position), expected_len, len } = error.kind() {
        let place = Place::within(path, format!("line {}", position.line()));
        return place.error(format!("has {len} cells; expected {expected_len}, as the first line names"));
    }
    Place::file(path).caused("cannot be read as a table", error)
}

impl Row for ByteRecord {
    fn cell(&self, column: usize) -> Cell<'_> {
        match self.get(column).map(str::from_utf8) {
            Some(Ok("")) | None => Cell::Missing,
            Some(Ok(text)) => Cell::Text(text),
            Some(Err(_)) => Cell::Other("no UTF-8"),
        }
    }
}

/// Watches a table go by, for what its reader does not tell.
#[derive(Debug)]
struct Watched {
    file: CountedFile,
    seen: Rc<Seen>,
}

/// What was seen of a table.
#[derive(Debug, Default)]
struct Seen {
    /// Quotation marks: a table that is cut within a quoted cell has an odd number, which its reader takes for the end of the cell.
    quotes: Counter<usize>,
    /// Whether the first line ends with a carriage return; none before its end.
    ends_with_return: Counter<Option<bool>>,
    last: Counter<u8>,
}

impl Seen {
    /// Returns the line of a row: after a carriage return its reader starts the row one line too early.
    fn line(&self, row: &ByteRecord) -> u64 {
        let early = u64::from(self.ends_with_return.get() == Some(true));
        row.position().map_or(0, csv::Position::line) + early
    }

    fn see(&self, bytes: &[u8]) {
        self.quotes.set(self.quotes.get() + memchr::memchr_iter(b'"', bytes).count());
        if self.ends_with_return.get().is_none()
            && let Some(end) = memchr::memchr(b'\n', bytes)
        {
            let before = end.checked_sub(1).and_then(|before| bytes.get(before).copied());
            self.ends_with_return.set(Some(before.unwrap_or(self.last.get()) == b'\r'));
        }
        self.last.set(bytes.last().copied().unwrap_or(self.last.get()));
    }
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        self.seen.see(buffer.get(..length).unwrap_or_default());
        Ok(length)
    }
}
