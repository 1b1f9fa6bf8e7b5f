//! Reliability measures over trials: a run's trial records in, scorecards out.
//!
//! Everything here is a pure function of the manifest, the records, the settings and their seed: the same input gives the same
//! bytes, in whatever order the records come. No files, no clock. `docs/metrics.md` explains the measures to users.

mod actions;
mod books;
mod confidence;
mod error;
mod estimators;
mod measure;
mod outcome;
mod repeats;
mod resources;
mod robustness;
mod scorecard;
mod scoring;
mod settings;
mod success;
mod trials;
mod value;

pub use books::{
    Books, ClassCount, Denominators, EndingClass, FactCounts, KnownCount, MissingCount, Provenance,
    VerdictClass,
};
pub use error::MetricsError;
pub use measure::{Among, Better, Dimension, Granularity, Measure, MeasureId, Unit};
pub use robustness::{FaultTotals, Robustness};
pub use scorecard::{
    RunFacts, SCHEMA_VERSION, SchemaVersion, Scorecard, Scorecards, TaskRow, Warning, schema,
};
pub use scoring::{Scoring, scorecard};
pub use settings::{Settings, Target, TimeoutPolicy, UngradedPolicy};
pub use success::WorstCase;
pub use value::{Bounds, Estimate, Evidence, Finite, Interval, Method, Number, Reason, Value};
