//! The baseline against itself: how often would this policy pass, and fail, where nothing has changed?

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use retrial_spec::{
    AgentName, ConditionName, Day, GatePolicy, Quarantine, QuarantinedTask, RunId, SchemaFile, TaskName,
};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;

use super::entrants::of_tasks;
use super::grounds::{GateVerdict, Ground, GroundCode};
use super::holes::of_side;
use super::judge::{all_measures, judge};
use super::matches::{Match, may_stop, pools};
use super::measures::{Answer, GateMeasure};
use super::sides::{GateRun, GateSides, quarantine_size};
use crate::MetricsError;
use crate::entrant::{Entrant, EntrantTask};
use crate::trials::Trial;

/// How often the baseline is set against itself, in each way.
pub const SPLITS: u64 = 200;

/// The number of the schema of [`BaselineCheck`].
const CHECK_SCHEMA: u32 = 1;

/// A baseline by itself.
#[derive(Debug, Clone, Copy)]
pub struct GateBaseline<'a> {
    /// Its runs; at least one.
    pub runs: &'a [GateRun<'a>],
    /// The condition.
    pub condition: &'a ConditionName,
}

/// What a policy says where the baseline is both sides.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BaselineCheck {
    /// The number of this schema.
    pub schema: u32,
    /// Pass where at least half of the draws of the same size pass; fail where a run of the baseline fails against its other runs; what
    /// the baseline lacks by itself leads to where it would lead in a gate.
    pub verdict: GateVerdict,
    /// The same in one line.
    pub line: String,
    /// What the baseline lacks by itself, so that nothing could pass against it, and nothing just like it.
    pub grounds: Vec<Ground>,
    /// The seed of splits and draws.
    pub seed: u64,
    /// The trials of each task split at random in two halves: nothing is invented, and each side has half the trials.
    pub halves: SplitShares,
    /// Both sides drawn from the trials of each task with replacement, each with as many as there are: what a candidate that is just
    /// the baseline, with as many trials, is to expect. A task whose trials all ended alike never varies, which flatters.
    pub same_size: SplitShares,
    /// Each run of a baseline of several against all others, on the tasks that both have.
    pub runs: Vec<RunAgainstRest>,
}

/// How often a policy decided how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SplitShares {
    /// How many times.
    pub times: u64,
    /// How often it passed.
    pub passed: u64,
    /// How often it failed, which is always wrong here.
    pub failed: u64,
    /// How often it was inconclusive.
    pub inconclusive: u64,
    /// How often each measure was open, by its name.
    pub open: BTreeMap<String, u64>,
}

/// A run of the baseline, judged against the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RunAgainstRest {
    /// The run.
    pub run: RunId,
    /// The verdict.
    pub verdict: GateVerdict,
    /// The same in one line.
    pub line: String,
}

impl SplitShares {
    /// Counts one decision; `has_holes` says that trials lack, whatever the measures say.
    fn add(&mut self, measures: &[Vec<GateMeasure>], has_holes: bool) {
        let answers = || measures.iter().flatten();
        let all_pass = answers().all(|measure| measure.answer == Answer::Pass) && answers().next().is_some();
        self.times += 1;
        if answers().any(|measure| measure.answer == Answer::Fail) {
            self.failed += 1;
        } else if all_pass && !has_holes {
            self.passed += 1;
        } else {
            self.inconclusive += 1;
        }
        for measure in answers().filter(|measure| measure.answer == Answer::Open) {
            *self.open.entry(measure.contrast.label.clone()).or_default() += 1;
        }
    }
}

