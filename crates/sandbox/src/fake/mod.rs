//! The fake back end: sandboxes in memory whose commands are played by a script. It drives the whole pipeline
//! without Docker, a kernel feature or a file on disk, and is as deterministic as its script.

mod backend;
mod state;

pub use backend::{FakeBackend, FakeEnding, FakeOutcome, FakeScript};
pub use state::{FakeNode, FakeState};
