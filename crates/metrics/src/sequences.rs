//! The actions of one task's trials as plain sequences, by fine name and by kind.

use retrial_stats::Undefined;
use retrial_stats::divergence::Histogram;
use retrial_stats::edit::Distances;
use retrial_stats::pairwise;

use crate::estimators::Context;
use crate::trials::{TaskTrials, Trial};

/// Stands for "nothing was done", so that idle trials are alike and unlike all others.
const IDLE: &[u32] = &[u32::MAX];

/// Returns the sequence, or one that stands for nothing done.
pub(crate) fn something(sequence: &[u32]) -> &[u32] {
    if sequence.is_empty() { IDLE } else { sequence }
}

/// The actions of the trials of one task in which the agent ran and is known to have done them, in the order of the trials.
pub(crate) struct Sequences {
    pub(crate) names: Vec<Vec<u32>>,
    pub(crate) kinds: Vec<Vec<u32>>,
    pub(crate) passed: Vec<bool>,
}

impl Sequences {
    pub(crate) fn new(task: &TaskTrials<'_>, context: &Context<'_>) -> Self {
        let trials: Vec<&Trial> = task.acted().collect();
        let names: Vec<Vec<u32>> = trials.iter().map(|trial| trial.action_codes()).collect();
        let kind = |&code: &u32| context.kinds[code as usize] as u32;
        Self {
            kinds: names.iter().map(|actions| actions.iter().map(kind).collect()).collect(),
            names,
            passed: trials.iter().map(|trial| trial.is_passed()).collect(),
        }
    }
}

/// The different ones among some sequences, and how far apart they are: what is costly, and asked for more than once.
pub(crate) struct Compared<'a> {
    /// By first appearance.
    pub(crate) distinct: Vec<&'a Vec<u32>>,
    /// Their mixes of actions; nothing done counts as an action.
    pub(crate) mixes: Result<Vec<Histogram>, Undefined>,
    /// The place of each sequence among them.
    pub(crate) places: Vec<usize>,
    /// The Levenshtein distances of every two of them.
    pub(crate) distances: Distances,
}

impl<'a> Compared<'a> {
    pub(crate) fn of(sequences: &'a [Vec<u32>]) -> Self {
        let (distinct, places) = pairwise::distinct(sequences);
        let distances = Distances::of(&distinct);
        let mixes = distinct.iter().map(|sequence| Histogram::new(something(sequence))).collect();
        Self { distinct, mixes, places, distances }
    }
}
