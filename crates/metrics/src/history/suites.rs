//! From a ledger to what it says: suites, their agents, change-points and reputations.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use retrial_spec::{AgentName, ConditionName, ContentDigest, RunId, TaskName};
use retrial_stats::Level;

use super::attribution::Case;
use super::changes::{Alarm, alarms};
use super::entry::LedgerEntry;
use super::findings::{
    AgentHistory, Change, ChangedFact, HISTORY_SCHEMA, History, HistoryOptions, RunPoint, SuiteHistory,
};
use super::pooled::Pooled;
use super::reading::Ledger;
use super::releases::{points, releases};
use super::reputation::{Reputation, Standing, SuiteRecord};
use crate::MetricsError;
use crate::value::{Finite, Reason, Value};

/// What is asked of which ledger.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) options: &'a HistoryOptions,
    /// The options' level.
    pub(super) level: Level,
}

/// Says what a ledger says. The same for the same entries, in whatever order and files they lie.
///
/// # Errors
/// [`MetricsError::Level`] for a level that is none.
pub fn history(ledger: &Ledger, options: &HistoryOptions) -> Result<History, MetricsError> {
    let not_a_level = || MetricsError::Level(options.level);
    let level = Level::new(options.level).map_err(|_| not_a_level())?;
    let shown_level = Finite::new(options.level).map_err(|_| not_a_level())?;
    let asked = Asked { ledger, options, level };
    let mut suites: BTreeMap<(&ContentDigest, &ConditionName), Vec<&[LedgerEntry]>> = BTreeMap::new();
    for series in ledger.series() {
        if let Some(first) = series.first() {
            suites.entry((&first.suite, &first.condition)).or_default().push(series);
        }
    }
    let mut found: Vec<(jiff::Timestamp, SuiteHistory)> = Vec::new();
    for all in suites.values() {
        let Some(first) = all.iter().filter_map(|series| series.first()).min_by_key(|entry| entry.at) else {
            continue;
        };
        let agents = all.iter().filter_map(|series| agent(series, asked)).collect();
        found.push((first.at, suite(first, agents)));
    }
    found.sort_by(|(a, one), (b, other)| {
        let key = |suite: &SuiteHistory| (suite.experiment.clone(), suite.condition.clone());
        (key(one), a, &one.suite).cmp(&(key(other), b, &other.suite))
    });
    let mut suites: Vec<SuiteHistory> = found.into_iter().map(|(_, suite)| suite).collect();
    for place in 1..suites.len() {
        let (earlier, later) = suites.split_at_mut(place);
        if let (Some(earlier), Some(later)) = (earlier.last(), later.first_mut())
            && (&earlier.experiment, &earlier.condition) == (&later.experiment, &later.condition)
            && !shares_run(earlier, later)
        {
            later.follows = Some(earlier.suite.clone());
        }
    }
    let reputations = reputations(ledger, &suites);
    Ok(History { schema: HISTORY_SCHEMA, level: shown_level, suites, reputations })
}

/// Whether a run is on both suites: then it was counted by both's rules, and neither suite replaces the other.
fn shares_run(one: &SuiteHistory, other: &SuiteHistory) -> bool {
    let runs = |suite: &SuiteHistory| -> BTreeSet<RunId> {
        let points = suite.agents.iter().flat_map(|history| &history.runs);
        points.map(|point| point.run.run.clone()).collect()
    };
    !runs(one).is_disjoint(&runs(other))
}

fn suite(first: &LedgerEntry, agents: Vec<AgentHistory>) -> SuiteHistory {
    SuiteHistory {
        suite: first.suite.clone(),
        experiment: first.experiment.clone(),
        condition: first.condition.clone(),
        tasks: first.tasks.iter().map(|task| task.name.clone()).collect(),
        undigested: first.tasks.iter().filter(|task| task.digest.is_none()).count() as u64,
        follows: None,
        agents,
    }
}

fn agent(series: &[LedgerEntry], asked: Asked<'_>) -> Option<AgentHistory> {
    let level = asked.level;
    let entries: Vec<&LedgerEntry> = series.iter().collect();
    let counts: Vec<_> = entries.iter().map(|entry| entry.counts()).collect();
    let alarms = alarms(&counts, level);
    let pooled = Pooled::new(&counts);
    let newest = alarms.last().map_or(0, |alarm| alarm.first)..entries.len();
    let mut changes = Vec::new();
    for (place, alarm) in alarms.iter().enumerate() {
        let end = alarms.get(place + 1).map_or(entries.len(), |next| next.first);
        let case = Case {
            entries: &entries,
            before: alarm.start..alarm.first,
            after: alarm.first..end,
            plausible: alarm.plausible.clone(),
            direction: alarm.direction,
        };
        changes.extend(change(alarm, &case, (&pooled, &newest), asked));
    }
    let standing = Standing::new(entries.get(newest).unwrap_or_default(), level);
    Some(AgentHistory {
        agent: entries.first()?.agent.name.clone(),
        runs: points(&entries, level),
        releases: releases(&entries, level),
        changes,
        standing: standing?,
    })
}

