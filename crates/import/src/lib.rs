//! Bringing in runs that others measured: readers of foreign formats, and the run directory made of what they find.
//!
//! A reader walks a source and gives every trial to a [`Sink`], one by one, as [`Found`]: in the words of Retrial, with what the
//! source does not know left missing. Nothing here runs an agent or computes a measure.

#[cfg(test)]
mod collected;
mod error;
pub mod export;
mod found;
pub mod inspect;
mod own;
mod sink;
mod trajectory;

pub use error::{ImportError, Place};
pub use found::{Found, FoundAgent, FoundEvidence};
pub use sink::{Sink, Unfinished};
pub use trajectory::TrajectoryBuilder;
