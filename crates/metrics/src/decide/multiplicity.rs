//! Many comparisons at once: adjusted p-values that say how they were adjusted and what for.

use retrial_spec::TaskName;
use retrial_stats::compare::Pair;
use retrial_stats::compare::multiplicity::{self, adjust};
use retrial_stats::compare::stratified::StratifiedExact;
use retrial_stats::{Counts, Undefined};
use schemars::JsonSchema;
use serde::Serialize;

use super::pairing::Pairing;
use crate::value::{Finite, Reason};

/// What p-values are used for, which decides how they are adjusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Something follows from any single one that is small: Holm.
    Decision,
    /// A list to look into, of which a share may be false: Benjamini–Hochberg.
    Exploration,
}

/// How p-values were adjusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Adjustment {
    /// Family-wise error, step-down (Holm 1979).
    Holm,
    /// False discovery rate (Benjamini & Hochberg 1995).
    BenjaminiHochberg,
}

/// P-values adjusted for being several, in the order given.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Adjusted {
    /// What they are used for.
    pub purpose: Purpose,
    /// How they were adjusted.
    pub adjustment: Adjustment,
    /// The adjusted values, at most 1.
    pub p: Vec<Finite>,
}

/// Adjusts p-values: Holm for decisions, Benjamini–Hochberg for exploration.
///
/// # Errors
/// [`Reason`] for a value outside [0, 1].
pub fn adjusted(p: &[f64], purpose: Purpose) -> Result<Adjusted, Reason> {
    let (adjustment, by) = match purpose {
        Purpose::Decision => (Adjustment::Holm, multiplicity::Adjustment::Holm),
        Purpose::Exploration => (Adjustment::BenjaminiHochberg, multiplicity::Adjustment::BenjaminiHochberg),
    };
    let p = adjust(p, by)?.into_iter().map(Finite::new).collect::<Result<_, _>>()?;
    Ok(Adjusted { purpose, adjustment, p })
}

/// The difference of one task, to look into.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TaskDifference {
    /// The task.
    pub task: TaskName,
    /// Success rate of the candidate minus that of the baseline.
    pub difference: Finite,
    /// Two-sided p-value of Fisher's exact test: that of all results at most as probable as the one observed.
    pub p: Finite,
    /// The same, adjusted over all tasks for exploration (Benjamini–Hochberg).
    pub adjusted_p: Finite,
}

/// Compares each task by itself, by name: where to look, not what to decide by.
///
/// # Errors
/// [`Reason`] where a task has too many trials to enumerate.
pub fn task_differences(pairing: &Pairing) -> Result<Vec<TaskDifference>, Reason> {
    let mut found = Vec::new();
    for (candidate, baseline) in pairing.graded() {
        let counts = |passed: u64, failed: u64| {
            Counts::new(passed, passed.saturating_add(failed)).map_err(|_| Undefined::OutOfDomain)
        };
        let pair = Pair {
            first: counts(candidate.passed, candidate.failed)?,
            second: counts(baseline.passed, baseline.failed)?,
        };
        let p = StratifiedExact::new(&[pair])?.p_two_sided_by_probability();
        found.push((&candidate.task, pair.first.rate()? - pair.second.rate()?, p));
    }
    let p: Vec<f64> = found.iter().map(|row| row.2).collect();
    let adjusted = adjusted(&p, Purpose::Exploration)?.p;
    found
        .into_iter()
        .zip(adjusted)
        .map(|((task, difference, p), adjusted_p)| {
            let (difference, p) = (Finite::new(difference)?, Finite::new(p)?);
            Ok(TaskDifference { task: task.clone(), difference, p, adjusted_p })
        })
        .collect()
}
