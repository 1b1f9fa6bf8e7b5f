//! How often comparisons and gates are wrong.

use retrial_stats::Level;

use super::report::{Cell, Tallies};
use super::simulate::{Simulator, groups};
use crate::Target;
use crate::decide::{Decision, Finding, GateRule, OneSided, population_finding, suite_finding};
use crate::paired::PairedCounts;

/// Compares identical agents: the same tasks, fresh trials.
pub(super) fn identical(cell: &Cell, tallies: &mut Tallies) {
    let mut simulator = Simulator::new(cell.seed, cell.stream());
    for _ in 0..cell.repetitions {
        let p = simulator.probabilities(cell.scenario, cell.design.tasks as usize);
        let pairs = pair(&mut simulator, &p, &p, cell.design.trials);
        let differs = |finding: Finding| finding != Finding::NotShown;
        tallies.event(POPULATION, differs(population_finding(&pairs, Level::P95)));
        tallies.event(SUITE, differs(suite_finding(&pairs, Level::P95)));
        let suite = pairs.difference(Target::FixedSuite, Level::P95);
        let interval = suite.as_ref().ok().and_then(|estimate| estimate.interval.interval());
        let zero_out =
            interval.is_some_and(|interval| interval.low.value() > 0.0 || interval.high.value() < 0.0);
        tallies.event("fixed suite, interval alone", zero_out);
    }
}

/// The finding for the population, in rows.
pub(super) const POPULATION: &str = "population: called different";
/// The finding for the fixed suite, in rows.
pub(super) const SUITE: &str = "fixed suite: called different";
/// A wrong pass, in rows.
pub(super) const FALSE_PASS: &str = "drop of the margin: pass";

/// Gates a candidate whose suite is worse by nothing, by the margin and by twice the margin.
///
/// The candidate's probabilities are the baseline's times one factor. Suites with a mean below the drop are drawn anew.
pub(super) fn gate(cell: &Cell, tallies: &mut Tallies) {
    let mut simulator = Simulator::new(cell.seed, cell.stream());
    let rule = GateRule::default();
    let level = Level::P90;
    for (drop, name) in [(0.0, "no drop"), (1.0, "drop of the margin"), (2.0, "drop of twice the margin")] {
        for _ in 0..cell.repetitions {
            let (candidate, baseline) = dropped(&mut simulator, cell, drop * rule.margin);
            let truth = -drop * rule.margin;
            let pairs = pair(&mut simulator, &candidate, &baseline, cell.design.trials);
            let decision = OneSided::new(&pairs, level)
                .map_or(Decision::Inconclusive, |bounds| bounds.decide(rule.margin));
            tallies.event(&format!("{name}: pass"), decision == Decision::Pass);
            tallies.event(&format!("{name}: regression"), decision == Decision::Regression);
            let suite = pairs.difference(Target::FixedSuite, Level::P95);
            let interval = suite.as_ref().ok().and_then(|estimate| estimate.interval.interval());
            let ends = interval.map(|interval| (interval.low.value(), interval.high.value()));
            tallies.interval(&format!("difference, {name}"), "shown", ends, truth);
        }
    }
}

/// Probabilities of a candidate and of the baseline it is worse than by `drop`, mean over tasks.
pub(super) fn dropped(simulator: &mut Simulator, cell: &Cell, drop: f64) -> (Vec<f64>, Vec<f64>) {
    loop {
        let baseline = simulator.probabilities(cell.scenario, cell.design.tasks as usize);
        let mean = baseline.iter().sum::<f64>() / baseline.len() as f64;
        if mean > drop {
            return (baseline.iter().map(|p| p * (1.0 - drop / mean)).collect(), baseline);
        }
    }
}

/// Fresh trials of both.
pub(super) fn pair(
    simulator: &mut Simulator,
    candidate: &[f64],
    baseline: &[f64],
    trials: u32,
) -> PairedCounts {
    let (first, second) = (simulator.counts(candidate, trials), simulator.counts(baseline, trials));
    PairedCounts { first: groups(first), second: groups(second) }
}
