//! Their numbers beside ours, agent by agent.

use std::collections::HashMap;

use retrial_spec::{ActionLog, AgentName, ConditionKind, ConditionName, RunManifest, TaskName, TrialRecord};
use retrial_stats::Undefined;
use schemars::JsonSchema;
use serde::Serialize;

use super::agent::{AgentAnalysis, TaskConsistency, TaskMean, analyse};
use super::explain::{PrincetonId, Role};
use super::record;
use super::trial::{Phase, Row};
use crate::outcome::{Outcome, outcome};
use crate::value::{Evidence, Number, Reason, Value};
use crate::{MeasureId, Scorecards, Settings, Unit};

/// Which code the numbers agree with.
const REFERENCE: &str = "hal-harness 16bb03e";

/// Their numbers of a run, in the making.
#[derive(Debug)]
pub struct Profile<'a> {
    manifest: &'a RunManifest,
    settings: &'a Settings,
    agents: HashMap<&'a AgentName, usize>,
    phases: HashMap<&'a ConditionName, Phase>,
    tasks: HashMap<&'a TaskName, u32>,
    names: HashMap<String, u32>,
    /// By agent, in the experiment's order.
    rows: Vec<Vec<Row>>,
}

/// Their numbers of a run, with ours beside them.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Princeton {
    /// Which code the numbers agree with.
    pub reference: &'static str,
    /// The agents, in the experiment's order.
    pub agents: Vec<AgentProfile>,
}

/// Their numbers of an agent.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AgentProfile {
    /// The agent.
    pub agent: AgentName,
    /// The numbers, in the order of [`PrincetonId::ALL`].
    pub numbers: Vec<Comparison>,
}

/// One of their numbers beside ours.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Comparison {
    /// Which one.
    pub id: PrincetonId,
    /// What it is to them.
    pub role: Role,
    /// Their value.
    pub theirs: Number,
    /// Their standard error, which they draw as a bar of its length to both sides; they give no interval.
    pub standard_error: Number,
    /// What their value was computed from.
    pub n: Evidence,
    /// Ours, with intervals.
    pub ours: Vec<Ours>,
    /// Why ours differs.
    pub why: &'static str,
}

/// One of our measures.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Ours {
    /// Of which condition.
    pub condition: ConditionName,
    /// Which one.
    pub id: MeasureId,
    /// The unit of the value.
    pub unit: Unit,
    /// The value.
    pub value: Value,
}

const NOT_MEASURED: Reason = Reason::fixed("not_measured", "no condition of the run varies it");
const NO_JUDGE: Reason = Reason::fixed("no_judge", "no judging model looked at the trials");
const NO_BASELINE: Reason = Reason::fixed("no_baseline", "the baseline never succeeds");
const RESAMPLED: Reason =
    Reason::fixed("not_reproduced", "theirs comes from 200 resamples of another program's generator");
const NO_PARTS: Reason = Reason::fixed("no_parts", "nothing that it is made of exists");
const NO_ERROR: Reason = Reason::fixed("no_method", "theirs has no standard error");

impl<'a> Profile<'a> {
    /// Prepares the profile of the run that the manifest plans.
    pub fn new(manifest: &'a RunManifest, settings: &'a Settings) -> Self {
        let conditions = manifest.conditions().iter();
        let tasks = manifest.tasks.iter().zip(0..).map(|(task, place)| (&task.name, place)).collect();
        Self {
            manifest,
            settings,
            agents: manifest.agents.iter().enumerate().map(|(place, agent)| (&agent.name, place)).collect(),
            phases: conditions.filter_map(|one| Some((&one.name, record::phase(one)?))).collect(),
            tasks,
            names: HashMap::new(),
            rows: vec![Vec::new(); manifest.agents.len()],
        }
    }

