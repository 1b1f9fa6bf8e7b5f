//! Their predictability: calibration, discrimination, Brier score and risk–coverage over the pooled trials of an agent.

use retrial_stats::{Scored, Undefined, discrimination, moments};

use super::trial::Trial;

/// A stated confidence and whether the trial succeeded. The confidence is finite; theirs does not check that it is a
/// probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stated {
    /// The confidence.
    pub confidence: f64,
    /// Whether the trial succeeded.
    pub success: bool,
}

impl Stated {
    fn outcome(self) -> f64 {
        f64::from(u8::from(self.success))
    }
}

/// A bin of confidences that is not empty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CalibrationBin {
    /// The middle of the bin.
    pub center: f64,
    /// Trials in it.
    pub count: u64,
    /// Their mean confidence.
    pub confidence: f64,
    /// Their share of successes.
    pub accuracy: f64,
}

/// Calibration by bins of equal width.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// `P_cal`, 1 − the expected calibration error.
    pub score: f64,
    /// The expected calibration error.
    pub error: f64,
    /// The bins that are not empty.
    pub bins: Vec<CalibrationBin>,
}

/// Returns the calibration with `bins` bins of equal width (theirs: 10).
///
/// The edges are the doubles i·(1/bins), so that 0.3, 0.6 and 0.7 fall into the bin below; the last bin is closed. A
/// confidence outside [0, 1] is in no bin and yet in the denominator.
///
/// Ours differs: an error of bins is above 0 for a perfectly calibrated agent (0.16 with 25 trials, 0.06 with 250), so that
/// it punishes few trials; `brier` and `overconfidence` do not depend on bins, and have intervals.
///
/// # Errors
/// [`Undefined::Empty`] without trials, [`Undefined::OutOfDomain`] without bins.
pub fn calibration(stated: &[Stated], bins: usize) -> Result<Calibration, Undefined> {
    if bins == 0 {
        return Err(Undefined::OutOfDomain);
    }
    if stated.is_empty() {
        return Err(Undefined::Empty);
    }
    let step = 1.0 / bins as f64;
    let edge = |index: usize| if index == bins { 1.0 } else { index as f64 * step };
    let mut error = 0.0;
    let mut occupied = Vec::new();
    for bin in 0..bins {
        let (low, high, is_last) = (edge(bin), edge(bin + 1), bin + 1 == bins);
        let holds = |c: f64| c >= low && (c < high || (is_last && c <= high));
        let within: Vec<Stated> = stated.iter().copied().filter(|one| holds(one.confidence)).collect();
        let Ok(confidence) = mean(&within, |one| one.confidence) else { continue };
        let accuracy = mean(&within, Stated::outcome)?;
        error += within.len() as f64 / stated.len() as f64 * (accuracy - confidence).abs();
        let count = within.len() as u64;
        occupied.push(CalibrationBin { center: f64::midpoint(low, high), count, confidence, accuracy });
    }
    Ok(Calibration { score: 1.0 - error, error, bins: occupied })
}

/// Returns `P_auroc`, the probability that a success was stated with more confidence than a failure, ties counting half.
///
/// Ours differs: the value of `auroc` is the same over the same trials; its interval allows for trials that share a task.
///
/// # Errors
/// [`Undefined::OneClass`] where all succeeded or all failed, [`Undefined::NotFinite`], [`Undefined::Empty`].
pub fn auroc(stated: &[Stated]) -> Result<f64, Undefined> {
    let scored = |one: &Stated| Scored::new(one.confidence, one.success).map_err(|_| Undefined::NotFinite);
    discrimination::auroc::auroc(&stated.iter().map(scored).collect::<Result<Vec<Scored>, _>>()?)
}

/// The Brier score with its parts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BrierScore {
    /// `P_brier`, 1 − the Brier score.
    pub score: f64,
    /// The Brier score.
    pub brier: f64,
    /// The share of successes b.
    pub base_rate: f64,
    /// b(1 − b), what always saying b would get.
    pub baseline: f64,
}

/// Returns `P_brier`.
///
/// Ours differs: theirs weighs a task by its trials and turns the score round, so that it also rises where an agent gets
/// easy tasks; `brier` is the mean over tasks, with an interval.
///
/// # Errors
/// [`Undefined::Empty`] without trials.
pub fn brier(stated: &[Stated]) -> Result<BrierScore, Undefined> {
    let brier = mean(stated, |one| (one.confidence - one.outcome()).powi(2))?;
    let base_rate = mean(stated, Stated::outcome)?;
    Ok(BrierScore { score: 1.0 - brier, brier, base_rate, baseline: base_rate * (1.0 - base_rate) })
}

