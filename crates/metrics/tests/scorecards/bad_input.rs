//! Records and settings that cannot be: refused by name, with the exit code of the refusal.

use std::collections::BTreeSet;
use std::error::Error;
use std::num::NonZeroUsize;

use retrial_metrics::{MetricsError, Scoring, Settings, scorecard};
use retrial_spec::{Exit, RunManifest, TrialRecord, Verdict, read_chunks};

use crate::build::{Change, run, score, trial};

fn refusal(manifest: &RunManifest, trials: &[TrialRecord]) -> (String, Exit) {
    let error = score(manifest, trials).unwrap_err();
    (error.to_string(), error.exit())
}

#[test]
fn a_trial_recorded_twice_is_refused_by_name() {
    let manifest = run(&["agent"], &["a"], 2);
    let (text, exit) = refusal(&manifest, &[trial("a", "agent", 1), trial("a", "agent", 1).fails()]);
    assert_eq!(text, "trial `a~agent~baseline~1` is recorded twice");
    assert_eq!(exit, Exit::Invalid);
}

#[test]
fn trials_that_nobody_planned_are_refused_by_name() {
    let manifest = run(&["agent"], &["a"], 2);
    let mut strange = trial("a", "agent", 1);
    strange.trial.condition = "faults".parse().unwrap();
    for (record, what) in [
        (trial("z", "agent", 1), "task"),
        (trial("a", "other", 1), "agent"),
        (strange, "condition"),
        (trial("a", "agent", 3), "trial number"),
        (trial("a", "agent", 0), "trial number"),
    ] {
        let (text, exit) = refusal(&manifest, std::slice::from_ref(&record));
        assert_eq!(text, format!("trial `{}` is not planned: the run knows no such {what}", record.trial));
        assert_eq!(exit, Exit::Invalid);
    }
}

#[test]
fn confidences_that_are_no_probabilities_are_refused() {
    let manifest = run(&["agent"], &["a"], 1);
    for bad in [1.5, -0.1, f64::NAN, f64::INFINITY] {
        let (text, exit) = refusal(&manifest, &[trial("a", "agent", 1).states(bad)]);
        assert_eq!(
            text,
            format!("trial `a~agent~baseline~1` has the confidence `{bad}`, which is not between 0 and 1")
        );
        assert_eq!(exit, Exit::Input);
    }
}

#[test]
fn partial_rewards_outside_their_range_are_refused() {
    let manifest = run(&["agent"], &["a"], 1);
    for bad in [0.0, 1.0, 2.0, f64::NAN] {
        let mut record = trial("a", "agent", 1);
        record.verdict = Verdict::Reward(bad);
        assert!(matches!(score(&manifest, &[record]), Err(MetricsError::Reward { .. })), "{bad}");
    }
}

#[test]
fn a_verdict_on_a_trial_that_never_ran_is_refused() {
    let manifest = run(&["agent"], &["a"], 1);
    let mut record = trial("a", "agent", 1).infrastructure();
    record.verdict = Verdict::Passed;
    assert!(matches!(score(&manifest, &[record]), Err(MetricsError::Contradiction { .. })));
}

#[test]
fn levels_that_are_no_levels_are_refused() {
    let manifest = run(&["agent"], &["a"], 1);
    for level in [0.0, 1.0, 95.0, f64::NAN] {
        let settings = Settings { level, ..Settings::default() };
        let result = scorecard(&manifest, [], &settings);
        assert!(matches!(result, Err(MetricsError::Level(_))), "{level}");
    }
}

#[test]
fn a_manifest_that_names_a_task_twice_is_refused() {
    let manifest = run(&["agent"], &["a", "a"], 1);
    assert_eq!(refusal(&manifest, &[]), ("the run names the task `a` twice".to_owned(), Exit::Invalid));
}

/// The first refusal of lines, as error and cause; the same for any chunks and threads.
fn refusal_of_lines(manifest: &RunManifest, lines: &[String]) -> String {
    let text = lines.join("\n") + "\n";
    let refusals: BTreeSet<String> = (1..6)
        .flat_map(|threads| [1, 300, 2_000, 1_000_000].map(|size| (threads, size)))
        .map(|(threads, size)| {
            let settings = Settings::default();
            let threads = NonZeroUsize::new(threads).unwrap();
            let mut scoring = Scoring::new(manifest, &settings).unwrap().in_threads(threads);
            let error = scoring.add_chunks(read_chunks(text.as_bytes(), size)).unwrap_err();
            format!("{error}: {}", error.source().unwrap())
        })
        .collect();
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    refusals.into_iter().next().unwrap()
}

#[test]
fn the_first_line_that_cannot_be_scored_is_named_however_the_file_is_read() {
    let manifest = run(&["agent"], &["a"], 20);
    let line = |record: &TrialRecord| serde_json::to_string(record).unwrap();
    let lines: Vec<String> = (1..=20).map(|number| line(&trial("a", "agent", number))).collect();
    let with = |changes: &[(usize, &str)]| {
        let mut lines = lines.clone();
        for &(number, text) in changes {
            text.clone_into(&mut lines[number - 1]);
        }
        refusal_of_lines(&manifest, &lines)
    };
    let twice = "line 14 cannot be scored: trial `a~agent~baseline~3` is recorded twice";
    assert_eq!(with(&[(14, &lines[2])]), twice);
    assert_eq!(with(&[(14, &lines[2]), (15, "{}"), (16, &lines[0])]), twice);
    assert_eq!(
        with(&[(13, "not json"), (14, &lines[2])]),
        "line 13 is not a record: expected ident at line 1 column 2"
    );
    let unplanned = line(&trial("a", "agent", 21));
    assert_eq!(
        with(&[(2, &unplanned), (3, &lines[0])]),
        "line 2 cannot be scored: trial `a~agent~baseline~21` is not planned: the run knows no such trial number"
    );
}
