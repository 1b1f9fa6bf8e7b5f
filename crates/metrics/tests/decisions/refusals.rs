//! What cannot be compared, and rules that cannot be.

use retrial_metrics::MetricsError;
use retrial_metrics::decide::{GateRule, NotComparable, Pairing, Side, gate};
use retrial_spec::Exit;

use crate::{pairing, side};

#[test]
fn a_vanished_task_is_refused_by_name() {
    let error = Pairing::new(&side(&[(5, 0, 0)]), &side(&[(5, 0, 0), (0, 5, 0)])).unwrap_err();
    let NotComparable::TasksDiffer { only_baseline, .. } = &error else { panic!("{error:?}") };
    assert_eq!(only_baseline[0].to_string(), "t1");
    assert_eq!(error.exit(), Exit::Invalid);
    // A task that was planned and never finished has vanished as well.
    let error = Pairing::new(&side(&[(5, 0, 0), (0, 0, 0)]), &side(&[(5, 0, 0), (0, 5, 0)])).unwrap_err();
    assert!(matches!(error, NotComparable::TasksDiffer { .. }));
}

#[test]
fn nothing_and_nothing_graded_are_refused() {
    let some = side(&[(1, 1, 0)]);
    assert_eq!(Pairing::new(&[], &some).unwrap_err(), NotComparable::NoTrials(Side::Candidate));
    assert_eq!(Pairing::new(&some, &[]).unwrap_err(), NotComparable::NoTrials(Side::Baseline));
    assert_eq!(Pairing::new(&side(&[(0, 0, 3)]), &some).unwrap_err(), NotComparable::NothingGraded);
}

#[test]
fn a_task_listed_twice_is_refused() {
    let mut twice = side(&[(1, 1, 0)]);
    twice.extend(twice.clone());
    let error = Pairing::new(&twice, &side(&[(1, 1, 0)])).unwrap_err();
    assert!(matches!(error, NotComparable::Twice { side: Side::Candidate, .. }));
}

#[test]
fn rules_that_cannot_be_are_refused() {
    let pairing = pairing(&[(1, 1, 0)], &[(1, 1, 0)]);
    let with = |change: fn(&mut GateRule)| {
        let mut rule = GateRule::default();
        change(&mut rule);
        gate(&pairing, rule).unwrap_err()
    };
    assert_eq!(with(|rule| rule.margin = -0.1), MetricsError::Margin(-0.1));
    assert_eq!(with(|rule| rule.margin = 1.0), MetricsError::Margin(1.0));
    assert!(matches!(with(|rule| rule.margin = f64::NAN), MetricsError::Margin(_)));
    assert_eq!(with(|rule| rule.confidence = 0.5), MetricsError::Level(0.5));
    assert_eq!(with(|rule| rule.power = 1.0), MetricsError::Power(1.0));
    assert_eq!(MetricsError::Margin(-0.1).exit(), Exit::Input);
}
