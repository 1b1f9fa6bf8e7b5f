//! The ranks that each contender may have, as far as all pairs together show it.

use schemars::JsonSchema;
use serde::Serialize;

use super::holm::HolmTest;
use super::pair::PairComparison;
use crate::decide::{Adjustment, Finding};

/// The ranks that a contender may have, 1 being the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RankSet {
    /// One more than the contenders that are shown to be better.
    pub first: u32,
    /// The number of contenders less those that are shown to be worse.
    pub last: u32,
}

/// The ranks that a field allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Ranks {
    /// How the pairs' p-values were adjusted, so that all sets together hold the true ranks at the level.
    pub adjustment: Adjustment,
    /// The set of each contender, in their order.
    pub sets: Vec<RankSet>,
    /// Those that may be best: nobody is shown to be better.
    pub best: Vec<usize>,
    /// Those that are not best: somebody is shown to be better.
    pub excluded: Vec<usize>,
}

/// Returns confidence sets of ranks from tests of all pairs that hold together.
///
/// With probability of at least the level every true rank lies in its set: a set misses its rank only if a pair is called the wrong way
/// round or different although it is not, which Holm's adjustment keeps below one minus the level for all pairs together. Agents that
/// are truly alike share their ranks. Without any difference shown every set is everything. Source: Mogstad, Romano, Shaikh & Wilhelm
/// 2024 (Review of Economic Studies 91, 476–518), section 3, with Holm's step-down method for the pairs.
pub(super) fn ranks(
    contenders: usize,
    pairs: &[PairComparison],
    test: impl Fn(&PairComparison) -> &HolmTest,
) -> Ranks {
    let (mut better, mut worse) = (vec![0_u32; contenders], vec![0_u32; contenders]);
    for pair in pairs {
        let (winner, loser) = match test(pair).finding {
            Finding::Better => (pair.candidate, pair.baseline),
            Finding::Worse => (pair.baseline, pair.candidate),
            Finding::NotShown => continue,
        };
        better[loser] += 1;
        worse[winner] += 1;
    }
    let sets: Vec<RankSet> = better
        .into_iter()
        .zip(worse)
        .map(|(better, worse)| RankSet { first: better + 1, last: contenders as u32 - worse })
        .collect();
    let (best, excluded) = (0..contenders).partition(|&place| sets[place].first == 1);
    Ranks { adjustment: Adjustment::Holm, sets, best, excluded }
}
