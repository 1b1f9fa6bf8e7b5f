//! The baseline against itself: how often would this policy pass, and fail, where nothing has changed?

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use retrial_spec::{ConditionName, Day, GatePolicy, Quarantine, RunId, SchemaFile};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;

use super::grounds::GateVerdict;
use super::judge::{GateRun, GateSides, Match, all_measures, judge, pools};
use super::measures::{Answer, GateMeasure};
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
    /// Pass where at least half of the draws of the same size pass; fail where a run of the baseline fails against its other runs.
    pub verdict: GateVerdict,
    /// The same in one line.
    pub line: String,
    /// The seed of splits and draws.
    pub seed: u64,
    /// The trials of each task split at random in two halves: nothing is invented, and each side has half the trials.
    pub halves: SplitShares,
    /// Both sides drawn from the trials of each task with replacement, each with as many as there are: what a candidate that is just
    /// the baseline, with as many trials, is to expect. A task whose trials all ended alike never varies, which flatters.
    pub same_size: SplitShares,
    /// Each run of a baseline of several against all others.
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
    fn add(&mut self, measures: &[Vec<GateMeasure>]) {
        let answers = || measures.iter().flatten();
        self.times += 1;
        if answers().any(|measure| measure.answer == Answer::Fail) {
            self.failed += 1;
        } else if answers().all(|measure| measure.answer == Answer::Pass) && answers().next().is_some() {
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
/// Coverage and the minimum of trials are left aside: what is asked is whether the margins can be held, and are not missed by chance.
/// Splitting at random is the design of a permutation test (Fisher 1935, *The Design of Experiments*, section 21); drawing with
/// replacement is the bootstrap (Efron 1979, Annals of Statistics 7, 1–26), within each task.
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
    let mut shares = |draw: fn(&[Trial], &mut ChaCha8Rng) -> Drawn| {
        let mut shares = SplitShares::default();
        for _ in 0..times {
            let drawn = pools.iter().map(|pool| {
                let (candidate, baseline) = halves(pool, |trials| draw(trials, &mut rng));
                Match::new(candidate, baseline).placed(&lenient, &quarantined)
            });
            let drawn: Vec<Match> = drawn.collect();
            shares.add(&all_measures(&drawn, &lenient, seed)?);
        }
        Ok::<SplitShares, MetricsError>(shares)
    };
    let halves = shares(split)?;
    let same_size = shares(redrawn)?;
    let runs = runs(baseline, policy, quarantine, today)?;
    let verdict = verdict(&same_size, &runs);
    let line = line(verdict, &same_size, &runs);
    Ok(BaselineCheck { schema: CHECK_SCHEMA, verdict, line, seed, halves, same_size, runs })
}

fn verdict(same_size: &SplitShares, runs: &[RunAgainstRest]) -> GateVerdict {
    if runs.iter().any(|run| run.verdict == GateVerdict::Invalid) {
        GateVerdict::Invalid
    } else if runs.iter().any(|run| run.verdict == GateVerdict::Fail) {
        GateVerdict::Fail
    } else if same_size.passed * 2 >= same_size.times && same_size.times > 0 {
        GateVerdict::Pass
    } else {
        GateVerdict::Inconclusive
    }
}

fn line(verdict: GateVerdict, same_size: &SplitShares, runs: &[RunAgainstRest]) -> String {
    let bad = runs.iter().find(|run| matches!(run.verdict, GateVerdict::Fail | GateVerdict::Invalid));
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

/// The trials of a task on both sides.
type Drawn = (Vec<Trial>, Vec<Trial>);

/// Draws two sides from the trials of each task.
fn halves(entrant: &Entrant, mut draw: impl FnMut(&[Trial]) -> Drawn) -> (Entrant, Entrant) {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for task in &entrant.tasks {
        let (a, b) = draw(&task.trials);
        let of = |trials: Vec<Trial>| EntrantTask { planned: trials.len() as u32, trials, ..task.clone() };
        first.push(of(a));
        second.push(of(b));
    }
    (Entrant { tasks: first, ..entrant.clone() }, Entrant { tasks: second, ..entrant.clone() })
}

/// Splits at random; of an odd number one is left out.
fn split(trials: &[Trial], rng: &mut ChaCha8Rng) -> Drawn {
    let mut shuffled = trials.to_vec();
    shuffled.shuffle(rng);
    let half = shuffled.len() / 2;
    let second = shuffled.split_off(half);
    (shuffled, second.into_iter().take(half).collect())
}

/// Draws both sides with replacement.
fn redrawn(trials: &[Trial], rng: &mut ChaCha8Rng) -> Drawn {
    let mut side = || -> Vec<Trial> {
        (0..trials.len()).map(|_| trials[rng.random_range(0..trials.len())].clone()).collect()
    };
    (side(), side())
}

fn runs(
    baseline: GateBaseline<'_>,
    policy: &GatePolicy,
    quarantine: &Quarantine,
    today: Day,
) -> Result<Vec<RunAgainstRest>, MetricsError> {
    if baseline.runs.len() < 2 {
        return Ok(Vec::new());
    }
    let one = |(place, run): (usize, &GateRun<'_>)| {
        let rest: Vec<GateRun<'_>> = baseline
            .runs
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != place)
            .map(|(_, run)| *run)
            .collect();
        let sides = GateSides { candidate: *run, baseline: &rest, condition: baseline.condition };
        let found = judge(&sides, policy, quarantine, today)?;
        Ok(RunAgainstRest { run: run.manifest.run.clone(), verdict: found.verdict, line: found.line })
    };
    baseline.runs.iter().enumerate().map(one).collect()
}

/// Returns the JSON Schema of [`BaselineCheck`] as it is checked in.
pub fn check_schema() -> SchemaFile {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let schema = settings.into_generator().into_root_schema_for::<BaselineCheck>();
    SchemaFile { name: "gate-baseline-check.schema.json", schema: schema.to_value() }
}
