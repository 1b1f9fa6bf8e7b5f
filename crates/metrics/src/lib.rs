//! Reliability measures over trials: a run's trial records in, scorecards out.
//!
//! Everything here is a pure function of the manifest, the records, the settings and their seed: the same input gives the same
//! bytes, in whatever order the records come. No files, no clock. `docs/metrics.md` explains the measures to users.

mod action_use;
mod actions;
mod books;
mod confidence;
pub mod decide;
mod error;
mod estimators;
mod groups;
mod measure;
mod outcome;
mod paired;
pub mod princeton;
mod profile;
mod repeats;
mod report;
mod resources;
mod robustness;
mod scorecard;
mod scoring;
mod settings;
mod success;
mod trials;
pub mod validate;
mod value;

pub use action_use::{ActionTally, ActionUse, KindUse, NameUse, Split, Transition, TrialTotals, UseCount};
pub use books::{
    Books, ClassCount, Denominators, EndingClass, FactCounts, KnownCount, MissingCount, Provenance,
    VerdictClass,
};
pub use error::MetricsError;
pub use groups::{GroupBy, GroupCard};
pub use measure::{Among, Better, Dimension, Granularity, Measure, MeasureId, Unit};
pub use report::{REPORT_SCHEMA, RunReport, ScoreReport, report_schema};
pub use robustness::{FaultTotals, Robustness};
pub use scorecard::{
    RunFacts, SCHEMA_VERSION, SchemaVersion, Scorecard, Scorecards, TaskRow, Warning, schema,
};
pub use scoring::{Scoring, scorecard};
pub use settings::{Settings, Target, TimeoutPolicy, UngradedPolicy};
pub use success::WorstCase;
pub use value::{Bounds, Estimate, Evidence, Finite, Interval, Method, Number, Reason, Value};
