//! Their consistency of one task: outcome, trajectories, confidence, resources.

use retrial_stats::divergence::{Histogram, jensen_shannon_bits};
use retrial_stats::edit::levenshtein_normalised;
use retrial_stats::pairwise::Pairwise;
use retrial_stats::spread::coefficient_of_variation;
use retrial_stats::{Undefined, moments};

/// Returns `C_out` of a task, (2p̂ − 1)² with p̂ the mean of its outcomes (0 or 1).
///
/// Ours differs: for K trials this is biased by 4p(1 − p)/K, so that a coin toss scores 1/K; `outcome_consistency` is
/// unbiased.
///
/// # Errors
/// [`Undefined::TooFewItems`] below two trials.
pub fn outcome(successes: &[f64]) -> Result<f64, Undefined> {
    at_least_two(successes.len())?;
    Ok((2.0 * moments::mean(successes)? - 1.0).powi(2))
}

/// Returns `C_traj^d` of a task: 1 − the mean Jensen–Shannon divergence in bits of the shares of actions, over pairs of
/// successful trials with actions. `actions` are codes of names, `succeeded` stands at the same positions.
///
/// Ours differs: `action_mix_consistency` compares all trials that ran, with or without actions, and gives the value over
/// successes beside it; which trials succeed depends on the agent, so a condition on success compares unlike things.
///
/// # Errors
/// [`Undefined::TooFewItems`] below two such trials.
pub fn trajectory_distribution<S: AsRef<[u32]>>(actions: &[S], succeeded: &[bool]) -> Result<f64, Undefined> {
    let mixes = successful(actions, succeeded).map(Histogram::new).collect::<Result<Vec<Histogram>, _>>()?;
    Pairwise::of(&mixes, |a, b| 1.0 - jensen_shannon_bits(a, b))?.mean()
}

/// Returns `C_traj^s` of a task: 1 − the mean edit distance as a share of the longer trial, over the same pairs as
/// [`trajectory_distribution`].
///
/// Ours differs: `action_order_consistency` compares all trials that ran, as said there.
///
/// # Errors
/// [`Undefined::TooFewItems`] below two such trials.
pub fn trajectory_sequence<S: AsRef<[u32]>>(actions: &[S], succeeded: &[bool]) -> Result<f64, Undefined> {
    let sequences: Vec<&[u32]> = successful(actions, succeeded).collect();
    Pairwise::of(&sequences, |a, b| 1.0 - levenshtein_normalised(a, b))?.mean()
}

/// The sequences of successful trials that did anything.
pub(super) fn successful<'a, S: AsRef<[u32]>>(
    actions: &'a [S],
    succeeded: &[bool],
) -> impl Iterator<Item = &'a [u32]> {
    let pairs = actions.iter().zip(succeeded);
    pairs.filter(|(_, succeeded)| **succeeded).map(|(actions, _)| actions.as_ref()).filter(|a| !a.is_empty())
}

/// How alike the confidences of one task's trials are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConfidenceConsistency {
    /// exp(−CV) over all trials.
    pub consistency: Result<f64, Undefined>,
    /// The coefficient of variation over all trials.
    pub cv: Option<f64>,
    /// The same over successes.
    pub cv_success: Option<f64>,
    /// The same over failures.
    pub cv_failure: Option<f64>,
}

/// Returns the consistency of a task's confidences with their outcomes; missing ones are left out before.
///
/// Ours differs: there is none. How far stated confidences spread says nothing without what happened; see `brier` and
/// `auroc`.
pub fn confidence(stated: &[(f64, bool)]) -> ConfidenceConsistency {
    let of = |keep: &dyn Fn(bool) -> bool| {
        let values: Vec<f64> = stated.iter().filter(|(_, success)| keep(*success)).map(|&(c, _)| c).collect();
        coefficient_of_variation(&values)
    };
    let cv = of(&|_| true);
    // The parts belong to a breakdown that only exists where there are two confidences at all.
    let part = |success: bool| if stated.len() < 2 { None } else { of(&|one| one == success).ok() };
    ConfidenceConsistency {
        consistency: cv.map(|cv| (-cv).exp()),
        cv: cv.ok(),
        cv_success: part(true),
        cv_failure: part(false),
    }
}

