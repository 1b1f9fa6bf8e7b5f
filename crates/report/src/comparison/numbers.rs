//! How the numbers of comparisons are written: always with sign, interval and what they are a difference or ratio of.

use retrial_metrics::decide::field::Comparisons;
use retrial_metrics::decide::{Contrast, Scale};
use retrial_metrics::{Bounds, Estimate, Number, Resource, Unit, Value};

use crate::plot::amount;
use crate::words::dollars;

/// Returns a difference of shares with its sign.
pub(super) fn difference(value: f64) -> String {
    let text = format!("{value:+.2}");
    if text == "-0.00" { "+0.00".to_owned() } else { text }
}

/// Returns a difference with its interval.
pub(super) fn difference_of(value: &Value) -> String {
    written(value, difference)
}

/// Returns the same with its sign turned, for the pair read from the other side.
pub(super) fn difference_turned(value: &Value) -> String {
    let Some(estimate) = value.estimate() else { return "–".to_owned() };
    let point = difference(-estimate.point.value());
    match estimate.interval.interval() {
        Some(interval) => {
            format!("{point} [{}, {}]", difference(-interval.high.value()), difference(-interval.low.value()))
        }
        None => point,
    }
}

/// Returns a share with its interval.
pub(super) fn share_of(value: &Value) -> String {
    written(value, |share| Unit::Share.write(share))
}

/// Returns an amount of money, given in millionths of a dollar, with its interval.
pub(super) fn money_of(value: &Value) -> String {
    written(value, dollars)
}

/// Returns a time, given in milliseconds, with its interval.
pub(super) fn time_of(value: &Value) -> String {
    written(value, |ms| amount(ms, Unit::Milliseconds))
}

/// Returns a contrast as people read it.
pub(super) fn contrast(contrast: &Contrast) -> String {
    match contrast.scale {
        Scale::Difference => difference_of(&contrast.value),
        Scale::Ratio => written(&contrast.value, |ratio| format!("×{ratio:.2}")),
    }
}

fn written(value: &Value, write: impl Fn(f64) -> String) -> String {
    match value {
        Value::Undefined(_) => "–".to_owned(),
        Value::Estimate(Estimate { point, interval: Bounds::Undefined(_), .. }) => write(point.value()),
        Value::Estimate(Estimate { point, interval: Bounds::Interval(interval), .. }) => {
            let (low, high) = (write(interval.low.value()), write(interval.high.value()));
            format!("{} [{low}, {high}]", write(point.value()))
        }
    }
}

/// Returns a p-value.
pub(super) fn p(number: &Number) -> String {
    match number.value() {
        Some(p) if p < 0.001 => "<0.001".to_owned(),
        Some(p) => format!("{p:.3}"),
        None => "–".to_owned(),
    }
}

/// Returns the name of a contender.
pub(super) fn name(comparisons: &Comparisons, place: usize) -> &str {
    comparisons.contenders.get(place).map_or("–", |one| one.name.as_str())
}

/// Returns the names of contenders in quotation marks of code.
pub(super) fn names(comparisons: &Comparisons, places: &[usize]) -> Vec<String> {
    places.iter().map(|&place| quoted(name(comparisons, place))).collect()
}

/// Returns a name as it stands in sentences.
pub(super) fn quoted(name: &str) -> String {
    format!("`{name}`")
}

/// Returns what a resource is called beside success.
pub(super) fn resource(resource: Resource) -> &'static str {
    match resource {
        Resource::Cost => "cost",
        Resource::Time => "working time",
        other => other.label(),
    }
}
