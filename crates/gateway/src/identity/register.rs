//! The register of a run's open doors: whose token a token is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use retrial_spec::TrialId;
use sha2::{Digest as _, Sha256};

use super::AuditLog;
use crate::Token;

type Fingerprint = [u8; 32];

/// The tokens of open doors, by their digests. Cheap to clone; clones are the same register.
#[derive(Debug, Clone, Default)]
pub(crate) struct Register(Arc<Mutex<HashMap<Fingerprint, Principal>>>);

/// A trial whose door is open.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    pub(crate) trial: TrialId,
    pub(crate) audit: Arc<AuditLog>,
}

/// A trial's entry, which goes when this goes.
#[derive(Debug)]
pub(crate) struct Entry {
    register: Register,
    fingerprint: Fingerprint,
}

impl Register {
    /// Enters a trial.
    pub(crate) fn enter(&self, token: &Token, trial: TrialId, audit: Arc<AuditLog>) -> Entry {
        let fingerprint = fingerprint(token.reveal().as_bytes());
        self.entries().insert(fingerprint, Principal { trial, audit });
        Entry { register: self.clone(), fingerprint }
    }

    /// Returns whose token it is.
    pub(crate) fn owner(&self, token: &[u8]) -> Option<Principal> {
        self.entries().get(&fingerprint(token)).cloned()
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Fingerprint, Principal>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.register.entries().remove(&self.fingerprint);
    }
}

fn fingerprint(token: &[u8]) -> Fingerprint {
    Sha256::digest(token).into()
}
