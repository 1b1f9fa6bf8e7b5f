//! Where readers of formats put what they find.

use crate::{Found, ImportError, Place};

/// Takes what a reader finds, one by one, so that no more than one trial is held.
pub trait Sink {
    /// Takes one trial.
    ///
    /// # Errors
    /// [`ImportError`] where it cannot be kept: the reader stops with it.
    fn trial(&mut self, found: Found) -> Result<(), ImportError>;

    /// Takes note of a trial that the source planned and that has no result: it is planned and missing.
    ///
    /// # Errors
    /// [`ImportError`] as of [`Self::trial`].
    fn unfinished(&mut self, unfinished: Unfinished) -> Result<(), ImportError>;

    /// Takes note of something that is left out, and why: a file that belongs to no trial, a copy of another trial.
    fn left_out(&mut self, place: &Place, why: &str);

    /// Takes note of something in a trial that was read and is doubtful: sums that do not add up, a value that means something else.
    fn doubt(&mut self, place: &Place, what: &str);

    /// Says how many bytes of the source have been read since the last time.
    fn progress(&mut self, bytes: u64);
}

/// A trial without a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Where it stands in the source.
    pub place: Place,
    /// The agent, as the source names it.
    pub agent: crate::FoundAgent,
    /// The task, as the source names it.
    pub task: String,
    /// The condition; none for the baseline.
    pub condition: Option<String>,
}