/// A change-point; `newest` are the runs since the newest of all.
fn change(
    alarm: &Alarm,
    case: &Case<'_>,
    (pooled, newest): (&Pooled, &Range<usize>),
    asked: Asked<'_>,
) -> Option<Change> {
    let entry = |place: usize| case.entries.get(place).copied();
    let (since, last_before) = (entry(alarm.first)?, entry(alarm.first.checked_sub(1)?)?);
    let shift = pooled.shift(&case.before, &case.after)?;
    let still = (newest.start != case.after.start).then(|| {
        let shift = pooled.shift(&case.before, newest).ok_or(Reason::NO_GRADED_TRIALS);
        Value::from(shift.and_then(|shift| shift.difference(asked.level)))
    });
    let [before, after] = shift.rates(asked.level);
    Some(Change {
        direction: alarm.direction,
        since: since.into(),
        earliest: entry(alarm.plausible.start)?.into(),
        latest: entry(alarm.plausible.end.checked_sub(1)?)?.into(),
        last_before: last_before.into(),
        found_with: entry(alarm.at)?.into(),
        runs_before: case.before.len() as u64,
        runs_after: case.after.len() as u64,
        before: before.into(),
        after: after.into(),
        difference: Value::from(shift.difference(asked.level)),
        still,
        p: Finite::new(alarm.p).ok()?,
        p_method: alarm.method,
        adjusted_p: Finite::new(alarm.adjusted_p).ok()?,
        changed: changed(last_before, since),
        attribution: case.attribution(asked),
    })
}

/// What two entries state differently of the agent.
fn changed(before: &LedgerEntry, after: &LedgerEntry) -> Vec<ChangedFact> {
    let recipe = |entry: &LedgerEntry| {
        entry.agent.recipe.as_ref().map(|recipe| format!("{} {}", recipe.name, recipe.digest.short()))
    };
    let kit = |entry: &LedgerEntry| entry.agent.recipe.as_ref().and_then(|recipe| recipe.kit.clone());
    let setup = |entry: &LedgerEntry| entry.setup.as_ref().map(|digest| digest.short().to_owned());
    let facts = [
        ("version", before.agent.version.clone(), after.agent.version.clone()),
        ("model", before.agent.model.clone(), after.agent.model.clone()),
        ("recipe", recipe(before), recipe(after)),
        ("kit", kit(before), kit(after)),
        ("settings", setup(before), setup(after)),
    ];
    let word = |fact: Option<String>| fact.unwrap_or_else(|| "unknown".to_owned());
    facts
        .into_iter()
        .filter(|(_, before, after)| before != after)
        .map(|(what, before, after)| ChangedFact {
            what: what.to_owned(),
            before: word(before),
            after: word(after),
        })
        .collect()
}

fn reputations(ledger: &Ledger, suites: &[SuiteHistory]) -> Vec<Reputation> {
    let who: BTreeSet<(&AgentName, &ConditionName)> =
        ledger.entries().map(|entry| (&entry.agent.name, &entry.condition)).collect();
    who.into_iter().map(|(agent, condition)| reputation(ledger, suites, agent, condition)).collect()
}

fn reputation(
    ledger: &Ledger,
    suites: &[SuiteHistory],
    agent: &AgentName,
    condition: &ConditionName,
) -> Reputation {
    let own = suites.iter().filter(|suite| suite.condition == *condition).flat_map(|suite| {
        let agents = suite.agents.iter().filter(|history| history.agent == *agent);
        agents.map(move |history| (suite, history))
    });
    let mut own: Vec<(&SuiteHistory, &AgentHistory)> = own.collect();
    own.sort_by_key(|(suite, history)| (history.standing.until.at, &suite.suite));
    // The trials of a run that was counted by several rules are there once.
    let mut of_runs: BTreeMap<_, &RunPoint> = BTreeMap::new();
    for point in own.iter().flat_map(|(_, history)| &history.runs) {
        of_runs.insert((point.run.at, &point.run.run), point);
    }
    let rests_on: Vec<RunPoint> = of_runs.into_values().cloned().collect();
    let tasks: BTreeSet<(&TaskName, Option<&ContentDigest>)> = ledger
        .entries()
        .filter(|entry| entry.agent.name == *agent && entry.condition == *condition)
        .flat_map(|entry| entry.tasks.iter().map(|task| (&task.name, task.digest.as_ref())))
        .collect();
    Reputation {
        agent: agent.clone(),
        condition: condition.clone(),
        runs: rests_on.len() as u64,
        graded: rests_on.iter().map(|point| point.graded).sum(),
        passed: rests_on.iter().map(|point| point.passed).sum(),
        tasks: tasks.len() as u64,
        suites: own.iter().map(|(suite, history)| record(suite, history)).collect(),
        rests_on,
    }
}

fn record(suite: &SuiteHistory, history: &AgentHistory) -> SuiteRecord {
    SuiteRecord {
        suite: suite.suite.clone(),
        experiment: suite.experiment.clone(),
        tasks: suite.tasks.len() as u64,
        graded: history.runs.iter().map(|point| point.graded).sum(),
        passed: history.runs.iter().map(|point| point.passed).sum(),
        changes: history.changes.len() as u64,
        standing: history.standing.clone(),
    }
}
