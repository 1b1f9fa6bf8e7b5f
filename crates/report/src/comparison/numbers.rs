//! How the numbers of comparisons are written: always with sign, interval and what they are a difference or ratio of.

use retrial_metrics::decide::field::Comparisons;
use retrial_metrics::decide::{Contrast, Scale};
use retrial_metrics::{Bounds, Estimate, Number, Resource, Target, Unit, Value};

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

/// Returns a difference for a sentence, with the reason for what it lacks; turned where the pair is read from the other side.
pub(super) fn difference_told(value: &Value, is_turned: bool) -> String {
    let estimate = match value {
        Value::Undefined(reason) => return format!("undefined ({reason})"),
        Value::Estimate(estimate) => estimate,
    };
    let turned = |value: f64| difference(if is_turned { -value } else { value });
    let point = turned(estimate.point.value());
    match &estimate.interval {
        Bounds::Undefined(reason) => format!("{point} (no interval: {reason})"),
        Bounds::Interval(interval) => {
            let (low, high) = (turned(interval.low.value()), turned(interval.high.value()));
            if is_turned { format!("{point} [{high}, {low}]") } else { format!("{point} [{low}, {high}]") }
        }
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

/// A value in a table, where the reason for what it lacks stands below.
fn written(value: &Value, write: impl Fn(f64) -> String) -> String {
    match value {
        Value::Undefined(_) => "–".to_owned(),
        Value::Estimate(Estimate { point, interval: Bounds::Undefined(_), .. }) => {
            format!("{} (no interval)", write(point.value()))
        }
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

/// Returns what a success rate speaks of, in the head of a column.
pub(super) fn tasks_of(target: Target) -> &'static str {
    match target {
        Target::FixedSuite => "these tasks",
        Target::Population => "new tasks",
    }
}

/// Returns where something is said to hold.
pub(super) fn place(target: Target) -> &'static str {
    match target {
        Target::FixedSuite => "on exactly these tasks",
        Target::Population => "for new tasks like these",
    }
}