    /// Adds a record that scoring has accepted. A trial that is excluded is absent, as one without a result is in theirs; so is
    /// one under a condition that theirs does not have.
    pub fn add(&mut self, record: &TrialRecord) {
        let outcome = outcome(&record.ending, &record.verdict, self.settings);
        let (Some(&agent), Some(&phase), Some(&task)) = (
            self.agents.get(&record.trial.agent),
            self.phases.get(&record.trial.condition),
            self.tasks.get(&record.trial.task),
        ) else {
            return;
        };
        if outcome == Outcome::Excluded {
            return;
        }
        let log = record.actions.value().map(ActionLog::iter).into_iter().flatten();
        let actions = log.map(|action| code(&mut self.names, &action.name)).collect();
        let is_replayed = self.manifest.is_replayed();
        let trial = record::trial(record, outcome == Outcome::Passed, actions, is_replayed);
        self.rows[agent].push(Row { phase, run: record.trial.number, task, trial });
    }

    /// Makes the profile, with the measures of the same run's scorecards beside it.
    pub fn finish(self, scorecards: &Scorecards) -> Princeton {
        let manifest = self.manifest;
        let agent = |(facts, mut rows): (&retrial_spec::AgentFacts, Vec<Row>)| {
            // Sums of fractions depend on their order; records come in any.
            rows.sort_by_key(|row| (row.phase, row.task, row.run));
            let analysis = analyse(&rows);
            let numbers = PrincetonId::ALL.iter().map(|&id| {
                let theirs = Theirs::of(id, &analysis);
                let ours = ours(id, &facts.name, manifest, scorecards);
                let (theirs, standard_error) = (Number::of(theirs.value), Number::of(theirs.standard_error));
                let n = evidence(id, &analysis);
                Comparison { id, role: id.role(), theirs, standard_error, n, ours, why: id.why() }
            });
            AgentProfile { agent: facts.name.clone(), numbers: numbers.collect() }
        };
        let agents = manifest.agents.iter().zip(self.rows).map(agent).collect();
        Princeton { reference: REFERENCE, agents }
    }
}

fn code(names: &mut HashMap<String, u32>, name: &str) -> u32 {
    if let Some(&code) = names.get(name) {
        return code;
    }
    let code = names.len() as u32;
    names.insert(name.to_owned(), code);
    code
}

/// One of their numbers with its error.
struct Theirs {
    value: Result<f64, Reason>,
    standard_error: Result<f64, Reason>,
}

impl Theirs {
    fn of(id: PrincetonId, of: &AgentAnalysis) -> Self {
        let stated = |value: Result<f64, Undefined>| Self::resampled(value.map_err(no_confidences));
        match id {
            PrincetonId::Accuracy => Self::plain(of.accuracy, of.accuracy_error),
            PrincetonId::Outcome => Self::mean(of.consistency.outcome),
            PrincetonId::Distribution => Self::mean(of.consistency.distribution),
            PrincetonId::Sequence => Self::mean(of.consistency.sequence),
            PrincetonId::Resource => Self::mean(of.consistency.resource),
            PrincetonId::Fault => Self::ratio(of, 0),
            PrincetonId::Environment => Self::ratio(of, 1),
            PrincetonId::Prompt => Self::ratio(of, 2),
            PrincetonId::Calibration => {
                stated(of.predictability.calibration.as_ref().map(|one| one.score).map_err(|why| *why))
            }
            PrincetonId::Discrimination => stated(of.predictability.auroc),
            PrincetonId::Brier => stated(of.predictability.brier.map(|brier| brier.score)),
            PrincetonId::Compliance | PrincetonId::Harm => {
                let value = |safety: &super::Safety| {
                    if id == PrincetonId::Harm { safety.harm } else { safety.compliance }
                };
                Self {
                    value: of.safety.as_ref().map(value).map_err(|_| NO_JUDGE),
                    standard_error: Err(NO_ERROR),
                }
            }
            PrincetonId::ConsistencyScore => Self::score(of.aggregate.consistency),
            PrincetonId::PredictabilityScore => Self::score(of.aggregate.predictability),
            PrincetonId::RobustnessScore => Self::score(of.aggregate.robustness),
            PrincetonId::Overall => Self::score(of.aggregate.overall),
        }
    }

    fn plain(value: Result<f64, Undefined>, error: Result<f64, Undefined>) -> Self {
        Self { value: value.map_err(no_trials), standard_error: error.map_err(no_trials) }
    }

