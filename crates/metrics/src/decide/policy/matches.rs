//! The agents of both sides set against each other, and what their tasks lead to before any measure is looked at.

use std::collections::{BTreeMap, BTreeSet};

use retrial_spec::{AgentName, GatePolicy, QuarantinedTask, TaskName};

use super::document::GateAgent;
use super::entrants::{of_tasks, pooled};
use super::grounds::{GateVerdict, Ground, GroundCode};
use super::holes::{self, coverage_ground};
use super::measures::GateMeasure;
use super::same::Same;
use super::sides::{GateRun, GateSides};
use super::tasks::{GateTask, Placing, TaskPlace, coverage, deciding, placed};
use super::wording;
use crate::decide::Side;
use crate::entrant::Entrant;

/// An agent of the baseline with its candidate.
pub(super) struct Match {
    pub(super) agent: AgentName,
    candidate: Entrant,
    baseline: Entrant,
    /// Why the candidate is its own baseline; none where it is not.
    own: Option<String>,
    /// Whether a run of either side could stop by what its trials showed.
    may_stop: bool,
    tasks: Vec<GateTask>,
}

/// Who is set against whom, and who has nobody.
pub(super) struct Matches {
    pub(super) pairs: Vec<Match>,
    /// Agents that only the baseline has.
    pub(super) vanished: Vec<AgentName>,
    /// Agents that only the candidate's run has.
    pub(super) new: Vec<AgentName>,
}

