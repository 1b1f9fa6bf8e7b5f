//! Bringing in runs that others measured: readers of foreign formats, and the run directory made of what they find.
//!
//! A reader walks a source and gives every trial to a [`Sink`], one by one, as [`Found`]: in the words of Retrial, with what the
//! source does not know left missing. Nothing here runs an agent or computes a measure.

pub mod claude_code;
pub mod codex;
pub mod export;
pub mod mini_swe_agent;
pub mod opencode;

#[cfg(test)]
mod collected;
mod ended;
mod error;
mod found;
#[cfg(test)]
mod rendered;
mod session;
mod sink;
mod trajectory;
mod usage;

pub use error::{ImportError, Place};
pub use found::{Found, FoundAgent, FoundEvidence};
pub use session::SessionOptions;
pub use sink::{Sink, Unfinished};
pub use trajectory::TrajectoryBuilder;
