//! The measures of Princeton's harness from our records, and the defects that ours does not share.

use proptest::prelude::*;
use retrial_metrics::princeton::{self, PrincetonId, Profile};
use retrial_metrics::{Settings, scorecard};
use retrial_spec::{RunManifest, TrialRecord};
use retrial_testkit::run_with_faults;

use crate::build::{Change, run, trial};

fn profile(manifest: &RunManifest, records: &[TrialRecord]) -> princeton::Princeton {
    let settings = Settings::default();
    let scorecards = scorecard(manifest, records.to_vec(), &settings).unwrap();
    let mut profile = Profile::new(manifest, &settings);
    for record in records {
        profile.add(record);
    }
    profile.finish(&scorecards)
}

fn theirs(profile: &princeton::Princeton, id: PrincetonId) -> Result<f64, String> {
    let number = profile.agents[0].numbers.iter().find(|number| number.id == id).unwrap();
    match &number.theirs {
        retrial_metrics::Number::Known(value) => Ok(value.value()),
        retrial_metrics::Number::Undefined(reason) => Err(reason.code().to_owned()),
    }
}

#[test]
fn an_agent_that_always_fails_scores_above_one_that_mostly_succeeds() {
    let manifest = run(&["agent"], &["a", "b"], 4);
    let records = |passes: &dyn Fn(u32) -> bool| -> Vec<TrialRecord> {
        let all =
            ["a", "b"].into_iter().flat_map(|task| (1..=4).map(move |number| trial(task, "agent", number)));
        let stated = |record: TrialRecord| {
            if passes(record.trial.number) { record.states(0.6) } else { record.fails().states(0.1) }
        };
        all.map(stated).collect()
    };
    let always_fails = profile(&manifest, &records(&|_| false));
    let mostly_succeeds = profile(&manifest, &records(&|number| number != 1));
    let overall = |profile| theirs(profile, PrincetonId::Overall).unwrap();
    assert!(overall(&always_fails) > overall(&mostly_succeeds), "which is why there is no composite of ours");
}

#[test]
fn what_no_run_of_ours_has_is_undefined_because_of_something() {
    let manifest = run(&["agent"], &["a"], 1);
    let profile = profile(&manifest, &[trial("a", "agent", 1)]);
    let why = |id| theirs(&profile, id).unwrap_err();
    assert_eq!(why(PrincetonId::Fault), "not_measured");
    assert_eq!(why(PrincetonId::Environment), "not_measured");
    assert_eq!(why(PrincetonId::Prompt), "not_measured");
    assert_eq!(why(PrincetonId::Compliance), "no_judge");
    assert_eq!(why(PrincetonId::Outcome), "too_few_trials");
    assert_eq!(why(PrincetonId::Brier), "no_confidences");
}

#[test]
fn trials_that_do_not_count_are_absent_and_faults_are_their_own_phase() {
    let manifest = run_with_faults(&["agent"], &["a"], 3);
    let records = [
        trial("a", "agent", 1),
        trial("a", "agent", 2).ungraded(),
        trial("a", "agent", 3).infrastructure(),
        trial("a", "agent", 1).hit(1, 0).fails(),
        trial("a", "agent", 2).hit(1, 1),
    ];
    let profile = profile(&manifest, &records);
    assert_eq!(theirs(&profile, PrincetonId::Accuracy), Ok(1.0));
    assert_eq!(theirs(&profile, PrincetonId::Fault), Ok(0.5));
    let accuracy = &profile.agents[0].numbers[0];
    assert_eq!((accuracy.n.trials, accuracy.n.tasks), (1, 1));
}

proptest! {
    #[test]
    fn their_outcome_consistency_exceeds_the_unbiased_one_by_its_bias(n in 2_u32..40, c in 0_u32..40) {
        let c = c.min(n);
        let outcomes: Vec<f64> = (0..n).map(|trial| if trial < c { 1.0 } else { 0.0 }).collect();
        let theirs = princeton::outcome(&outcomes).unwrap();
        let (n, c) = (f64::from(n), f64::from(c));
        let ours = 1.0 - 4.0 * c * (n - c) / (n * (n - 1.0));
        prop_assert!((theirs - ours - 4.0 * c * (n - c) / (n * n * (n - 1.0))).abs() < 1e-9);
        prop_assert!((0.0..=1.0).contains(&theirs));
    }

    #[test]
    fn their_scores_stay_in_their_range_for_probabilities(
        stated in prop::collection::vec((0.0..=1.0_f64, any::<bool>()), 1..60),
        bins in 1_usize..20,
    ) {
        let stated: Vec<princeton::Stated> =
            stated.into_iter().map(|(confidence, success)| princeton::Stated { confidence, success }).collect();
        let calibration = princeton::calibration(&stated, bins).unwrap();
        prop_assert_eq!(calibration.bins.iter().map(|bin| bin.count).sum::<u64>(), stated.len() as u64);
        prop_assert!((-1e-12..=1.0).contains(&calibration.score));
        prop_assert!((0.0..=1.0).contains(&princeton::brier(&stated).unwrap().score));
        prop_assert!((0.0..=1.0).contains(&princeton::risk_coverage(&stated).unwrap().score));
    }
}
