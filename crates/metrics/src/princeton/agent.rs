//! Their analysis of one agent: from a table of trials to every number.

use std::collections::{BTreeMap, BTreeSet};

use retrial_stats::{Undefined, moments};

use super::abstention::{AbstentionMetrics, abstention};
use super::aggregate::{Aggregate, Parts, aggregate};
use super::consistency::{self, ConfidenceConsistency, ResourceConsistency, Series};
use super::predictability::{Predictability, predictability};
use super::robustness::{accuracy, robustness_ratio};
use super::safety::{Safety, safety};
use super::trial::{Phase, Row, Trial};

/// A mean over tasks with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TaskMean {
    /// The unweighted mean over tasks with a value.
    pub value: Result<f64, Undefined>,
    /// Their standard deviation (n − 1) / √n; it exists from two tasks on.
    pub standard_error: Result<f64, Undefined>,
    /// How many tasks have a value.
    pub tasks: u64,
}

impl TaskMean {
    fn of(values: impl Iterator<Item = Result<f64, Undefined>>) -> Self {
        let all: Vec<Result<f64, Undefined>> = values.collect();
        let known: Vec<f64> = all.iter().copied().filter_map(Result::ok).collect();
        let why =
            all.into_iter().find_map(Result::err).unwrap_or(Undefined::TooFewItems { have: 1, need: 2 });
        let error = moments::variance(&known).map(|variance| (variance / known.len() as f64).sqrt());
        Self {
            value: moments::mean(&known).map_err(|_| why),
            standard_error: error.map_err(|_| Undefined::TooFewGroups { have: known.len(), need: 2 }),
            tasks: known.len() as u64,
        }
    }
}

/// The consistency of one task with at least two trials.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskConsistency {
    /// The task.
    pub task: u32,
    /// How many trials it has.
    pub runs: u64,
    /// The mean of their outcomes.
    pub success_rate: f64,
    /// `C_out`.
    pub outcome: Result<f64, Undefined>,
    /// `C_traj^d`.
    pub distribution: Result<f64, Undefined>,
    /// `C_traj^s`.
    pub sequence: Result<f64, Undefined>,
    /// The consistency of confidences.
    pub confidence: ConfidenceConsistency,
    /// `C_res`.
    pub resource: ResourceConsistency,
    /// Mean cost in US dollars, time in seconds, calls and actions, zeros and all.
    pub means: [f64; 4],
    /// Mean confidence.
    pub mean_confidence: Option<f64>,
}

/// The consistency of an agent over its baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Consistency {
    /// `C_out`.
    pub outcome: TaskMean,
    /// `C_traj^d`.
    pub distribution: TaskMean,
    /// `C_traj^s`.
    pub sequence: TaskMean,
    /// The consistency of confidences.
    pub confidence: TaskMean,
    /// `C_res`.
    pub resource: TaskMean,
    /// Means over tasks of the coefficients of variation, in the order of [`ResourceConsistency::cvs`].
    pub mean_cvs: [Option<f64>; 6],
    /// The same of confidences.
    pub mean_confidence_cv: Option<f64>,
    /// The tasks with at least two trials.
    pub tasks: Vec<TaskConsistency>,
}

/// Returns the consistency of the trials, each with its task; tasks with one trial are left out.
pub fn consistency<'a>(trials: impl IntoIterator<Item = (u32, &'a Trial)>) -> Consistency {
    let mut by_task: BTreeMap<u32, Vec<&Trial>> = BTreeMap::new();
    for (task, trial) in trials {
        by_task.entry(task).or_default().push(trial);
    }
    let repeated = by_task.into_iter().filter(|(_, trials)| trials.len() > 1);
    let tasks: Vec<TaskConsistency> = repeated.filter_map(|(task, trials)| of_task(task, &trials)).collect();
    let mean = |of: &dyn Fn(&TaskConsistency) -> Option<f64>| {
        moments::mean(&tasks.iter().filter_map(of).collect::<Vec<f64>>()).ok()
    };
    Consistency {
        outcome: TaskMean::of(tasks.iter().map(|task| task.outcome)),
        distribution: TaskMean::of(tasks.iter().map(|task| task.distribution)),
        sequence: TaskMean::of(tasks.iter().map(|task| task.sequence)),
        confidence: TaskMean::of(tasks.iter().map(|task| task.confidence.consistency)),
        resource: TaskMean::of(tasks.iter().map(|task| task.resource.consistency)),
        mean_cvs: std::array::from_fn(|index| mean(&|task| task.resource.cvs[index])),
        mean_confidence_cv: mean(&|task| task.confidence.cv),
        tasks,
    }
}

