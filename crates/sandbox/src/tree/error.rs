//! Caps on trees and what goes wrong with them.

use std::io;
use std::path::PathBuf;

/// Bounds on a tree; exceeding any is an error, never a silent cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeCaps {
    /// Bytes of all files' content together.
    pub bytes: u64,
    /// Number of entries.
    pub entries: u64,
    /// Bytes of one entry's path relative to the root.
    pub path_bytes: u32,
}

impl Default for TreeCaps {
    fn default() -> Self {
        Self { bytes: 1 << 30, entries: 100_000, path_bytes: 4096 }
    }
}

/// Why a tree could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// There is nothing at the path.
    #[error("no such file or directory")]
    Missing,
    /// Too much content.
    #[error("more than {cap} bytes")]
    TooLarge {
        /// The cap in bytes.
        cap: u64,
    },
    /// Too many files.
    #[error("more than {cap} entries")]
    TooManyEntries {
        /// The cap.
        cap: u64,
    },
    /// A path that is too long, as in directories nested without end.
    #[error("a path of more than {cap} bytes")]
    PathTooLong {
        /// The cap in bytes.
        cap: u32,
    },
    /// A path that leaves the tree or is no path.
    #[error("not a path inside a tree: `{path}`")]
    BadPath {
        /// The path with what is not text escaped.
        path: String,
    },
    /// The sandbox's file system refused.
    #[error("{message}")]
    Inside {
        /// Its answer with the path.
        message: String,
    },
    /// The host's file system refused.
    #[error("cannot read or write `{}`", path.display())]
    Host {
        /// Where.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

impl TreeError {
    /// Returns whether the host, rather than the tree, is at fault.
    pub fn is_infrastructure(&self) -> bool {
        matches!(self, Self::Host { .. })
    }
}
