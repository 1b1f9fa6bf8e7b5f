//! How often the intervals of scorecards hold the true value, for both targets.

use retrial_stats::{Functional, Level};

use super::LEVEL;
use super::report::{Cell, Tallies};
use super::simulate::{Scenario, Simulator, outcomes};
use crate::estimators::Context;
use crate::success::Outcomes;
use crate::value::{Bounds, Estimate, Reason};
use crate::{MeasureId, Settings, Target, confidence};

/// The values of k that are validated.
const K: [u32; 2] = [3, 5];

/// Tasks from which the true area is computed.
const AREA_TASKS: usize = 400_000;

/// The true values that intervals should hold.
struct Truth {
    success: f64,
    all_of: [f64; 2],
    any_of: [f64; 2],
    consistency: f64,
}

impl Truth {
    /// Of new tasks like these.
    fn population(scenario: Scenario) -> Self {
        Self {
            success: scenario.mean,
            all_of: K.map(|k| scenario.all_of(k)),
            any_of: K.map(|k| scenario.any_of(k)),
            consistency: scenario.consistency(),
        }
    }

    /// Of exactly these tasks.
    fn suite(probabilities: &[f64]) -> Self {
        let mean = |functional: Functional| {
            probabilities.iter().map(|&p| functional.at(p)).sum::<f64>() / probabilities.len() as f64
        };
        Self {
            success: mean(Functional::Mean),
            all_of: K.map(|k| mean(Functional::PassHat(k))),
            any_of: K.map(|k| mean(Functional::PassAt(k))),
            consistency: mean(Functional::Consistency),
        }
    }
}

/// Runs a cell of intervals for the target.
pub(super) fn run(cell: &Cell, target: Target, tallies: &mut Tallies) {
    let mut simulator = Simulator::new(cell.seed, cell.stream());
    let area = match target {
        Target::Population => cell.scenario.area(AREA_TASKS, &mut simulator),
        // There is no interval to hold it.
        Target::FixedSuite => 0.5,
    };
    let level = Level::P95;
    for _ in 0..cell.repetitions {
        let probabilities = simulator.probabilities(cell.scenario, cell.design.tasks as usize);
        let forecasts = simulator.forecasts(&probabilities, cell.design.trials);
        let settings = Settings { level: LEVEL, seed: simulator.seed(), target, ..Settings::default() };
        let context = Context::without_actions(&settings, level);
        let truth = match target {
            Target::Population => Truth::population(cell.scenario),
            Target::FixedSuite => Truth::suite(&probabilities),
        };
        let counts = outcomes(&forecasts);
        of_outcomes(&Outcomes::new(&counts, cell.longest(), &context), &truth, cell, tallies);
        shown(tallies, "AUROC", &confidence::auroc(&forecasts, &context), area);
    }
}

impl Cell {
    /// The largest k that is validated.
    fn longest(&self) -> u32 {
        self.design.trials.min(K[1])
    }
}

fn of_outcomes(found: &Outcomes<'_>, truth: &Truth, cell: &Cell, tallies: &mut Tallies) {
    let success = found.success_rate();
    shown(tallies, "success rate", &success, truth.success);
    raw(tallies, "success rate", found, Functional::Mean, truth.success);
    for (k, (all_of, any_of)) in K.into_iter().zip(truth.all_of.into_iter().zip(truth.any_of)) {
        if k > cell.longest() {
            continue;
        }
        let (hat, at) = (format!("pass^{k}"), format!("pass@{k}"));
        shown(tallies, &hat, &found.curve(MeasureId::PassHatK, k), all_of);
        raw(tallies, &hat, found, Functional::PassHat(k), all_of);
        shown(tallies, &at, &found.curve(MeasureId::PassAtK, k), any_of);
    }
    shown(tallies, "outcome consistency", &found.consistency(), truth.consistency);
    raw(tallies, "outcome consistency", found, Functional::Consistency, truth.consistency);
    for bounds in success.iter().flat_map(|estimate| &estimate.beside) {
        if let Bounds::Interval(interval) = bounds {
            let method = format!("{}, beside", interval.method);
            tallies.interval("success rate", &method, Some(ends(interval)), truth.success);
        }
    }
}

fn ends(interval: &crate::Interval) -> (f64, f64) {
    (interval.low.value(), interval.high.value())
}

/// Counts the interval that the scorecard shows.
fn shown(tallies: &mut Tallies, measure: &str, estimate: &Result<Estimate, Reason>, truth: f64) {
    let interval = estimate.as_ref().ok().and_then(|estimate| estimate.interval.interval());
    tallies.interval(measure, "shown", interval.map(ends), truth);
}

/// Counts the posterior interval before the estimate is added to it.
fn raw(tallies: &mut Tallies, measure: &str, found: &Outcomes<'_>, functional: Functional, truth: f64) {
    if let Some(interval) = found.raw_posterior(functional) {
        tallies.interval(measure, "raw posterior", Some((interval.low(), interval.high())), truth);
    }
}
