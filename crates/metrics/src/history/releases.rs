//! Runs of the same release added up.

use retrial_stats::compare::Pair;
use retrial_stats::{ClusterCounts, Counts, Level};

use super::entry::LedgerEntry;
use super::findings::{ReleaseRow, RunPoint, RunRef};
use super::pooled::{added, rate};
use super::reputation::PassHat;
use crate::estimators::Context;
use crate::success::Outcomes;
use crate::value::{Estimate, Reason, Value};
use crate::{MeasureId, Settings, Target, cost};

/// The values of `k` of pass^k, the largest first.
const KS: [u32; 4] = [10, 5, 3, 2];

/// Trials of some runs of an agent added up.
#[derive(Debug, Clone)]
pub(super) struct Total {
    counts: Vec<Counts>,
    /// Cost and successes of each task with a known cost.
    costs: Vec<Pair<f64>>,
    priced: u64,
    level: Level,
}

impl Total {
    /// Adds up; all entries are of one suite.
    pub(super) fn new(entries: &[&LedgerEntry], level: Level) -> Self {
        let tasks = entries.first().map_or(0, |entry| entry.tasks.len());
        let mut counts = vec![Counts::of(&[]); tasks];
        let mut costs = vec![(0.0, 0.0, 0_u64); tasks];
        for entry in entries {
            for (place, task) in entry.tasks.iter().enumerate().take(tasks) {
                counts[place] = added(counts[place], task.counts());
                if let Some(cost) = task.cost {
                    let sum = &mut costs[place];
                    sum.0 += cost.usd_micros as f64;
                    sum.1 += f64::from(cost.passed);
                    sum.2 = sum.2.saturating_add(u64::from(cost.trials));
                }
            }
        }
        let priced = costs.iter().map(|sum| sum.2).fold(0, u64::saturating_add);
        let known = costs.into_iter().filter(|sum| sum.2 > 0);
        let costs = known.map(|(first, second, _)| Pair { first, second }).collect();
        Self { counts, costs, priced, level }
    }

    pub(super) fn graded(&self) -> u64 {
        self.counts.iter().map(|counts| counts.total()).fold(0, u64::saturating_add)
    }

    pub(super) fn passed(&self) -> u64 {
        self.counts.iter().map(|counts| counts.successes()).fold(0, u64::saturating_add)
    }

    /// The tasks with graded trials.
    pub(super) fn groups(&self) -> Result<ClusterCounts, Reason> {
        let counts: Vec<Counts> = self.counts.iter().copied().filter(|counts| counts.total() > 0).collect();
        if counts.is_empty() {
            return Err(Reason::NO_GRADED_TRIALS);
        }
        ClusterCounts::new(counts).map_err(|_| Reason::NO_GRADED_TRIALS)
    }

    /// The success rate for exactly these tasks.
    pub(super) fn success(&self) -> Result<Estimate, Reason> {
        rate(&self.groups()?, self.level)
    }

    /// The largest k that every task with graded trials has enough trials for.
    pub(super) fn longest(&self) -> u64 {
        self.groups().ok().and_then(|groups| groups.smallest_group()).unwrap_or(0)
    }

    /// pass^k for exactly these tasks.
    pub(super) fn pass_hat(&self, k: u32) -> Result<Estimate, Reason> {
        let settings = self.settings(Target::FixedSuite);
        let (counts, context) = (self.groups()?, Context::without_actions(&settings, self.level));
        Outcomes::new(&counts, k, &context).curve(MeasureId::PassHatK, k)
    }

    /// What a success costs; the interval speaks of new tasks like these.
    pub(super) fn cost_per_success(&self) -> Result<Estimate, Reason> {
        if self.costs.is_empty() {
            return Err(Reason::NOT_RECORDED);
        }
        if self.costs.iter().all(|sum| sum.second <= 0.0) {
            return Err(Reason::NO_SUCCESSES);
        }
        let settings = self.settings(Target::Population);
        cost::ratio(&self.costs, self.priced, &Context::without_actions(&settings, self.level))
    }

    fn settings(&self, target: Target) -> Settings {
        Settings { level: self.level.confidence(), target, ..Settings::default() }
    }
}

/// Returns the values of `k` that so many trials of each task are enough for, the largest first.
pub(super) fn ks(longest: u64) -> impl Iterator<Item = u32> {
    KS.into_iter().filter(move |k| u64::from(*k) <= longest)
}

pub(super) fn points(entries: &[&LedgerEntry], level: Level) -> Vec<RunPoint> {
    let point = |entry: &&LedgerEntry| {
        let total = Total::new(&[*entry], level);
        RunPoint {
            run: RunRef::from(*entry),
            version: entry.agent.version.clone(),
            model: entry.agent.model.clone(),
            inputs: entry.inputs.clone(),
            graded: total.graded(),
            passed: total.passed(),
            excluded: entry.tasks.iter().map(|task| u64::from(task.excluded)).sum(),
            success: total.success().into(),
        }
    };
    entries.iter().map(point).collect()
}

/// Returns the releases of an agent's runs, by their first run.
pub(super) fn releases(entries: &[&LedgerEntry], level: Level) -> Vec<ReleaseRow> {
    let mut releases: Vec<Vec<&LedgerEntry>> = Vec::new();
    for &entry in entries {
        let known = releases.iter_mut().find(|of| of.iter().any(|known| known.release == entry.release));
        match known {
            Some(known) => known.push(entry),
            None => releases.push(vec![entry]),
        }
    }
    let totals: Vec<Total> = releases.iter().map(|of| Total::new(of, level)).collect();
    let k = totals.iter().map(Total::longest).min().and_then(|longest| ks(longest).next());
    releases.iter().zip(&totals).filter_map(|(of, total)| row(of, total, k)).collect()
}

fn row(entries: &[&LedgerEntry], total: &Total, k: Option<u32>) -> Option<ReleaseRow> {
    let (first, last) = (entries.first()?, entries.last()?);
    Some(ReleaseRow {
        release: first.release.clone(),
        runs: entries.iter().map(|entry| entry.run.clone()).collect(),
        from: first.at,
        to: last.at,
        is_mixed: entries.iter().any(|entry| !entry.states_the_same_as(first)),
        graded: total.graded(),
        passed: total.passed(),
        success: total.success().into(),
        pass_hat: k.map(|k| PassHat { k, value: Value::from(total.pass_hat(k)) }),
        cost_per_success: total.cost_per_success().into(),
    })
}
