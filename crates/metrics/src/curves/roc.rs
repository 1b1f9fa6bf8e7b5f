//! How well confidences tell successes from failures, by threshold.

use retrial_stats::calibration::brier;
use retrial_stats::{Forecast, Undefined};

use super::{RocPoint, evenly};
use crate::value::{Finite, Reason};

/// The trials whose confidence is at least as high as a threshold.
#[derive(Debug, Clone, Copy)]
struct Above {
    confidence: f64,
    failed: u64,
    passed: u64,
}

/// Returns the curve, thinned to what pictures show of it.
pub(super) fn roc(forecasts: &[Forecast]) -> Result<Vec<RocPoint>, Reason> {
    let curve = curve(forecasts);
    let all = curve.last().copied().ok_or(Undefined::Empty)?;
    if all.failed == 0 || all.passed == 0 {
        return Err(Undefined::OneClass.into());
    }
    let point = |place: usize| {
        let Above { confidence, failed, passed } = curve[place];
        Ok(RocPoint {
            confidence: Finite::new(confidence)?,
            failures: Finite::new(failed as f64 / all.failed as f64)?,
            successes: Finite::new(passed as f64 / all.passed as f64)?,
        })
    };
    evenly(curve.len()).map(point).collect()
}

/// The curve at every threshold, from the highest to the lowest.
fn curve(forecasts: &[Forecast]) -> Vec<Above> {
    let (mut failed, mut passed) = (0, 0);
    let above = |stated: &brier::Block| {
        failed += stated.items - stated.events;
        passed += stated.events;
        Above { confidence: stated.high, failed, passed }
    };
    brier::distinct(forecasts).iter().rev().map(above).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use retrial_stats::Scored;
    use retrial_stats::discrimination::auroc::auroc;

    use super::super::STEPS;
    use super::*;

    /// The area by trapezoids, from no trials on; a tie is a slope.
    fn area(points: impl Iterator<Item = (f64, f64)>) -> f64 {
        let (mut area, mut before) = (0.0, (0.0, 0.0));
        for (x, y) in points {
            area += (x - before.0) * f64::midpoint(y, before.1);
            before = (x, y);
        }
        area
    }

    fn forecasts(stated: &[(u32, bool)], most: u32) -> Vec<Forecast> {
        let forecast = |&(stated, passed): &(u32, bool)| {
            Forecast::new(f64::from(stated.min(most)) / f64::from(most), passed).unwrap()
        };
        stated.iter().map(forecast).collect()
    }

    #[test]
    fn a_tie_is_one_point_and_the_curve_ends_with_all_trials() {
        let stated = [(9, true), (9, false), (5, true), (5, true), (1, false)];
        let points = roc(&forecasts(&stated, 10)).unwrap();
        let plain = |point: &RocPoint| {
            [point.confidence, point.failures, point.successes].map(|number| (number.value() * 60.0).round())
        };
        let expected = [[54.0, 30.0, 20.0], [30.0, 30.0, 60.0], [6.0, 60.0, 60.0]];
        assert_eq!(points.iter().map(plain).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_thinned_curve_keeps_its_ends_and_hardly_changes_its_area() {
        let stated: Vec<(u32, bool)> =
            (0..5000).map(|trial| (trial * 7919 % 5000, trial * 7919 % 5000 > trial % 3000)).collect();
        let forecasts = forecasts(&stated, 5000);
        let points = roc(&forecasts).unwrap();
        assert_eq!(points.len(), STEPS);
        let (first, last) = (points[0], points[STEPS - 1]);
        let (top, end) = (first.confidence.value(), (last.failures.value(), last.successes.value()));
        assert_eq!((top, end), (4999.0 / 5000.0, (1.0, 1.0)));
        let thinned = area(points.iter().map(|point| (point.failures.value(), point.successes.value())));
        let scored: Vec<Scored> = forecasts.iter().map(|&forecast| forecast.into()).collect();
        assert!((thinned - auroc(&scored).unwrap()).abs() < 1e-3, "{thinned}");
    }

    proptest! {
        #[test]
        fn the_area_under_the_whole_curve_is_the_auroc_with_ties_and_without(
            stated in prop::collection::vec((0_u32..1000, any::<bool>()), 1..300),
            most in prop::sample::select(vec![3_u32, 10, 1000]),
        ) {
            let forecasts = forecasts(&stated, most);
            let scored: Vec<Scored> = forecasts.iter().map(|&forecast| forecast.into()).collect();
            let curve = curve(&forecasts);
            let all = *curve.last().unwrap();
            let share = |above: &Above| {
                (above.failed as f64 / all.failed as f64, above.passed as f64 / all.passed as f64)
            };
            match (roc(&forecasts), auroc(&scored)) {
                (Ok(_), Ok(auroc)) => prop_assert!((area(curve.iter().map(share)) - auroc).abs() < 1e-12),
                (Err(reason), Err(undefined)) => prop_assert_eq!(reason, Reason::from(undefined)),
                (points, auroc) => prop_assert!(false, "{:?} {:?}", points, auroc),
            }
        }
    }
}
