//! What logs of agents' sessions have in common: files, lines, moments, and how a provider's failure is told from the agent's.

mod clock;
mod failure;
mod files;
mod lines;
mod log;

pub(crate) use clock::{Clock, moment, moment_from_millis};
pub(crate) use failure::{gave_up_on_model, shortened, status_after};
pub(crate) use files::{FileRole, log_files};
pub(crate) use lines::{Line, Lines};
pub(crate) use log::{SessionLog, text};

/// What a log of a session does not say by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionOptions {
    /// The task of all sessions; by default the name of the directory that each worked in.
    pub task: Option<String>,
    /// The agent's name; by default that of the program that wrote the log.
    pub agent: Option<String>,
}
