//! Decisions as a caller sees them: what is a regression, what is no difference, what cannot be compared, and what never flips.
#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap like tests")]

mod amounts;
mod comparable;
mod contrasts;
mod examples;
mod fields;
mod flips;
mod properties;
mod purchases;
mod refusals;
mod suites;

use retrial_metrics::decide::{Pairing, TaskOutcomes};
use retrial_spec::TaskName;

/// One task on one side: passed, failed, excluded.
pub(crate) type Of = (u64, u64, u64);

/// Tasks `t0`, `t1`, … of one side.
pub(crate) fn side(tasks: &[Of]) -> Vec<TaskOutcomes> {
    let task = |(index, &(passed, failed, excluded)): (usize, &Of)| TaskOutcomes {
        task: TaskName::new(format!("t{index}")).unwrap(),
        passed,
        failed,
        excluded,
    };
    tasks.iter().enumerate().map(task).collect()
}

pub(crate) fn pairing(candidate: &[Of], baseline: &[Of]) -> Pairing {
    Pairing::new(&side(candidate), &side(baseline)).unwrap()
}
