//! Whether two agents work differently: their sequences of actions, compared within tasks.

use retrial_stats::Level;
use retrial_stats::kernel::{Grams, Spectrum, discrepancy_stratified};
use schemars::JsonSchema;
use serde::Serialize;

use super::Explored;
use super::actions::{ActionDifference, Common, differences};
use super::holm::with_unknown;
use super::pair::PairComparison;
use crate::decide::Purpose;
use crate::value::{Finite, Known, Number, Reason};
use crate::{Entrant, Settings};

/// Relabellings that are drawn for the p-value.
const RELABELLINGS: u64 = 999;

/// How two agents' ways of working differ. Exploratory: a difference of ways is neither good nor bad.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Trajectories {
    /// Tasks with at least two trials with known actions on both sides.
    pub tasks: u64,
    /// How alike two trials of a task by the candidate are: the cosine of their counts of neighbouring actions, start and end included.
    pub alike_candidate: Finite,
    /// The same of two trials by the baseline.
    pub alike_baseline: Finite,
    /// The same of a trial by each.
    pub alike_across: Finite,
    /// The squared maximum mean discrepancy, mean over tasks, unbiased: the first plus the second less twice the third. About 0, or
    /// below, where the ways are the same.
    pub discrepancy: Finite,
    /// P-value of "within each task both work alike", by exchanging labels within tasks.
    pub p: Finite,
    /// The same, adjusted over all pairs that have one, for exploration (Benjamini–Hochberg).
    pub adjusted_p: Finite,
    /// Relabellings drawn for it.
    pub relabellings: u64,
    /// How often each kind of action, and each action, is taken; exploratory.
    pub actions: Explored<ActionDifference>,
}

/// Compares the sequences of actions of two agents in the tasks that both have.
///
/// Sources: the kernel, Leslie, Eskin & Noble 2002; the discrepancy, Gretton et al. 2012 (JMLR 13, 723–773).
pub(super) fn compare(
    (candidate, baseline): (&Entrant, &Entrant),
    settings: &Settings,
) -> Result<Trajectories, Reason> {
    let recorded = Common::new(candidate, baseline, 1);
    let is_idle = |(one, other): &(&crate::entrant::EntrantTask, &crate::entrant::EntrantTask)| {
        one.view().acted().chain(other.view().acted()).all(|trial| trial.action_codes().is_empty())
    };
    // Where no trial has an action nobody recorded them.
    if recorded.tasks.iter().all(is_idle) {
        return Err(Reason::NO_ACTIONS);
    }
    let common = Common::new(candidate, baseline, 2);
    let (of_candidate, of_baseline) = common.shared_codes();
    let spectra = |task: &crate::entrant::EntrantTask, codes: &[u32]| {
        let trials = task.view().acted().map(|trial| {
            let sequence: Vec<u32> = trial.action_codes().iter().map(|&code| codes[code as usize]).collect();
            Spectrum::new(&sequence, Grams::Pairs)
        });
        trials.collect::<Result<Vec<Spectrum>, _>>()
    };
    let strata = common
        .tasks
        .iter()
        .map(|(one, other)| Ok((spectra(one, &of_candidate)?, spectra(other, &of_baseline)?)))
        .collect::<Result<Vec<_>, retrial_stats::Undefined>>()?;
    if strata.is_empty() {
        return Err(Reason::too_few_trials(1, 2));
    }
    let found = discrepancy_stratified(&strata, RELABELLINGS as usize, settings.seed)?;
    let level =
        Level::new(settings.level).map_err(|_| Reason::from(retrial_stats::Undefined::OutOfDomain))?;
    let p = Finite::new(found.p)?;
    Ok(Trajectories {
        tasks: found.strata as u64,
        alike_candidate: Finite::new(found.within_first)?,
        alike_baseline: Finite::new(found.within_second)?,
        alike_across: Finite::new(found.across)?,
        discrepancy: Finite::new(found.squared)?,
        p,
        adjusted_p: p,
        relabellings: RELABELLINGS,
        actions: differences(&recorded, level)?,
    })
}

/// Adjusts the p-values of all pairs that have one.
pub(super) fn adjust(pairs: &mut [PairComparison]) {
    let p = pairs.iter().map(|pair| match &pair.trajectories {
        Known::Known(found) => Number::Known(found.p),
        Known::Undefined(reason) => Number::Undefined(reason.clone()),
    });
    let adjusted = with_unknown(&p.collect::<Vec<Number>>(), Purpose::Exploration);
    for (pair, adjusted) in pairs.iter_mut().zip(adjusted) {
        if let (Known::Known(found), Known::Known(adjusted)) = (&mut pair.trajectories, adjusted) {
            found.adjusted_p = adjusted;
        }
    }
}
