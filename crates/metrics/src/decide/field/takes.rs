//! What the contenders' trials take of a resource, on the tasks on which all that take anything can be set against each other.

use std::collections::BTreeSet;

use retrial_spec::TaskName;
use retrial_stats::compare::Pair;
use retrial_stats::compare::paired::PairedDifference;
use retrial_stats::{Level, Undefined, moments};

use super::{Contender, Question};
use crate::decide::contrast::amounts;
use crate::value::{Estimate, Evidence, Interval, Number, Reason, Value};
use crate::{Resource, Target};

/// What each contender takes of a resource.
///
/// A typical amount is a geometric mean over tasks, and the amounts of two contenders differ by the ratio of theirs only over the same
/// tasks. So all rest on the tasks in which every contender that takes anything has an amount above 0. One that takes nothing in any
/// task, such as a model of one's own, is known to take nothing, and takes no task away from the others.
pub(super) struct Taken {
    pub(super) resource: Resource,
    /// Tasks that the amounts above 0 rest on.
    pub(super) tasks: u64,
    of: Vec<Takes>,
}

/// What one contender takes.
enum Takes {
    /// Nothing is known.
    Unknown(Reason),
    /// Nothing, in no trial.
    Nothing(Evidence),
    /// Mean amounts, all above 0, of the common tasks in their order.
    Amounts { means: Vec<f64>, trials: u64 },
}

/// How two contenders stand in a resource.
pub(super) struct Against {
    /// The logarithm of the candidate's typical amount over the baseline's; infinite where one of them takes nothing.
    pub(super) log_ratio: f64,
    /// Two-sided p-value of "they take as much".
    pub(super) p: Number,
}

/// A task with its recorded amounts.
type OfTask<'a> = (&'a TaskName, Vec<f64>);

impl Taken {
    pub(super) fn new(field: &[Contender<'_>], resource: Resource) -> Self {
        let recorded: Vec<Result<Vec<OfTask<'_>>, Reason>> =
            field.iter().map(|contender| recorded(contender, resource)).collect();
        let is_above = |(_, amounts): &&OfTask<'_>| amounts.iter().any(|&amount| amount > 0.0);
        let mut common: Option<BTreeSet<&TaskName>> = None;
        for tasks in recorded.iter().flatten() {
            let own: BTreeSet<&TaskName> = tasks.iter().filter(is_above).map(|(task, _)| *task).collect();
            if !own.is_empty() {
                common = Some(common.map_or_else(|| own.clone(), |known| &known & &own));
            }
        }
        let common = common.unwrap_or_default();
        let of = recorded.into_iter().map(|tasks| takes(tasks, &common)).collect();
        Self { resource, tasks: common.len() as u64, of }
    }

    /// Says whether it is known what a contender takes.
    pub(super) fn is_known(&self, place: usize) -> bool {
        !matches!(self.of.get(place), None | Some(Takes::Unknown(_)))
    }

    /// Says whether a contender is known to take nothing.
    pub(super) fn is_nothing(&self, place: usize) -> bool {
        matches!(self.of.get(place), Some(Takes::Nothing(_)))
    }

    /// What a trial of a typical task takes: the geometric mean over tasks of their mean amounts, with Student's interval of the logarithms.
    pub(super) fn typical(&self, place: usize, question: &Question, level: Level) -> Value {
        let target = question.settings.target;
        let found = match self.of.get(place) {
            None => Err(Reason::NOT_RECORDED),
            Some(Takes::Unknown(reason)) => Err(reason.clone()),
            Some(Takes::Nothing(n)) => Estimate::new(0.0, *n, target, Err(Undefined::ZeroVariance.into())),
            Some(Takes::Amounts { means, trials }) => geometric(means, *trials, target, level),
        };
        found.into()
    }

    /// Sets two contenders against each other; none where it is not known what one of them takes.
    ///
    /// Paired Student of the logarithms over the common tasks. Where one takes nothing there are no logarithms, and Student's test is of
    /// the other's amounts themselves.
    pub(super) fn against(&self, candidate: usize, baseline: usize, level: Level) -> Option<Against> {
        let found = match (self.of.get(candidate)?, self.of.get(baseline)?) {
            (Takes::Unknown(_), _) | (_, Takes::Unknown(_)) => return None,
            (Takes::Nothing(_), Takes::Nothing(_)) => (0.0, Err(Undefined::ZeroVariance)),
            (Takes::Nothing(_), Takes::Amounts { means, .. }) => {
                (f64::NEG_INFINITY, student(means.iter().map(|&mean| (0.0, mean)), level))
            }
            (Takes::Amounts { means, .. }, Takes::Nothing(_)) => {
                (f64::INFINITY, student(means.iter().map(|&mean| (mean, 0.0)), level))
            }
            (Takes::Amounts { means: one, .. }, Takes::Amounts { means: other, .. }) => {
                let logarithms = || one.iter().zip(other).map(|(one, other)| (one.ln(), other.ln()));
                let ratio = moments::mean(&logarithms().map(|(one, other)| one - other).collect::<Vec<_>>());
                (ratio.ok()?, student(logarithms(), level))
            }
        };
        Some(Against { log_ratio: found.0, p: Number::of(found.1) })
    }
}

fn student(pairs: impl Iterator<Item = (f64, f64)>, level: Level) -> Result<f64, Undefined> {
    let pairs: Vec<Pair<f64>> = pairs.map(|(first, second)| Pair { first, second }).collect();
    PairedDifference::new(&pairs, level)?.p_two_sided()
}

/// The tasks that have a recorded amount, with all of them.
fn recorded<'a>(contender: &Contender<'a>, resource: Resource) -> Result<Vec<OfTask<'a>>, Reason> {
    let (mut found, mut reason) = (Vec::new(), Reason::NO_TRIALS);
    for task in &contender.entrant.tasks {
        match amounts(resource, task, contender.entrant.is_replayed) {
            Ok(amounts) => found.push((&task.task, amounts)),
            Err(why) => reason = why,
        }
    }
    if found.is_empty() { Err(reason) } else { Ok(found) }
}

