//! Whether decisions come out as often as a plan promises.
//!
//! The pairs are drawn here as [`Assumptions`] describes them, trial by trial, and not by the code that plans.

use retrial_stats::Level;

use super::decisions::{dropped, pair};
use super::report::{Cell, Tallies};
use super::simulate::Simulator;
use crate::Target;
use crate::decide::{Decision, Finding, GateRule, OneSided, population_finding, suite_finding};
use crate::planning::{Assumptions, DEFAULT_R, Outcome, Split, Terms, chance, detectable};

/// The power with which the smallest detectable difference is planned.
const POWER: f64 = 0.8;

/// A difference that is planned for in every design.
const DIFFERENCE: f64 = 0.1;

/// Promises, in rows.
pub(super) const PROMISED: [&str; 6] = [
    "population: difference of 0.1 shown",
    "population: difference planned for with power 0.8 shown",
    "fixed suite: difference of 0.1 shown",
    "fixed suite: difference planned for with power 0.8 shown",
    "gate: equal candidate passes",
    "gate: drop of the margin is a regression",
];

/// Runs every decision as often as the cell says, beside the promise.
pub(super) fn run(cell: &Cell, tallies: &mut Tallies) {
    let (mu, rho) = (cell.scenario.mean, cell.scenario.correlation);
    let Ok(assumptions) = Assumptions::new(mu, rho, DEFAULT_R) else { return };
    let mut simulator = Simulator::new(cell.seed, cell.stream());
    let terms = Terms { target: Target::Population, seed: simulator.seed(), ..Terms::default() };
    let [fixed, planned, suite_fixed, suite_planned, passes, finds] = PROMISED;
    for (target, at_fixed, at_planned) in
        [(Target::Population, fixed, planned), (Target::FixedSuite, suite_fixed, suite_planned)]
    {
        let terms = Terms { target, ..terms };
        let differs = |delta| Outcome::DifferenceShown(delta);
        one(cell, tallies, &mut simulator, (at_fixed, assumptions, terms, differs(DIFFERENCE)), None);
        if let Ok(Some(found)) = detectable(assumptions, terms, POWER, split(cell)) {
            let outcome = differs(found.difference);
            one(cell, tallies, &mut simulator, (at_planned, assumptions, terms, outcome), Some(POWER));
        }
    }
    let margin = GateRule::default().margin;
    one(cell, tallies, &mut simulator, (passes, assumptions, terms, Outcome::GatePasses(margin)), None);
    one(cell, tallies, &mut simulator, (finds, assumptions, terms, Outcome::GateFinds(margin)), None);
}

/// A row's name, and what is promised of it.
type Question = (&'static str, Assumptions, Terms, Outcome);

fn split(cell: &Cell) -> Split {
    Split { tasks: cell.design.tasks.into(), trials: cell.design.trials.into() }
}

/// Counts one outcome beside its promise, which is that of [`chance`] where none is given.
fn one(
    cell: &Cell,
    tallies: &mut Tallies,
    simulator: &mut Simulator,
    (name, assumptions, terms, outcome): Question,
    promised: Option<f64>,
) {
    let planned = promised.map_or_else(
        || chance(assumptions, terms, outcome, split(cell)).map(|chance| chance.probability),
        Ok,
    );
    let Ok(promised) = planned else { return };
    for _ in 0..cell.repetitions {
        tallies.promised(name, promised, happens(cell, simulator, terms.target, outcome));
    }
}

fn happens(cell: &Cell, simulator: &mut Simulator, target: Target, outcome: Outcome) -> bool {
    let trials = cell.design.trials;
    match outcome {
        Outcome::DifferenceShown(delta) => {
            let (candidate, baseline) = match target {
                Target::Population => related(simulator, cell, delta),
                Target::FixedSuite => dropped(simulator, cell, delta),
            };
            let pairs = pair(simulator, &candidate, &baseline, trials);
            let finding = match target {
                Target::Population => population_finding(&pairs, Level::P95),
                Target::FixedSuite => suite_finding(&pairs, Level::P95),
            };
            finding == Finding::Worse
        }
        Outcome::GatePasses(margin) => gated(cell, simulator, 0.0, margin) == Decision::Pass,
        Outcome::GateFinds(drop) => gated(cell, simulator, drop, drop) == Decision::Regression,
    }
}

fn gated(cell: &Cell, simulator: &mut Simulator, drop: f64, margin: f64) -> Decision {
    let (candidate, baseline) = dropped(simulator, cell, drop);
    let pairs = pair(simulator, &candidate, &baseline, cell.design.trials);
    OneSided::new(&pairs, Level::P90).map_or(Decision::Inconclusive, |bounds| bounds.decide(margin))
}

/// Probabilities of a candidate that is worse by `delta` in the mean of all tasks there are, and of the baseline; the candidate finds
/// each task as hard as the baseline does with the probability [`DEFAULT_R`], and otherwise as hard as some other task.
fn related(simulator: &mut Simulator, cell: &Cell, delta: f64) -> (Vec<f64>, Vec<f64>) {
    let tasks = cell.design.tasks as usize;
    let baseline = simulator.probabilities(cell.scenario, tasks);
    let other = simulator.probabilities(cell.scenario, tasks);
    let factor = 1.0 - delta / cell.scenario.mean;
    let both = baseline.iter().zip(other);
    let candidate =
        both.map(|(&same, other)| factor * if simulator.happens(DEFAULT_R) { same } else { other });
    (candidate.collect(), baseline)
}
