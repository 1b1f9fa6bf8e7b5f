//! Predictability: does the agent know when it failed, by the confidence it states and by what it claims?

use retrial_stats::calibration::brier::{bias, brier};
use retrial_stats::discrimination::auroc::auroc_clustered;
use retrial_stats::{ClusterCounts, Counts, Forecast, Scored, Undefined};

use crate::calibration::{Calibrated, Calibration};
use crate::estimators::{self, Context};
use crate::trials::{TaskTrials, Trial};
use crate::value::{Estimate, Evidence, Interval, Known, Reason};
use crate::{Measure, MeasureId, Target};

/// Returns the measures of predictability, and the details of calibration.
pub(crate) fn measures(
    tasks: &[TaskTrials<'_>],
    context: &Context<'_>,
) -> (Vec<Measure>, Known<Calibration>) {
    let forecasts = forecasts(tasks);
    let of_forecasts = |value: fn(&[Vec<Forecast>], &Context<'_>) -> Result<Estimate, Reason>| {
        forecasts.as_ref().map_err(Clone::clone).and_then(|forecasts| value(forecasts, context))
    };
    let calibrated = Calibrated::new(&forecasts, context);
    let mut measures = calibrated.measures(context);
    measures.extend(
        [
            (MeasureId::Brier, of_forecasts(brier_score)),
            (MeasureId::Auroc, of_forecasts(auroc)),
            (MeasureId::Overconfidence, of_forecasts(overconfidence)),
            (MeasureId::InvisibleOfFailures, invisible_of_failures(tasks, context)),
            (MeasureId::InvisibleOfTrials, invisible_of_trials(tasks, context)),
            (MeasureId::ConfidenceCoverage, coverage(tasks, context)),
        ]
        .map(|(id, value)| Measure::new(id, context.target(), value)),
    );
    (measures, calibrated.details())
}

/// Stated confidences with outcomes, of each task that has any.
pub(crate) fn forecasts(tasks: &[TaskTrials<'_>]) -> Result<Vec<Vec<Forecast>>, Reason> {
    graded(tasks)?;
    let stated = |trial: &Trial| {
        let forecast = Forecast::new(trial.confidence?, trial.is_passed());
        Some(forecast.expect("confidences are checked when a trial is added"))
    };
    let forecasts: Vec<Vec<Forecast>> = tasks
        .iter()
        .map(|task| task.graded().filter_map(stated).collect())
        .filter(|task: &Vec<Forecast>| !task.is_empty())
        .collect();
    if forecasts.is_empty() { Err(Reason::NO_CONFIDENCES) } else { Ok(forecasts) }
}

fn graded(tasks: &[TaskTrials<'_>]) -> Result<(), Reason> {
    if tasks.iter().all(|task| task.trials.is_empty()) {
        return Err(Reason::NO_TRIALS);
    }
    if tasks.iter().any(|task| task.graded().next().is_some()) {
        Ok(())
    } else {
        Err(Reason::NO_GRADED_TRIALS)
    }
}

fn evidence(forecasts: &[Vec<Forecast>]) -> Evidence {
    let trials = forecasts.iter().map(|task| task.len() as u64).sum();
    Evidence { trials, tasks: forecasts.len() as u64 }
}

fn brier_score(forecasts: &[Vec<Forecast>], context: &Context<'_>) -> Result<Estimate, Reason> {
    let values = forecasts.iter().map(|task| brier(task)).collect::<Result<Vec<f64>, _>>()?;
    estimators::mean_over_tasks(&values, evidence(forecasts).trials, (0.0, 1.0), context)
}

fn overconfidence(forecasts: &[Vec<Forecast>], context: &Context<'_>) -> Result<Estimate, Reason> {
    let values = forecasts.iter().map(|task| bias(task)).collect::<Result<Vec<f64>, _>>()?;
    estimators::mean_over_tasks(&values, evidence(forecasts).trials, (-1.0, 1.0), context)
}

/// Estimates the area under the curve of forecasts by task, with the clustered interval of the population.
pub(crate) fn auroc(forecasts: &[Vec<Forecast>], context: &Context<'_>) -> Result<Estimate, Reason> {
    let scored: Vec<Vec<Scored>> =
        forecasts.iter().map(|task| task.iter().map(|&forecast| forecast.into()).collect()).collect();
    let estimate = auroc_clustered(&scored, context.level)?;
    let interval = match context.target() {
        Target::Population => Interval::of(&estimate, (0.0, 1.0)),
        Target::FixedSuite => Err(Reason::NOT_FOR_TARGET),
    };
    Estimate::new(estimate.point, evidence(forecasts), context.target(), interval)
}

/// Counts, in each task, the trials of which `of` says whether they count (`Some`) and have the property (`true`).
fn share(
    tasks: &[TaskTrials<'_>],
    of: impl Fn(&Trial) -> Option<bool>,
    none: Reason,
    context: &Context<'_>,
) -> Result<Estimate, Reason> {
    let counts: Vec<Counts> = tasks
        .iter()
        .map(|task| Counts::of(&task.graded().filter_map(&of).collect::<Vec<bool>>()))
        .filter(|counts| counts.total() > 0)
        .collect();
    if counts.is_empty() {
        return Err(none);
    }
    let counts = ClusterCounts::new(counts).map_err(|_| Reason::from(Undefined::Empty))?;
    estimators::rate(&counts, context)
}

/// Trials without a known claim do not count: nobody knows whether their failure was visible.
fn invisible_of_failures(tasks: &[TaskTrials<'_>], context: &Context<'_>) -> Result<Estimate, Reason> {
    graded(tasks)?;
    if tasks.iter().all(|task| task.graded().all(Trial::is_passed)) {
        return Err(Reason::NO_FAILURES);
    }
    let claimed = |trial: &Trial| if trial.is_passed() { None } else { trial.claims_done() };
    share(tasks, claimed, Reason::NO_CLAIMS, context)
}

fn invisible_of_trials(tasks: &[TaskTrials<'_>], context: &Context<'_>) -> Result<Estimate, Reason> {
    graded(tasks)?;
    share(tasks, invisible, Reason::NO_CLAIMS, context)
}

/// Whether the trial failed and its agent claimed that the task is done; none where no claim is known.
fn invisible(trial: &Trial) -> Option<bool> {
    trial.claims_done().map(|claims_done| claims_done && !trial.is_passed())
}

/// Counts the invisible failures among the graded trials of a task whose claim is known.
pub(crate) fn invisible_counts(task: &TaskTrials<'_>) -> Counts {
    Counts::of(&task.graded().filter_map(invisible).collect::<Vec<bool>>())
}

fn coverage(tasks: &[TaskTrials<'_>], context: &Context<'_>) -> Result<Estimate, Reason> {
    graded(tasks)?;
    let stated = |trial: &Trial| trial.confidence_asked.then_some(trial.confidence.is_some());
    share(tasks, stated, Reason::NOT_ASKED, context)
}
