//! Success beside what it takes: who is no choice, because another does better for less.

use retrial_stats::Level;
use schemars::JsonSchema;
use serde::Serialize;

use super::holm::{finding, over_all};
use super::pair::PairComparison;
use super::takes::{Against, Taken};
use crate::decide::Finding;
use crate::value::Number;
use crate::{Resource, Target};

/// Who is dominated in success and one resource.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Frontier {
    /// What a success takes.
    pub resource: Resource,
    /// Tasks that amounts rest on: those in which every contender that takes anything takes more than 0.
    pub tasks: u64,
    /// Contenders that nobody dominates by the point estimates.
    pub on: Vec<usize>,
    /// Contenders that somebody dominates by the point estimates.
    pub dominated: Vec<Dominance>,
    /// Contenders that take nothing in any trial, which is less than anything.
    pub nothing: Vec<usize>,
    /// Contenders of which it is not known what they take.
    pub unknown: Vec<usize>,
}

/// A contender that somebody dominates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Dominance {
    /// The contender.
    pub contender: usize,
    /// Who dominates it.
    pub by: Vec<Dominator>,
}

/// Who dominates: at least as good in both by the point estimates, and better in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Dominator {
    /// The contender.
    pub contender: usize,
    /// Whether it is shown to be better in both, each among all pairs (Holm). Otherwise it may be noise.
    pub surely: bool,
}

/// Differences below this are rounding noise.
const NOISE: f64 = 1e-9;

/// One pair on one resource.
struct Faced<'a> {
    pair: &'a PairComparison,
    /// Candidate minus baseline.
    success: f64,
    /// The logarithm of candidate over baseline; infinite where one of them takes nothing.
    amount: f64,
    success_finding: Finding,
    /// Better is less.
    amount_finding: Finding,
}

/// Returns the frontier of each resource that is known of any pair.
///
/// That somebody is better in both is shown where both single tests show it (an intersection–union test needs no further adjustment:
/// Berger 1982, Technometrics 24, 295–300); each is adjusted over all pairs.
pub(super) fn frontiers(
    contenders: usize,
    pairs: &[PairComparison],
    taken: &[&Taken],
    target: Target,
    level: Level,
) -> Vec<Frontier> {
    taken.iter().filter_map(|taken| frontier(contenders, pairs, taken, (target, level))).collect()
}

fn frontier(
    contenders: usize,
    pairs: &[PairComparison],
    taken: &Taken,
    (target, level): (Target, Level),
) -> Option<Frontier> {
    let faced = faced(pairs, taken, (target, level));
    if faced.is_empty() {
        return None;
    }
    let (known, unknown): (Vec<usize>, Vec<usize>) =
        (0..contenders).partition(|&place| taken.is_known(place));
    let nothing = known.iter().copied().filter(|&place| taken.is_nothing(place)).collect();
    let (mut on, mut dominated) = (Vec::new(), Vec::new());
    for contender in known {
        let by: Vec<Dominator> = faced.iter().filter_map(|one| one.dominator_of(contender)).collect();
        if by.is_empty() { on.push(contender) } else { dominated.push(Dominance { contender, by }) }
    }
    Some(Frontier { resource: taken.resource, tasks: taken.tasks, on, dominated, nothing, unknown })
}

fn faced<'a>(pairs: &'a [PairComparison], taken: &Taken, (target, level): (Target, Level)) -> Vec<Faced<'a>> {
    let against: Vec<Option<Against>> =
        pairs.iter().map(|pair| taken.against(pair.candidate, pair.baseline, level)).collect();
    let p = against.iter().map(|found| match found {
        Some(found) => found.p.clone(),
        None => Number::Undefined(crate::Reason::NOT_RECORDED),
    });
    let adjusted = over_all(&p.collect::<Vec<Number>>());
    let each = pairs.iter().zip(against).zip(adjusted).filter_map(|((pair, against), adjusted)| {
        let amount = against?.log_ratio;
        Some(Faced {
            pair,
            success: pair.success.population.difference.estimate()?.point.value(),
            amount,
            success_finding: pair.decided.of(target).finding,
            amount_finding: finding(&adjusted, -amount, level),
        })
    });
    each.collect()
}

impl Faced<'_> {
    /// Says whether the other of the pair dominates a contender.
    fn dominator_of(&self, contender: usize) -> Option<Dominator> {
        let (sign, other, better) = if self.pair.baseline == contender {
            (1.0, self.pair.candidate, Finding::Better)
        } else if self.pair.candidate == contender {
            (-1.0, self.pair.baseline, Finding::Worse)
        } else {
            return None;
        };
        let (success, saved) = (sign * self.success, -sign * self.amount);
        let dominates = success > -NOISE && saved > -NOISE && (success > NOISE || saved > NOISE);
        let surely = self.success_finding == better && self.amount_finding == better;
        dominates.then_some(Dominator { contender: other, surely })
    }
}
