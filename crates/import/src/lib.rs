//! Bringing in runs that others measured: readers of foreign formats, and the run directory made of what they find.
//!
//! A reader walks a source and gives every trial to a [`Sink`], one by one, as [`Found`]: in the words of Retrial, with what the
//! source does not know left missing. Nothing here runs an agent or computes a measure.

#[cfg(test)]
mod collected;
mod counted;
mod ended;
mod error;
mod found;
pub mod hal;
pub mod margin;
mod named;
mod pieces;
mod pointed;
mod silent;
mod sink;
pub mod swe_bench;
pub mod table;
pub mod tau_bench;
pub mod terminal_bench;
mod trajectory;

pub use error::{ImportError, Place};
pub use found::{Found, FoundAgent, FoundEvidence};
pub use named::NamedAgent;
pub use sink::{Sink, Unfinished};
pub use trajectory::TrajectoryBuilder;
