//! What trials lack by themselves, whatever they are set against: whether a run may be added to a baseline, and whether a baseline
//! could ever let a candidate pass.

use retrial_spec::{AgentName, Day, GatePolicy, Quarantine, QuarantinedTask, TaskName};

use super::grounds::{Ground, GroundCode};
use super::sides::GateRun;
use super::tasks::Coverage;
use super::wording;
use crate::entrant::{Entrant, EntrantTask};
use crate::success;

/// Returns why a run must not be added to a baseline, whatever it is set against: nothing of an agent is graded, too few of its planned
/// trials are, or a task has too few. A hole would stay in the baseline for ever. Tasks in quarantine do not count.
pub fn lacking(run: &GateRun<'_>, policy: &GatePolicy, quarantine: &Quarantine, today: Day) -> Vec<Ground> {
    let quarantined: Vec<QuarantinedTask> =
        quarantine.task.iter().filter(|task| task.is_in_force(today)).cloned().collect();
    run.entrants.iter().flat_map(|entrant| of_side(entrant, "run", policy, &quarantined)).collect()
}

/// As [`lacking`], of one agent; `side` is what its trials are called.
pub(super) fn of_side(
    entrant: &Entrant,
    side: &str,
    policy: &GatePolicy,
    quarantined: &[QuarantinedTask],
) -> Vec<Ground> {
    let agent = Some(&entrant.agent);
    let counts = |task: &&EntrantTask| !quarantined.iter().any(|one| one.name == task.task);
    let tasks: Vec<&EntrantTask> = entrant.tasks.iter().filter(counts).collect();
    let graded = |task: &EntrantTask| success::task_counts(&task.view()).total();
    let coverage = Coverage::new(
        tasks.iter().map(|task| u64::from(task.planned)).sum(),
        tasks.iter().map(|task| graded(task)).sum(),
    );
    let fewest = policy.gate.minimum_trials;
    let few: Vec<&TaskName> =
        tasks.iter().filter(|task| graded(task) < u64::from(fewest)).map(|task| &task.task).collect();
    let few = (!few.is_empty()).then(|| {
        let message = format!("fewer than {fewest} graded trials in the {side} of {}", wording::named(&few));
        GroundCode::TooFewTrials.ground(agent, message)
    });
    let none = nothing_graded(entrant, agent, side);
    [none, coverage_ground(coverage, agent, side, policy), few].into_iter().flatten().collect()
}

/// Whether a side has no graded trial at all.
pub(super) fn nothing_graded(entrant: &Entrant, agent: Option<&AgentName>, side: &str) -> Option<Ground> {
    let is_empty = entrant.outcomes().iter().all(|task| task.passed == 0 && task.failed == 0);
    is_empty.then(|| GroundCode::NothingGraded.ground(agent, format!("the {side} has no graded trial")))
}

/// Whether too few of the planned trials of a side are graded.
pub(super) fn coverage_ground(
    found: Coverage,
    agent: Option<&AgentName>,
    side: &str,
    policy: &GatePolicy,
) -> Option<Ground> {
    let least = policy.gate.minimum_coverage;
    (found.planned > 0 && found.share.value() < least).then(|| {
        let message = format!(
            "{} of {} planned trials of the {side} are graded, {} and less than {}",
            found.graded,
            found.planned,
            wording::percent_beside(found.share.value(), least),
            wording::percent_beside(least, found.share.value())
        );
        GroundCode::Coverage.ground(agent, message)
    })
}
