//! What holds for any trials.

use std::num::NonZeroUsize;

use proptest::prelude::*;
use retrial_metrics::{
    Bounds, MeasureId, Scorecards, Scoring, Settings, Target, TimeoutPolicy, UngradedPolicy, schema,
    scorecard,
};
use retrial_spec::{Claim, RunManifest, TrialRecord, Verdict, read_chunks};

use crate::build::{Change, measure, point, run, trial};

const TASKS: [&str; 4] = ["a", "b", "c", "d"];
const WORDS: [&str; 5] = ["read:cat", "read:head", "edit:sed", "test:pytest", "run:python"];

#[derive(Debug, Clone)]
struct Drawn {
    how: u8,
    words: Vec<&'static str>,
    tokens: Option<u64>,
    confidence: Option<u8>,
    claim: Option<bool>,
}

impl Drawn {
    fn record(&self, task: &str, number: u32) -> TrialRecord {
        let mut record = trial(task, "agent", number).does(&self.words.join(" "));
        record = match self.how {
            0..4 => record,
            4..8 => record.fails(),
            8 => record.ungraded(),
            9 => record.times_out(),
            _ => record.infrastructure(),
        };
        if let Some(tokens) = self.tokens {
            record = record.uses(tokens).takes(tokens).costs(tokens / 2);
        }
        if let Some(confidence) = self.confidence {
            record = record.states(f64::from(confidence) / 10.0);
        }
        match self.claim {
            Some(true) => record.claims(Claim::Done),
            Some(false) => record.claims(Claim::NotDone),
            None => record,
        }
    }
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let words = prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..6);
    let tokens = prop::option::of(0_u64..5);
    (0_u8..11, words, tokens, prop::option::of(0_u8..=10), prop::option::of(any::<bool>()))
        .prop_map(|(how, words, tokens, confidence, claim)| Drawn { how, words, tokens, confidence, claim })
}

/// A run with one to four tasks and up to five trials each, some of which are missing.
pub(crate) fn runs() -> impl Strategy<Value = (RunManifest, Vec<TrialRecord>)> {
    let cell = prop::collection::vec(prop::option::weighted(0.9, drawn()), 5);
    prop::collection::vec(cell, 1..=TASKS.len()).prop_map(|cells| {
        let mut records = Vec::new();
        for (task, cell) in TASKS.iter().zip(&cells) {
            let present = (1..).zip(cell).filter_map(|(number, drawn)| Some((number, drawn.as_ref()?)));
            records.extend(present.map(|(number, drawn)| drawn.record(task, number)));
        }
        (run(&["agent"], &TASKS[..cells.len()], 5), records)
    })
}

pub(crate) fn settings() -> impl Strategy<Value = Settings> {
    let target = prop::sample::select(vec![Target::Population, Target::FixedSuite]);
    let timeout = prop::sample::select(vec![TimeoutPolicy::Verdict, TimeoutPolicy::Fail]);
    let ungraded = prop::sample::select(vec![UngradedPolicy::Exclude, UngradedPolicy::Fail]);
    (target, timeout, ungraded, any::<u64>()).prop_map(|(target, timeout, ungraded, seed)| Settings {
        level: 0.95,
        seed,
        timeout,
        ungraded,
        target,
        ..Settings::default()
    })
}

fn scored(manifest: &RunManifest, records: &[TrialRecord], settings: &Settings) -> Scorecards {
    scorecard(manifest, records.to_vec(), settings).unwrap()
}

fn json(scored: &Scorecards) -> String {
    serde_json::to_string(scored).unwrap()
}

/// The records as lines of a file.
fn lines(records: &[TrialRecord]) -> String {
    records.iter().map(|record| serde_json::to_string(record).unwrap() + "\n").collect()
}