/// Sets the baseline against itself. `times` is how often, usually [`SPLITS`].
///
/// Draws of the same size are judged by the whole policy. Halves have half the trials, so that coverage and minimums are left aside: what
/// is asked of them is whether the margins can be held, and are not missed by chance. Splitting at random is the design of a permutation
/// test (Fisher 1935, *The Design of Experiments*, section 21); drawing with replacement is the bootstrap (Efron 1979, Annals of
/// Statistics 7, 1–26), within each task.
///
/// # Errors
/// As of [`judge`].
pub fn check_baseline(
    baseline: GateBaseline<'_>,
    policy: &GatePolicy,
    quarantine: &Quarantine,
    today: Day,
    times: u64,
) -> Result<BaselineCheck, MetricsError> {
    let seed = baseline.runs.first().map_or(0, |run| run.manifest.seed);
    let mut lenient = policy.clone();
    (lenient.gate.minimum_trials, lenient.gate.minimum_coverage, lenient.gate.minimum_known) = (1, 0.0, 0.0);
    let quarantined: Vec<_> =
        quarantine.task.iter().filter(|task| task.is_in_force(today)).cloned().collect();
    let pools = pools(baseline.runs);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut shares = |draw: fn(&EntrantTask, &mut ChaCha8Rng) -> Drawn, policy: &GatePolicy| {
        let mut shares = SplitShares::default();
        for _ in 0..times {
            let drawn = pools.iter().map(|pool| {
                let (candidate, baseline_side) = both_sides(pool, |task| draw(task, &mut rng));
                let may_stop = may_stop(baseline.runs, &pool.agent);
                Match::new(candidate, baseline_side, may_stop).placed(policy, &quarantined)
            });
            let drawn: Vec<Match> = drawn.collect();
            let has_holes = drawn.iter().any(|pair| !pair.grounds(policy).is_empty());
            shares.add(&all_measures(&drawn, policy, seed)?, has_holes);
        }
        Ok::<SplitShares, MetricsError>(shares)
    };
    let halves = shares(split, &lenient)?;
    let same_size = shares(redrawn, policy)?;
    let mut grounds = lacking(&pools, policy, &quarantined);
    grounds.extend(quarantine_size(baseline.runs, &quarantined, policy));
    grounds.sort_by_key(|ground| std::cmp::Reverse(ground.verdict));
    let runs = runs(baseline, policy, quarantine, today)?;
    let verdict = verdict(&grounds, &same_size, &runs);
    let line = line(verdict, &grounds, &same_size, &runs);
    Ok(BaselineCheck { schema: CHECK_SCHEMA, verdict, line, seed, grounds, halves, same_size, runs })
}

/// What the baseline lacks by itself.
fn lacking(pools: &[Entrant], policy: &GatePolicy, quarantined: &[QuarantinedTask]) -> Vec<Ground> {
    if pools.is_empty() {
        return vec![GroundCode::NothingJudged.ground(None, "the baseline has no agent")];
    }
    let of_pool = |pool: &Entrant| -> Vec<Ground> {
        let itself = Match::new(pool.clone(), pool.clone(), false).placed(policy, quarantined);
        // A task that does not decide yet is no hole.
        let kept: BTreeSet<TaskName> = itself.deciding_tasks().cloned().collect();
        if kept.is_empty() {
            itself.grounds(policy)
        } else {
            of_side(&of_tasks(pool, &kept), "baseline", policy, quarantined)
        }
    };
    pools.iter().flat_map(of_pool).collect()
}

/// The gravest of what the baseline lacks, of what its runs say of each other, and of what the draws say.
fn verdict(grounds: &[Ground], same_size: &SplitShares, runs: &[RunAgainstRest]) -> GateVerdict {
    let is_half = same_size.passed * 2 >= same_size.times && same_size.times > 0;
    let drawn = if is_half { GateVerdict::Pass } else { GateVerdict::Inconclusive };
    // That a run is open against the others, which are fewer than a candidate would meet, says nothing.
    let of_runs = runs.iter().map(|run| run.verdict).filter(|verdict| *verdict > GateVerdict::Inconclusive);
    grounds.iter().map(|ground| ground.verdict).chain(of_runs).fold(drawn, GateVerdict::max)
}

fn line(
    verdict: GateVerdict,
    grounds: &[Ground],
    same_size: &SplitShares,
    runs: &[RunAgainstRest],
) -> String {
    if let Some(ground) = grounds.first().filter(|ground| ground.verdict == verdict) {
        return format!("{verdict}: {}, so that nothing like it can pass", ground.message);
    }
    let bad = runs.iter().find(|run| run.verdict == verdict && verdict > GateVerdict::Inconclusive);
    if let Some(bad) = bad {
        return format!("{verdict}: the baseline's run `{}` against its others: {}", bad.run, bad.line);
    }
    let SplitShares { times, passed, failed, .. } = same_size;
    let mut text = format!(
        "{verdict}: a candidate that is just the baseline passes {passed} and fails {failed} of {times} times"
    );
    if verdict == GateVerdict::Inconclusive {
        let widest = same_size.open.iter().max_by_key(|(_, open)| **open);
        if let Some((label, open)) = widest {
            // Writing into a text cannot fail.
            let _ = write!(text, "; {label} is open {open} times: it takes more trials, or a wider margin");
        }
    }
    text
}

