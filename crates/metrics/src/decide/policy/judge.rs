//! Judging: the sides are checked, their tasks placed, their measures held against the margins, and the gravest ground decides.

use retrial_spec::{AgentName, Day, GatePolicy, Quarantine, QuarantinedTask};
use retrial_stats::Level;

use super::contrasts;
use super::document::{GATE_SCHEMA, GateAgent, PolicyGate};
use super::drafts::{Both, Draft, Rules};
use super::grounds::{GateVerdict, Ground, GroundCode};
use super::matches::{Deciding, Match, Matches};
use super::measures::{Answer, GateMeasure, judged};
use super::needs::Goal;
use super::sides::{GateSides, comparability, quarantine_size};
use super::wording;
use crate::decide::{GateRule, Purpose, adjusted};
use crate::value::Finite;
use crate::{MetricsError, Settings, Target};

/// Decides by a policy whether the candidate may replace the baseline on exactly the baseline's tasks.
///
/// | first that holds | verdict |
/// |---|---|
/// | the sides, or the baseline's runs, are not comparable, or hold the same trials; a side has nothing graded; too many tasks are in
/// quarantine; no measure of any agent is judged | invalid |
/// | an agent or a task vanished, or a measure is worse | fail |
/// | too few trials are graded of all or of a task, no task decides, or a measure is open | inconclusive |
/// | otherwise: every measure of every agent is within its margin | pass |
///
/// A pass is an intersection–union test: each measure by itself is shown to be within its margin at the policy's confidence, so that the
/// chance of passing with any of them at or beyond it is at most 1 − confidence, with no adjustment (Berger 1982, Technometrics 24,
/// 295–300). A failure follows from any single measure, so that the p-values of "not worse" of all measures and agents are adjusted by
/// Holm: the chance that a candidate that is worse in none fails is at most 1 − confidence. Measures are compared as of
/// [`contrast`](crate::decide::contrast) for exactly these tasks, and success as of [`gate`](crate::decide::gate). Where a run of either
/// side could stop by what its trials showed, success is compared by bounds that hold whenever it stopped, and nothing else is decided.
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
    grounds.extend(quarantine_size(sides.baseline, &quarantined, policy));
    let is_comparable = grounds.iter().all(|ground| ground.code == GroundCode::QuarantineTooLarge);
    let seed = sides.candidate.manifest.seed;
    let Matches { pairs, vanished, new } = Matches::of(sides);
    grounds.extend(vanished.iter().map(|agent| {
        GroundCode::AgentVanished.ground(Some(agent), format!("the candidate has no agent `{agent}`"))
    }));
    let matches: Vec<Match> = pairs.into_iter().map(|pair| pair.placed(policy, &quarantined)).collect();
    for pair in &matches {
        grounds.extend(pair.grounds(policy));
    }
    let mut measures = if is_comparable { all_measures(&matches, policy, seed)? } else { Vec::new() };
    measures.resize_with(matches.len(), Vec::new);
    for (pair, measures) in matches.iter().zip(&measures) {
        grounds.extend(measure_grounds(&pair.agent, measures, policy));
    }
    // Where nothing is judged nothing speaks against the candidate, and that must not be a pass.
    if grounds.is_empty() && measures.iter().all(Vec::is_empty) {
        let message = "no measure of any agent is judged: the baseline has no agent";
        grounds.push(GroundCode::NothingJudged.ground(None, message));
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
        new_agents: new,
        notes,
    })
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
    let deciding: Vec<Option<Deciding>> = matches.iter().map(Match::deciding).collect();
    let margins = judged(&policy.margins);
    let alpha = 1.0 - rule.confidence;
    let cells = deciding.iter().flatten().count() * margins.len();
    let draws = contrasts::draws(alpha, cells);
    let rules = Rules { rule, minimum_known: table.minimum_known, settings: &settings, draws };
    let drafted = |both: Both<'_>| -> Result<Vec<Draft>, MetricsError> {
        margins.iter().map(|&margin| Draft::new(margin, both, rules)).collect()
    };
    let mut drafts = Vec::new();
    for sides in &deciding {
        drafts.push(sides.as_ref().map(|sides| drafted(sides.into())).transpose()?.unwrap_or_default());
    }
    let p: Vec<f64> = drafts.iter().flatten().map(Draft::p).collect();
    // Every p lies within [0, 1], so that they can be adjusted; if not, nothing is shown to be worse.
    let adjusted = adjusted(&p, Purpose::Decision).map(|adjusted| adjusted.p).unwrap_or_default();
    let rejected = adjusted.iter().filter(|p| p.value() <= alpha).count();
    let goal = Goal { rule, left: cells.saturating_sub(rejected).max(1) };
    let mut adjusted = adjusted.into_iter();
    let mut finished = Vec::new();
    for (drafts, sides) in drafts.into_iter().zip(&deciding) {
        let finish = |(draft, both): (Draft, Both<'_>)| {
            draft.finish(adjusted.next().unwrap_or(Finite::ONE), both, goal)
        };
        let of_match = drafts.into_iter().zip(sides.iter().map(Both::from).cycle());
        finished.push(of_match.map(finish).collect());
    }
    Ok(finished)
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
