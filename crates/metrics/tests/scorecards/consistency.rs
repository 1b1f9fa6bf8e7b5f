//! What consistency must mean: repeating oneself is best, every further difference is no better, and size does no harm.

use retrial_metrics::{Better, Bounds, Dimension, Measure, MeasureId, Scorecard, Settings, Value};
use retrial_spec::{Claim, TrialRecord};

use crate::build::{Change, run, score, trial, why};

const TASKS: [&str; 3] = ["a", "b", "c"];
const TRIALS: u32 = 8;

/// The trial that every other is like.
fn usual(task: &str, number: u32) -> TrialRecord {
    let record = trial(task, "agent", number).does("search:grep read:cat edit:sed test:pytest");
    record.uses(100).takes(1000).calls_for(500).costs(30).leaves("a.py b.py", "patch").states(0.9)
}

/// A trial that is like no other.
fn odd(task: &str, number: u32) -> TrialRecord {
    let factor = 1_u64 << number;
    let words: Vec<String> = (0..=4 * number).map(|step| format!("other:{number}x{step}")).collect();
    let record = trial(task, "agent", number).fails().does(&words.join(" "));
    let record = record.uses(100 * factor).takes(1000 * factor).calls_for(500 * factor).costs(30 * factor);
    record.leaves(&format!("{number}.py"), &number.to_string()).states(0.9)
}

/// An agent of which the first `odds` trials of each task are odd.
fn flaky(odds: u32) -> Scorecard {
    let of_task = |task| (1..=TRIALS).map(move |n| if n <= odds { odd(task, n) } else { usual(task, n) });
    let records: Vec<TrialRecord> = TASKS.into_iter().flat_map(of_task).collect();
    score(&run(&["agent"], &TASKS, TRIALS), &records).unwrap().scorecards.swap_remove(0)
}

fn of_consistency(card: &Scorecard) -> impl Iterator<Item = &Measure> {
    card.measures.iter().filter(|measure| measure.dimension == Dimension::Consistency)
}

#[test]
fn a_perfectly_consistent_agent_gets_the_best_value_of_every_consistency_measure() {
    let card = flaky(0);
    for measure in of_consistency(&card) {
        if measure.id == MeasureId::FirstDivergence {
            assert_eq!(why(measure), "never_part");
            continue;
        }
        let least = match measure.id {
            MeasureId::MaxOverMin | MeasureId::TailRatio => 1.0,
            id if id.as_str().ends_with("_spread") => 1.0,
            _ => 0.0,
        };
        let best = if measure.id.better() == Better::Higher { 1.0 } else { least };
        let point = measure.value.estimate().unwrap().point.value();
        assert!((point - best).abs() < 1e-12, "{} is {point}", measure.id.as_str());
    }
}

#[test]
fn more_flakiness_never_improves_a_consistency_measure() {
    let mut before = flaky(0);
    for odds in 1..=TRIALS / 2 {
        let after = flaky(odds);
        for (old, new) in of_consistency(&before).zip(of_consistency(&after)) {
            let (Value::Estimate(old_value), Value::Estimate(new_value)) = (&old.value, &new.value) else {
                continue;
            };
            if new.id.better() == Better::Neither {
                continue;
            }
            let gain = new_value.point.value() - old_value.point.value();
            let gain = if new.id.better() == Better::Higher { gain } else { -gain };
            assert!(gain <= 1e-12, "{odds} odd trials improve {new:?} over {old:?}");
        }
        before = after;
    }
}

#[test]
fn intervals_hold_their_estimates_at_a_thousand_tasks_of_twenty_trials() {
    let names: Vec<String> = (0..1000).map(|task| format!("task-{task:04}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let record = |(place, task): (usize, &&str), number: u32| {
        let noise = (place as u32 * 7 + number * 13) % 10;
        let record =
            trial(task, "agent", number).uses(100 + u64::from(noise)).costs(30).takes(50 + place as u64);
        let record = record.states(f64::from(noise) / 10.0).claims(Claim::Done);
        let record =
            record.does(if noise < 4 { "read:cat edit:sed" } else { "edit:sed read:cat test:pytest" });
        if noise as usize > place % 11 { record.fails() } else { record }
    };
    let records: Vec<TrialRecord> =
        names.iter().enumerate().flat_map(|task| (1..=20).map(move |number| record(task, number))).collect();
    let scored =
        retrial_metrics::scorecard(&run(&["agent"], &names, 20), records, &Settings::default()).unwrap();
    let mut held = 0;
    for measure in &scored.scorecards[0].measures {
        let Value::Estimate(estimate) = &measure.value else { continue };
        for bounds in std::iter::once(&estimate.interval).chain(&estimate.beside) {
            let Bounds::Interval(interval) = bounds else { continue };
            held += 1;
            assert!(interval.low <= estimate.point && estimate.point <= interval.high, "{measure:?}");
        }
    }
    assert!(held > 60, "{held}");
}
