//! What is not known of trials, read as if it had come out somehow: the worst and the best case of a measure.
//!
//! | measure | worst for a side | best for a side |
//! |---|---|---|
//! | pass^k | every trial that is not graded failed | each passed |
//! | outcome consistency | those of a task even out what passed and failed | all of them ended as most of its trials did |
//! | invisible failures | they failed, and every claim that is not known was "done" | they passed, and no such claim was |
//!
//! For the candidate's worst case the baseline is read at its best, and the other way round. Success has a band of its own, in the rule
//! of its gate. Other measures do not follow from outcomes and claims, and have no band.

use retrial_spec::Claim;

use super::drafts::Both;
use super::measures::OpenMeasure;
use crate::decide::Aspect;
use crate::entrant::{Entrant, EntrantTask};
use crate::outcome::Outcome;
use crate::success;
use crate::trials::Trial;

/// What a trial is taken for that was planned and is not graded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    Failed,
    Passed,
    /// What fewer of its task's trials did, so that as many pass as fail.
    Even,
    /// What most of its task's trials did.
    Majority,
}

/// How a measure's worst and best case are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Band {
    worst: Gap,
    best: Gap,
}

impl Band {
    /// Returns that of a measure of which not all is known; none where all is, or it has none.
    pub(super) fn of(aspect: Aspect, both: Both<'_>) -> Option<Self> {
        let band = match aspect {
            Aspect::PassHatK(_) | Aspect::InvisibleFailures => Self { worst: Gap::Failed, best: Gap::Passed },
            Aspect::OutcomeConsistency => Self { worst: Gap::Even, best: Gap::Majority },
            _ => return None,
        };
        let is_unknown = |side: &Entrant| {
            ungraded(side) > 0 || (aspect == Aspect::InvisibleFailures && unclaimed(side) > 0)
        };
        (is_unknown(both.candidate) || is_unknown(both.baseline)).then_some(band)
    }

    /// The candidate at its worst, the baseline at its best.
    pub(super) fn at_worst(self, both: Both<'_>) -> (Entrant, Entrant) {
        (filled(both.candidate, self.worst), filled(both.baseline, self.best))
    }

    /// The candidate at its best, the baseline at its worst.
    pub(super) fn at_best(self, both: Both<'_>) -> (Entrant, Entrant) {
        (filled(both.candidate, self.best), filled(both.baseline, self.worst))
    }
}

/// Says what an answer hangs on that does not hold in every case.
pub(super) fn hanging(aspect: Aspect, both: Both<'_>) -> OpenMeasure {
    let has_unclaimed = unclaimed(both.candidate) > 0 || unclaimed(both.baseline) > 0;
    if aspect == Aspect::InvisibleFailures && has_unclaimed {
        OpenMeasure::UnknownClaims
    } else {
        OpenMeasure::UngradedTrials
    }
}

/// Planned trials that are not graded.
fn ungraded(entrant: &Entrant) -> u64 {
    let gap = |task: &EntrantTask| {
        u64::from(task.planned).saturating_sub(success::task_counts(&task.view()).total())
    };
    entrant.tasks.iter().map(gap).sum()
}

/// Graded trials whose claim is not known. That of a trial that passed does not matter, but the trial must not be left out.
fn unclaimed(entrant: &Entrant) -> usize {
    let of_task = |task: &EntrantTask| task.view().graded().filter(|trial| trial.claim.is_none()).count();
    entrant.tasks.iter().map(of_task).sum()
}

/// Takes every planned trial that is not graded, with or without a record, for one that ended so, and every claim that is not known for
/// the worse one where trials are taken for failed.
fn filled(entrant: &Entrant, gap: Gap) -> Entrant {
    Entrant { tasks: entrant.tasks.iter().map(|task| filled_task(task, gap)).collect(), ..entrant.clone() }
}

fn filled_task(task: &EntrantTask, gap: Gap) -> EntrantTask {
    let counts = success::task_counts(&task.view());
    let (mut passed, mut failed) = (counts.successes(), counts.failures());
    let mut trials: Vec<Trial> = task.trials.clone();
    // Numbers do not matter to what is compared, only how many there are.
    trials.extend((trials.len() as u32..task.planned).map(|place| Trial::unknown(place.saturating_add(1))));
    for trial in &mut trials {
        if !trial.is_graded() {
            let passes = gap.passes(passed, failed);
            *(if passes { &mut passed } else { &mut failed }) += 1;
            trial.outcome = if passes { Outcome::Passed } else { Outcome::Failed };
            trial.claim = Some(Claim::Done);
        }
        trial.claim.get_or_insert(if gap == Gap::Failed { Claim::Done } else { Claim::NotDone });
    }
    EntrantTask { trials, ..task.clone() }
}

impl Gap {
    /// Whether the next trial is taken for passed, after so many.
    fn passes(self, passed: u64, failed: u64) -> bool {
        match self {
            Self::Failed => false,
            Self::Passed => true,
            Self::Even => passed < failed,
            Self::Majority => passed >= failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_even_out_or_follow_the_majority() {
        let fill = |gap: Gap, mut passed: u64, mut failed: u64, gaps: u32| {
            for _ in 0..gaps {
                *(if gap.passes(passed, failed) { &mut passed } else { &mut failed }) += 1;
            }
            (passed, failed)
        };
        assert_eq!(fill(Gap::Even, 16, 0, 4), (16, 4));
        assert_eq!(fill(Gap::Even, 3, 2, 4), (4, 5));
        assert_eq!(fill(Gap::Majority, 3, 2, 4), (7, 2));
        assert_eq!(fill(Gap::Majority, 2, 3, 4), (2, 7));
        assert_eq!(fill(Gap::Failed, 2, 2, 3), (2, 5));
        assert_eq!(fill(Gap::Passed, 2, 2, 3), (5, 2));
    }
}
