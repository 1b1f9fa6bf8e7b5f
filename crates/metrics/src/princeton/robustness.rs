//! Their robustness: the ratio of two pooled accuracies.

use retrial_stats::{Undefined, moments};

/// A baseline below this is no denominator.
const EPSILON: f64 = 1e-8;

/// Returns the mean of the outcomes of all trials, whatever their task; a missing trial is absent, not failed.
///
/// Ours differs: `success_rate` is the mean over tasks, so that a task with more trials does not weigh more.
///
/// # Errors
/// [`Undefined::Empty`] without trials.
pub fn accuracy(successes: &[f64]) -> Result<f64, Undefined> {
    moments::mean(successes)
}

/// Returns `R_fault`, `R_env` or `R_prompt`: min(accuracy under the perturbation / accuracy of the baseline, 1).
///
/// Ours differs: theirs pools the trials of whatever tasks there are on either side, also trials in which no fault landed,
/// and cuts off at 1, which biases it downwards; `fault_ratio` and `fault_difference` pair the tasks, count trials that were
/// hit, and are not cut off.
///
/// # Errors
/// [`Undefined::Empty`] where a side has no trials, [`Undefined::DenominatorNearZero`] where the baseline never succeeds.
pub fn robustness_ratio(baseline: &[f64], perturbed: &[f64]) -> Result<f64, Undefined> {
    let (baseline, perturbed) = (accuracy(baseline)?, accuracy(perturbed)?);
    if baseline < EPSILON {
        return Err(Undefined::DenominatorNearZero);
    }
    Ok((perturbed / baseline).min(1.0))
}
