//! Any measure of two agents, task by task.

use retrial_metrics::decide::{Aspect, Pairing, Scale, compare, contrast, gate};
use retrial_metrics::{Entrant, Resource, Scoring, Settings, Target};
use retrial_spec::{Claim, Cost, Fact, Source, TrialRecord, Verdict};
use retrial_testkit::{run, trial};

const TASKS: [&str; 4] = ["t0", "t1", "t2", "t3"];
const TRIALS: u32 = 5;

/// Two agents of a run; `record` makes each trial of (agent, task, number) from a passed one.
fn entrants(record: impl Fn(usize, usize, u32, &mut TrialRecord)) -> (Entrant, Entrant) {
    let manifest = run(&["new", "old"], &TASKS, TRIALS);
    let settings = Settings::default();
    let mut scoring = Scoring::new(&manifest, &settings).unwrap();
    for (agent, name) in ["new", "old"].into_iter().enumerate() {
        for (task, of) in TASKS.into_iter().enumerate() {
            for number in 1..=TRIALS {
                let mut made = trial(of, name, number);
                record(agent, task, number, &mut made);
                scoring.add(&made).unwrap();
            }
        }
    }
    let (scored, mut entrants) = scoring.finish_with_entrants();
    assert_eq!(scored.scorecards.len(), entrants.len());
    let old = entrants.pop().unwrap();
    (entrants.pop().unwrap(), old)
}

fn fails(agent: usize, task: usize, number: u32) -> bool {
    (number as usize + task) % 5 < [2, 1][agent] + task % 2
}

fn with_failures(agent: usize, task: usize, number: u32, made: &mut TrialRecord) {
    if fails(agent, task, number) {
        made.verdict = Verdict::Failed;
    }
}

fn fixed() -> Settings {
    Settings { target: Target::FixedSuite, ..Settings::default() }
}

