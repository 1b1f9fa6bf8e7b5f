//! One pair of a field: success for both targets, every other measure, tasks, trajectories and what to buy.

use std::collections::BTreeSet;

use retrial_spec::TaskName;
use retrial_stats::Level;
use schemars::JsonSchema;
use serde::Serialize;

use super::called::Procedure;
use super::holm::{HolmTest, Readings, with_unknown};
use super::reach::Reach;
use super::{ByTarget, Contender, Explored, FieldError, Question, Trajectories, buy, called, trajectories};
use crate::decide::pairing::Reading;
use crate::decide::{
    Aspect, Comparison, Contrast, NotComparable, Pairing, Purpose, RunDifference, TaskDifference,
    TaskOutcomes, Weight, compare, contrast, run_differences, task_differences,
};
use crate::value::{Known, Number, Reason};
use crate::{MetricsError, Resource, Settings, Target};

/// The comparison of two contenders of a field.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PairComparison {
    /// The place of the one that was named later.
    pub candidate: usize,
    /// The place of the one that was named earlier.
    pub baseline: usize,
    /// What differs between the two besides the agents; what weighs most comes first.
    pub mismatches: Vec<Mismatch>,
    /// Success, for both targets.
    pub success: Comparison,
    /// What is decided on success when all pairs of the field are looked at.
    pub decided: ByTarget<HolmTest>,
    /// Two-sided p-value of the naive test, which takes every trial as independent.
    pub naive_p: Number,
    /// Two-sided p-value of the test that clusters by task and does not pair.
    pub clustered_p: Number,
    /// Every measure that has a value for each task, task by task; exploratory.
    pub contrasts: Explored<AspectContrast>,
    /// Each task by itself; exploratory.
    pub tasks: Known<Explored<TaskDifference>>,
    /// How the ways of working differ; exploratory.
    pub trajectories: Known<Trajectories>,
    /// The smallest difference of success that data like these show with the power asked for, in a test of this pair alone.
    pub detectable: ByTarget<Number>,
    /// What to buy so that a difference is shown with the power asked for.
    pub purchase: Known<buy::Purchase>,
}

/// Something that differs besides the agents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Mismatch {
    /// How much it matters.
    pub weight: Weight,
    /// What it is.
    pub difference: RunDifference,
    /// The same for people.
    pub text: String,
}

/// A contrast among all contrasts of a pair.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AspectContrast {
    /// The contrast.
    pub contrast: Contrast,
    /// Its two-sided p-value, adjusted over all contrasts that have one (Benjamini–Hochberg).
    pub adjusted_p: Number,
}

impl PairComparison {
    /// Returns the p-value by which a procedure calls the pair different.
    pub fn p_of(&self, procedure: Procedure) -> &Number {
        match procedure {
            Procedure::Naive => &self.naive_p,
            Procedure::Clustered => &self.clustered_p,
            Procedure::Paired => &self.success.population.student_p,
            Procedure::PairedHolm => &self.decided.population.adjusted_p,
        }
    }

    /// Returns the contrast of a measure, with its number of draws where it has one.
    pub fn contrast(&self, aspect: Aspect) -> Option<&Contrast> {
        let k = if let Aspect::PassHatK(k) = aspect { Some(k) } else { None };
        let mut all = self.contrasts.rows.iter().map(|row| &row.contrast);
        all.find(|contrast| contrast.measure == aspect.measure() && contrast.k == k)
    }
}

