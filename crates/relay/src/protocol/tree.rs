//! The pieces of a tree, which travel both ways, and why a tree cannot be read or written.

use super::codec::{Malformed, Reader, Writer};

/// One piece of a tree. Paths are relative to the root and raw bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreePart {
    /// A directory and its permission bits.
    Directory {
        /// Its path.
        path: Vec<u8>,
        /// Permission bits.
        mode: u32,
    },
    /// A file; its content follows in [`TreePart::Content`] pieces.
    File {
        /// Its path.
        path: Vec<u8>,
        /// Permission bits.
        mode: u32,
    },
    /// The next bytes of the file begun last.
    Content(Vec<u8>),
    /// A symbolic link.
    Symlink {
        /// Its path.
        path: Vec<u8>,
        /// Where it points, verbatim.
        target: Vec<u8>,
    },
    /// Something a tree cannot hold.
    Skipped {
        /// Its path.
        path: Vec<u8>,
        /// What it is, as a noun.
        what: String,
    },
}

/// Why a tree cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeFailure {
    /// Nothing is there.
    Missing,
    /// More content than allowed.
    TooLarge,
    /// More entries than allowed.
    TooManyEntries,
    /// A longer path than allowed.
    PathTooLong,
    /// The file system's answer, with the path.
    Other(String),
}

impl TreePart {
    pub(super) fn encode(&self, tag: u8) -> Vec<u8> {
        let frame = Writer::new(tag);
        match self {
            Self::Directory { path, mode } => frame.u8(0).bytes(path).u32(*mode),
            Self::File { path, mode } => frame.u8(1).bytes(path).u32(*mode),
            Self::Content(bytes) => frame.u8(2).bytes(bytes),
            Self::Symlink { path, target } => frame.u8(3).bytes(path).bytes(target),
            Self::Skipped { path, what } => frame.u8(4).bytes(path).bytes(what.as_bytes()),
        }
        .finish()
    }

    pub(super) fn decode(frame: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(match frame.u8()? {
            0 => Self::Directory { path: frame.bytes()?, mode: frame.u32()? },
            1 => Self::File { path: frame.bytes()?, mode: frame.u32()? },
            2 => Self::Content(frame.bytes()?),
            3 => Self::Symlink { path: frame.bytes()?, target: frame.bytes()? },
            4 => Self::Skipped { path: frame.bytes()?, what: frame.text()? },
            _ => return Err(Malformed("an unknown part of a tree")),
        })
    }
}

impl TreeFailure {
    pub(super) fn encode(&self, tag: u8) -> Vec<u8> {
        let frame = Writer::new(tag);
        match self {
            Self::Missing => frame.u8(0),
            Self::TooLarge => frame.u8(1),
            Self::TooManyEntries => frame.u8(2),
            Self::PathTooLong => frame.u8(3),
            Self::Other(text) => frame.u8(4).bytes(text.as_bytes()),
        }
        .finish()
    }

    pub(super) fn decode(frame: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(match frame.u8()? {
            0 => Self::Missing,
            1 => Self::TooLarge,
            2 => Self::TooManyEntries,
            3 => Self::PathTooLong,
            4 => Self::Other(frame.text()?),
            _ => return Err(Malformed("an unknown failure")),
        })
    }
}