/// The trials of a task on both sides, each with so many planned.
struct Drawn {
    planned: u32,
    sides: (Vec<Trial>, Vec<Trial>),
}

/// Draws two sides of each task, numbered anew.
fn both_sides(entrant: &Entrant, mut draw: impl FnMut(&EntrantTask) -> Drawn) -> (Entrant, Entrant) {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for task in &entrant.tasks {
        let Drawn { planned, sides: (a, b) } = draw(task);
        let of = |mut trials: Vec<Trial>| {
            trials.iter_mut().zip(1..).for_each(|(trial, number)| trial.number = number);
            EntrantTask { planned, trials, ..task.clone() }
        };
        first.push(of(a));
        second.push(of(b));
    }
    (Entrant { tasks: first, ..entrant.clone() }, Entrant { tasks: second, ..entrant.clone() })
}

/// Splits at random; of an odd number one is left out.
fn split(task: &EntrantTask, rng: &mut ChaCha8Rng) -> Drawn {
    let mut shuffled = task.trials.clone();
    shuffled.shuffle(rng);
    let half = shuffled.len() / 2;
    let second: Vec<Trial> = shuffled.split_off(half).into_iter().take(half).collect();
    Drawn { planned: half as u32, sides: (shuffled, second) }
}

/// Draws both sides with replacement. Planned trials that have no record are as many as there are.
fn redrawn(task: &EntrantTask, rng: &mut ChaCha8Rng) -> Drawn {
    let trials = &task.trials;
    let mut side = || -> Vec<Trial> {
        (0..trials.len()).map(|_| trials[rng.random_range(0..trials.len())].clone()).collect()
    };
    Drawn { planned: task.planned, sides: (side(), side()) }
}

fn runs(
    baseline: GateBaseline<'_>,
    policy: &GatePolicy,
    quarantine: &Quarantine,
    today: Day,
) -> Result<Vec<RunAgainstRest>, MetricsError> {
    let mut found = Vec::new();
    for (place, run) in baseline.runs.iter().enumerate() {
        let rest = baseline.runs.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, run)| run);
        let rest: Vec<&GateRun<'_>> = rest.collect();
        let common = common(run, &rest);
        // Runs may hold different tasks, or different agents, and be one baseline together.
        if common.is_empty() {
            continue;
        }
        let kept = |run: &GateRun<'_>| -> Vec<Entrant> {
            let of = |one: &Entrant| Some(of_tasks(one, common.get(&one.agent)?));
            run.entrants.iter().filter_map(of).collect()
        };
        let (mine, theirs) = (kept(run), rest.iter().map(|run| kept(run)).collect::<Vec<_>>());
        let rest: Vec<GateRun<'_>> =
            rest.iter().zip(&theirs).map(|(run, entrants)| GateRun { entrants, ..**run }).collect();
        let sides = GateSides {
            candidate: GateRun { entrants: &mine, ..*run },
            baseline: &rest,
            condition: baseline.condition,
        };
        let judged = judge(&sides, policy, quarantine, today)?;
        let run = run.manifest.run.clone();
        found.push(RunAgainstRest { run, verdict: judged.verdict, line: judged.line });
    }
    Ok(found)
}

/// The tasks of each agent of a run that others have of it too; only agents with any.
fn common(run: &GateRun<'_>, rest: &[&GateRun<'_>]) -> BTreeMap<AgentName, BTreeSet<TaskName>> {
    let of = |entrant: &Entrant| {
        let others = rest.iter().flat_map(|run| run.entrants).filter(|other| other.agent == entrant.agent);
        let theirs: BTreeSet<&TaskName> =
            others.flat_map(|other| &other.tasks).map(|task| &task.task).collect();
        let tasks: BTreeSet<TaskName> = entrant
            .tasks
            .iter()
            .map(|task| &task.task)
            .filter(|task| theirs.contains(task))
            .cloned()
            .collect();
        (!tasks.is_empty()).then(|| (entrant.agent.clone(), tasks))
    };
    run.entrants.iter().filter_map(of).collect()
}

/// Returns the JSON Schema of [`BaselineCheck`] as it is checked in.
pub fn check_schema() -> SchemaFile {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let schema = settings.into_generator().into_root_schema_for::<BaselineCheck>();
    SchemaFile { name: "gate-baseline-check.schema.json", schema: schema.to_value() }
}
