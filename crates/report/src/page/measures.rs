//! One measured value in words and cells, and the table of all of them.

use maud::{Markup, html};
use retrial_metrics::{Among, Bounds, Estimate, Granularity, Interval, Measure, Unit, Value};

use super::figure::{whisker, wide};
use super::number::{counted, many, percent, shown, shown_end, word};
use super::{Card, plain};
use crate::words::target;

/// Returns the name of a measured value: its measure's, with what tells it from other values of the measure.
pub(super) fn label(measure: &Measure) -> String {
    match measure.resource {
        Some(resource) => format!("{}, {}", measure.label(), word(&resource)),
        None => measure.label(),
    }
}

/// Returns which of several views of a measure a value is; nothing where there is only one.
pub(super) fn view(measure: &Measure) -> String {
    let granularity = measure.granularity.map(|granularity| match granularity {
        Granularity::Kind => "by kind",
        Granularity::Name => "by fine name",
    });
    let among = measure.among.map(|among| match among {
        Among::All => "all trials",
        Among::Successes => "successes",
    });
    granularity.into_iter().chain(among).collect::<Vec<_>>().join(", ")
}

/// Shows the point, or that there is none and why.
pub(super) fn point(measure: &Measure, at: &str) -> Markup {
    match &measure.value {
        Value::Estimate(estimate) => {
            html! { (shown(estimate.point, measure.unit, &format!("{at}/value/estimate/point"))) }
        }
        Value::Undefined(reason) => html! { span.undefined title=(reason) { "undefined" } },
    }
}

/// Shows the ends of an interval.
pub(super) fn ends(interval: &Interval, unit: Unit, at: &str) -> Markup {
    html! {
        span.interval {
            "[" (shown_end(interval.low, unit, &format!("{at}/low"))) ", " (shown_end(interval.high, unit, &format!("{at}/high"))) "]"
        }
    }
}

/// Shows an estimate with its interval, short enough for a cell.
pub(super) fn short(measure: &Measure, at: &str) -> Markup {
    html! {
        (point(measure, at))
        @if let Value::Estimate(estimate) = &measure.value {
            " "
            @match &estimate.interval {
                Bounds::Interval(interval) => (ends(interval, measure.unit, &format!("{at}/value/estimate/interval/known"))),
                Bounds::Undefined(reason) => span.undefined title=(reason) { "no interval" },
            }
        }
    }
}

/// Returns what an estimate rests on, in words.
pub(super) fn evidence(estimate: &Estimate) -> String {
    let n = estimate.n;
    format!("{} of {}", many(n.trials, "trial", "trials"), many(n.tasks, "task", "tasks"))
}

/// Returns how an interval was made and what it speaks of, in words; or why there is none.
pub(super) fn interval_words(measure: &Measure, estimate: &Estimate) -> String {
    match &estimate.interval {
        Bounds::Interval(interval) => format!(
            "{} interval for {}, {}",
            percent(interval.level.value()),
            target(measure.target),
            method(interval)
        ),
        Bounds::Undefined(reason) => format!("no interval: {reason}"),
    }
}

fn method(interval: &Interval) -> String {
    interval.method.to_string().replace('_', " ")
}

/// Shows the interval on an axis, for units whose range is 0 to 1.
pub(super) fn drawn(measure: &Measure) -> Markup {
    let estimate = measure.value.estimate().filter(|_| matches!(measure.unit, Unit::Share | Unit::Score));
    html! {
        @if let Some(estimate) = estimate {
            @let interval = estimate.interval.interval().map(|interval| (interval.low.value(), interval.high.value()));
            (whisker(estimate.point.value(), interval))
        }
    }
}

/// Shows every measured value of a scorecard, part by part of its profile.
pub(super) fn all(card: &Card<'_>) -> Markup {
    let measures = &card.scorecard.measures;
    let places: Vec<(usize, &Measure)> = measures.iter().enumerate().collect();
    let at = format!("{}/measures", card.at());
    html! {
        @for part in places.chunk_by(|a, b| a.1.dimension == b.1.dimension) {
            @if let Some((_, first)) = part.first() {
                @let name = word(&first.dimension);
                details.long {
                    summary { "Every measure of " (name) " (" (many(part.len() as u64, "value", "values")) ")" }
                    (wide(&format!("Every measure of {name}"), &table(&name, part, &at)))
                }
            }
        }
    }
}

/// A table of measured values with everything that belongs to them; `at` is the place of their list in the report's JSON.
pub(super) fn table(name: &str, measures: &[(usize, &Measure)], at: &str) -> Markup {
    html! {
        table.measures {
            caption { "Measures of " (name) ", with what each number rests on" }
            thead { tr {
                @for head in ["Measure", "Estimate", "Interval", "Level", "Method", "Trials", "Tasks", "Speaks of", "Unit"] {
                    th scope="col" { (head) }
                }
            } }
            tbody {
                @for (index, (place, measure)) in measures.iter().enumerate() {
                    @let is_first = index.checked_sub(1).and_then(|before| measures.get(before))
                        .is_none_or(|(_, before)| before.id != measure.id);
                    (row(measure, &format!("{at}/{place}"), is_first))
                }
            }
        }
    }
}

fn row(measure: &Measure, at: &str, is_first: bool) -> Markup {
    html! {
        tr data-measure=(measure.id.as_str()) {
            th scope="row" {
                (label(measure))
                @let view = view(measure);
                @if !view.is_empty() { " " span.view { (view) } }
                @if is_first { span.explain { (measure.id.explain()) } }
                @if let Some(caution) = &measure.caution { span.caution { "Caution: " (caution) } }
            }
            @match &measure.value {
                Value::Estimate(estimate) => (estimate_cells(measure, estimate, &format!("{at}/value/estimate"))),
                Value::Undefined(reason) => {
                    td.undefined { "undefined" }
                    td.undefined colspan="5" { "because " (plain::plain(&reason.to_string())) }
                },
            }
            td { (target(measure.target)) }
            td { (word(&measure.unit)) }
        }
    }
}

fn estimate_cells(measure: &Measure, estimate: &Estimate, at: &str) -> Markup {
    html! {
        td.number { (shown(estimate.point, measure.unit, &format!("{at}/point"))) }
        @match &estimate.interval {
            Bounds::Interval(interval) => {
                @let known = format!("{at}/interval/known");
                td.number { (ends(interval, measure.unit, &known)) (beside(measure, estimate, at)) }
                td.number { (shown_level(interval, &known)) }
                td { (method(interval)) }
            },
            Bounds::Undefined(reason) => {
                td.undefined colspan="3" { "none, because " (reason) (beside(measure, estimate, at)) }
            },
        }
        td.number { (counted(estimate.n.trials, &format!("{at}/n/trials"))) }
        td.number { (counted(estimate.n.tasks, &format!("{at}/n/tasks"))) }
    }
}

fn shown_level(interval: &Interval, at: &str) -> Markup {
    html! {
        span.num data-value=(super::number::raw(&interval.level)) data-at=(format!("{at}/level")) { (percent(interval.level.value())) }
    }
}

/// The intervals by other methods.
fn beside(measure: &Measure, estimate: &Estimate, at: &str) -> Markup {
    html! {
        @for (place, bounds) in estimate.beside.iter().enumerate() {
            @if let Bounds::Interval(interval) = bounds {
                span.beside {
                    (ends(interval, measure.unit, &format!("{at}/beside/{place}/known"))) " " (method(interval))
                }
            }
        }
    }
}
