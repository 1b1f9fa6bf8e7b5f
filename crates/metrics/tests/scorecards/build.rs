//! Short ways to score and to look at a scorecard.

use retrial_metrics::{Measure, MeasureId, MetricsError, Scorecard, Scorecards, Settings, scorecard};
use retrial_spec::{RunManifest, TrialRecord};
pub(crate) use retrial_testkit::{Change, measured_mut, run, trial};

/// Scores with the default settings.
pub(crate) fn score(manifest: &RunManifest, trials: &[TrialRecord]) -> Result<Scorecards, MetricsError> {
    scorecard(manifest, trials.to_vec(), &Settings::default())
}

/// The first headline value of a measure.
pub(crate) fn measure(card: &Scorecard, id: MeasureId) -> &Measure {
    card.headline(id).unwrap_or_else(|| panic!("no {}", id.as_str()))
}

/// The point of a measure that must have one.
pub(crate) fn point(measure: &Measure) -> f64 {
    let estimate = measure.value.estimate();
    estimate.unwrap_or_else(|| panic!("{} is {:?}", measure.id.as_str(), measure.value)).point.value()
}

/// The code of the reason why a measure has no value.
pub(crate) fn why(measure: &Measure) -> &str {
    match &measure.value {
        retrial_metrics::Value::Undefined(reason) => reason.code(),
        retrial_metrics::Value::Estimate(estimate) => panic!("{} is {estimate:?}", measure.id.as_str()),
    }
}

/// The code of the reason why a measure has a point and no interval.
pub(crate) fn why_no_interval(measure: &Measure) -> &str {
    match &measure.value.estimate().unwrap().interval {
        retrial_metrics::Bounds::Undefined(reason) => reason.code(),
        retrial_metrics::Bounds::Interval(interval) => panic!("{} has {interval:?}", measure.id.as_str()),
    }
}
