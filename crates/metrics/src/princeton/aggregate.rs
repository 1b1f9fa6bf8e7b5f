//! Their scores of dimensions and the overall score, with the standard errors they draw.

use retrial_stats::Undefined;

use super::consistency::{mean_of_known, weighted_consistency};

/// What the scores of dimensions are made of; the values, or their standard errors.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Parts {
    /// `C_out`.
    pub outcome: Option<f64>,
    /// `C_traj^d`.
    pub distribution: Option<f64>,
    /// `C_traj^s`.
    pub sequence: Option<f64>,
    /// `C_res`.
    pub resource: Option<f64>,
    /// `P_brier`.
    pub brier: Option<f64>,
    /// `R_fault`, `R_env` and `R_prompt`.
    pub robustness: [Option<f64>; 3],
}

/// Their scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Aggregate {
    /// `R_Con`.
    pub consistency: Result<f64, Undefined>,
    /// `R_Pred`, which is `P_brier` alone.
    pub predictability: Result<f64, Undefined>,
    /// `R_Rob`, the mean of the ratios that exist.
    pub robustness: Result<f64, Undefined>,
    /// R, the mean of the three that exist; safety stays apart.
    pub overall: Result<f64, Undefined>,
}

/// Returns the scores of dimensions and the overall score.
///
/// Ours differs: there is no composite. Missing dimensions are skipped, so that two agents' scores are means of other
/// things, and an agent that always fails is consistent and well predicted: it can score above one that sometimes succeeds.
pub fn aggregate(parts: &Parts) -> Aggregate {
    let consistency = weighted_consistency(parts.outcome, parts.distribution, parts.sequence, parts.resource);
    let predictability = parts.brier.ok_or(Undefined::Empty);
    let robustness = mean_of_known(parts.robustness);
    let overall = mean_of_known([consistency.ok(), predictability.ok(), robustness.ok()]);
    Aggregate { consistency, predictability, robustness, overall }
}

/// The standard errors that they draw as bars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StandardErrors {
    /// Of `R_Con`.
    pub consistency: f64,
    /// Of `R_Rob`.
    pub robustness: f64,
    /// Of R.
    pub overall: f64,
}

/// Returns the standard errors of the scores from those of the parts, as if the parts were independent, a missing one were 0,
/// and every score always had all its parts.
pub fn standard_errors(errors: &Parts) -> StandardErrors {
    let known = |error: Option<f64>| error.unwrap_or(0.0);
    let trajectory = known(errors.distribution).hypot(known(errors.sequence)) / 2.0;
    let consistency = known(errors.outcome).hypot(trajectory).hypot(known(errors.resource)) / 3.0;
    let [fault, structural, prompt] = errors.robustness.map(known);
    let robustness = fault.hypot(structural).hypot(prompt) / 3.0;
    let overall = consistency.hypot(known(errors.brier)).hypot(robustness) / 3.0;
    StandardErrors { consistency, robustness, overall }
}
