//! One trial's door to its model: the server on the trial's socket, and what is done with each request.
//!
//! A connection's task admits a request (`serve`), sends it to the upstream and passes the reply back as it comes, with a copy on the
//! side (`exchange`, `copy`). Ended exchanges go to the one task that owns the wire log and the sums (`recorder`), which works on
//! threads apart (`recording`).

mod account;
mod ask;
mod body;
mod copy;
mod door;
mod exchange;
mod faulty;
mod fingerprint;
mod identity;
mod intake;
mod mask;
mod recorder;
mod recording;
mod replies;
mod serve;

pub(crate) use copy::ReplyCopy;
pub use door::{Patience, TrialGateway};
pub(crate) use exchange::causes;
#[cfg(feature = "fuzzing")]
pub(crate) use fingerprint::fingerprint;
pub(crate) use recording::Recording;
pub(crate) use replies::{diverged, rate_limited};
