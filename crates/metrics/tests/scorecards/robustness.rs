//! What faults do to success: paired by task, from trials that were hit alone, and nothing of it in the baseline's measures.

use retrial_metrics::{MeasureId, Robustness, Settings, Target, scorecard};
use retrial_spec::TrialRecord;
use retrial_testkit::run_with_faults;

use crate::build::{Change, measure, point, run, score, trial, why, why_no_interval};

/// Two tasks × 4 trials under both conditions. Without faults: `a` passes 4 of 4, `b` 3 of 4. When hit: `a` 2 of 3 and one trial that was
/// spared, `b` 1 of 4.
fn trials() -> Vec<TrialRecord> {
    let mut trials: Vec<TrialRecord> = (1..=4).map(|number| trial("a", "agent", number)).collect();
    trials.extend([1, 2, 3].map(|number| trial("b", "agent", number)));
    trials.push(trial("b", "agent", 4).fails());
    trials.extend([
        trial("a", "agent", 1).hit(2, 2),
        trial("a", "agent", 2).hit(1, 1),
        trial("a", "agent", 3).hit(1, 0).fails(),
        trial("a", "agent", 4).hit(0, 0).fails(),
        trial("b", "agent", 1).hit(1, 1),
        trial("b", "agent", 2).hit(1, 0).fails(),
        trial("b", "agent", 3).hit(1, 0).fails(),
        trial("b", "agent", 4).hit(1, 0).fails(),
    ]);
    trials
}

fn of(robustness: &Robustness, id: MeasureId) -> f64 {
    point(robustness.measure(id).unwrap())
}

fn about(value: f64, expected: f64) {
    assert!((value - expected).abs() < 1e-12, "{value} is not {expected}");
}

#[test]
fn trials_that_were_hit_are_compared_with_the_baseline_by_task() {
    let scored = score(&run_with_faults(&["agent"], &["a", "b"], 4), &trials()).unwrap();
    let [robustness] = scored.robustness.as_slice() else { panic!("{:?}", scored.robustness) };
    assert_eq!((robustness.condition.as_str(), robustness.baseline.as_str()), ("faults", "baseline"));
    let counts = robustness.counts;
    assert_eq!((counts.hit, counts.not_hit, counts.landed, counts.not_landed), (7, 1, 8, 8));
    let (hit, without) = (f64::midpoint(2.0 / 3.0, 0.25), f64::midpoint(1.0, 0.75));
    about(of(robustness, MeasureId::FaultSuccess), hit);
    about(of(robustness, MeasureId::FaultBaseline), without);
    about(of(robustness, MeasureId::FaultDifference), hit - without);
    about(of(robustness, MeasureId::FaultRatio), hit / without);
    about(of(robustness, MeasureId::FaultRecovery), f64::midpoint(0.75, 0.25));
    about(of(robustness, MeasureId::FaultFinished), 1.0);
    let n = robustness.measure(MeasureId::FaultDifference).unwrap().value.estimate().unwrap().n;
    assert_eq!((n.trials, n.tasks), (7, 2));
}

#[test]
fn each_target_has_its_own_interval() {
    let manifest = run_with_faults(&["agent"], &["a", "b"], 4);
    let method = |target, id| {
        let settings = Settings { target, ..Settings::default() };
        let scored = scorecard(&manifest, trials(), &settings).unwrap();
        let measure = scored.robustness[0].measure(id).unwrap().clone();
        let interval = measure.value.estimate().unwrap().interval.interval().copied();
        interval.map(|interval| interval.method.to_string())
    };
    let difference = MeasureId::FaultDifference;
    assert_eq!(method(Target::Population, difference).as_deref(), Some("paired_t"));
    assert_eq!(method(Target::FixedSuite, difference).as_deref(), Some("mover"));
    assert_eq!(method(Target::Population, MeasureId::FaultRatio).as_deref(), Some("linearised_ratio_t"));
    assert_eq!(method(Target::FixedSuite, MeasureId::FaultRatio), None);
}

#[test]
fn the_baselines_measures_hold_no_trial_of_a_condition() {
    let both = score(&run_with_faults(&["agent"], &["a", "b"], 4), &trials()).unwrap();
    let mut alone = trials();
    alone.retain(|record| record.trial.condition.as_str() == "baseline");
    let alone = score(&run(&["agent"], &["a", "b"], 4), &alone).unwrap();
    assert_eq!(both.scorecards[0], alone.scorecards[0]);
    assert!(alone.robustness.is_empty());
    about(point(measure(&both.scorecards[1], MeasureId::SuccessRate)), 0.375);
}

#[test]
fn without_a_landed_fault_nothing_is_claimed() {
    let spared = [trial("a", "agent", 1), trial("a", "agent", 1).hit(0, 0)];
    let scored = score(&run_with_faults(&["agent"], &["a"], 1), &spared).unwrap();
    for measure in &scored.robustness[0].measures {
        assert_eq!(why(measure), "no_landed_faults", "{:?}", measure.id);
    }
    assert_eq!((scored.robustness[0].counts.hit, scored.robustness[0].counts.not_hit), (0, 1));
}

#[test]
fn a_task_without_a_baseline_is_not_compared_and_one_task_has_no_interval() {
    let manifest = run_with_faults(&["agent"], &["a", "b"], 1);
    let hit = [trial("a", "agent", 1).hit(1, 1), trial("b", "agent", 1).hit(1, 1), trial("b", "agent", 1)];
    let scored = score(&manifest, &hit).unwrap();
    let difference = scored.robustness[0].measure(MeasureId::FaultDifference).unwrap();
    assert_eq!(difference.value.estimate().unwrap().n.tasks, 1);
    assert_eq!(why_no_interval(difference), "too_few_tasks");
    let scored = score(&manifest, &hit[..1]).unwrap();
    assert_eq!(why(scored.robustness[0].measure(MeasureId::FaultDifference).unwrap()), "no_baseline");
    let worse = [trial("a", "agent", 1).fails(), trial("a", "agent", 1).hit(1, 1)];
    let scored = score(&manifest, &worse).unwrap();
    assert_eq!(why(scored.robustness[0].measure(MeasureId::FaultRatio).unwrap()), "not_positive");
}

#[test]
fn the_json_of_robustness_follows_the_schema() {
    let scored = score(&run_with_faults(&["agent"], &["a", "b"], 4), &trials()).unwrap();
    let json = serde_json::to_value(&scored).unwrap();
    let validator = jsonschema::validator_for(&retrial_metrics::schema().schema).unwrap();
    assert!(validator.is_valid(&json));
    assert_eq!(json["robustness"][0]["fault"], "server_error");
}
