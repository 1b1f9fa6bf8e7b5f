//! Logs of Inspect, `.eval` and `.json`: one sample in one epoch is one trial.
//!
//! [`read`] finds the logs, opens each as an archive or as one JSON text, and gives its samples to the sink one by one, so that no
//! more than one is held. What becomes of a sample's error, limit and scores is decided in `judge`; which of several scores counts
//! is the caller's choice in [`Options`].

mod archive;
mod bare_numbers;
mod context;
mod events;
mod fields;
mod files;
mod header;
mod judge;
mod member;
mod sample;
mod score;
mod spent;
mod talk;
mod trial;
mod whole;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub(crate) use header::OwnLog;

use crate::{ImportError, Place, Sink};
use bare_numbers::BareNumbers;
use context::Reading;
use files::{Form, Log};

/// What a reader of Inspect's logs is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The score that gives the verdict: `scorer`, or `scorer/key` for a scorer whose values are objects. Needed where samples have
    /// several scores.
    pub score: Option<String>,
}

/// Reads logs of Inspect, or directories of them, file by file in the order of their names.
///
/// # Errors
/// [`ImportError`] where a path holds no log, a log cannot be read, or samples have several scores and none is chosen.
pub fn read(paths: &[PathBuf], options: &Options, sink: &mut dyn Sink) -> Result<(), ImportError> {
    let mut logs = Vec::new();
    for path in paths {
        logs.extend(files::find(path, sink)?);
    }
    let mut reading = Reading::new(options, sink);
    for log in &logs {
        read_log(log, &mut reading)?;
    }
    match (reading.is_empty(), paths.first()) {
        (true, Some(path)) => Err(Place::file(path)
            .error("holds no sample; expected logs of Inspect that were written with their samples")),
        _ => Ok(()),
    }
}

fn read_log(log: &Log, reading: &mut Reading<'_>) -> Result<(), ImportError> {
    match log.form {
        Form::Archive => archive::read(&log.path, reading),
        Form::Whole => whole::read(&log.path, reading),
    }
}
