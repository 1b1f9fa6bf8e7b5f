//! Do stated probabilities match how often the event happens?
//!
//! [`brier`]: the score, its interval over groups, Murphy's and CORP decompositions. [`binned`]: expected
//! calibration error in its forms and its null expectation. [`smooth`]: smooth calibration error.
//! [`spiegelhalter`]: a test.

pub mod binned;
pub mod brier;
pub mod smooth;
pub mod spiegelhalter;
