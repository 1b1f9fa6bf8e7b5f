//! Unprivileged users of the host, one for each sandbox at a time: no two sandboxes share a count of processes or
//! could touch each other's files.

use std::path::PathBuf;

use crate::error::SandboxError;
use crate::host::{host, make_private};

/// The first user id; a number no system assigns, and below the ranges of subordinate ids.
const FIRST_ID: u32 = 90_000;

/// Sandboxes at a time.
const SLOTS: u32 = 4096;

/// Where root's processes agree on who has which.
const LOCKS: &str = "/run/retrial-slots";

/// A user of the host that is this sandbox's alone; given back when dropped, even by SIGKILL.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) id: u32,
    _lock: fs_err::File,
}

impl Slot {
    /// Takes the first free one.
    pub(super) fn take() -> Result<Self, SandboxError> {
        let locks = PathBuf::from(LOCKS);
        make_private(&locks).map_err(|source| host("make", &locks, source))?;
        for number in 0..SLOTS {
            let path = locks.join(number.to_string());
            let mut options = fs_err::OpenOptions::new();
            let lock = options
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .map_err(|source| host("open", &path, source))?;
            if lock.file().try_lock().is_ok() {
                return Ok(Self { id: FIRST_ID + number, _lock: lock });
            }
        }
        Err(SandboxError::Request(format!("more than {SLOTS} sandboxes at a time")))
    }
}