/// Risk against coverage.
#[derive(Debug, Clone, PartialEq)]
pub struct RiskCoverage {
    /// `P_rc`, in [0, 1].
    pub score: f64,
    /// The area under the curve.
    pub area: f64,
    /// The risks at the coverages.
    pub risks: Vec<f64>,
    /// The risks of the best order.
    pub optimal_risks: Vec<f64>,
}

/// Coverages at which the curve is read.
const COVERAGES: usize = 100;

/// Below this, the worst and the best order cannot be told apart.
const EPSILON: f64 = 1e-8;

/// Returns `P_rc`: 1 − (area − best area)/(error − best area + 10⁻⁸), cut off at 0 and 1, and 1 where all trials succeeded or
/// all failed. Ties stay in the order of the input (theirs leaves their order to the machine).
///
/// Ours differs: there is none yet. Theirs depends on the order within ties and gives an agent that always fails a 1.
///
/// # Errors
/// [`Undefined::Empty`] without trials.
pub fn risk_coverage(stated: &[Stated]) -> Result<RiskCoverage, Undefined> {
    let error = 1.0 - mean(stated, Stated::outcome)?;
    let mut ranked = stated.to_vec();
    ranked.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let mut best = stated.to_vec();
    best.sort_by_key(|one| !one.success);
    let (risks, optimal_risks) = (risks(&ranked), risks(&best));
    let (area, optimal) = (trapezoid(&risks), trapezoid(&optimal_risks));
    let span = error - optimal;
    let score = if span > EPSILON { 1.0 - (area - optimal) / (span + EPSILON) } else { 1.0 };
    Ok(RiskCoverage { score: score.clamp(0.0, 1.0), area, risks, optimal_risks })
}

fn coverage(index: usize) -> f64 {
    if index + 1 == COVERAGES { 1.0 } else { index as f64 * (1.0 / (COVERAGES - 1) as f64) }
}

/// The risk of the first trials of the order, at each coverage.
fn risks(order: &[Stated]) -> Vec<f64> {
    let mut right = Vec::with_capacity(order.len() + 1);
    right.push(0_u64);
    for one in order {
        right.push(right[right.len() - 1] + u64::from(one.success));
    }
    (0..COVERAGES)
        .map(|index| {
            let kept = ((coverage(index) * order.len() as f64) as usize).clamp(1, order.len());
            1.0 - right[kept] as f64 / kept as f64
        })
        .collect()
}

fn trapezoid(values: &[f64]) -> f64 {
    let slices = values.windows(2).enumerate();
    slices.map(|(i, pair)| (coverage(i + 1) - coverage(i)) * f64::midpoint(pair[0], pair[1])).sum()
}

fn mean(stated: &[Stated], of: impl Fn(Stated) -> f64) -> Result<f64, Undefined> {
    moments::mean(&stated.iter().map(|&one| of(one)).collect::<Vec<f64>>())
}

/// The predictability of an agent, over all its trials with a stated confidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictability {
    /// The trials it was computed from.
    pub stated: Vec<Stated>,
    /// Calibration with ten bins.
    pub calibration: Result<Calibration, Undefined>,
    /// `P_auroc`.
    pub auroc: Result<f64, Undefined>,
    /// `P_brier`.
    pub brier: Result<BrierScore, Undefined>,
    /// `P_rc`.
    pub risk_coverage: Result<RiskCoverage, Undefined>,
    /// The mean confidence.
    pub mean_confidence: Result<f64, Undefined>,
}

/// The bins of their calibration error.
const BINS: usize = 10;

/// Returns the predictability of the trials; those without confidence are left out.
pub fn predictability<'a>(trials: impl IntoIterator<Item = &'a Trial>) -> Predictability {
    let stated = |trial: &Trial| Some(Stated { confidence: trial.confidence?, success: trial.succeeded() });
    let stated: Vec<Stated> = trials.into_iter().filter_map(stated).collect();
    Predictability {
        calibration: calibration(&stated, BINS),
        auroc: auroc(&stated),
        brier: brier(&stated),
        risk_coverage: risk_coverage(&stated),
        mean_confidence: mean(&stated, |one| one.confidence),
        stated,
    }
}
