//! Runs that could stop by what their trials showed.

use retrial_spec::StopSpec;
use retrial_stats::Counts;
use retrial_stats::sequential::mixture::BetaMixture;
use retrial_testkit::measured_mut;

use super::*;

fn stopping(id: &str, trials: u32, threshold: f64) -> RunManifest {
    let mut manifest = manifest(id, trials);
    measured_mut(&mut manifest).experiment.stop = Some(StopSpec {
        half_width: None,
        threshold: Some(threshold),
        baseline: None,
        margin: None,
        min_rounds: 2,
        look_every: 1,
        level: 0.95,
    });
    manifest
}

/// Draws rounds until the confidence sequence leaves the threshold out, and says how many trials of each task passed.
fn until_settled(threshold: f64, probability: f64, most: u32, rng: &mut ChaCha8Rng) -> (Vec<Vec<bool>>, u32) {
    let mut tasks = vec![Vec::new(); NAMES.len()];
    for round in 1..=most {
        for task in &mut tasks {
            task.push(rng.random_bool(probability));
        }
        let outcomes: Vec<bool> = tasks.concat();
        let e = BetaMixture::default().log_e(Counts::of(&outcomes), threshold).unwrap();
        if round >= 2 && e >= -(0.05_f64.ln()) {
            return (tasks, round);
        }
    }
    (tasks, most)
}

fn with_outcomes(run: &str, tasks: Vec<Vec<bool>>) -> Entrant {
    let of_task =
        |outcomes: Vec<bool>| (1..).zip(outcomes).map(|(number, passed)| trial(number, passed)).collect();
    entrant(run, tasks.into_iter().map(of_task).collect())
}

#[test]
fn success_at_its_margin_rarely_passes_where_the_candidate_stopped_when_it_looked_good() {
    let policy = GatePolicy::default();
    let (threshold, truth) = (0.7, 0.8);
    let mut rng = ChaCha8Rng::seed_from_u64(21);
    let (times, mut passed, mut passed_as_fixed) = (300, 0, 0);
    for _ in 0..times {
        let (tasks, rounds) = until_settled(threshold, truth, 60, &mut rng);
        let candidate = with_outcomes("new", tasks);
        let baseline = drawn("old", &[truth + policy.margins.success; 5], 100, &mut rng);
        let old = (&manifest("old", 100), std::slice::from_ref(&baseline));
        let passes = |new: &RunManifest| {
            let new = (new, std::slice::from_ref(&candidate));
            decide_between(new, &[old], &policy, &Quarantine::default()).verdict == GateVerdict::Pass
        };
        passed += usize::from(passes(&stopping("new", rounds, threshold)));
        passed_as_fixed += usize::from(passes(&manifest("new", rounds)));
    }
    assert!(passed * 20 <= times, "{passed} of {times}");
    assert!(passed_as_fixed * 100 > times * 6, "bounds of a fixed length pass {passed_as_fixed} of {times}");
}

#[test]
fn a_side_that_could_stop_is_judged_by_bounds_that_hold_all_the_same() {
    let (candidate, baseline) = (counted("new", &[(950, 1000); 5]), counted("old", &[(960, 1000); 5]));
    let (new, old) = ((manifest("new", 1000), candidate), (stopping("old", 1000, 0.5), baseline));
    let judged = |new: &(RunManifest, Entrant), old: &(RunManifest, Entrant)| {
        let of = |(manifest, entrant): &(RunManifest, Entrant)| (manifest.clone(), vec![entrant.clone()]);
        let (new, old) = (of(new), of(old));
        decide_between((&new.0, &new.1), &[(&old.0, &old.1)], &GatePolicy::default(), &Quarantine::default())
    };
    for found in [judged(&new, &old), judged(&old, &new)] {
        assert_eq!(found.verdict, GateVerdict::Pass, "{}", found.line);
        assert!(found.agents[0].may_stop);
        assert!(found.line.contains("[anytime-valid bound "), "{}", found.line);
        assert_eq!(found.notes, []);
        let interval =
            *found.agents[0].measures[0].contrast.value.estimate().unwrap().interval.interval().unwrap();
        assert!(interval.is_anytime_valid() && (interval.level.value() - 0.95).abs() < 1e-12);
    }
    let worse = (manifest("new", 1000), counted("new", &[(800, 1000); 5]));
    let found = judged(&worse, &old);
    assert_eq!(found.verdict, GateVerdict::Fail, "{}", found.line);
}

#[test]
fn trials_of_a_round_that_is_not_complete_decide_nothing() {
    let baseline = counted("old", &[(100, 100); 5]);
    let mut candidate = counted("new", &[(100, 100); 5]);
    for task in &mut candidate.tasks[1..] {
        task.trials.truncate(5);
    }
    let mut policy = GatePolicy::default();
    policy.gate.minimum_coverage = 0.0;
    let new = (&stopping("new", 100, 0.5), std::slice::from_ref(&candidate));
    let old = (&manifest("old", 100), std::slice::from_ref(&baseline));
    let found = decide_between(new, &[old], &policy, &Quarantine::default());
    let bound = found.agents[0].measures[0].worst_bound.value().unwrap();
    assert!(bound < -0.1, "that of five rounds of five tasks and not of a hundred: {bound}");
    assert_eq!(found.verdict, GateVerdict::Inconclusive, "{}", found.line);
}

#[test]
fn every_other_measure_is_open_where_a_side_could_stop() {
    let mut rng = ChaCha8Rng::seed_from_u64(22);
    let mut policy = GatePolicy::default();
    policy.margins = Margins { success: 0.9, tokens: Some(50.0), consistency: Some(0.9), ..policy.margins };
    let (candidate, baseline) = (drawn("new", &BASE, 40, &mut rng), drawn("old", &BASE, 40, &mut rng));
    assert_eq!(decide(&candidate, &baseline, &policy).verdict, GateVerdict::Pass);
    let new = (&stopping("new", 40, 0.5), std::slice::from_ref(&candidate));
    let old = (&manifest("old", 40), std::slice::from_ref(&baseline));
    let found = decide_between(new, &[old], &policy, &Quarantine::default());
    assert_eq!(found.verdict, GateVerdict::Inconclusive, "{}", found.line);
    let [success, others @ ..] = &found.agents[0].measures[..] else { panic!("no measures") };
    assert_eq!(success.answer, Answer::Pass);
    for measure in others {
        assert!(matches!(&measure.open, Some(OpenMeasure::Undefined(reason)) if reason.code() == "may_stop"));
    }
    assert!(found.line.contains("it takes runs of fixed length"), "{}", found.line);
}
