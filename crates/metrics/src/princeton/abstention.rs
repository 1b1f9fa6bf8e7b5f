//! Their abstention: whether an agent declines the tasks that it would fail.

use std::collections::BTreeMap;

use retrial_stats::{Undefined, moments};

use super::trial::Trial;

/// Trials by whether the agent abstained and whether it failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Confusion {
    /// Abstained and failed: right to abstain.
    pub abstained_failed: u64,
    /// Abstained and succeeded all the same.
    pub abstained_succeeded: u64,
    /// Went on and failed.
    pub proceeded_failed: u64,
    /// Went on and succeeded.
    pub proceeded_succeeded: u64,
}

/// The trials of one kind of abstention.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OfType {
    /// How many there are.
    pub trials: u64,
    /// How many of them succeeded.
    pub successes: u64,
}

/// How an agent abstains.
#[derive(Debug, Clone, PartialEq)]
pub struct AbstentionMetrics {
    /// The counts.
    pub confusion: Confusion,
    /// Share of trials in which it abstained.
    pub rate: f64,
    /// Share of those that failed.
    pub precision: Result<f64, Undefined>,
    /// Share of failures in which it abstained.
    pub recall: Result<f64, Undefined>,
    /// Share of successes where it went on.
    pub selective_accuracy: Result<f64, Undefined>,
    /// Harmonic mean of precision and recall, 0 where both are.
    pub f1: Result<f64, Undefined>,
    /// Share of trials in which it was right to abstain or to go on.
    pub calibration: f64,
    /// Trials by kind.
    pub types: BTreeMap<String, OfType>,
    /// Mean strength.
    pub mean_strength: f64,
}

/// Returns how the agent abstains over the trials in which somebody looked.
///
/// Ours differs: there is none as such. Theirs matches English phrases in messages; the claim that an agent states when it
/// is asked (`invisible_of_failures`) needs no phrases.
///
/// # Errors
/// [`Undefined::Empty`] where nobody looked at any trial.
pub fn abstention<'a>(trials: impl IntoIterator<Item = &'a Trial>) -> Result<AbstentionMetrics, Undefined> {
    let mut confusion = Confusion::default();
    let mut types: BTreeMap<String, OfType> = BTreeMap::new();
    let mut strengths = Vec::new();
    for trial in trials {
        let Some(seen) = &trial.abstention else { continue };
        let success = trial.success() > 0.0;
        *match (seen.abstained, success) {
            (true, false) => &mut confusion.abstained_failed,
            (true, true) => &mut confusion.abstained_succeeded,
            (false, false) => &mut confusion.proceeded_failed,
            (false, true) => &mut confusion.proceeded_succeeded,
        } += 1;
        let of = types.entry(seen.kind.clone()).or_default();
        of.trials += 1;
        of.successes += u64::from(success);
        strengths.push(seen.strength);
    }
    let mean_strength = moments::mean(&strengths)?;
    Ok(confusion.metrics(types, mean_strength))
}

impl Confusion {
    fn metrics(self, types: BTreeMap<String, OfType>, mean_strength: f64) -> AbstentionMetrics {
        let abstained = self.abstained_failed + self.abstained_succeeded;
        let proceeded = self.proceeded_failed + self.proceeded_succeeded;
        let all = (abstained + proceeded) as f64;
        let precision = share(self.abstained_failed, abstained);
        let recall = share(self.abstained_failed, self.abstained_failed + self.proceeded_failed);
        let f1 =
            precision.and_then(|p| recall.map(|r| if p + r > 0.0 { 2.0 * p * r / (p + r) } else { 0.0 }));
        AbstentionMetrics {
            confusion: self,
            rate: abstained as f64 / all,
            precision,
            recall,
            selective_accuracy: share(self.proceeded_succeeded, proceeded),
            f1,
            calibration: (self.abstained_failed + self.proceeded_succeeded) as f64 / all,
            types,
            mean_strength,
        }
    }
}

fn share(part: u64, of: u64) -> Result<f64, Undefined> {
    if of == 0 { Err(Undefined::Empty) } else { Ok(part as f64 / of as f64) }
}
