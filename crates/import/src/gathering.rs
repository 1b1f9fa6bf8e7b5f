//! What every import does with what a reader finds: who tried what, what it was, and whether to go on.

use crate::grid::{Entry, Grid, Settled};
use crate::summary::{Summary, Tally};
use crate::{Found, ImportError, Place, Sink, Unfinished};

/// Called with the bytes read since the last time; says whether to go on.
pub type OnProgress<'a> = Box<dyn FnMut(u64) -> bool + 'a>;

/// Keeps what is to be kept of a trial.
pub(crate) trait Keep {
    /// Keeps the trial of this index, from 0.
    ///
    /// # Errors
    /// [`ImportError`] where it cannot be kept.
    fn keep(&mut self, index: u32, found: &Found) -> Result<(), ImportError>;
}

/// The sink of an import, which keeps of each trial what `K` does.
pub(crate) struct Gathering<'a, K> {
    pub(crate) kept: K,
    pub(crate) entries: Vec<Entry>,
    grid: Grid,
    tally: Tally,
    on_progress: OnProgress<'a>,
    is_interrupted: bool,
}

/// What came of it.
pub(crate) struct Gathered<K> {
    pub(crate) kept: K,
    pub(crate) entries: Vec<Entry>,
    pub(crate) settled: Settled,
    pub(crate) summary: Summary,
}

impl<'a, K> Gathering<'a, K> {
    pub(crate) fn new(kept: K, on_progress: OnProgress<'a>) -> Self {
        Self {
            kept,
            entries: Vec::new(),
            grid: Grid::default(),
            tally: Tally::default(),
            on_progress,
            is_interrupted: false,
        }
    }

    pub(crate) fn finish(self) -> Gathered<K> {
        let Self { kept, entries, grid, tally, .. } = self;
        Gathered { settled: grid.settle(&entries), kept, entries, summary: tally.finish() }
    }
}

impl<K: Keep> Sink for Gathering<'_, K> {
    fn trial(&mut self, found: Found) -> Result<(), ImportError> {
        self.progress(0);
        if self.is_interrupted {
            return Err(ImportError::interrupted(found.place));
        }
        self.tally.trial(&found);
        self.kept.keep(self.entries.len() as u32, &found)?;
        self.entries.push(self.grid.entry(&found));
        Ok(())
    }

    fn unfinished(&mut self, unfinished: Unfinished) -> Result<(), ImportError> {
        self.tally.unfinished();
        self.grid.unfinished(&unfinished);
        Ok(())
    }

    fn left_out(&mut self, place: &Place, why: &str) {
        self.tally.left_out(place, why);
    }

    fn doubt(&mut self, place: &Place, what: &str) {
        self.tally.doubt(place, what);
    }

    fn progress(&mut self, bytes: u64) {
        self.is_interrupted |= !(self.on_progress)(bytes);
    }
}
