//! What the host tells the helper, as JSON on its standard input.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A file or directory of the host to be seen in the sandbox, read-only.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Bind {
    pub(super) source: PathBuf,
    pub(super) target: String,
}

/// A sandbox to be made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Plan {
    /// The unprivileged user of the host to become; `None` when the helper is one already.
    pub(super) host_id: Option<u32>,
    /// The control groups to enter first: files to write `0` to.
    pub(super) groups: Vec<PathBuf>,
    /// An empty directory to be the root; unused where `host_id` is given, for root can make its own.
    pub(super) root: PathBuf,
    /// The unpacked root file system, or `None` for the host's programs.
    pub(super) rootfs: Option<PathBuf>,
    /// The control directory, kits and the like.
    pub(super) binds: Vec<Bind>,
    /// Absolute directories, each a memory file system of its own.
    pub(super) writable: Vec<String>,
    /// The size of each of them, and the largest file, in MiB.
    pub(super) disk_mb: u64,
    /// Processes and threads.
    pub(super) pids: u64,
    /// The largest data segment of each process in MiB, where control groups do not limit memory.
    pub(super) data_mb: Option<u64>,
}
