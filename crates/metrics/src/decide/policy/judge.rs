//! Judging: the sides are checked, their tasks placed, their measures held against the margins, and the gravest ground decides.

use std::collections::{BTreeMap, BTreeSet};

use retrial_spec::{
    AgentName, ConditionName, Day, GatePolicy, Quarantine, QuarantinedTask, RunManifest, TaskName,
};
use retrial_stats::Level;

use super::document::{GATE_SCHEMA, GateAgent, GateNote, PolicyGate};
use super::entrants::{of_tasks, pooled};
use super::grounds::{GateVerdict, Ground, GroundCode};
use super::measures::{Answer, Both, Draft, GateMeasure, Rules, judged};
use super::tasks::{GateTask, Placing, TaskPlace, coverage, deciding, placed};
use super::wording;
use crate::decide::{GateRule, Purpose, RunDifference, Side, adjusted, run_differences};
use crate::entrant::Entrant;
use crate::value::Finite;
use crate::{MetricsError, Settings, Target};

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

/// Decides by a policy whether the candidate may replace the baseline on exactly the baseline's tasks.
///
/// | first that holds | verdict |
/// |---|---|
/// | the sides, or the baseline's runs, are not comparable; a side has nothing graded; too many tasks are in quarantine | invalid |
/// | an agent or a task vanished, or a measure is worse | fail |
/// | too few trials are graded of all or of a task, no task decides, or a measure is open | inconclusive |
/// | otherwise: every measure of every agent is within its margin | pass |
///
/// A pass is an intersection–union test: each measure by itself is shown to be within its margin at the policy's confidence, so that the
/// chance of passing with any of them at or beyond it is at most 1 − confidence, with no adjustment (Berger 1982, Technometrics 24,
/// 295–300). A failure follows from any single measure, so that the p-values of "not worse" of all measures and agents are adjusted by
/// Holm: the chance that a candidate that is worse in none fails is at most 1 − confidence. Measures are compared as of
/// [`contrast`](crate::decide::contrast) for exactly these tasks, and success as of [`gate`](crate::decide::gate).
///
/// # Errors
/// [`MetricsError::Margin`], [`MetricsError::Level`], [`MetricsError::Power`] for a policy that cannot be.
pub fn judge(
    sides: &GateSides<'_>,
    policy: &GatePolicy,
    quarantine: &Quarantine,
    today: Day,
) -> Result<PolicyGate, MetricsError> {
    let (quarantined, not_in_force): (Vec<QuarantinedTask>, Vec<QuarantinedTask>) =
        quarantine.task.iter().cloned().partition(|task| task.is_in_force(today));
    let (mut grounds, notes) = comparability(sides, &quarantined);
    grounds.extend(quarantine_size(sides, &quarantined, policy));
    let is_comparable = grounds.iter().all(|ground| ground.code == GroundCode::QuarantineTooLarge);
    let seed = sides.candidate.manifest.seed;
    let (matches, vanished, new_agents) = matched(sides);
    grounds.extend(vanished.iter().map(|agent| {
        GroundCode::AgentVanished.ground(Some(agent), format!("the candidate has no agent `{agent}`"))
    }));
    let matches: Vec<Match> = matches.into_iter().map(|pair| pair.placed(policy, &quarantined)).collect();
    for pair in &matches {
        grounds.extend(pair.grounds(policy));
    }
    let mut measures = if is_comparable { all_measures(&matches, policy, seed)? } else { Vec::new() };
    measures.resize_with(matches.len(), Vec::new);
    for (pair, measures) in matches.iter().zip(&measures) {
        grounds.extend(measure_grounds(&pair.agent, measures, policy));
    }
    // Stable, so that within a verdict they stay in the order of their making.
    grounds.sort_by_key(|ground| std::cmp::Reverse(ground.verdict));
    let of_all = grounds.first().map_or(GateVerdict::Pass, |ground| ground.verdict);
    let agents: Vec<GateAgent> =
        matches.into_iter().zip(measures).map(|(pair, measures)| pair.finish(measures, &grounds)).collect();
    let next = wording::next(&grounds, &agents, policy);
    Ok(PolicyGate {
        schema: GATE_SCHEMA,
        verdict: of_all,
        line: wording::line(of_all, &grounds, &agents, next.as_deref()),
        next,
        grounds,
        candidate: sides.candidate.manifest.run.clone(),
        baseline: sides.baseline.iter().map(|run| run.manifest.run.clone()).collect(),
        condition: sides.condition.clone(),
        policy: policy.clone(),
        seed,
        today,
        quarantined,
        not_in_force,
        agents,
        new_agents,
        notes,
    })
}