fn takes(tasks: Result<Vec<OfTask<'_>>, Reason>, common: &BTreeSet<&TaskName>) -> Takes {
    let tasks = match tasks {
        Ok(tasks) => tasks,
        Err(reason) => return Takes::Unknown(reason),
    };
    let trials = |tasks: &[OfTask<'_>]| tasks.iter().map(|(_, amounts)| amounts.len() as u64).sum();
    if tasks.iter().all(|(_, amounts)| amounts.iter().all(|&amount| amount <= 0.0)) {
        return Takes::Nothing(Evidence { trials: trials(&tasks), tasks: tasks.len() as u64 });
    }
    let tasks: Vec<OfTask<'_>> = tasks.into_iter().filter(|(task, _)| common.contains(task)).collect();
    let means = tasks.iter().map(|(_, amounts)| moments::mean(amounts)).collect::<Result<Vec<f64>, _>>();
    match means {
        Ok(means) if !means.is_empty() => Takes::Amounts { means, trials: trials(&tasks) },
        Ok(_) => Takes::Unknown(Reason::NO_COMMON_TASK),
        Err(reason) => Takes::Unknown(reason.into()),
    }
}

fn geometric(means: &[f64], trials: u64, target: Target, level: Level) -> Result<Estimate, Reason> {
    let logarithms: Vec<f64> = means.iter().map(|mean| mean.ln()).collect();
    let found = moments::mean_t(&logarithms, level)?;
    let interval = match target {
        Target::FixedSuite => Err(Reason::NOT_FOR_TARGET),
        Target::Population => found.interval.map_err(Reason::from).and_then(|interval| {
            let ends = retrial_stats::Interval::new(interval.low().exp(), interval.high().exp())
                .map_err(|_| Reason::from(Undefined::NotFinite))?;
            Interval::new(ends, level, found.method)
        }),
    };
    Estimate::new(found.point.exp(), Evidence { trials, tasks: means.len() as u64 }, target, interval)
}
