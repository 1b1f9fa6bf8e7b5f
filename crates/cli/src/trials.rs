//! What tells a run's trials from those of other runs: the digest of its records, and whether models answered at all.

use std::io;
use std::path::Path;

use retrial_spec::{ContentDigest, RunManifest, TRIALS_FILE, digest_reader};

use crate::failure::Failure;

/// Returns the digest of a run's records; none where it has none.
pub(crate) fn records_digest(run: &Path) -> io::Result<Option<ContentDigest>> {
    match fs_err::File::open(run.join(TRIALS_FILE)) {
        Ok(mut file) => Ok(Some(digest_reader(&mut file)?.0)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Refuses a run whose models' answers came from the recording of another: whatever collects evidence would count the other's twice.
pub(crate) fn refuse_replay(path: &Path, manifest: &RunManifest) -> Result<(), Failure> {
    match manifest.measured().and_then(|measured| measured.replay_of.as_ref()) {
        Some(replayed) => Err(Failure::Replayed { path: path.to_owned(), of: replayed.run.to_string() }),
        None => Ok(()),
    }
}
