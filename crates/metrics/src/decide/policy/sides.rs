//! Whether the sides, and the runs of the baseline among themselves, tried the same thing with different trials.

use std::collections::BTreeSet;

use retrial_spec::{ConditionName, GatePolicy, QuarantinedTask, RunManifest, TaskName};

use super::document::GateNote;
use super::grounds::{Ground, GroundCode};
use super::same::{RunTrials, Same};
use super::wording;
use crate::decide::{RunDifference, run_differences};
use crate::entrant::Entrant;

/// A run with those of its agents, under one condition, that take part.
#[derive(Debug, Clone, Copy)]
pub struct GateRun<'a> {
    /// What the run is made of.
    pub manifest: &'a RunManifest,
    /// Its agents' trials.
    pub entrants: &'a [Entrant],
}

/// What a gate judges. Where each side has one agent they are judged against each other, whatever their names; otherwise by name.
#[derive(Debug, Clone, Copy)]
pub struct GateSides<'a> {
    /// The run that is judged.
    pub candidate: GateRun<'a>,
    /// The runs that it is judged against, whose trials are put together by agent and task; at least one.
    pub baseline: &'a [GateRun<'a>],
    /// The condition.
    pub condition: &'a ConditionName,
}

impl<'a> GateRun<'a> {
    /// Returns why it holds the same trials as another run; none where it does not.
    pub fn same(&self, other: &GateRun<'_>) -> Option<Same> {
        self.trials().same(&other.trials())
    }

    fn trials(&self) -> RunTrials<'a> {
        let records = self.entrants.iter().find_map(|entrant| entrant.records.as_ref());
        RunTrials { manifest: self.manifest, records }
    }

    /// Whether an agent of this name takes part in both.
    fn shares_agent(&self, other: &GateRun<'_>) -> bool {
        self.entrants.iter().any(|one| other.entrants.iter().any(|other| other.agent == one.agent))
    }
}

/// What forbids to compare, and what is to be said.
pub(super) fn comparability(
    sides: &GateSides<'_>,
    quarantined: &[QuarantinedTask],
) -> (Vec<Ground>, Vec<GateNote>) {
    let (mut grounds, mut notes) = (Vec::new(), Vec::new());
    let candidate = sides.candidate.manifest;
    for (place, run) in sides.baseline.iter().enumerate() {
        for difference in run_differences(candidate, run.manifest, sides.condition) {
            match forbidding(difference, quarantined) {
                Ok(difference) => grounds.push(
                    GroundCode::NotComparable
                        .ground(None, format!("{difference}, against the baseline `{}`", run.manifest.run)),
                ),
                // Tasks that one side lacks are judged one by one, and a rule that may stop a run is accounted for.
                Err(
                    RunDifference::OnlyCandidate { .. }
                    | RunDifference::OnlyBaseline { .. }
                    | RunDifference::StoppingRule,
                ) => {}
                Err(difference) => notes.push(GateNote { run: run.manifest.run.clone(), difference }),
            }
        }
        for other in &sides.baseline[..place] {
            grounds.extend(disagreements(run, other, sides.condition, quarantined));
        }
    }
    (grounds, notes)
}

/// Why two runs cannot be one baseline.
fn disagreements(
    run: &GateRun<'_>,
    other: &GateRun<'_>,
    condition: &ConditionName,
    quarantined: &[QuarantinedTask],
) -> Vec<Ground> {
    let (a, b) = (&other.manifest.run, &run.manifest.run);
    let mut messages = Vec::new();
    if let Some(same) = run.same(other).filter(|_| run.shares_agent(other)) {
        messages.push(match same {
            Same::Run => format!("the run `{a}` is in the baseline twice"),
            Same::Recording => format!("the baseline's runs `{a}` and `{b}` are of one recording"),
            Same::Records => format!("the baseline's runs `{a}` and `{b}` hold the same trials"),
        });
    }
    let differences = run_differences(run.manifest, other.manifest, condition);
    messages.extend(
        differences
            .into_iter()
            .filter_map(|one| forbidding(one, quarantined).ok())
            .map(|one| format!("{one}, between the baseline's runs `{a}` and `{b}`")),
    );
    messages.into_iter().map(|message| GroundCode::BaselineDisagrees.ground(None, message)).collect()
}

/// A difference that forbids to compare, without tasks in quarantine, which do not decide.
fn forbidding(
    difference: RunDifference,
    quarantined: &[QuarantinedTask],
) -> Result<RunDifference, RunDifference> {
    match difference {
        RunDifference::TaskContent { tasks } => {
            let is_quarantined = |task: &TaskName| quarantined.iter().any(|one| one.name == *task);
            let (away, left): (Vec<TaskName>, Vec<TaskName>) = tasks.into_iter().partition(is_quarantined);
            if left.is_empty() {
                Err(RunDifference::TaskContent { tasks: away })
            } else {
                Ok(RunDifference::TaskContent { tasks: left })
            }
        }
        RunDifference::Condition { .. } => Ok(difference),
        _ => Err(difference),
    }
}

/// Whether too many of the baseline's tasks are in quarantine.
pub(super) fn quarantine_size(
    baseline: &[GateRun<'_>],
    quarantined: &[QuarantinedTask],
    policy: &GatePolicy,
) -> Option<Ground> {
    let tasks: BTreeSet<&TaskName> =
        baseline.iter().flat_map(|run| run.manifest.tasks.iter().map(|task| &task.name)).collect();
    let away = quarantined.iter().filter(|task| tasks.contains(&task.name)).count();
    let most = policy.gate.quarantine_limit * tasks.len() as f64;
    (away as f64 > most + 1e-9).then(|| {
        let message = format!(
            "{away} of {} tasks are in quarantine, more than the limit of {}",
            tasks.len(),
            wording::percent(policy.gate.quarantine_limit)
        );
        GroundCode::QuarantineTooLarge.ground(None, message)
    })
}
