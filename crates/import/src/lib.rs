//! Bringing in runs that others measured: readers of foreign formats, and the run directory made of what they find; and giving runs
//! back in forms that other tools read.
//!
//! A reader walks a source and gives every trial to a [`Sink`], one by one, as [`Found`]: in the words of Retrial, with what the
//! source does not know left missing. Nothing here runs an agent or computes a measure.

pub mod export;

mod aside;
pub mod atif;
pub mod claude_code;
pub mod codex;
#[cfg(test)]
mod collected;
mod counted;
mod ended;
mod error;
mod format;
mod found;
mod gathering;
mod grid;
pub mod hal;
pub mod harbor;
pub mod inspect;
mod json;
mod look;
mod made;
pub mod margin;
pub mod mini_swe_agent;
mod named;
mod names;
pub mod opencode;
mod own;
mod pieces;
mod pointed;
#[cfg(test)]
mod rendered;
mod session;
mod silent;
mod sink;
mod state;
mod summary;
pub mod swe_bench;
pub mod table;
pub mod tau_bench;
pub mod terminal_bench;
#[cfg(test)]
mod testing;
mod trajectory;
mod usage;
mod writer;

pub use error::{ImportError, ImportFault, Place};
pub use format::{Format, ReaderOptions, read, size};
pub use found::{Found, FoundAgent, FoundEvidence};
pub use gathering::OnProgress;
pub use look::{Look, Seen};
pub use made::MadeDirectory;
pub use named::NamedAgent;
pub use session::SessionOptions;
pub use sink::{Sink, Unfinished};
pub use summary::{FactCount, Notes, StatusCount, Summary};
pub use table::{InvalidMapping, Mapping};
pub use trajectory::TrajectoryBuilder;
pub use writer::{ImportSettings, RunWriter};
