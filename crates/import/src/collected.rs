//! A sink that keeps what readers give it, for tests.

use crate::{Found, ImportError, Place, Sink, Unfinished};

/// What a reader gave, in order.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Collected {
    /// The trials.
    pub(crate) trials: Vec<Found>,
    /// The trials without a result.
    pub(crate) unfinished: Vec<Unfinished>,
    /// What is left out, as `place: why`.
    pub(crate) left_out: Vec<String>,
    /// What is doubtful, as `place: what`.
    pub(crate) doubts: Vec<String>,
    /// The bytes that were read.
    pub(crate) bytes: u64,
}

impl Sink for Collected {
    fn trial(&mut self, found: Found) -> Result<(), ImportError> {
        self.trials.push(found);
        Ok(())
    }

    fn unfinished(&mut self, unfinished: Unfinished) -> Result<(), ImportError> {
        self.unfinished.push(unfinished);
        Ok(())
    }

    fn left_out(&mut self, place: &Place, why: &str) {
        self.left_out.push(format!("{place}: {why}"));
    }

    fn doubt(&mut self, place: &Place, what: &str) {
        self.doubts.push(format!("{place}: {what}"));
    }

    fn progress(&mut self, bytes: u64) {
        self.bytes += bytes;
    }
}
