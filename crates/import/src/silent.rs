//! A sink that hears nothing, for what is read before its trials are.

use crate::{Found, ImportError, Place, Sink, Unfinished};

/// Hears nothing. What it would hear is said when the trials are read.
#[derive(Debug)]
pub(crate) struct Silent;

impl Sink for Silent {
    fn trial(&mut self, _: Found) -> Result<(), ImportError> {
        Ok(())
    }

    fn unfinished(&mut self, _: Unfinished) -> Result<(), ImportError> {
        Ok(())
    }

    fn left_out(&mut self, _: &Place, _: &str) {}

    fn doubt(&mut self, _: &Place, _: &str) {}

    fn progress(&mut self, _: u64) {}
}