/// The agents of the baseline by name, each with its trials of all runs.
pub(super) fn pools(baseline: &[GateRun<'_>]) -> Vec<Entrant> {
    let mut by_agent: BTreeMap<&AgentName, Vec<&Entrant>> = BTreeMap::new();
    for entrant in baseline.iter().flat_map(|run| run.entrants) {
        by_agent.entry(&entrant.agent).or_default().push(entrant);
    }
    by_agent.into_values().filter_map(|entrants| pooled(&entrants)).collect()
}

/// Whether a run in which the agent takes part could stop by what its trials showed.
pub(super) fn may_stop(runs: &[GateRun<'_>], agent: &AgentName) -> bool {
    runs.iter().any(|run| run.manifest.may_stop() && run.entrants.iter().any(|one| one.agent == *agent))
}

impl Matches {
    /// Finds each agent's candidate.
    pub(super) fn of(sides: &GateSides<'_>) -> Self {
        let (pools, candidates) = (pools(sides.baseline), sides.candidate.entrants);
        let is_alone = pools.len() == 1 && candidates.len() == 1;
        let (mut pairs, mut vanished) = (Vec::new(), Vec::new());
        let mut taken: BTreeSet<&AgentName> = BTreeSet::new();
        for baseline in pools {
            let found = candidates.iter().find(|candidate| is_alone || candidate.agent == baseline.agent);
            let Some(candidate) = found else {
                vanished.push(baseline.agent);
                continue;
            };
            taken.insert(&candidate.agent);
            let may_stop = sides.candidate.manifest.may_stop() || may_stop(sides.baseline, &baseline.agent);
            let own = own(sides, candidate, &baseline.agent);
            pairs.push(Match { own, ..Match::new(candidate.clone(), baseline, may_stop) });
        }
        let new = candidates.iter().map(|candidate| &candidate.agent).filter(|agent| !taken.contains(agent));
        Self { pairs, vanished, new: new.cloned().collect() }
    }
}

/// Why a candidate is its own baseline.
fn own(sides: &GateSides<'_>, candidate: &Entrant, agent: &AgentName) -> Option<String> {
    if candidate.agent != *agent {
        return None;
    }
    let has_agent = |run: &&GateRun<'_>| run.entrants.iter().any(|one| one.agent == *agent);
    let (run, same) = sides
        .baseline
        .iter()
        .filter(has_agent)
        .find_map(|run| Some((&run.manifest.run, sides.candidate.same(run)?)))?;
    let mine = &sides.candidate.manifest.run;
    let how = match same {
        Same::Run => format!("the run `{mine}` with the agent `{agent}` is on both sides"),
        Same::Records => format!("the run `{mine}` holds the same trials as the baseline's run `{run}`"),
        Same::Recording => {
            format!("the run `{mine}` and the baseline's run `{run}` rest on the same recorded answers")
        }
    };
    Some(format!("the candidate is its own baseline: {how}"))
}

impl Match {
    /// Sides whose trials are not the same, of tasks without places yet.
    pub(super) fn new(candidate: Entrant, baseline: Entrant, may_stop: bool) -> Self {
        let agent = baseline.agent.clone();
        Self { agent, candidate, baseline, own: None, may_stop, tasks: Vec::new() }
    }

    /// Gives its tasks their places.
    pub(super) fn placed(mut self, policy: &GatePolicy, quarantined: &[QuarantinedTask]) -> Self {
        let rules = Placing { minimum_trials: policy.gate.minimum_trials, quarantined };
        self.tasks = placed(&self.candidate, &self.baseline, rules);
        self
    }

    /// The tasks that decide or should.
    pub(super) fn deciding_tasks(&self) -> impl Iterator<Item = &TaskName> {
        deciding(&self.tasks).map(|task| &task.task)
    }

    /// The trials of both sides of the tasks that decide; none where no task does.
    pub(super) fn deciding(&self) -> Option<Deciding> {
        let kept: BTreeSet<TaskName> = self.deciding_tasks().cloned().collect();
        (!kept.is_empty()).then(|| Deciding {
            candidate: of_tasks(&self.candidate, &kept),
            baseline: of_tasks(&self.baseline, &kept),
            may_stop: self.may_stop,
        })
    }

    /// What its tasks lead to.
    pub(super) fn grounds(&self, policy: &GatePolicy) -> Vec<Ground> {
        let agent = Some(&self.agent);
        let mut grounds = Vec::new();
        if let Some(message) = &self.own {
            grounds.push(GroundCode::SameTrials.ground(agent, message.clone()));
        }
        let sides = [(Side::Candidate, &self.candidate), (Side::Baseline, &self.baseline)];
        for (side, entrant) in sides {
            grounds.extend(holes::nothing_graded(entrant, agent, &side.to_string()));
        }
        let named = |place| -> Vec<&TaskName> {
            self.tasks.iter().filter(|task| task.place == place).map(|task| &task.task).collect()
        };
        let vanished = named(TaskPlace::Vanished);
        if !vanished.is_empty() {
            let message = format!(
                "{} of the baseline vanished: {}",
                wording::counted(vanished.len() as u64, "task"),
                wording::named(&vanished)
            );
            grounds.push(GroundCode::TasksVanished.ground(agent, message));
        }
        if deciding(&self.tasks).next().is_none() {
            let message = wording::nothing_decides(&self.tasks, policy.gate.minimum_trials);
            grounds.push(GroundCode::NothingDecides.ground(agent, message));
        }
        for side in [Side::Candidate, Side::Baseline] {
            grounds.extend(coverage_ground(coverage(&self.tasks, side), agent, &side.to_string(), policy));
        }
        let few = named(TaskPlace::TooFewTrials);
        if !few.is_empty() {
            let message = format!(
                "fewer than {} graded trials on a side of {}",
                policy.gate.minimum_trials,
                wording::named(&few)
            );
            grounds.push(GroundCode::TooFewTrials.ground(agent, message));
        }
        grounds
    }

    pub(super) fn finish(self, measures: Vec<GateMeasure>, grounds: &[Ground]) -> GateAgent {
        let of_agent =
            grounds.iter().filter(|ground| ground.agent.as_ref().is_none_or(|agent| *agent == self.agent));
        GateAgent {
            verdict: of_agent.map(|ground| ground.verdict).max().unwrap_or(GateVerdict::Pass),
            candidate: self.candidate.agent.clone(),
            candidate_coverage: coverage(&self.tasks, Side::Candidate),
            baseline_coverage: coverage(&self.tasks, Side::Baseline),
            may_stop: self.may_stop,
            agent: self.agent,
            tasks: self.tasks,
            measures,
        }
    }
}

/// The trials of both sides of the tasks that decide.
pub(super) struct Deciding {
    pub(super) candidate: Entrant,
    pub(super) baseline: Entrant,
    pub(super) may_stop: bool,
}
