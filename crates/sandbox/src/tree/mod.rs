//! Trees of files as values: what is copied into and out of sandboxes.
//!
//! A tree that came out of a sandbox is hostile: its names may be anything and its links may point anywhere. It is
//! therefore never written into the host's file system by name. It stays an archive (small ones in memory, large
//! ones in a file without a name) that can be listed, read, digested, filtered and written into another sandbox.

mod archive;
mod builder;
mod error;
mod from_dir;

pub use archive::{Entry, EntryKind, Skipped, TreeArchive, TreeDigest};
pub use builder::TreeBuilder;
pub use error::{TreeCaps, TreeError};