/// Compares two contenders, which are given as candidate and baseline. What is decided follows when all pairs are known, from the tests
/// that are returned beside.
pub(super) fn pair(
    field: &[Contender<'_>],
    (candidate, baseline): (usize, usize),
    draws: Option<u32>,
    question: &Question,
    level: Level,
) -> Result<(PairComparison, Readings), FieldError> {
    let (one, other) = (&field[candidate], &field[baseline]);
    let (of_one, of_other) = (one.entrant.outcomes(), other.entrant.outcomes());
    let mismatches = mismatches((one, &of_one), (other, &of_other));
    let names = || (one.name.to_owned(), other.name.to_owned());
    let forbids: Vec<RunDifference> = mismatches
        .iter()
        .filter(|mismatch| mismatch.weight == Weight::Forbids)
        .map(|mismatch| mismatch.difference.clone())
        .collect();
    if !question.even_if_different && !forbids.is_empty() {
        let (candidate, baseline) = names();
        return Err(FieldError::Different { candidate, baseline, differences: forbids });
    }
    let common = common(&of_one, &of_other);
    let pairing = Pairing::new(&among(&of_one, &common), &among(&of_other, &common)).map_err(|source| {
        let (candidate, baseline) = names();
        FieldError::Pair { candidate, baseline, source }
    })?;
    let settings = &question.settings;
    let success = compare(&pairing, settings)?;
    let counts = pairing.counts(Reading::Plain);
    let p = |of: fn(&crate::paired::PairedCounts) -> Result<f64, Reason>| {
        Number::of(counts.as_ref().map_err(Clone::clone).and_then(of))
    };
    let reach = counts.as_ref().map_err(Clone::clone).and_then(|pairs| Reach::new(pairs, question));
    let readings = Readings::new(&pairing, &success, level);
    let found = PairComparison {
        candidate,
        baseline,
        mismatches,
        decided: readings.undecided(),
        naive_p: p(called::naive_p),
        clustered_p: p(called::clustered_p),
        contrasts: contrasts((one, other), draws, settings, &success)?,
        tasks: task_differences(&pairing).map(Explored::new).into(),
        trajectories: trajectories::compare((one.entrant, other.entrant), settings).into(),
        detectable: buy::detectable(&reach),
        purchase: buy::purchase(&reach, (one, other), question).into(),
        success,
    };
    Ok((found, readings))
}

/// Everything that differs besides the agents: of the runs where there are two, and tasks that were tried on one side only.
fn mismatches(
    (one, of_one): (&Contender<'_>, &[TaskOutcomes]),
    (other, of_other): (&Contender<'_>, &[TaskOutcomes]),
) -> Vec<Mismatch> {
    let mut found = run_differences(one.manifest, other.manifest, &one.entrant.condition);
    // A manifest holds the run's id, so that equal ones are one run: what is not known of its tasks is no doubt about it, and only that
    // it could stop bears on its numbers.
    if one.manifest == other.manifest {
        found.retain(|difference| *difference == RunDifference::StoppingRule);
    }
    if let Err(NotComparable::TasksDiffer { only_candidate, only_baseline }) = Pairing::new(of_one, of_other)
    {
        let rows = [
            (only_candidate.is_empty(), RunDifference::OnlyCandidate { tasks: only_candidate }),
            (only_baseline.is_empty(), RunDifference::OnlyBaseline { tasks: only_baseline }),
        ];
        for (is_empty, difference) in rows {
            let is_known = found
                .iter()
                .any(|known| std::mem::discriminant(known) == std::mem::discriminant(&difference));
            if !is_empty && !is_known {
                found.insert(0, difference);
            }
        }
    }
    let mismatch = |difference: RunDifference| Mismatch {
        weight: difference.weight(),
        text: difference.to_string(),
        difference,
    };
    found.into_iter().map(mismatch).collect()
}

/// The tasks that both have finished trials of.
fn common(one: &[TaskOutcomes], other: &[TaskOutcomes]) -> BTreeSet<TaskName> {
    let tried = |outcomes: &[TaskOutcomes]| -> BTreeSet<TaskName> {
        let tried = outcomes.iter().filter(|task| task.passed + task.failed + task.excluded > 0);
        tried.map(|task| task.task.clone()).collect()
    };
    tried(one).intersection(&tried(other)).cloned().collect()
}

fn among(outcomes: &[TaskOutcomes], tasks: &BTreeSet<TaskName>) -> Vec<TaskOutcomes> {
    outcomes.iter().filter(|outcome| tasks.contains(&outcome.task)).cloned().collect()
}

/// Every measure that can be compared task by task, in the order of scorecards.
fn aspects(draws: Option<u32>) -> Vec<Aspect> {
    let mut aspects = vec![Aspect::Success];
    aspects.extend(draws.map(Aspect::PassHatK));
    aspects.extend([Aspect::OutcomeConsistency, Aspect::ActionMix, Aspect::ActionOrder]);
    let spreads = [Resource::Tokens, Resource::Time, Resource::ModelTime, Resource::Cost, Resource::Steps];
    aspects.extend(spreads.map(Aspect::Spread));
    aspects.extend([Aspect::Brier, Aspect::InvisibleFailures]);
    aspects.extend(spreads.map(Aspect::Amount));
    aspects
}

/// Success on exactly these tasks by what it is decided by, which is the exact test too, and not by its interval alone.
fn with_exact(by_interval: Contrast, success: &Comparison) -> Contrast {
    let both = |interval: Number, exact: &Number| match (interval.value(), exact.value()) {
        (Some(_), None) => interval,
        (Some(one), Some(other)) if one >= other => interval,
        _ => exact.clone(),
    };
    let exact = &success.fixed_suite.exact;
    Contrast {
        worse_p: both(by_interval.worse_p, &exact.worse_p),
        better_p: both(by_interval.better_p, &exact.better_p),
        p: success.fixed_suite.p.clone(),
        ..by_interval
    }
}

fn contrasts(
    (one, other): (&Contender<'_>, &Contender<'_>),
    draws: Option<u32>,
    settings: &Settings,
    success: &Comparison,
) -> Result<Explored<AspectContrast>, MetricsError> {
    let contrasts = aspects(draws).into_iter().map(|aspect| {
        let found = contrast(aspect, one.entrant, other.entrant, settings)?;
        let is_decided = aspect == Aspect::Success && settings.target == Target::FixedSuite;
        Ok(if is_decided { with_exact(found, success) } else { found })
    });
    let contrasts = contrasts.collect::<Result<Vec<Contrast>, MetricsError>>()?;
    let p: Vec<Number> = contrasts.iter().map(|contrast| contrast.p.clone()).collect();
    let rows = contrasts.into_iter().zip(with_unknown(&p, Purpose::Exploration));
    let rows = rows.map(|(contrast, adjusted_p)| AspectContrast { contrast, adjusted_p });
    Ok(Explored::new(rows.collect()))
}
