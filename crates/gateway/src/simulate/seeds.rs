//! Randomness by purpose: every quantity has a stream of its own, so that nothing depends on the order of draws.

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest as _, Sha256};

/// Changes when plans change for the same seed.
const SCHEME: &str = "retrial-simulation-1";

/// Returns the stream for a purpose. `of` names what the quantity belongs to: a task, or a trial.
pub(super) fn stream(seed: u64, profile: &str, of: &str, purpose: &str) -> ChaCha8Rng {
    let mut hasher = Sha256::new();
    hasher.update(seed.to_le_bytes());
    for part in [SCHEME, profile, of, purpose] {
        // With its length, so that no two lists of parts make the same bytes.
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    ChaCha8Rng::from_seed(hasher.finalize().into())
}
