//! What an agent has earned, and which runs that rests on. Nothing here is from anywhere but the ledger.

use std::collections::BTreeSet;

use jiff::Timestamp;
use retrial_spec::{AgentName, ConditionName, ContentDigest, RunId};
use retrial_stats::Level;
use schemars::JsonSchema;
use serde::Serialize;

use super::entry::{LedgerEntry, ReleaseName};
use super::findings::{RunPoint, RunRef};
use super::releases::{Total, ks};
use crate::value::{Bounds, Estimate, Finite, Number, Reason, Value};

/// pass^k: the chance that all of k trials of a task pass, mean over tasks.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PassHat {
    /// The number of trials.
    pub k: u32,
    /// Its value, for exactly these tasks.
    pub value: Value,
}

/// How an agent stands: its runs since the last change-point, or since the first run, added up.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Standing {
    /// The first of these runs.
    pub since: RunRef,
    /// The last of them, which is the newest of the agent.
    pub until: RunRef,
    /// How many runs they are.
    pub runs: u64,
    /// Of how many releases.
    pub releases: u64,
    /// Whole days from the first to the last of them.
    pub days: u64,
    /// Trials that count.
    pub graded: u64,
    /// Those that passed.
    pub passed: u64,
    /// The success rate, for exactly these tasks: the average of these runs, which is the agent's now if nothing has changed unseen.
    pub success: Value,
    /// The lower bound of that average, one-sided, with the confidence of the history's level.
    pub success_at_least: Number,
    /// The newest release by itself, which no change unseen in earlier ones can flatter.
    pub newest: NewestBound,
    /// pass^k for each of 10, 5, 3 and 2 that there are enough trials of every task for, the largest first.
    pub pass_hat: Vec<PassHat>,
    /// The largest k of them whose lower one-sided bound is at least a half; none where there is none.
    pub reliable_over: Option<u32>,
    /// What a success costs, in millionths of a US dollar; its interval speaks of new tasks like these.
    pub cost_per_success: Value,
}

/// What the newest release of an agent shows by itself: its runs since the last change-point added up.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct NewestBound {
    /// The release.
    pub release: ReleaseName,
    /// How many runs they are.
    pub runs: u64,
    /// Trials that count.
    pub graded: u64,
    /// The success rate, for exactly these tasks.
    pub success: Value,
    /// The lower bound of the success rate, one-sided, with the confidence of the history's level.
    pub success_at_least: Number,
}

impl NewestBound {
    fn new(entries: &[&LedgerEntry], release: &ReleaseName, level: Level, one_sided: Level) -> Self {
        let of: Vec<&LedgerEntry> =
            entries.iter().copied().filter(|entry| entry.release == *release).collect();
        let total = Total::new(&of, level);
        Self {
            release: release.clone(),
            runs: of.len() as u64,
            graded: total.graded(),
            success: total.success().into(),
            success_at_least: lower(Total::new(&of, one_sided).success()).into(),
        }
    }
}

impl Standing {
    /// Adds up the runs; none where there is no run.
    pub(super) fn new(entries: &[&LedgerEntry], level: Level) -> Option<Self> {
        let (first, last) = (entries.first()?, entries.last()?);
        let total = Total::new(entries, level);
        let one_sided_level = Level::from_one_sided(level.confidence()).unwrap_or(level);
        let one_sided = Total::new(entries, one_sided_level);
        let is_likely = |k: &u32| lower(one_sided.pass_hat(*k)).is_ok_and(|low| low.value() >= 0.5);
        let releases: BTreeSet<_> = entries.iter().map(|entry| &entry.release).collect();
        Some(Self {
            since: RunRef::from(*first),
            until: RunRef::from(*last),
            runs: entries.len() as u64,
            releases: releases.len() as u64,
            days: days(first.at, last.at),
            graded: total.graded(),
            passed: total.passed(),
            success: total.success().into(),
            success_at_least: lower(one_sided.success()).into(),
            newest: NewestBound::new(entries, &last.release, level, one_sided_level),
            pass_hat: ks(total.longest()).map(|k| PassHat { k, value: total.pass_hat(k).into() }).collect(),
            reliable_over: ks(total.longest()).find(is_likely),
            cost_per_success: total.cost_per_success().into(),
        })
    }
}

/// The lower end of an estimate's interval.
fn lower(estimate: Result<Estimate, Reason>) -> Result<Finite, Reason> {
    match estimate?.interval {
        Bounds::Interval(interval) => Ok(interval.low),
        Bounds::Undefined(reason) => Err(reason),
    }
}

/// Whole days between two times.
fn days(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_hours() / 24).unwrap_or(0)
}

/// What an agent has earned under a condition, over all suites.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Reputation {
    /// The agent.
    pub agent: AgentName,
    /// The condition.
    pub condition: ConditionName,
    /// Its runs, over all suites; one that was counted by several rules is there once, by those of the suite with the newest run.
    pub runs: u64,
    /// Trials that count.
    pub graded: u64,
    /// Those that passed. No rate is made of them: suites differ in how hard they are.
    pub passed: u64,
    /// Different tasks, by name and digest.
    pub tasks: u64,
    /// What it has earned on each suite, the newest last.
    pub suites: Vec<SuiteRecord>,
    /// The runs that all this rests on, the oldest first, with the digests of their files.
    pub rests_on: Vec<RunPoint>,
}

/// What an agent has earned on a suite.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SuiteRecord {
    /// The suite.
    pub suite: ContentDigest,
    /// The experiment's name.
    pub experiment: RunId,
    /// Tasks of the suite.
    pub tasks: u64,
    /// Trials that count, over all runs.
    pub graded: u64,
    /// Those that passed.
    pub passed: u64,
    /// How many change-points its history has.
    pub changes: u64,
    /// How it stands now.
    pub standing: Standing,
}
