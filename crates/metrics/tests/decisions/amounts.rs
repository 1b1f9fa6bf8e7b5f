//! What trials take: what is known to be nothing, what is not recorded, and which trials numbers rest on.

use retrial_metrics::decide::Aspect;
use retrial_metrics::decide::field::Frontier;
use retrial_metrics::{Bounds, Resource, Value};
use retrial_spec::{Fact, MissingReason};
use retrial_testkit::Change;

use crate::fields::{ladder, made, rows};

fn cost(frontiers: &[Frontier]) -> &Frontier {
    frontiers.iter().find(|frontier| frontier.resource == Resource::Cost).unwrap()
}

fn point(value: &Value) -> f64 {
    value.estimate().unwrap().point.value()
}

#[test]
fn an_agent_that_costs_nothing_is_cheaper_than_any_other_and_not_unknown() {
    let passed = ladder(3, 16);
    let found = made(&rows(&passed), |agent, task, number, record| {
        let noise = (task as u64 * 7 + u64::from(number) * 3) % 11;
        record.costs([0, 500 + noise, 2000 + noise][agent])
    })
    .compared(&[0, 1, 2]);
    let frontier = cost(&found.frontiers);
    assert_eq!((frontier.nothing.as_slice(), frontier.unknown.len(), frontier.tasks), (&[0][..], 0, 16));
    // The first passes most and costs nothing, so that it alone is on the frontier; the last is surely worse in both.
    assert_eq!(frontier.on, [0]);
    let last = frontier.dominated.iter().find(|one| one.contender == 2).unwrap();
    assert!(last.by.iter().all(|by| by.surely), "{last:?}");
    let nothing = &found.contenders[0].typical_cost;
    assert!(point(nothing) == 0.0 && matches!(nothing.estimate().unwrap().interval, Bounds::Undefined(_)));
    let ratio = &found.pairs[0].contrast(Aspect::Amount(Resource::Cost)).unwrap().value;
    assert!(matches!(ratio, Value::Undefined(reason) if reason.code() == "nothing_taken"));
}

#[test]
fn a_task_that_cost_one_agent_nothing_is_left_out_for_all_and_the_ratio_of_what_is_shown_is_what_is_tested() {
    let passed = ladder(2, 12);
    let found = made(&rows(&passed), |agent, task, number, record| {
        let price = 100 * (task as u64 + 1) + u64::from(number);
        record.costs(if (agent, task) == (1, 3) { 0 } else { [2, 3][agent] * price })
    })
    .compared(&[0, 1]);
    let frontier = cost(&found.frontiers);
    assert_eq!((frontier.tasks, frontier.nothing.len()), (11, 0));
    let [first, second] = [0, 1].map(|place| found.contenders[place].typical_cost.estimate().unwrap());
    assert_eq!((first.n.tasks, second.n.tasks, first.n.trials), (11, 11, 55));
    let ratio = point(&found.pairs[0].contrast(Aspect::Amount(Resource::Cost)).unwrap().value);
    assert!((second.point.value() / first.point.value() - ratio).abs() < 1e-9);
    assert!((ratio - 1.5).abs() < 1e-9);
}

#[test]
fn an_agent_whose_cost_nobody_recorded_is_unknown_and_takes_no_task_from_the_others() {
    let passed = ladder(3, 8);
    let found = made(&rows(&passed), |agent, _, number, record| {
        let mut record = record.costs(1000 + 10 * u64::from(number));
        if agent == 1 {
            record.cost = Fact::Missing(MissingReason::NotRecorded);
        }
        record
    })
    .compared(&[0, 1, 2]);
    let frontier = cost(&found.frontiers);
    assert_eq!((frontier.unknown.as_slice(), frontier.nothing.len(), frontier.tasks), (&[1][..], 0, 8));
    assert!(found.contenders[1].typical_cost.estimate().is_none());
}

#[test]
fn numbers_of_trials_are_those_of_which_what_is_compared_is_known_on_both_sides() {
    let passed = ladder(2, 6);
    let found = made(&rows(&passed), |agent, _, number, record| {
        let mut record = record.states(0.5 + 0.05 * f64::from(number)).costs(1000 + u64::from(number));
        if number > [2, 4][agent] {
            record.confidence = Fact::Missing(MissingReason::NotRecorded);
            record.cost = Fact::Missing(MissingReason::NotRecorded);
        }
        record
    })
    .compared(&[0, 1]);
    let pair = &found.pairs[0];
    for aspect in [Aspect::Brier, Aspect::Amount(Resource::Cost)] {
        let contrast = pair.contrast(aspect).unwrap();
        assert_eq!((contrast.candidate_n.trials, contrast.baseline_n.trials), (24, 12), "{aspect:?}");
        assert_eq!(contrast.value.estimate().unwrap().n, contrast.candidate_n);
    }
    let success = pair.contrast(Aspect::Success).unwrap();
    assert_eq!((success.candidate_n.trials, success.baseline_n.trials), (30, 30));
}
