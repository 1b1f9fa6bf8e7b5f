//! Reliability measures over trials: a run's trial records in, scorecards out.
//!
//! Everything here is a pure function of the manifest, the records, the settings and their seed: the same input gives the same
//! bytes, in whatever order the records come. No files, no clock. `docs/metrics.md` explains the measures to users.

mod action_use;
mod actions;
pub mod autonomy;
mod books;
mod calibration;
mod codes;
mod companions;
mod confidence;
mod cost;
mod curves;
pub mod decide;
mod difficulty;
mod dispersion;
mod entrant;
mod error;
mod estimators;
mod forks;
mod groups;
pub mod history;
mod in_order;
mod measure;
mod openings;
mod outcome;
mod paired;
mod plan;
pub mod planning;
pub mod princeton;
mod profile;
mod repeats;
mod report;
mod resources;
mod robustness;
mod safety;
mod scorecard;
mod scoring;
mod sequences;
mod settings;
mod solved;
mod states;
mod stopping;
mod success;
mod trials;
pub mod validate;
mod value;

pub use action_use::{ActionTally, ActionUse, KindUse, NameUse, Split, Transition, TrialTotals, UseCount};
pub use books::{
    Books, ClassCount, Denominators, EndingClass, FactCounts, KnownCount, MissingCount, Provenance,
    VerdictClass,
};
pub use calibration::{
    Calibration, ConfidenceBin, MurphyParts, NullCalibration, ReliabilityStep, RiskPoint, Spiegelhalter,
};
pub use curves::{
    BandPoint, ConsistencyBand, CurveTally, Curves, Distribution, NODES, OutcomeRow, RocPoint, STEPS,
    SpreadCurve, SpreadStep, TREES, TaskTree, TreeNode,
};
pub use difficulty::ClusteredErrors;
pub use entrant::Entrant;
pub use error::{LineError, MetricsError};
pub use forks::{Branch, BranchAction, BranchTest, ForkTest, Forks, TaskFork};
pub use groups::{GroupBy, GroupCard};
pub use measure::{Among, Better, Dimension, Granularity, Measure, MeasureId, Resource, Unit};
pub use openings::{AgreementPoint, PrefixAgreement};
pub use report::{REPORT_SCHEMA, RunReport, ScoreReport, report_schema};
pub use robustness::{FaultTotals, Robustness};
pub use safety::Safety;
pub use scorecard::{
    ImportedFacts, MeasuredFacts, RunFacts, RunOrigin, SCHEMA_VERSION, SchemaVersion, Scorecard, Scorecards,
    TaskRow, Warning, schema,
};
pub use scoring::{Scoring, scorecard};
pub use settings::{Settings, Target, TimeoutPolicy, UngradedPolicy};
pub use solved::SolvedTasks;
pub use stopping::{StopRule, Stopping};
pub use success::WorstCase;
pub use value::{Bounds, Estimate, Evidence, Finite, Interval, Known, Method, Number, Reason, Value};
