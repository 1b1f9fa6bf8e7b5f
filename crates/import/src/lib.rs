//! Bringing in runs that others measured: readers of foreign formats, and the run directory made of what they find.
//!
//! A reader walks a source and gives every trial to a [`Sink`], one by one, as [`Found`]: in the words of Retrial, with what the
//! source does not know left missing. Nothing here runs an agent or computes a measure.

pub mod atif;
#[cfg(test)]
mod collected;
mod error;
pub mod export;
mod found;
mod grid;
pub mod harbor;
mod json;
mod look;
mod names;
mod own;
#[cfg(test)]
mod rendered;
mod sink;
mod state;
mod summary;
mod trajectory;
mod writer;

pub use error::{ImportError, Place};
pub use found::{Found, FoundAgent, FoundEvidence};
pub use look::{Look, Seen};
pub use sink::{Sink, Unfinished};
pub use summary::{FactCount, Notes, StatusCount, Summary};
pub use trajectory::TrajectoryBuilder;
pub use writer::{ImportSettings, OnProgress, RunWriter};