#[test]
fn success_is_what_the_comparison_of_success_says_for_both_targets() {
    let (new, old) = entrants(with_failures);
    let pairing = Pairing::new(&new.outcomes(), &old.outcomes()).unwrap();
    let whole = compare(&pairing, &Settings::default()).unwrap();
    // Every task differs alike, so there is no variance over tasks to speak of.
    let population = contrast(Aspect::Success, &new, &old, &Settings::default()).unwrap();
    let fixed = contrast(Aspect::Success, &new, &old, &fixed()).unwrap();
    for (found, expected) in
        [(&population, &whole.population.difference), (&fixed, &whole.fixed_suite.difference)]
    {
        let (found, expected) = (found.value.estimate().unwrap(), expected.estimate().unwrap());
        assert!((found.point.value() - expected.point.value()).abs() < 1e-12);
        match (found.interval.interval(), expected.interval.interval()) {
            (Some(a), Some(b)) => assert_eq!((a.low, a.high), (b.low, b.high)),
            (None, None) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(population.p.value().is_none());
}

#[test]
fn a_bound_of_the_gate_leaves_nothing_out_exactly_where_the_p_value_says_so() {
    let (new, old) = entrants(|agent, task, number, made| {
        if agent == 0 && (number <= 2 || task == 0) {
            made.verdict = Verdict::Failed;
        }
    });
    let found = contrast(Aspect::Success, &new, &old, &fixed()).unwrap();
    let p = found.worse_p.value().unwrap();
    let pairing = Pairing::new(&new.outcomes(), &old.outcomes()).unwrap();
    let upper = |error: f64| {
        let rule = retrial_metrics::decide::GateRule { confidence: 1.0 - error, ..Default::default() };
        gate(&pairing, rule).unwrap().upper.value().unwrap()
    };
    assert!(p < 0.05 && upper(p * 1.01) < 0.0 && upper(p * 0.99) > 0.0, "{p}");
}

#[test]
fn perfect_sides_have_an_interval_for_exactly_these_tasks_and_none_for_new_ones() {
    let (new, old) = entrants(|_, _, _, made| made.claim = Fact::known(Claim::Done, Source::Stated));
    for aspect in
        [Aspect::Success, Aspect::PassHatK(3), Aspect::OutcomeConsistency, Aspect::InvisibleFailures]
    {
        let found = contrast(aspect, &new, &old, &fixed()).unwrap();
        let interval = found.value.estimate().unwrap().interval.interval().unwrap();
        assert!(interval.low.value() < 0.0 && interval.high.value() > 0.0, "{aspect:?} {interval:?}");
        let population = contrast(aspect, &new, &old, &Settings::default()).unwrap();
        assert!(population.value.estimate().unwrap().interval.interval().is_none(), "{aspect:?}");
    }
}

#[test]
fn twice_the_cost_is_a_ratio_of_two_and_half_of_it_with_the_sides_exchanged() {
    let cost = |agent: usize, task: usize, number: u32| {
        [2, 1][agent] * (task as u64 + 1) * (1000 + 7 * u64::from(number) + (agent * task) as u64 * 5)
    };
    let (new, old) = entrants(|agent, task, number, made| {
        made.cost =
            Fact::known(Cost { usd_micros: cost(agent, task, number), priced_on: None }, Source::Computed);
    });
    let forth = contrast(Aspect::Amount(Resource::Cost), &new, &old, &Settings::default()).unwrap();
    let back = contrast(Aspect::Amount(Resource::Cost), &old, &new, &Settings::default()).unwrap();
    assert_eq!(forth.scale, Scale::Ratio);
    let (a, b) = (forth.value.estimate().unwrap(), back.value.estimate().unwrap());
    assert!((a.point.value() * b.point.value() - 1.0).abs() < 1e-12);
    assert!((a.point.value() - 2.0).abs() < 0.02, "{a:?}");
    let (of_a, of_b) = (a.interval.interval().unwrap(), b.interval.interval().unwrap());
    assert!((of_a.low.value() * of_b.high.value() - 1.0).abs() < 1e-9);
    assert!((forth.worse_p.value().unwrap() - back.better_p.value().unwrap()).abs() < 1e-12);
    assert!(forth.worse_p.value().unwrap() < 0.001 && back.worse_p.value().unwrap() > 0.999);
}

#[test]
fn a_task_without_a_value_on_a_side_is_left_out_by_name_and_an_unknown_measure_says_why() {
    let (new, old) = entrants(|agent, task, number, made| {
        if !(agent == 1 && task == 2) {
            made.confidence = Fact::known(0.5 + 0.05 * f64::from(number), Source::Stated);
        }
        with_failures(agent, task, number, made);
    });
    let found = contrast(Aspect::Brier, &new, &old, &Settings::default()).unwrap();
    assert_eq!(found.left_out.iter().map(ToString::to_string).collect::<Vec<_>>(), ["t2"]);
    assert_eq!(found.value.estimate().unwrap().n.tasks, 3);
    let unknown = contrast(Aspect::Amount(Resource::Cost), &new, &old, &Settings::default()).unwrap();
    assert!(unknown.value.estimate().is_none() && unknown.p.value().is_none());
}

#[test]
fn a_p_value_far_in_the_tail_is_small_and_not_nothing_on_either_side() {
    let (new, old) = entrants(|agent, task, number, made| {
        let usd_micros = [1000, 2000][agent] + 3 * task as u64 * [2, 5][agent] + u64::from(number);
        made.cost = Fact::known(Cost { usd_micros, priced_on: None }, Source::Computed);
    });
    let forth = contrast(Aspect::Amount(Resource::Cost), &new, &old, &Settings::default()).unwrap();
    let back = contrast(Aspect::Amount(Resource::Cost), &old, &new, &Settings::default()).unwrap();
    for (small, large) in [(&forth.better_p, &back.worse_p), (&back.worse_p, &forth.better_p)] {
        let (small, large) = (small.value().unwrap(), large.value().unwrap());
        assert!(small > 0.0 && small < 1e-6, "{small}");
        assert!((small / large - 1.0).abs() < 1e-9, "{small} {large}");
    }
    assert!(forth.p.value().unwrap() > 0.0);
}
