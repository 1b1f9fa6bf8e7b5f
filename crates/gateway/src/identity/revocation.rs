//! The wish that a running trial may no longer use its model.

use std::sync::Arc;

use tokio::sync::watch;

/// Whether a trial's token is revoked. Cheap to clone; clones are the same. It cannot be taken back.
#[derive(Debug, Clone)]
pub struct Revocation(Arc<watch::Sender<bool>>);

impl Default for Revocation {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Revocation {
    /// Revokes the token: no further request of the trial is let through, and those under way are cut.
    pub fn revoke(&self) {
        self.0.send_replace(true);
    }

    /// Returns whether the token is revoked.
    pub fn is_revoked(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the token is revoked.
    pub async fn revoked(&self) {
        // The sender lives as long as this borrows it, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|revoked| *revoked).await;
    }
}