fn of_task(task: u32, trials: &[&Trial]) -> Option<TaskConsistency> {
    let successes: Vec<f64> = trials.iter().map(|trial| trial.success()).collect();
    let succeeded: Vec<bool> = trials.iter().map(|trial| trial.succeeded()).collect();
    let actions: Vec<&[u32]> = trials.iter().map(|trial| trial.actions.as_slice()).collect();
    let stated: Vec<(f64, bool)> = trials
        .iter()
        .filter_map(|trial| Some((trial.confidence.or(trial.parsed_confidence)?, trial.succeeded())))
        .collect();
    let confidences: Vec<f64> = stated.iter().map(|&(confidence, _)| confidence).collect();
    let series = series(trials);
    let mean = |values: &[f64]| moments::mean(values).ok();
    Some(TaskConsistency {
        task,
        runs: trials.len() as u64,
        success_rate: mean(&successes)?,
        outcome: consistency::outcome(&successes),
        distribution: consistency::trajectory_distribution(&actions, &succeeded),
        sequence: consistency::trajectory_sequence(&actions, &succeeded),
        confidence: consistency::confidence(&stated),
        means: [mean(&series.costs)?, mean(&series.times)?, mean(&series.calls)?, mean(&series.actions)?],
        mean_confidence: mean(&confidences),
        resource: consistency::resource(&series),
    })
}

fn series(trials: &[&Trial]) -> Series {
    let of = |value: fn(&Trial) -> f64| trials.iter().map(|trial| value(trial)).collect();
    Series {
        costs: of(Trial::cost),
        times: of(|trial| trial.time_s),
        calls: of(|trial| trial.calls as f64),
        actions: of(|trial| trial.stated_actions as f64),
        errors: of(|trial| trial.stated_errors as f64),
        latencies: of(|trial| trial.mean_latency_ms),
    }
}

/// Every number of one agent.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentAnalysis {
    /// Distinct tasks of the primary trials: those of the baseline, or all where there is no baseline.
    pub tasks: u64,
    /// Distinct repetitions of the primary trials, each phase counted apart.
    pub runs: u64,
    /// Primary trials.
    pub trials: u64,
    /// The mean outcome of the primary trials.
    pub accuracy: Result<f64, Undefined>,
    /// √(a(1 − a)/(tasks · runs)), as if no trial were missing and none shared a task.
    pub accuracy_error: Result<f64, Undefined>,
    /// Consistency over the baseline.
    pub consistency: Consistency,
    /// Predictability over the primary trials.
    pub predictability: Predictability,
    /// `R_fault`, `R_env` and `R_prompt`.
    pub robustness: [Result<f64, Undefined>; 3],
    /// The accuracies under the three perturbations; they exist where there is a baseline.
    pub perturbed: [Result<f64, Undefined>; 3],
    /// Trials under the three perturbations.
    pub perturbed_trials: [u64; 3],
    /// Safety over the primary trials.
    pub safety: Result<Safety, Undefined>,
    /// Abstention over the baseline.
    pub abstention: Result<AbstentionMetrics, Undefined>,
    /// Scores of dimensions and the overall score.
    pub aggregate: Aggregate,
}

/// Returns every number of one agent from its trials, in any order.
pub fn analyse(rows: &[Row]) -> AgentAnalysis {
    let of_phase = |phase: Phase| rows.iter().filter(move |row| row.phase == phase);
    let successes = |phase: Phase| of_phase(phase).map(|row| row.trial.success()).collect::<Vec<f64>>();
    let is_bare = of_phase(Phase::Baseline).next().is_none();
    let primary: Vec<&Row> = rows.iter().filter(|row| is_bare || row.phase == Phase::Baseline).collect();
    let trials = || primary.iter().map(|row| &row.trial);
    let tasks = primary.iter().map(|row| row.task).collect::<BTreeSet<u32>>().len() as u64;
    let runs = primary.iter().map(|row| (row.phase, row.run)).collect::<BTreeSet<_>>().len() as u64;
    let accuracy_of = accuracy(&trials().map(Trial::success).collect::<Vec<f64>>());
    let baseline = successes(Phase::Baseline);
    let perturbed = [Phase::Fault, Phase::Structural, Phase::Prompt].map(successes);
    let beside = |of: Result<f64, Undefined>| if is_bare { Err(Undefined::Empty) } else { of };
    let consistency = consistency(of_phase(Phase::Baseline).map(|row| (row.task, &row.trial)));
    let predictability = predictability(trials());
    let robustness = perturbed.each_ref().map(|perturbed| robustness_ratio(&baseline, perturbed));
    let parts = Parts {
        outcome: consistency.outcome.value.ok(),
        distribution: consistency.distribution.value.ok(),
        sequence: consistency.sequence.value.ok(),
        resource: consistency.resource.value.ok(),
        brier: predictability.brier.ok().map(|brier| brier.score),
        robustness: robustness.map(Result::ok),
    };
    AgentAnalysis {
        tasks,
        runs,
        trials: primary.len() as u64,
        accuracy: accuracy_of,
        accuracy_error: accuracy_of.and_then(|accuracy| accuracy_error(accuracy, tasks * runs)),
        consistency,
        predictability,
        robustness,
        perturbed: perturbed.each_ref().map(|perturbed| beside(accuracy(perturbed))),
        perturbed_trials: perturbed.each_ref().map(|perturbed| perturbed.len() as u64),
        safety: safety(trials().filter_map(|trial| trial.judged.as_ref())),
        abstention: abstention(of_phase(Phase::Baseline).map(|row| &row.trial)),
        aggregate: aggregate(&parts),
    }
}

fn accuracy_error(accuracy: f64, n: u64) -> Result<f64, Undefined> {
    if n < 2 {
        return Err(Undefined::TooFewItems { have: n as usize, need: 2 });
    }
    Ok((accuracy * (1.0 - accuracy) / n as f64).sqrt())
}
