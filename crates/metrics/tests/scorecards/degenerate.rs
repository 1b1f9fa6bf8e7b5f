//! Every measure of every thin or extreme run: a finite number whose interval holds it, or a reason from the documented list.

use std::collections::BTreeSet;

use retrial_metrics::{
    Bounds, GroupBy, Measure, MeasureId, Scorecards, Settings, Target, Value, schema, scorecard,
};
use retrial_spec::{Claim, RunManifest, TrialRecord};
use serde_json::Value as Json;

use crate::build::{Change, run, trial};

/// Trials with everything that can be recorded, each a little different.
fn rich(task: &str, number: u32) -> TrialRecord {
    let n = u64::from(number);
    let actions =
        if number.is_multiple_of(2) { "read:cat edit:sed test:pytest" } else { "search:grep edit:sed" };
    let files = if number.is_multiple_of(3) { "a.py" } else { "a.py b.py" };
    let record = trial(task, "agent", number).does(actions).uses(100 + n).takes(1000 + 10 * n).costs(30 + n);
    let record = record.calls_for(500 + n).leaves(files, &(n % 4).to_string());
    record.states(f64::from(number % 5) / 4.0).claims(Claim::Done)
}

fn cells(tasks: &[&str], trials: u32, change: impl Fn(TrialRecord) -> TrialRecord) -> Vec<TrialRecord> {
    let numbers =
        |task: &&str| -> Vec<TrialRecord> { (1..=trials).map(|number| rich(task, number)).collect() };
    tasks.iter().flat_map(numbers).map(change).collect()
}

fn mixed(record: TrialRecord) -> TrialRecord {
    if record.trial.number.is_multiple_of(3) { record.fails() } else { record }
}

/// Only what a record must have.
#[expect(clippy::needless_pass_by_value, reason = "as the other changes of a record take it")]
fn bare(record: TrialRecord) -> TrialRecord {
    trial(record.trial.task.as_str(), "agent", record.trial.number)
}

fn without_outcomes(record: TrialRecord) -> TrialRecord {
    if record.trial.number == 1 { record.infrastructure() } else { record.ungraded() }
}

fn unequal() -> Vec<TrialRecord> {
    let mut trials = cells(&["a"], 7, mixed);
    trials.extend(cells(&["b"], 1, mixed));
    trials.extend(cells(&["c"], 2, TrialRecord::fails));
    trials
}

/// Names, tasks, planned trials, and records.
fn scenarios() -> Vec<(&'static str, RunManifest, Vec<TrialRecord>)> {
    let three = ["a", "b", "c"];
    let of = |tasks: &[&str], trials: u32, change: fn(TrialRecord) -> TrialRecord| {
        (run(&["agent"], tasks, trials), cells(tasks, trials, change))
    };
    let named = vec![
        ("nothing ran", (run(&["agent"], &three, 5), Vec::new())),
        ("no tasks", (run(&["agent"], &[], 5), Vec::new())),
        ("one trial in all", of(&["a"], 1, mixed)),
        ("one task", of(&["a"], 6, mixed)),
        ("one trial of each task", of(&three, 1, mixed)),
        ("two trials of each task", of(&three, 2, mixed)),
        ("all passed", of(&three, 6, |record| record)),
        ("all failed", of(&three, 6, TrialRecord::fails)),
        ("mixed", of(&three, 6, mixed)),
        ("many trials", of(&three, 25, mixed)),
        ("nothing recorded", of(&three, 6, bare)),
        ("nothing recorded of one trial", of(&["a"], 1, bare)),
        (
            "all alike",
            of(&three, 6, |record| bare(record).uses(5).costs(5).takes(5).states(1.0).leaves("a", "p")),
        ),
        ("amounts of zero", of(&three, 6, |record| mixed(record).uses(0).costs(0).takes(0))),
        ("no actions", of(&three, 6, |record| mixed(record).does(""))),
        ("no confidences", of(&three, 6, |record| mixed(bare(record)).uses(9))),
        ("confidence always the same", of(&three, 6, |record| mixed(record).states(0.5))),
        ("nothing graded", of(&three, 6, without_outcomes)),
        ("infrastructure alone", of(&three, 6, Change::infrastructure)),
        ("huge amounts", of(&three, 6, |record| mixed(record).uses(u64::MAX).costs(u64::MAX))),
        ("unequal tasks", (run(&["agent"], &["a", "b", "c", "d"], 9), unequal())),
    ];
    named.into_iter().map(|(name, (manifest, records))| (name, manifest, records)).collect()
}

