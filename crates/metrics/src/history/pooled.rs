//! Trials of consecutive runs added up, and two such stretches compared.

use std::ops::Range;

use retrial_stats::compare::Pair;
use retrial_stats::compare::mover::mover_difference;
use retrial_stats::compare::stratified::StratifiedExact;
use retrial_stats::compare::stratified_bound::StratifiedBound;
use retrial_stats::{ClusterCounts, Counts, Level, Undefined, moments};

use super::{Direction, PMethod};
use crate::paired::PairedCounts;
use crate::value::{Estimate, Interval, Reason};
use crate::{Target, estimators};

/// Trials of the smaller side beyond which the exact distribution would take too long, so that its p-values are bounded instead.
pub(super) const MOST_TRIALS: u64 = 4_000;

/// Exact p-values below this have lost digits on the way, or all of them.
const SMALLEST_EXACT: f64 = 1e-290;

/// Passed and graded trials of each task, added up from the first run to each.
#[derive(Debug, Clone)]
pub(super) struct Pooled {
    /// One more than there are runs; each as long as there are tasks.
    sums: Vec<Vec<Counts>>,
}

impl Pooled {
    /// Adds up; every run has the same tasks in the same order.
    pub(super) fn new(runs: &[Vec<Counts>]) -> Self {
        let tasks = runs.first().map_or(0, Vec::len);
        let mut sums = vec![vec![Counts::of(&[]); tasks]];
        for run in runs {
            let last = sums.last().map_or(&[][..], Vec::as_slice);
            let sum = last.iter().zip(run).map(|(sum, counts)| added(*sum, *counts)).collect();
            sums.push(sum);
        }
        Self { sums }
    }

    /// Returns how many runs there are.
    pub(super) fn len(&self) -> usize {
        self.sums.len() - 1
    }

    /// Returns the counts of a stretch of runs; of a stretch that is none, nothing.
    pub(super) fn of(&self, runs: &Range<usize>) -> Vec<Counts> {
        match (self.sums.get(runs.start), self.sums.get(runs.end)) {
            (Some(from), Some(to)) => to.iter().zip(from).map(|(to, from)| less(*to, *from)).collect(),
            _ => Vec::new(),
        }
    }

    /// Compares the second stretch with the first.
    pub(super) fn shift(&self, before: &Range<usize>, after: &Range<usize>) -> Option<Shift> {
        Shift::new(&self.of(before), &self.of(after))
    }
}

/// Returns the sum of two counts.
pub(super) fn added(a: Counts, b: Counts) -> Counts {
    let successes = a.successes().saturating_add(b.successes());
    Counts::new(successes, a.total().saturating_add(b.total())).unwrap_or(a)
}

fn less(a: Counts, b: Counts) -> Counts {
    let total = a.total().saturating_sub(b.total());
    Counts::new(a.successes().saturating_sub(b.successes()).min(total), total)
        .unwrap_or_else(|_| Counts::of(&[]))
}

/// The same tasks in two stretches: those with graded trials in both.
#[derive(Debug, Clone)]
pub(super) struct Shift {
    /// The later stretch first.
    pairs: Vec<Pair<Counts>>,
}

impl Shift {
    /// Pairs the tasks; none where no task has graded trials on both sides.
    pub(super) fn new(before: &[Counts], after: &[Counts]) -> Option<Self> {
        let pairs = before.iter().zip(after).map(|(&second, &first)| Pair { first, second });
        let pairs: Vec<_> = pairs.filter(|pair| pair.first.total() > 0 && pair.second.total() > 0).collect();
        (!pairs.is_empty()).then_some(Self { pairs })
    }

    /// Returns the direction in which the mean over tasks has moved; none where it has not.
    pub(super) fn direction(&self) -> Option<Direction> {
        let rates = |side: fn(&Pair<Counts>) -> Counts| {
            let rates: Vec<f64> = self.pairs.iter().filter_map(|pair| side(pair).rate().ok()).collect();
            moments::mean(&rates).ok()
        };
        Direction::of(rates(|pair| pair.first)? - rates(|pair| pair.second)?)
    }

    /// Returns whether the interval of the difference holds 0: then nothing is shown, whatever the exact test says. An interval that is
    /// undefined, as with single trials, rules nothing out.
    pub(super) fn may_be_none(&self, level: Level) -> bool {
        let Ok((after, before)) = self.sides() else { return true };
        let estimate = mover_difference(&after, &before, level);
        estimate.is_ok_and(|estimate| estimate.interval.is_ok_and(|interval| interval.contains(0.0)))
    }