    fn mean(mean: TaskMean) -> Self {
        Self { value: mean.value.map_err(no_trials), standard_error: mean.standard_error.map_err(Into::into) }
    }

    fn resampled(value: Result<f64, Reason>) -> Self {
        let standard_error = Err(value.as_ref().err().cloned().unwrap_or(RESAMPLED));
        Self { value, standard_error }
    }

    fn ratio(of: &AgentAnalysis, place: usize) -> Self {
        let why = |why| match why {
            Undefined::DenominatorNearZero => NO_BASELINE,
            _ if of.perturbed_trials[place] == 0 => NOT_MEASURED,
            other => no_trials(other),
        };
        Self::resampled(of.robustness[place].map_err(why))
    }

    /// Their errors of scores need those of every part, of which some are resampled.
    fn score(value: Result<f64, Undefined>) -> Self {
        Self::resampled(value.map_err(|_| NO_PARTS))
    }
}

fn no_trials(why: Undefined) -> Reason {
    if why == Undefined::Empty { Reason::NO_GRADED_TRIALS } else { why.into() }
}

fn no_confidences(why: Undefined) -> Reason {
    if why == Undefined::Empty { Reason::NO_CONFIDENCES } else { why.into() }
}

fn evidence(id: PrincetonId, of: &AgentAnalysis) -> Evidence {
    let repeated = |has: fn(&TaskConsistency) -> bool| {
        let tasks = of.consistency.tasks.iter().filter(|task| has(task));
        tasks.fold(Evidence::default(), |sum, task| Evidence {
            trials: sum.trials + task.runs,
            tasks: sum.tasks + 1,
        })
    };
    let primary = Evidence { trials: of.trials, tasks: of.tasks };
    match id {
        PrincetonId::Outcome | PrincetonId::ConsistencyScore => repeated(|task| task.outcome.is_ok()),
        PrincetonId::Distribution => repeated(|task| task.distribution.is_ok()),
        PrincetonId::Sequence => repeated(|task| task.sequence.is_ok()),
        PrincetonId::Resource => repeated(|task| task.resource.consistency.is_ok()),
        PrincetonId::Calibration
        | PrincetonId::Discrimination
        | PrincetonId::Brier
        | PrincetonId::PredictabilityScore => {
            Evidence { trials: of.predictability.stated.len() as u64, ..primary }
        }
        PrincetonId::Fault => Evidence { trials: of.trials + of.perturbed_trials[0], ..primary },
        PrincetonId::Environment => Evidence { trials: of.trials + of.perturbed_trials[1], ..primary },
        PrincetonId::Prompt => Evidence { trials: of.trials + of.perturbed_trials[2], ..primary },
        PrincetonId::Compliance | PrincetonId::Harm => {
            Evidence { trials: of.safety.as_ref().map_or(0, |safety| safety.scores.len() as u64), ..primary }
        }
        PrincetonId::Accuracy | PrincetonId::RobustnessScore | PrincetonId::Overall => primary,
    }
}

/// Our measures beside theirs: of the baseline, or of every condition with faults.
fn ours(id: PrincetonId, agent: &AgentName, manifest: &RunManifest, scorecards: &Scorecards) -> Vec<Ours> {
    let conditions = manifest.conditions();
    let is_baseline = |name: &ConditionName| {
        conditions.iter().any(|one| one.kind == ConditionKind::Baseline && one.name == *name)
    };
    let mut found = Vec::new();
    for &measure in id.ours() {
        let mut take = |condition: &ConditionName, of: Option<&crate::Measure>| {
            found.extend(of.map(|of| Ours {
                condition: condition.clone(),
                id: measure,
                unit: of.unit,
                value: of.value.clone(),
            }));
        };
        for card in scorecards.scorecards.iter().filter(|card| card.agent == *agent) {
            if is_baseline(&card.condition) {
                take(&card.condition, card.headline(measure));
            }
        }
        for block in scorecards.robustness.iter().filter(|block| block.agent == *agent) {
            take(&block.condition, block.measure(measure));
        }
    }
    found
}
