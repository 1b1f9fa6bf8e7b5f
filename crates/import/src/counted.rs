//! A file that counts the bytes read of it, for progress.

use std::cell::Cell;
use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;

use fs_err::File;

use crate::{ImportError, Place, Sink};

/// A file with a count of the bytes read of it.
#[derive(Debug)]
pub(crate) struct CountedFile {
    file: File,
    count: ByteCount,
}

/// The bytes that were read since somebody was last told.
#[derive(Debug, Clone, Default)]
pub(crate) struct ByteCount(Rc<Cell<u64>>);

impl CountedFile {
    /// Opens a file that must be one.
    ///
    /// # Errors
    /// [`ImportError`] where it does not exist, is a directory, or cannot be opened.
    pub(crate) fn open(path: &Path, expected: &str) -> Result<(Self, ByteCount), ImportError> {
        let place = Place::file(path);
        let is_directory = fs_err::metadata(path).map(|facts| facts.is_dir());
        if is_directory.as_ref().is_ok_and(|is_directory| *is_directory) {
            return Err(place.error(format!("is a directory; expected {expected}")));
        }
        let file = File::open(path)
            .map_err(|error| place.caused(format!("cannot be read; expected {expected}"), error))?;
        let count = ByteCount::default();
        Ok((Self { file, count: count.clone() }, count))
    }
}

/// The longest file that is kept beside a trial.
const LONGEST_EVIDENCE: u64 = 16 << 20;

/// Returns whether a file stands there that is no link to another.
pub(crate) fn is_own_file(path: &Path) -> bool {
    fs_err::symlink_metadata(path).is_ok_and(|facts| facts.is_file())
}

/// Returns a whole file that is kept beside a trial; none where there is none, or it is left out because it is a link or too long.
///
/// # Errors
/// [`ImportError`] where it cannot be read.
pub(crate) fn evidence(path: &Path, sink: &mut dyn Sink) -> Result<Option<Vec<u8>>, ImportError> {
    let Ok(facts) = fs_err::symlink_metadata(path) else { return Ok(None) };
    if !facts.is_file() || facts.len() > LONGEST_EVIDENCE {
        sink.left_out(&Place::file(path), "is no file, or longer than 16 MB");
        return Ok(None);
    }
    read_whole(path, sink).map(Some)
}

/// Returns a small file whole.
///
/// # Errors
/// [`ImportError`] where it cannot be read.
pub(crate) fn read_whole(path: &Path, sink: &mut dyn Sink) -> Result<Vec<u8>, ImportError> {
    let content = fs_err::read(path).map_err(|error| Place::file(path).caused("cannot be read", error))?;
    sink.progress(content.len() as u64);
    Ok(content)
}

impl Read for CountedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.count.0.set(self.count.0.get() + read as u64);
        Ok(read)
    }
}

impl ByteCount {
    /// Tells a sink what was read since the last time, where anything was.
    pub(crate) fn tell(&self, sink: &mut dyn Sink) {
        let bytes = self.0.take();
        if bytes > 0 {
            sink.progress(bytes);
        }
    }
}
