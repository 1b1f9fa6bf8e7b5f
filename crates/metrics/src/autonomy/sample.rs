//! The graded tasks of a cell, ready for bounds at any confidence.

use retrial_stats::{ClusterCounts, Counts, Functional};

use super::bounds::{Bound, BoundOf, Measured, Sure};
use super::decide::Ruling;
use super::evidence::TaskEvidence;
use super::model::{Ends, Raised, Raising};
use crate::value::{Evidence, Number, Reason};

/// Bounds of a number of trials that was fixed before do not hold where outcomes decided how many there are.
const MAY_STOP: Reason = Reason::fixed(
    "may_stop",
    "the run could stop by what its rounds showed, which these bounds do not account for",
);

/// The graded tasks of a cell, ready for bounds at any confidence.
#[derive(Debug)]
pub(super) struct Sample {
    /// Passed of graded trials.
    passed: Result<Raised, Reason>,
    /// Trials that did not fail unseen, of graded trials.
    seen: Result<Raised, Reason>,
    row: Row,
    n: Evidence,
}

/// How many trials in a row are asked for, and how many of them the tasks let one see.
///
/// Where a task has fewer than k trials, pass^k is bounded by pass^m of the m = `from` trials that the thinnest task has: with p a
/// task's success rate, (E pᵐ)^(k/m) ≤ E pᵏ ≤ E pᵐ, the first because x^(k/m) is convex (Jensen), whatever the distribution of p.
/// So fewer trials never turn the question into an easier one.
#[derive(Debug, Clone, Copy)]
struct Row {
    k: u32,
    from: u32,
}

impl Row {
    fn new(tasks: &[&TaskEvidence], k: u32) -> Self {
        let fewest = tasks.iter().map(|task| task.graded()).min();
        let fewest = fewest.and_then(|trials| u32::try_from(trials).ok()).unwrap_or(u32::MAX);
        Self { k, from: k.min(fewest) }
    }

    /// Returns the ends for pass^k from those for pass^from.
    fn of_all(self, ends: Ends) -> Ends {
        Ends { low: ends.low.powf(f64::from(self.k) / f64::from(self.from)), ..ends }
    }
}

impl Sample {
    pub(super) fn new(tasks: &[TaskEvidence], ruling: Ruling, raising: Raising) -> Self {
        let graded: Vec<&TaskEvidence> = tasks.iter().filter(|task| task.graded() > 0).collect();
        let row = Row::new(&graded, ruling.repeats.max(1));
        let n =
            Evidence { trials: graded.iter().map(|task| task.graded()).sum(), tasks: graded.len() as u64 };
        let raised = |of: fn(&TaskEvidence) -> u64, functionals: &[Functional]| {
            if ruling.may_stop {
                return Err(MAY_STOP);
            }
            let counts = graded.iter().map(|task| Counts::new(of(task).min(task.graded()), task.graded()));
            let counts = counts.collect::<Result<Vec<Counts>, _>>().ok().filter(|counts| !counts.is_empty());
            let counts = counts.and_then(|counts| ClusterCounts::new(counts).ok());
            Raised::new(&counts.ok_or(Reason::NO_GRADED_TRIALS)?, functionals, ruling.speaking, raising)
        };
        Self {
            passed: raised(|task| task.passed, &[Functional::Mean, Functional::PassHat(row.from)]),
            seen: raised(|task| task.graded().saturating_sub(task.invisible), &[Functional::Mean]),
            row,
            n,
        }
    }

    /// Whether bounds can be defined, which the design decides and not the outcomes.
    pub(super) fn can_claim(&self) -> bool {
        self.passed.is_ok()
    }

    /// Returns the bounds at their one-sided confidences.
    pub(super) fn measured(&self, sure: Sure) -> Measured {
        Measured {
            success: self.bound(BoundOf::Success, &self.passed, sure),
            repeated: self.bound(BoundOf::Repeated, &self.passed, sure),
            invisible: self.bound(BoundOf::Invisible, &self.seen, sure),
        }
    }

    fn bound(&self, of: BoundOf, raised: &Result<Raised, Reason>, sure: Sure) -> Bound {
        let Row { k, from } = self.row;
        let is_row = of == BoundOf::Repeated;
        let functional = if is_row { Functional::PassHat(from) } else { Functional::Mean };
        let found = raised.as_ref().map_err(Clone::clone);
        let ends = found.clone().and_then(|raised| raised.ends(functional, sure));
        let ends = ends.map(|ends| if is_row { self.row.of_all(ends) } else { ends });
        let turned = |value: f64| if of == BoundOf::Invisible { 1.0 - value } else { value };
        let end = |end: fn(&Ends) -> f64| {
            Number::of(ends.as_ref().map(|ends| turned(end(ends))).map_err(Clone::clone))
        };
        Bound {
            of,
            k: is_row.then_some(k),
            from: (is_row && from < k).then_some(from),
            point: Number::of(found.and_then(|raised| raised.point(functional)).map(turned)),
            bound: end(|ends| ends.low),
            beyond: end(|ends| ends.high),
            confidence: sure.bound,
            beyond_confidence: sure.beyond,
            n: self.n,
            method: ends.as_ref().ok().map(|ends| ends.method),
        }
    }
}