    /// Returns the one-sided p-value of the exact stratified test that the later stretch has moved in the direction, or a bound on it where
    /// the smaller stretch has too many trials.
    pub(super) fn p(&self, direction: Direction) -> (f64, PMethod) {
        let (p, method) = match self.exact() {
            Some(exact) => (of_exact(&exact, direction), PMethod::Exact),
            None => (self.ln_bound(direction).exp(), PMethod::ChernoffBound),
        };
        // No p-value is 0, however few digits are left of it.
        (p.max(f64::MIN_POSITIVE), method)
    }

    /// Returns the exact one-sided p-value; none where there are too many trials, and where it is too small to be told from smaller ones.
    pub(super) fn p_to_rank_by(&self, direction: Direction) -> Option<f64> {
        self.exact().map(|exact| of_exact(&exact, direction)).filter(|p| *p >= SMALLEST_EXACT)
    }

    /// Returns the logarithm of the bound on the one-sided p-value.
    pub(super) fn ln_bound(&self, direction: Direction) -> f64 {
        let bound = StratifiedBound::new(&self.pairs);
        match direction {
            Direction::Worse => bound.ln_p_less(),
            Direction::Better => bound.ln_p_greater(),
        }
    }

    /// Returns the two-sided p-value of the exact stratified test, or a bound on it as of [`Self::p`].
    pub(super) fn p_two_sided(&self) -> f64 {
        match self.exact() {
            Some(exact) => exact.p_two_sided(),
            None => StratifiedBound::new(&self.pairs).p_two_sided(),
        }
    }

    fn exact(&self) -> Option<StratifiedExact> {
        let trials = |side: fn(&Pair<Counts>) -> Counts| -> u64 {
            self.pairs.iter().map(|pair| side(pair).total()).fold(0, u64::saturating_add)
        };
        if trials(|pair| pair.first).min(trials(|pair| pair.second)) > MOST_TRIALS {
            return None;
        }
        StratifiedExact::new(&self.pairs).ok()
    }

    /// Returns the success rate later minus that before with its interval for exactly these tasks.
    pub(super) fn difference(&self, level: Level) -> Result<Estimate, Reason> {
        let (after, before) = self.sides()?;
        let after = after.groups().to_vec();
        PairedCounts::new(after, before.groups().to_vec())?.difference(Target::FixedSuite, level)
    }

    /// Returns the success rates before and after, of the tasks that both stretches have.
    pub(super) fn rates(&self, level: Level) -> [Result<Estimate, Reason>; 2] {
        let of = |side: Result<ClusterCounts, Reason>| side.and_then(|counts| rate(&counts, level));
        match self.sides() {
            Ok((after, before)) => [of(Ok(before)), of(Ok(after))],
            Err(reason) => [Err(reason.clone()), Err(reason)],
        }
    }

    fn sides(&self) -> Result<(ClusterCounts, ClusterCounts), Reason> {
        let side = |side: fn(&Pair<Counts>) -> Counts| {
            let counts = self.pairs.iter().map(side).collect();
            ClusterCounts::new(counts).map_err(|_| Reason::from(Undefined::Empty))
        };
        Ok((side(|pair| pair.first)?, side(|pair| pair.second)?))
    }
}

fn of_exact(exact: &StratifiedExact, direction: Direction) -> f64 {
    match direction {
        Direction::Worse => exact.p_less(),
        Direction::Better => exact.p_greater(),
    }
}

/// Estimates the mean over exactly these tasks, with the stratified Wilson interval.
pub(super) fn rate(counts: &ClusterCounts, level: Level) -> Result<Estimate, Reason> {
    let interval = retrial_stats::cluster::stratified_wilson(counts, level)
        .map_err(Reason::from)
        .and_then(|wilson| Interval::of(&wilson.estimate, (0.0, 1.0)));
    Estimate::new(counts.mean_rate()?, estimators::evidence(counts), Target::FixedSuite, interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_values_go_on_across_the_most_trials_of_the_exact_test_and_grow_but_little() {
        let counts = |tasks: u64, passed: u64| vec![Counts::new(passed, 10).unwrap(); tasks as usize];
        let of = |tasks| Shift::new(&counts(tasks, 9), &counts(tasks, 8)).unwrap();
        let (within, beyond) = (of(MOST_TRIALS / 10), of(MOST_TRIALS / 10 + 1));
        let (exact, method) = within.p(Direction::Worse);
        assert_eq!(method, PMethod::Exact);
        assert!(within.ln_bound(Direction::Worse).exp() >= exact);
        let (bound, method) = beyond.p(Direction::Worse);
        assert_eq!(method, PMethod::ChernoffBound);
        assert!(bound < 100.0 * exact, "{bound} after {exact}");
        assert!(beyond.p(Direction::Better).0 >= 1.0);
        assert!(bound <= beyond.p_two_sided() && beyond.p_two_sided() < 1e-10);
    }
}
