//! Trees of files inside the sandbox: reading, writing, and making directories. Links are never followed below the
//! path a command names.

mod read;
mod write;

pub(crate) use read::{Caps, read};
pub(crate) use write::{TreeWriter, clear_directory, make_directory};

use std::io;
use std::path::Path;

use crate::protocol::TreeFailure;

/// Turns the file system's answer into a failure that names the path.
fn failure(path: &Path, error: &io::Error) -> TreeFailure {
    const ENAMETOOLONG: i32 = 36;
    match error.raw_os_error() {
        Some(ENAMETOOLONG) => TreeFailure::PathTooLong,
        _ => TreeFailure::Other(format!("{}: {error}", path.display())),
    }
}
