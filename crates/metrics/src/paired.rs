//! Passed and graded trials of the same tasks on two sides: the difference that robustness, comparisons and gates share.

use retrial_stats::compare::Pair;
use retrial_stats::compare::mover::mover_difference;
use retrial_stats::compare::paired::PairedDifference;
use retrial_stats::{ClusterCounts, Counts, Level, Undefined};

use crate::Target;
use crate::estimators;
use crate::value::{Estimate, Evidence, Interval, Reason};

/// Passed and graded trials of the same tasks in the same order, each side with at least one of each task.
#[derive(Debug, Clone)]
pub(crate) struct PairedCounts {
    pub(crate) first: ClusterCounts,
    pub(crate) second: ClusterCounts,
}

impl PairedCounts {
    /// Pairs the counts by their place.
    ///
    /// # Errors
    /// [`Reason`] where a side lacks a task or a task lacks trials.
    pub(crate) fn new(first: Vec<Counts>, second: Vec<Counts>) -> Result<Self, Reason> {
        if first.len() != second.len() {
            return Err(Undefined::OutOfDomain.into());
        }
        let groups = |counts| ClusterCounts::new(counts).map_err(|_| Reason::from(Undefined::Empty));
        Ok(Self { first: groups(first)?, second: groups(second)? })
    }

    /// Returns the two sides of each task.
    pub(crate) fn pairs(&self) -> Vec<Pair<Counts>> {
        let pairs = self.first.groups().iter().zip(self.second.groups());
        pairs.map(|(&first, &second)| Pair { first, second }).collect()
    }

    /// Returns the two success rates of each task.
    pub(crate) fn rates(&self) -> Result<Vec<Pair<f64>>, Reason> {
        let rates = self.pairs().into_iter();
        let rates = rates.map(|pair| Ok(Pair { first: pair.first.rate()?, second: pair.second.rate()? }));
        rates.collect::<Result<_, Undefined>>().map_err(Reason::from)
    }

    /// Returns what the first side rests on.
    pub(crate) fn evidence(&self) -> Evidence {
        estimators::evidence(&self.first)
    }

    /// Returns the paired differences with Student's test over tasks.
    pub(crate) fn student(&self, level: Level) -> Result<PairedDifference, Reason> {
        Ok(PairedDifference::new(&self.rates()?, level)?)
    }

    /// Estimates the success of the first side minus that of the second, mean over tasks; n is that of the first side.
    ///
    /// Population: paired Student over tasks; undefined where all tasks differ alike, which leaves no variance. Fixed suite:
    /// square-and-add (MOVER) of two stratified Wilson intervals.
    pub(crate) fn difference(&self, target: Target, level: Level) -> Result<Estimate, Reason> {
        let paired = self.student(level)?.estimate;
        let interval = match target {
            Target::Population if paired.standard_error.is_some_and(|error| error < 1e-15) => {
                Err(Undefined::ZeroVariance.into())
            }
            Target::Population => Interval::of(&paired, (-1.0, 1.0)),
            Target::FixedSuite => mover_difference(&self.first, &self.second, level)
                .map_err(Reason::from)
                .and_then(|estimate| Interval::of(&estimate, (-1.0, 1.0))),
        };
        Estimate::new(paired.point, self.evidence(), target, interval)
    }
}