fn settings() -> impl Iterator<Item = Settings> {
    [Target::Population, Target::FixedSuite].into_iter().map(|target| Settings {
        target,
        groups: GroupBy::Task,
        ..Settings::default()
    })
}

fn each_scored(mut check: impl FnMut(&str, &Scorecards)) {
    for settings in settings() {
        for (name, manifest, records) in scenarios() {
            check(name, &scorecard(&manifest, records, &settings).unwrap());
        }
    }
}

fn all_measures(scored: &Scorecards) -> impl Iterator<Item = &Measure> {
    let of_cards = scored.scorecards.iter().flat_map(|card| &card.measures);
    of_cards.chain(scored.groups.iter().flat_map(|card| &card.measures))
}

#[test]
fn every_measure_is_a_number_in_its_interval_or_a_documented_reason() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
    let page = fs_err::read_to_string(page).unwrap();
    let mut codes = BTreeSet::new();
    each_scored(|name, scored| {
        for measure in all_measures(scored) {
            match &measure.value {
                Value::Undefined(reason) => drop(codes.insert(reason.code().to_owned())),
                Value::Estimate(estimate) => {
                    assert!(estimate.n.trials > 0 && estimate.n.tasks > 0, "{name}: {measure:?}");
                    for bounds in std::iter::once(&estimate.interval).chain(&estimate.beside) {
                        match bounds {
                            Bounds::Interval(of) => {
                                assert!(
                                    of.low <= estimate.point && estimate.point <= of.high,
                                    "{name}: {measure:?}"
                                );
                            }
                            Bounds::Undefined(reason) => drop(codes.insert(reason.code().to_owned())),
                        }
                    }
                }
            }
        }
    });
    assert!(codes.len() > 10, "{codes:?}");
    for code in codes {
        assert!(page.contains(&format!("`{code}`")), "docs/metrics.md lacks the reason `{code}`");
    }
}

#[test]
fn every_measure_is_there_whatever_the_data_and_none_draws_more_than_there_are() {
    each_scored(|name, scored| {
        for card in &scored.scorecards {
            for id in
                MeasureId::ALL.iter().filter(|id| id.dimension() != retrial_metrics::Dimension::Robustness)
            {
                assert!(card.all(*id).next().is_some(), "{name}: no {}", id.as_str());
            }
            let fewest = card.tasks.iter().filter(|task| task.graded > 0).map(|task| task.graded).min();
            let most = card.all(MeasureId::PassHatK).filter_map(|measure| measure.k).max().unwrap_or(0);
            assert!(u64::from(most) <= fewest.unwrap_or(1), "{name}: k = {most} of {fewest:?}");
        }
    });
}

/// Places of nulls that say "none" on purpose.
const NULLS: [&str; 7] = ["worst_case", "action", "group", "title", "version", "simulation", "environment"];

fn nulls(json: &Json, key: &str, found: &mut Vec<String>) {
    match json {
        Json::Null => found.push(key.to_owned()),
        Json::Array(items) => items.iter().for_each(|item| nulls(item, key, found)),
        Json::Object(fields) => fields.iter().for_each(|(key, value)| nulls(value, key, found)),
        Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

#[test]
fn no_number_of_the_json_is_missing_and_the_json_follows_its_schema() {
    let validator = jsonschema::validator_for(&schema().schema).unwrap();
    each_scored(|name, scored| {
        let json = serde_json::to_value(scored).unwrap();
        let faults: Vec<String> =
            validator.iter_errors(&json).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(faults.is_empty(), "{name}: {faults:?}");
        // A NaN would be written as null.
        let mut found = Vec::new();
        nulls(&json["scorecards"], "scorecards", &mut found);
        nulls(&json["groups"], "groups", &mut found);
        found.retain(|key| !NULLS.contains(&key.as_str()));
        assert!(found.is_empty(), "{name}: {found:?}");
    });
}