pub(crate) fn shuffled_run()
-> impl Strategy<Value = (RunManifest, Vec<TrialRecord>, RunManifest, Vec<TrialRecord>)> {
    runs().prop_flat_map(|(manifest, records)| {
        let tasks = Just(manifest.tasks.clone()).prop_shuffle();
        let shuffled = Just(records.clone()).prop_shuffle();
        (tasks, shuffled).prop_map(move |(tasks, shuffled)| {
            let turned = RunManifest { tasks, ..manifest.clone() };
            (manifest.clone(), records.clone(), turned, shuffled)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_trials_and_tasks_changes_no_byte(
        (manifest, records, turned, shuffled) in shuffled_run(),
        settings in settings(),
    ) {
        let expected = json(&scored(&manifest, &records, &settings));
        prop_assert_eq!(expected, json(&scored(&turned, &shuffled, &settings)));
    }

    #[test]
    fn chunks_and_threads_change_no_byte(
        (manifest, records) in runs(),
        settings in settings(),
        size in 1_usize..5000,
        threads in 1_usize..5,
    ) {
        let lines = lines(&records);
        let threads = NonZeroUsize::new(threads).unwrap();
        let mut scoring = Scoring::new(&manifest, &settings).unwrap().in_threads(threads);
        scoring.add_chunks(read_chunks(lines.as_bytes(), size)).unwrap();
        prop_assert_eq!(json(&scoring.finish()), json(&scored(&manifest, &records, &settings)));
    }

    #[test]
    fn intervals_hold_their_estimates_and_scores_stay_in_their_range(
        (manifest, records) in runs(),
        settings in settings(),
    ) {
        let scored = scored(&manifest, &records, &settings);
        for measure in &scored.scorecards[0].measures {
            let Some(estimate) = measure.value.estimate() else { continue };
            let point = estimate.point;
            for bounds in std::iter::once(&estimate.interval).chain(&estimate.beside) {
                if let Bounds::Interval(interval) = bounds {
                    prop_assert!(interval.low <= point && point <= interval.high, "{:?}", measure);
                }
            }
            if measure.unit == retrial_metrics::Unit::Share {
                prop_assert!((0.0..=1.0).contains(&point.value()), "{:?}", measure);
            }
        }
    }

    #[test]
    fn books_balance_and_the_worst_case_band_holds_the_success_rate(
        (manifest, records) in runs(),
        settings in settings(),
    ) {
        let scored = scored(&manifest, &records, &settings);
        prop_assert!(scored.books.balanced());
        prop_assert_eq!(scored.books.finished, records.len() as u64);
        let card = &scored.scorecards[0];
        let numbers = &card.denominators;
        prop_assert!(numbers.books.balanced());
        prop_assert_eq!(numbers.graded + numbers.excluded, numbers.books.finished);
        let of_tasks: u64 = card.tasks.iter().map(|task| task.graded).sum();
        prop_assert_eq!(numbers.graded, of_tasks);
        let whole = card.tasks.iter().all(|task| task.finished == 0 || task.graded > 0);
        if let (Some(band), Some(success), true) =
            (card.worst_case, measure(card, MeasureId::SuccessRate).value.estimate(), whole)
        {
            prop_assert!(band.all_fail.value() <= success.point.value() + 1e-12);
            prop_assert!(success.point.value() <= band.all_pass.value() + 1e-12);
        }
    }

    #[test]
    fn turning_a_pass_into_a_failure_never_raises_success(
        (manifest, records) in runs(),
        chosen in any::<prop::sample::Index>(),
    ) {
        let passed: Vec<usize> =
            (0..records.len()).filter(|&index| records[index].verdict == Verdict::Passed).collect();
        prop_assume!(!passed.is_empty());
        let mut worse = records.clone();
        worse[*chosen.get(&passed)].verdict = Verdict::Failed;
        let settings = Settings::default();
        let (before, after) = (scored(&manifest, &records, &settings), scored(&manifest, &worse, &settings));
        for id in [MeasureId::SuccessRate, MeasureId::PassAtK, MeasureId::PassHatK, MeasureId::AlwaysSolved] {
            for (before, after) in before.scorecards[0].all(id).zip(after.scorecards[0].all(id)) {
                if before.value.estimate().is_some() {
                    prop_assert!(point(after) <= point(before) + 1e-12, "{:?} {:?}", before, after);
                }
            }
        }
    }

    #[test]
    fn no_agent_is_more_consistent_than_one_that_repeats_itself((manifest, records) in runs()) {
        let settings = Settings::default();
        let same: Vec<TrialRecord> = records
            .iter()
            .map(|record| trial(record.trial.task.as_str(), "agent", record.trial.number))
            .collect();
        let (any, same) = (scored(&manifest, &records, &settings), scored(&manifest, &same, &settings));
        let ids = [
            MeasureId::OutcomeConsistency,
            MeasureId::ActionMixConsistency,
            MeasureId::ActionOrderConsistency,
        ];
        for id in ids {
            for (any, same) in any.scorecards[0].all(id).zip(same.scorecards[0].all(id)) {
                if any.value.estimate().is_some() {
                    prop_assert!(point(any) <= point(same), "{:?} {:?}", any, same);
                    prop_assert!((point(same) - 1.0).abs() < 1e-12);
                }
            }
        }
    }

    #[test]
    fn the_json_follows_its_schema((manifest, records) in runs(), settings in settings()) {
        let validator = jsonschema::validator_for(&schema().schema).unwrap();
        let json = serde_json::to_value(scored(&manifest, &records, &settings)).unwrap();
        let faults: Vec<String> =
            validator.iter_errors(&json).map(|error| format!("{}: {error}", error.instance_path())).collect();
        prop_assert!(faults.is_empty(), "{:?}", faults);
    }
}
