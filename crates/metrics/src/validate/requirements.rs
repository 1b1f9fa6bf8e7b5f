//! What must hold of the counts. The bounds are stated, not fitted.

use retrial_stats::special::binomial_cdf;
use serde::Serialize;

use super::decisions::{FALSE_PASS, POPULATION, SUITE};
use super::power::PROMISED;
use super::report::{Row, Study};
use super::sequential;
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
    /// The lowest mean share over scenarios; where a plan promises a share, the lowest difference from it in any scenario.
    pub low: f64,
    /// The highest, likewise.
    pub high: f64,
    /// The mean share over scenarios, or the mean difference from what is promised; none where nothing was defined.
    pub mean: Option<f64>,
    /// Its Monte Carlo standard error.
    pub error: f64,
    /// The share or difference farthest from the bounds' middle.
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
    /// One-sided binomial tests of all repetitions together, and of each scenario, do not reject "at most the upper bound".
    NotAbove,
    /// In every scenario the share is within the bounds of what is promised.
    Promised,
    /// No repetition has an interval.
    Undefined,
}

/// The requirements: study, measure or event, method, bounds, rule.
const REQUIRED: [(Study, &str, &str, f64, f64, Rule); 21] = [
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
    (Study::Power, PROMISED[0], "", -0.03, 0.03, Rule::Promised),
    (Study::Power, PROMISED[1], "", -0.03, 0.03, Rule::Promised),
    (Study::Power, PROMISED[2], "", -0.03, 0.03, Rule::Promised),
    (Study::Power, PROMISED[3], "", -0.03, 0.03, Rule::Promised),
    (Study::Power, PROMISED[4], "", -0.03, 0.03, Rule::Promised),
    (Study::Power, PROMISED[5], "", -0.03, 0.03, Rule::Promised),
    (Study::Sequential, sequential::RATE, "", 0.0, 0.05, Rule::NotAbove),
    (Study::Sequential, sequential::PAIR, "", 0.0, 0.05, Rule::NotAbove),
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
        .filter_map(|row| {
            let promised = if rule == Rule::Promised { row.tally.promised? } else { 0.0 };
            Some((row.tally.share()? - promised, row.cell.scenario, row.tally.defined))
        })
        .collect();
    let count = shares.len() as f64;
    let mean = (count > 0.0).then(|| shares.iter().map(|cell| cell.0).sum::<f64>() / count);
    let variance: f64 = rows.iter().filter_map(|row| variance(row)).sum();
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
            Rule::Promised => promised(rows, high),
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

/// The variance of a row's share by chance; none where nothing was defined.
fn variance(row: &Row) -> Option<f64> {
    let share = row.tally.share()?;
    Some(share * (1.0 - share) / row.tally.defined as f64)
}

/// Tests "the share is at most `high`" against all repetitions together, and against those of each scenario; so that several scenarios
/// are not several chances to be wrong, each is tested at its part of the error rate.
fn not_above(rows: &[&Row], high: f64) -> Standing {
    let exceeds = |held: u64, defined: u64, surprising: f64| {
        held > 0 && binomial_cdf(held - 1, defined, high).map_or(0.0, |below| 1.0 - below) < surprising
    };
    let held = rows.iter().map(|row| row.tally.held).sum();
    let defined = rows.iter().map(|row| row.tally.defined).sum();
    let part = SURPRISING / rows.len() as f64;
    let any = rows.iter().any(|row| exceeds(row.tally.held, row.tally.defined, part));
    if any || exceeds(held, defined, SURPRISING) { Standing::Missed } else { Standing::Met }
}

/// Compares each scenario's share with what is promised; the worst counts.
fn promised(rows: &[&Row], slack: f64) -> Standing {
    let standing = |row: &&Row| {
        let (Some(share), Some(promised)) = (row.tally.share(), row.tally.promised) else {
            return Standing::Missed;
        };
        let chance = variance(row).unwrap_or_default().sqrt();
        match (share - promised).abs() - slack {
            ..=0.0 => Standing::Met,
            outside if outside <= SURPRISING_Z * chance => Standing::Unclear,
            _ => Standing::Missed,
        }
    };
    rows.iter().map(standing).max().unwrap_or(Standing::Missed)
}
