//! The measures of Princeton's reliability harness (hal-harness at its last commit, 16bb03e; Rabanser et al. 2026,
//! arXiv 2602.16666), computed from our trials.
//!
//! They are for comparing with published numbers, never the default: where they differ from ours, ours is the corrected
//! one, and [`Profile`] prints both with the reason. The functions do what their code does, its defects included, not what
//! their paper says; each says why ours differs.
//!
//! What they have and we do not take over: standard errors by 200 bootstrap resamples, which depend on `NumPy`'s generator;
//! judges, so that their safety is undefined for our runs; perturbed environments and prompts, for which we have no
//! conditions yet.

mod abstention;
mod agent;
mod aggregate;
mod consistency;
mod explain;
mod predictability;
mod preprint;
mod profile;
mod record;
mod robustness;
mod safety;
mod trial;

pub use abstention::{AbstentionMetrics, Confusion, OfType, abstention};
pub use agent::{AgentAnalysis, Consistency, TaskConsistency, TaskMean, analyse, consistency};
pub use aggregate::{Aggregate, Parts, StandardErrors, aggregate, standard_errors};
pub use consistency::{
    ConfidenceConsistency, ResourceConsistency, Series, confidence, outcome, resource,
    trajectory_distribution, trajectory_sequence, weighted_consistency,
};
pub use explain::{PrincetonId, Role};
pub use predictability::{
    BrierScore, Calibration, CalibrationBin, Predictability, RiskCoverage, Stated, auroc, brier, calibration,
    predictability, risk_coverage,
};
pub use preprint::{preprint_outcome, preprint_trajectory_distribution};
pub use profile::{AgentProfile, Comparison, Ours, Princeton, Profile};
pub use robustness::{accuracy, robustness_ratio};
pub use safety::{Finding, Judged, Safety, Severity, Violation, safety};
pub use trial::{Abstention, Phase, Row, Trial, success};
