//! The writer of a trial's audit log: one line at a time, each on its way to the disk before the next is made.

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fs_err::File;
use jiff::Timestamp;
use retrial_spec::{
    AuditEntry, AuditLine, AuditSeal, AuditTotals, Budget, Charge, ContentDigest, Cost, Fact, RunId, TrialId,
    audit_genesis, digest_bytes,
};

/// Requests that are turned away have a line each up to this many; an agent that goes on cannot fill the disk.
const LISTED: u64 = 1000;

/// The longest path that is written down, in characters.
const PATH_LIMIT: usize = 200;

/// An audit log that is being written. Every line is handed to the operating system whole, so that a killed process leaves at most
/// the last one torn.
#[derive(Debug)]
pub(crate) struct AuditLog(Mutex<State>);

#[derive(Debug)]
struct State {
    file: File,
    head: AuditSeal,
    requests: u64,
    refused: u64,
    listed: u64,
    misused: u64,
    charged: Charge,
    failure: Option<io::Error>,
    is_closed: bool,
}

impl AuditLog {
    /// Makes the file, replacing one that exists, and writes the first line.
    pub(crate) fn create(
        path: &Path,
        (run, trial, attempt): (&RunId, &TrialId, u32),
        limits: Budget,
    ) -> io::Result<Self> {
        let mut state = State {
            file: File::create(path)?,
            head: AuditSeal { lines: 0, sha256: audit_genesis(run, trial, attempt) },
            requests: 0,
            refused: 0,
            listed: 0,
            misused: 0,
            charged: Charge::default(),
            failure: None,
            is_closed: false,
        };
        state.write(AuditEntry::Opened { run: run.clone(), trial: trial.clone(), attempt, limits });
        match state.failure.take() {
            Some(error) => Err(error),
            None => Ok(Self(Mutex::new(state))),
        }
    }

    /// Writes an entry. What cannot be written is told at the end.
    pub(crate) fn note(&self, entry: AuditEntry) {
        let mut state = self.state();
        match &entry {
            AuditEntry::Request { purpose: retrial_spec::Purpose::Work, call: true, .. } => {
                state.requests += 1;
            }
            AuditEntry::Reply { charged, .. } => state.charged = state.charged.plus(*charged),
            AuditEntry::Refused { .. } => {
                state.refused += 1;
                if state.listed >= LISTED {
                    return;
                }
                state.listed += 1;
            }
            AuditEntry::Misused { .. } | AuditEntry::Local { .. } => {
                if state.misused >= LISTED {
                    return;
                }
                state.misused += 1;
            }
            _ => {}
        }
        state.write(entry);
    }

    /// Writes the last line.
    ///
    /// # Errors
    /// The first error of the file: then the log is not whole.
    pub(crate) fn close(&self, tokens: Fact<u64>, cost: Fact<Cost>) -> io::Result<AuditSeal> {
        let mut state = self.state();
        let totals = AuditTotals {
            requests: state.requests,
            refused: state.refused,
            refused_unlisted: state.refused - state.listed,
            tokens,
            cost,
            charged: state.charged,
        };
        state.write(AuditEntry::Closed { totals });
        state.is_closed = true;
        match state.failure.take() {
            Some(error) => Err(error),
            None => Ok(state.head.clone()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn write(&mut self, entry: AuditEntry) {
        // Another trial may hold on to the log for a moment after it was closed.
        if self.failure.is_some() || self.is_closed {
            return;
        }
        let (previous, line) = (self.head.sha256.clone(), self.head.lines + 1);
        match self.append(&AuditLine { line, previous, at: Timestamp::now(), entry }) {
            Ok(sha256) => self.head = AuditSeal { lines: line, sha256 },
            Err(error) => self.failure = Some(error),
        }
    }

    fn append(&mut self, line: &AuditLine) -> io::Result<ContentDigest> {
        let mut text = serde_json::to_vec(line)?;
        let hash = digest_bytes(&text);
        text.push(b'\n');
        self.file.write_all(&text)?;
        Ok(hash)
    }
}

/// Returns a path as it is written down: without what looks like a token or key, and no longer than [`PATH_LIMIT`].
pub(crate) fn shown_path(path: &str) -> String {
    let masked: Vec<&str> = path.split('/').map(|part| if is_secret(part) { "***" } else { part }).collect();
    let masked = masked.join("/");
    match masked.char_indices().nth(PATH_LIMIT) {
        Some((end, _)) => format!("{}…", &masked[..end]),
        None => masked,
    }
}

/// Whether a part of a path may be a secret: a key by its prefix, or long and without a break.
fn is_secret(part: &str) -> bool {
    part.starts_with("sk-") || part.len() >= 40
}

#[cfg(test)]
mod tests {
    use retrial_spec::{MissingReason, RefusalReason, verify_audit};

    use super::*;

    fn refused() -> AuditEntry {
        let (method, path) = ("GET".to_owned(), shown_path("/v1/x"));
        AuditEntry::Refused { method, path, body: None, status: 401, reason: RefusalReason::NoToken }
    }

    #[test]
    fn refusals_beyond_the_listed_ones_are_counted_and_the_log_still_holds() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.jsonl");
        let (run, trial) = (RunId::new("r").unwrap(), "t~a~baseline~1".parse::<TrialId>().unwrap());
        let log = AuditLog::create(&path, (&run, &trial, 2), Budget::of_requests(3)).unwrap();
        for _ in 0..LISTED + 7 {
            log.note(refused());
        }
        let seal = log.close(Fact::Missing(MissingReason::NoCalls), Fact::Missing(MissingReason::NoCalls));
        log.note(refused());
        let text = fs_err::read(&path).unwrap();
        let account = verify_audit(&text[..], &run, &trial, 2).unwrap();
        assert_eq!(account.seal, seal.unwrap());
        assert_eq!((account.totals.refused, account.totals.refused_unlisted), (LISTED + 7, 7));
    }

    #[test]
    fn paths_are_written_without_what_may_be_a_secret() {
        assert_eq!(shown_path("/v1/chat/completions"), "/v1/chat/completions");
        assert_eq!(shown_path("/sk-abc/v1/messages"), "/***/v1/messages");
        assert_eq!(shown_path(&format!("/t/{}/v1", "x".repeat(40))), "/t/***/v1");
        assert_eq!(shown_path(&"/abc".repeat(200)).chars().count(), PATH_LIMIT + 1);
    }
}
