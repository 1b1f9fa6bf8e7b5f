//! What holds for any outcomes.

use proptest::prelude::*;
use retrial_metrics::decide::{Decision, Finding, GateRule, Pairing, compare, equivalence, gate};
use retrial_metrics::{Settings, Target};

use crate::{Of, pairing, side};

/// Up to eight tasks, many of them never or always solved, with some trials excluded.
fn tasks(excluded: u64) -> impl Strategy<Value = Vec<(Of, Of)>> {
    let one = move || {
        (1_u64..12, 0_u64..=3, 0..=excluded).prop_flat_map(|(trials, shape, excluded)| {
            let passed = match shape {
                0 => (0_u64..=0).boxed(),
                1 => (trials..=trials).boxed(),
                _ => (0..=trials).boxed(),
            };
            passed.prop_map(move |passed| (passed, trials - passed, excluded))
        })
    };
    prop::collection::vec((one(), one()), 1..9)
}

fn rule() -> impl Strategy<Value = GateRule> {
    let margins = prop::sample::select(vec![0.0, 0.02, 0.05, 0.1, 0.2, 0.4]);
    let levels = prop::sample::select(vec![0.8, 0.9, 0.95, 0.99]);
    (margins, levels).prop_map(|(margin, confidence)| GateRule { margin, confidence, power: 0.8 })
}

fn paired(tasks: &[(Of, Of)]) -> Pairing {
    let (candidate, baseline): (Vec<Of>, Vec<Of>) = tasks.iter().copied().unzip();
    pairing(&candidate, &baseline)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_failure_in_place_of_a_pass_never_turns_a_regression_into_a_pass(
        tasks in tasks(1), rule in rule(), place in any::<prop::sample::Index>()
    ) {
        let before = gate(&paired(&tasks), rule).unwrap().decision;
        let mut tasks = tasks;
        let failing = place.index(tasks.len());
        let mut regressed = before == Decision::Regression;
        // One after the other, until none of the task's passes is left.
        while tasks[failing].0.0 > 0 {
            tasks[failing].0.0 -= 1;
            tasks[failing].0.1 += 1;
            let after = gate(&paired(&tasks), rule).unwrap().decision;
            prop_assert!(!(regressed && after == Decision::Pass), "{tasks:?}");
            regressed |= after == Decision::Regression;
        }
    }

    #[test]
    fn the_order_of_tasks_does_not_matter(tasks in tasks(2).prop_shuffle(), turn in 0_usize..9) {
        let (candidate, baseline): (Vec<Of>, Vec<Of>) = tasks.iter().copied().unzip();
        let (candidate, baseline) = (side(&candidate), side(&baseline));
        let turned = |mut list: Vec<_>, by: usize| { let by = by % list.len(); list.rotate_left(by); list };
        let one = Pairing::new(&candidate, &baseline).unwrap();
        let other = Pairing::new(&turned(candidate, turn), &turned(baseline, 2 * turn + 1)).unwrap();
        let settings = Settings::default();
        prop_assert_eq!(compare(&one, &settings).unwrap(), compare(&other, &settings).unwrap());
        let rule = GateRule::default();
        prop_assert_eq!(gate(&one, rule).unwrap(), gate(&other, rule).unwrap());
    }

    #[test]
    fn identical_outcomes_show_nothing_and_are_never_a_regression(tasks in tasks(0), rule in rule()) {
        let same: Vec<(Of, Of)> = tasks.iter().map(|&(one, _)| (one, one)).collect();
        let pairing = paired(&same);
        let found = compare(&pairing, &Settings::default()).unwrap();
        prop_assert_eq!(found.population.finding, Finding::NotShown);
        prop_assert_eq!(found.fixed_suite.finding, Finding::NotShown);
        prop_assert_ne!(gate(&pairing, rule).unwrap().decision, Decision::Regression);
    }

    #[test]
    fn exchanging_the_sides_turns_the_finding_round(tasks in tasks(0)) {
        let settings = Settings::default();
        let one = compare(&paired(&tasks), &settings).unwrap();
        let turned: Vec<(Of, Of)> = tasks.iter().map(|&(a, b)| (b, a)).collect();
        let other = compare(&paired(&turned), &settings).unwrap();
        let opposite = |finding| match finding {
            Finding::Better => Finding::Worse,
            Finding::Worse => Finding::Better,
            Finding::NotShown => Finding::NotShown,
        };
        prop_assert_eq!(one.fixed_suite.finding, opposite(other.fixed_suite.finding));
        prop_assert_eq!(one.population.finding, opposite(other.population.finding));
    }

    #[test]
    fn what_is_equivalent_passes_the_gate_of_the_same_margin(tasks in tasks(1), rule in rule()) {
        let pairing = paired(&tasks);
        if equivalence(&pairing, Target::FixedSuite, rule).unwrap().shown {
            prop_assert_eq!(gate(&pairing, rule).unwrap().decision, Decision::Pass);
        }
    }

    #[test]
    fn results_are_json_without_a_number_that_is_none(tasks in tasks(2), rule in rule()) {
        let pairing = paired(&tasks);
        let found = compare(&pairing, &Settings::default()).unwrap();
        for value in [serde_json::to_value(&found), serde_json::to_value(gate(&pairing, rule).unwrap())] {
            let text = value.unwrap().to_string();
            prop_assert!(!text.contains("NaN") && !text.contains("inf"), "{}", text);
        }
    }
}