/// The six series of a task's resources, one value for each trial; a series without values is not known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    /// US dollars.
    pub costs: Vec<f64>,
    /// Seconds.
    pub times: Vec<f64>,
    /// Model calls.
    pub calls: Vec<f64>,
    /// Actions.
    pub actions: Vec<f64>,
    /// Actions that failed.
    pub errors: Vec<f64>,
    /// Mean milliseconds of a model call.
    pub latencies: Vec<f64>,
}

/// How alike the resources of one task's trials are.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceConsistency {
    /// exp(−mean of the coefficients of variation that exist).
    pub consistency: Result<f64, Undefined>,
    /// That mean.
    pub mean_cv: Option<f64>,
    /// The coefficients of time, cost, calls, actions, errors and latency. That of errors is infinite where negative counts
    /// sum to 0, which no real count does; it does not enter the mean then.
    pub cvs: [Option<f64>; 6],
}

/// Returns `C_res` of a task.
///
/// Ours differs: a mean over whatever coefficients exist compares other resources from task to task; zeros are dropped
/// (but not of errors), and a missing cost is replaced by one price for all models. `token_spread`, `time_spread` and
/// `cost_spread` stand apart, on logarithms, with intervals.
pub fn resource(series: &Series) -> ResourceConsistency {
    let positive = |values: &[f64]| {
        let kept: Vec<f64> = values.iter().copied().filter(|&value| value > 0.0).collect();
        coefficient_of_variation(&kept).ok()
    };
    let cvs = [
        positive(&series.times),
        positive(&series.costs),
        positive(&series.calls),
        positive(&series.actions),
        errors(&series.errors),
        positive(&series.latencies),
    ];
    let known: Vec<f64> = cvs.into_iter().flatten().filter(|cv| cv.is_finite()).collect();
    let mean_cv = moments::mean(&known);
    let consistency = mean_cv.map_err(|_| Undefined::TooFewItems { have: 0, need: 2 }).map(|cv| (-cv).exp());
    ResourceConsistency { consistency, mean_cv: mean_cv.ok(), cvs }
}

/// The coefficient of counts of errors, which keep their zeros.
fn errors(counts: &[f64]) -> Option<f64> {
    match coefficient_of_variation(counts) {
        Ok(cv) => Some(cv),
        Err(Undefined::NotPositive) => {
            let (mean, variance) = (moments::mean(counts).ok()?, moments::variance(counts).ok()?);
            (mean == 0.0 && variance > 0.0).then_some(f64::INFINITY)
        }
        Err(_) => None,
    }
}

/// Returns `R_Con`, the mean of outcome, trajectories and resources with weight 1/3 each, where the trajectories are the mean
/// of the two that exist and the weights are shared out anew over what exists.
///
/// Ours differs: there is no such score. Agents of which other parts exist are not comparable by it, and it rises where an
/// agent fails always instead of sometimes.
///
/// # Errors
/// [`Undefined::Empty`] where nothing exists.
pub fn weighted_consistency(
    outcome: Option<f64>,
    distribution: Option<f64>,
    sequence: Option<f64>,
    resource: Option<f64>,
) -> Result<f64, Undefined> {
    let trajectory = mean_of_known([distribution, sequence]).ok();
    mean_of_known([outcome, trajectory, resource])
}

/// The mean of what exists.
pub(super) fn mean_of_known<const N: usize>(values: [Option<f64>; N]) -> Result<f64, Undefined> {
    moments::mean(&values.into_iter().flatten().collect::<Vec<f64>>())
}

fn at_least_two(have: usize) -> Result<(), Undefined> {
    if have < 2 { Err(Undefined::TooFewItems { have, need: 2 }) } else { Ok(()) }
}
