//! Two formulas of the preprint's first versions, for numbers that were published with them.

use retrial_stats::Undefined;
use retrial_stats::divergence::{Histogram, jensen_shannon_distance_nats};
use retrial_stats::moments;
use retrial_stats::pairwise::Pairwise;

use super::consistency::successful;

/// Keeps their quotient finite where all outcomes are the same.
const EPSILON: f64 = 1e-8;

/// Returns the outcome consistency of the preprint's versions 1 and 2: 1 − s²/(p̂(1 − p̂) + 10⁻⁸), cut off at 0 and 1, with s²
/// of divisor K − 1. For outcomes of 0 and 1 it says no more than whether all agree.
///
/// # Errors
/// [`Undefined::TooFewItems`] below two trials.
pub fn preprint_outcome(successes: &[f64]) -> Result<f64, Undefined> {
    let variance = moments::variance(successes)?;
    let mean = moments::mean(successes)?;
    Ok((1.0 - variance / (mean * (1.0 - mean) + EPSILON)).clamp(0.0, 1.0))
}

/// Returns the trajectory distribution consistency of their code before 2026-06-23: 1 − the mean of the square root of the
/// Jensen–Shannon divergence in nats, so that trials without a common action score 0.167 and not 0.
///
/// # Errors
/// [`Undefined::TooFewItems`] below two successful trials with actions.
pub fn preprint_trajectory_distribution<S: AsRef<[u32]>>(
    actions: &[S],
    succeeded: &[bool],
) -> Result<f64, Undefined> {
    let mixes = successful(actions, succeeded).map(Histogram::new).collect::<Result<Vec<Histogram>, _>>()?;
    Pairwise::of(&mixes, |a, b| 1.0 - jensen_shannon_distance_nats(a, b))?.mean()
}
