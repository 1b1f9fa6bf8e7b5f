//! What must hold of the counts. The bounds are stated, not fitted.

use retrial_stats::special::binomial_cdf;
use serde::Serialize;

use super::decisions::{FALSE_PASS, POPULATION, SUITE};
use super::report::{Row, Study};
use super::simulate::{Design, Scenario};

/// Beyond this probability that chance alone explains it, a requirement counts as missed.
const SURPRISING: f64 = 0.001;

/// The normal quantile of one minus that probability.
const SURPRISING_Z: f64 = 3.09;

/// Whether a requirement holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It holds.
    Met,
    /// The share is outside of the bounds, by no more than chance explains with so few repetitions.
    Unclear,
    /// It does not hold.
    Missed,
}

/// A requirement on one design, with what was counted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Requirement {
    /// The study.
    pub study: Study,
    /// Tasks and trials.
    pub design: Design,
    /// The measure or event.
    pub what: String,
    /// The lowest mean share over scenarios.
    pub low: f64,
    /// The highest mean share over scenarios.
    pub high: f64,
    /// The mean share over scenarios; none where nothing was defined.
    pub mean: Option<f64>,
    /// Its Monte Carlo standard error.
    pub error: f64,
    /// The share farthest from the bounds' middle.
    pub worst: Option<f64>,
    /// Where that was.
    pub worst_scenario: Option<Scenario>,
    /// Repetitions in which there was nothing to count.
    pub undefined: u64,
    /// Whether it holds.
    pub standing: Standing,
}

/// How a share is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// The mean lies within the bounds.
    Within,
    /// A one-sided binomial test of all repetitions together does not reject "at most the upper bound".
    NotAbove,
    /// No repetition has an interval.
    Undefined,
}

/// The requirements: study, measure or event, method, bounds, rule.
const REQUIRED: [(Study, &str, &str, f64, f64, Rule); 13] = [
    (Study::Population, "success rate", "shown", 0.93, 0.985, Rule::Within),
    (Study::Population, "pass^3", "shown", 0.93, 0.985, Rule::Within),
    (Study::Population, "pass^5", "shown", 0.93, 0.985, Rule::Within),
    (Study::Population, "outcome consistency", "shown", 0.93, 0.985, Rule::Within),
    (Study::Population, "AUROC", "shown", 0.93, 0.985, Rule::Within),
    (Study::FixedSuite, "success rate", "shown", 0.93, 0.98, Rule::Within),
    (Study::FixedSuite, "pass^3", "shown", 0.92, 1.0, Rule::Within),
    (Study::FixedSuite, "pass^5", "shown", 0.92, 1.0, Rule::Within),
    (Study::FixedSuite, "outcome consistency", "shown", 0.92, 1.0, Rule::Within),
    (Study::FixedSuite, "AUROC", "shown", 0.0, 0.0, Rule::Undefined),
    (Study::Gate, FALSE_PASS, "", 0.035, 0.06, Rule::Within),
    (Study::Identical, POPULATION, "", 0.0, 0.05, Rule::NotAbove),
    (Study::Identical, SUITE, "", 0.0, 0.05, Rule::NotAbove),
];

/// Checks every requirement on every design that has rows.
pub(super) fn check(rows: &[Row]) -> Vec<Requirement> {
    let mut found = Vec::new();
    for (study, what, method, low, high, rule) in REQUIRED {
        let own: Vec<&Row> = rows
            .iter()
            .filter(|row| row.cell.study == study && row.what == what && row.method == method)
            .collect();
        for of_design in own.chunk_by(|a, b| a.cell.design == b.cell.design) {
            found.push(requirement(of_design, (low, high), rule));
        }
    }
    found
}

fn requirement(rows: &[&Row], (low, high): (f64, f64), rule: Rule) -> Requirement {
    let shares: Vec<(f64, Scenario, u64)> = rows
        .iter()
        .filter_map(|row| Some((row.tally.share()?, row.cell.scenario, row.tally.defined)))
        .collect();
    let count = shares.len() as f64;
    let mean = (count > 0.0).then(|| shares.iter().map(|cell| cell.0).sum::<f64>() / count);
    let variance: f64 = shares.iter().map(|(share, _, n)| share * (1.0 - share) / *n as f64).sum();
    let error = if count > 0.0 { variance.sqrt() / count } else { 0.0 };
    let repetitions = shares.iter().map(|cell| cell.2).sum();
    let middle = if rule == Rule::NotAbove { 0.0 } else { f64::midpoint(low, high) };
    let distance = |cell: &&(f64, Scenario, u64)| (cell.0 - middle).abs();
    let worst = shares.iter().max_by(|a, b| distance(a).total_cmp(&distance(b)));
    let first = rows[0];
    Requirement {
        study: first.cell.study,
        design: first.cell.design,
        what: first.what.clone(),
        low,
        high,
        mean,
        error,
        worst: worst.map(|cell| cell.0),
        worst_scenario: worst.map(|cell| cell.1),
        undefined: rows.iter().map(|row| row.tally.undefined).sum(),
        standing: match rule {
            Rule::Within => within(mean, repetitions, (low, high)),
            Rule::NotAbove => not_above(rows, high),
            Rule::Undefined if mean.is_none() => Standing::Met,
            Rule::Undefined => Standing::Missed,
        },
    }
}

/// Compares the mean with the nearer bound; chance is that of a true share on that bound.
fn within(mean: Option<f64>, repetitions: u64, (low, high): (f64, f64)) -> Standing {
    let Some(mean) = mean else { return Standing::Missed };
    let (outside, bound) = if mean < low { (low - mean, low) } else { (mean - high, high) };
    let chance = (bound * (1.0 - bound) / repetitions as f64).sqrt();
    if outside <= 0.0 {
        Standing::Met
    } else if outside <= SURPRISING_Z * chance {
        Standing::Unclear
    } else {
        Standing::Missed
    }
}

/// Tests "the share is at most `high`" against all repetitions together.
fn not_above(rows: &[&Row], high: f64) -> Standing {
    let defined: u64 = rows.iter().map(|row| row.tally.defined).sum();
    let held: u64 = rows.iter().map(|row| row.tally.held).sum();
    if held == 0 {
        return Standing::Met;
    }
    let p = binomial_cdf(held - 1, defined, high).map_or(0.0, |below| 1.0 - below);
    if p < SURPRISING { Standing::Missed } else { Standing::Met }
}