/// What forbids to compare, and what is to be said.
fn comparability(sides: &GateSides<'_>, quarantined: &[QuarantinedTask]) -> (Vec<Ground>, Vec<GateNote>) {
    let (mut grounds, mut notes) = (Vec::new(), Vec::new());
    let candidate = sides.candidate.manifest;
    for (place, run) in sides.baseline.iter().enumerate() {
        for difference in run_differences(candidate, run.manifest, sides.condition) {
            match forbidding(difference, quarantined) {
                Ok(difference) => grounds.push(
                    GroundCode::NotComparable
                        .ground(None, format!("{difference}, against the baseline `{}`", run.manifest.run)),
                ),
                // Tasks that one side lacks are judged one by one.
                Err(RunDifference::OnlyCandidate { .. } | RunDifference::OnlyBaseline { .. }) => {}
                Err(difference) => notes.push(GateNote { run: run.manifest.run.clone(), difference }),
            }
        }
        for other in &sides.baseline[..place] {
            let (a, b) = (&other.manifest.run, &run.manifest.run);
            if a == b {
                let message = format!("the run `{a}` is in the baseline twice");
                grounds.push(GroundCode::BaselineDisagrees.ground(None, message));
            }
            let differences = run_differences(run.manifest, other.manifest, sides.condition);
            grounds.extend(differences.into_iter().filter_map(|one| forbidding(one, quarantined).ok()).map(
                |one| {
                    let message = format!("{one}, between the baseline's runs `{a}` and `{b}`");
                    GroundCode::BaselineDisagrees.ground(None, message)
                },
            ));
        }
    }
    (grounds, notes)
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

fn quarantine_size(
    sides: &GateSides<'_>,
    quarantined: &[QuarantinedTask],
    policy: &GatePolicy,
) -> Option<Ground> {
    let tasks: BTreeSet<&TaskName> =
        sides.baseline.iter().flat_map(|run| run.manifest.tasks.iter().map(|task| &task.name)).collect();
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

/// An agent of the baseline with its candidate.
pub(super) struct Match {
    agent: AgentName,
    candidate: Entrant,
    baseline: Entrant,
    /// Whether the candidate is among the baseline's runs.
    is_same: bool,
    tasks: Vec<GateTask>,
}

/// The agents of the baseline by name, each with its trials of all runs.
pub(super) fn pools(baseline: &[GateRun<'_>]) -> Vec<Entrant> {
    let mut by_agent: BTreeMap<&AgentName, Vec<&Entrant>> = BTreeMap::new();
    for entrant in baseline.iter().flat_map(|run| run.entrants) {
        by_agent.entry(&entrant.agent).or_default().push(entrant);
    }
    by_agent.into_values().filter_map(|entrants| pooled(&entrants)).collect()
}

/// Finds each agent's candidate; with the agents that only one side has.
fn matched(sides: &GateSides<'_>) -> (Vec<Match>, Vec<AgentName>, Vec<AgentName>) {
    let (pools, candidates) = (pools(sides.baseline), sides.candidate.entrants);
    let is_alone = pools.len() == 1 && candidates.len() == 1;
    let (mut matches, mut vanished) = (Vec::new(), Vec::new());
    let mut taken: BTreeSet<&AgentName> = BTreeSet::new();
    for baseline in pools {
        let found = candidates.iter().find(|candidate| is_alone || candidate.agent == baseline.agent);
        let Some(candidate) = found else {
            vanished.push(baseline.agent);
            continue;
        };
        taken.insert(&candidate.agent);
        let mut of_baseline = sides.baseline.iter().flat_map(|run| run.entrants);
        let is_same = candidate.agent == baseline.agent
            && of_baseline.any(|one| one.run == candidate.run && one.agent == candidate.agent);
        matches.push(Match { is_same, ..Match::new(candidate.clone(), baseline) });
    }
    let new = candidates.iter().map(|candidate| &candidate.agent).filter(|agent| !taken.contains(agent));
    (matches, vanished, new.cloned().collect())
}

impl Match {
    /// Sides whose trials are not the same, of tasks without places yet.
    pub(super) fn new(candidate: Entrant, baseline: Entrant) -> Self {
        Self { agent: baseline.agent.clone(), candidate, baseline, is_same: false, tasks: Vec::new() }
    }

    /// Gives its tasks their places.
    pub(super) fn placed(mut self, policy: &GatePolicy, quarantined: &[QuarantinedTask]) -> Self {
        let rules = Placing { minimum_trials: policy.gate.minimum_trials, quarantined };
        self.tasks = placed(&self.candidate, &self.baseline, rules);
        self
    }

    /// What its tasks lead to.
    fn grounds(&self, policy: &GatePolicy) -> Vec<Ground> {
        let agent = Some(&self.agent);
        let mut grounds = Vec::new();
        if self.is_same {
            let message = format!(
                "the candidate is its own baseline: the run `{}` with the agent `{}` is on both sides",
                self.candidate.run, self.candidate.agent
            );
            grounds.push(GroundCode::SameTrials.ground(agent, message));
        }
        for (side, entrant) in [(Side::Candidate, &self.candidate), (Side::Baseline, &self.baseline)] {
            if entrant.outcomes().iter().all(|task| task.passed == 0 && task.failed == 0) {
                let message = format!("the {side} has no graded trial");
                grounds.push(GroundCode::NothingGraded.ground(agent, message));
            }
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
            let fewest = policy.gate.minimum_trials;
            let message =
                format!("no task of the baseline is planned for {fewest} trials, from which on one decides");
            grounds.push(GroundCode::NothingDecides.ground(agent, message));
        }
        grounds.extend(self.coverage_grounds(policy));
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

    fn coverage_grounds(&self, policy: &GatePolicy) -> Vec<Ground> {
        let least = policy.gate.minimum_coverage;
        let of_side = |side| {
            let found = coverage(&self.tasks, side);
            (found.planned > 0 && found.share.value() < least).then(|| {
                let message = format!(
                    "{} of {} planned trials of the {side} are graded, {} and less than {}",
                    found.graded,
                    found.planned,
                    wording::percent(found.share.value()),
                    wording::percent(least)
                );
                GroundCode::Coverage.ground(Some(&self.agent), message)
            })
        };
        [Side::Candidate, Side::Baseline].into_iter().filter_map(of_side).collect()
    }

    fn drafts(&self, policy: &GatePolicy, rules: Rules<'_>) -> Result<Vec<Draft>, MetricsError> {
        let kept: BTreeSet<TaskName> = deciding(&self.tasks).map(|task| task.task.clone()).collect();
        if kept.is_empty() {
            return Ok(Vec::new());
        }
        let (candidate, baseline) = (of_tasks(&self.candidate, &kept), of_tasks(&self.baseline, &kept));
        let both = Both { candidate: &candidate, baseline: &baseline };
        judged(&policy.margins).into_iter().map(|margin| Draft::new(margin, both, rules)).collect()
    }

    fn finish(self, measures: Vec<GateMeasure>, grounds: &[Ground]) -> GateAgent {
        let of_agent =
            grounds.iter().filter(|ground| ground.agent.as_ref().is_none_or(|agent| *agent == self.agent));
        GateAgent {
            verdict: of_agent.map(|ground| ground.verdict).max().unwrap_or(GateVerdict::Pass),
            candidate: self.candidate.agent.clone(),
            candidate_coverage: coverage(&self.tasks, Side::Candidate),
            baseline_coverage: coverage(&self.tasks, Side::Baseline),
            agent: self.agent,
            tasks: self.tasks,
            measures,
        }
    }
}

/// The measures of each match, their p-values adjusted over all of them.
pub(super) fn all_measures(
    matches: &[Match],
    policy: &GatePolicy,
    seed: u64,
) -> Result<Vec<Vec<GateMeasure>>, MetricsError> {
    let table = &policy.gate;
    let rule = GateRule { margin: policy.margins.success, confidence: table.confidence, power: table.power };
    let level = Level::from_one_sided(rule.confidence).map_err(|_| MetricsError::Level(rule.confidence))?;
    let settings =
        Settings { level: level.confidence(), seed, target: Target::FixedSuite, ..Settings::default() };
    let rules = Rules { rule, minimum_known: table.minimum_known, settings: &settings };
    let drafts: Vec<Vec<Draft>> =
        matches.iter().map(|pair| pair.drafts(policy, rules)).collect::<Result<_, _>>()?;
    let p: Vec<f64> = drafts.iter().flatten().map(Draft::p).collect();
    let adjusted = adjusted(&p, Purpose::Decision).map(|adjusted| adjusted.p);
    // Every p lies within [0, 1], so that they can be adjusted; if not, nothing is shown to be worse.
    let mut adjusted = adjusted.unwrap_or_default().into_iter();
    let alpha = 1.0 - rule.confidence;
    let mut finish = |draft: Draft| draft.finish(adjusted.next().unwrap_or(Finite::ONE), alpha);
    Ok(drafts.into_iter().map(|drafts| drafts.into_iter().map(&mut finish).collect()).collect())
}

/// What the measures of an agent lead to, the surest failure first.
fn measure_grounds(agent: &AgentName, measures: &[GateMeasure], policy: &GatePolicy) -> Vec<Ground> {
    let mut found: Vec<&GateMeasure> =
        measures.iter().filter(|measure| measure.answer != Answer::Pass).collect();
    found.sort_by_key(|measure| measure.answer != Answer::Fail);
    let ground = |measure: &GateMeasure| {
        let code = if measure.answer == Answer::Fail { GroundCode::Worse } else { GroundCode::Open };
        code.ground(Some(agent), wording::of_measure(measure, policy))
    };
    found.into_iter().map(ground).collect()
}
