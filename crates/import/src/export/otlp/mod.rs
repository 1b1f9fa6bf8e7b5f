//! Traces of OpenTelemetry, by its conventions for generative AI, as the JSON of OTLP: one request per trial.
//!
//! `docs/interop/otlp.md` says what stands where.

mod span;
mod trace;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use retrial_spec::{RunId, TrialRecord};
use serde_json::Value;

pub use trace::trace;

/// A trial, and what is known of it beside its record.
#[derive(Debug, Clone, Copy)]
pub struct TracedTrial<'a> {
    /// The run.
    pub run: &'a RunId,
    /// The record.
    pub record: &'a TrialRecord,
    /// When the trial started.
    pub started_at: Option<Timestamp>,
    /// The agent's version.
    pub version: Option<&'a str>,
    /// The agent's model, with its provider where that is known: `anthropic/claude-sonnet-4`.
    pub model: Option<&'a str>,
    /// What was said and done, valid ATIF.
    pub trajectory: Option<&'a Value>,
    /// When exchanges with the model began and ended, by the number that steps of the trajectory name; empty where that is not known.
    pub exchanges: &'a BTreeMap<u64, (Timestamp, Timestamp)>,
}

/// The trace of a trial.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// An `ExportTraceServiceRequest` with the spans of the trial.
    pub request: Value,
    /// How many replies have no time of their own; their spans have the trial's.
    pub without_time: u64,
}
