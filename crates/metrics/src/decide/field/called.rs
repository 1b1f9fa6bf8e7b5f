//! How many pairs are called different, by procedures from careless to careful.

use retrial_stats::{Counts, Level, Undefined, cluster, special};
use schemars::JsonSchema;
use serde::Serialize;

use super::pair::PairComparison;
use crate::paired::PairedCounts;
use crate::value::{Number, Reason};

/// How a pair's difference in success is tested, always for new tasks like these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Procedure {
    /// Two pooled proportions, every trial taken as independent of every other.
    Naive,
    /// Two proportions with errors clustered by task, the sides taken as independent of each other.
    Clustered,
    /// The differences of the tasks, by Student's test.
    Paired,
    /// The same, adjusted for looking at all pairs (Holm).
    PairedHolm,
}

impl Procedure {
    /// All, from careless to careful.
    pub const ALL: [Self; 4] = [Self::Naive, Self::Clustered, Self::Paired, Self::PairedHolm];

    /// Returns what it does, for tables.
    pub fn label(self) -> &'static str {
        match self {
            Self::Naive => "naive: trials as independent",
            Self::Clustered => "clustered by task, unpaired",
            Self::Paired => "paired by task",
            Self::PairedHolm => "paired by task, Holm over all pairs",
        }
    }
}

/// How many pairs each procedure calls different.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Called {
    /// The error rate of each single test.
    pub alpha: Number,
    /// Pairs there are.
    pub pairs: u64,
    /// The counts, from careless to careful.
    pub counts: Vec<CalledCount>,
}

/// How many pairs a procedure calls different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CalledCount {
    /// The procedure.
    pub procedure: Procedure,
    /// Pairs whose p-value is below the error rate.
    pub different: u64,
    /// Pairs without p-value, which are not called different.
    pub undefined: u64,
}

pub(super) fn count(pairs: &[PairComparison], level: Level) -> Called {
    let counts = Procedure::ALL.map(|procedure| {
        let p = || pairs.iter().map(|pair| pair.p_of(procedure));
        CalledCount {
            procedure,
            different: p().filter(|p| p.value().is_some_and(|p| p < level.alpha())).count() as u64,
            undefined: p().filter(|p| p.value().is_none()).count() as u64,
        }
    });
    Called {
        alpha: Number::of::<Reason>(Ok(level.alpha())),
        pairs: pairs.len() as u64,
        counts: counts.to_vec(),
    }
}

/// Returns the two-sided p-value of the z-test of two pooled proportions: (p₁ − p₂)/√(p(1−p)(1/n₁ + 1/n₂)).
pub(super) fn naive_p(pairs: &PairedCounts) -> Result<f64, Reason> {
    Ok(two_proportions_p(pairs.first.pooled(), pairs.second.pooled())?)
}

fn two_proportions_p(first: Counts, second: Counts) -> Result<f64, Undefined> {
    let (a, b) = (first.total() as f64, second.total() as f64);
    let difference = first.rate()? - second.rate()?;
    let pooled = (first.successes() as f64 + second.successes() as f64) / (a + b);
    let error = (pooled * (1.0 - pooled) * (1.0 / a + 1.0 / b)).sqrt();
    if error > 0.0 {
        Ok((2.0 * special::normal_sf(difference.abs() / error)).min(1.0))
    } else {
        Err(Undefined::ZeroVariance)
    }
}

/// Returns the two-sided p-value of the difference of two pooled rates over √(CR1₁² + CR1₂²), with Student's t of tasks − 1 degrees.
pub(super) fn clustered_p(pairs: &PairedCounts) -> Result<f64, Reason> {
    let (first, second) =
        (cluster::clustered_errors(&pairs.first)?, cluster::clustered_errors(&pairs.second)?);
    let error = first.cr1.hypot(second.cr1);
    if error <= 1e-15 {
        return Err(Undefined::ZeroVariance.into());
    }
    let t = (first.pooled - second.pooled).abs() / error;
    Ok((2.0 * special::t_sf(t, pairs.first.len() as f64 - 1.0)?).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Passed trials of 400 of 13 public submissions to Terminal-Bench, of which 60 of the 78 pairs were published as different.
    const PASSED: [u64; 13] = [235, 227, 210, 202, 197, 181, 165, 165, 159, 144, 105, 77, 51];

    #[test]
    fn the_naive_test_calls_as_many_pairs_of_the_whole_leaderboard_different_as_was_published() {
        let counts = PASSED.map(|passed| Counts::new(passed, 400).unwrap());
        let pairs = (0..13).flat_map(|a| (a + 1..13).map(move |b| (a, b)));
        let p: Vec<f64> = pairs.map(|(a, b)| two_proportions_p(counts[a], counts[b]).unwrap()).collect();
        assert_eq!((p.iter().filter(|p| **p < 0.05).count(), p.len()), (60, 78));
    }

    #[test]
    fn the_naive_test_is_that_of_the_textbooks() {
        // z = (0.6 − 0.4)/√(0.5·0.5·(2/50)) = 2, whose two-sided p-value is 0.0455.
        let p = two_proportions_p(Counts::new(30, 50).unwrap(), Counts::new(20, 50).unwrap()).unwrap();
        assert!((p - 0.045_500_263_896_358_42).abs() < 1e-12, "{p}");
        let all = Counts::new(5, 5).unwrap();
        assert_eq!(two_proportions_p(all, all), Err(Undefined::ZeroVariance));
    }
}
