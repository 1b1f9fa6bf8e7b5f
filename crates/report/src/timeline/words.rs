//! What a history says, in sentences.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use retrial_metrics::history::{Attribution, Change, PMethod, PassHat, RunRef, Standing, Verdict};
use retrial_metrics::{Bounds, Number, Unit, Value};

use crate::words::{counted, level};

/// Returns a time's day in UTC.
pub fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d").to_string()
}

/// Returns an estimate with its interval in brackets, or why there is none.
pub fn estimate(value: &Value, unit: Unit) -> String {
    let Value::Estimate(known) = value else { return "undefined".to_owned() };
    let write = |value: f64| unit.write(value).replace('-', "−");
    let point = write(known.point.value());
    match &known.interval {
        Bounds::Interval(interval) => {
            format!("{point} [{}, {}]", write(interval.low.value()), write(interval.high.value()))
        }
        Bounds::Undefined(_) => format!("{point} (no interval)"),
    }
}

/// Returns pass^k with its k, or a dash where no k has enough trials.
pub fn pass_hat(value: Option<&PassHat>) -> String {
    value.map_or_else(|| "–".to_owned(), |of| format!("pass^{} {}", of.k, estimate(&of.value, Unit::Share)))
}

fn point(value: &Value) -> String {
    value.estimate().map_or_else(|| "undefined".to_owned(), |known| Unit::Share.write(known.point.value()))
}

/// Returns a run by its release, its id and its day.
pub(super) fn run(run: &RunRef) -> String {
    format!("{} (run {}, {})", run.release, run.run, day(run.at))
}

/// Returns the sentences of a change-point.
pub fn change(change: &Change) -> Vec<String> {
    let shown = change.difference.estimate().and_then(|known| known.interval.interval());
    let shown =
        shown.map_or_else(String::new, |interval| format!(" ({} interval)", level(interval.level.value())));
    let mut sentences = vec![format!(
        "{} since {}: {}{shown}; before: {}, after: {}; adjusted p {}",
        change.direction.as_str(),
        run(&change.since),
        estimate(&change.difference, Unit::Difference),
        point(&change.before),
        point(&change.after),
        probability(change),
    )];
    if let Some(still) = &change.still {
        sentences.push(format!(
            "the runs since the newest change against those before this one: {}",
            estimate(still, Unit::Difference)
        ));
    }
    if change.earliest != change.latest {
        sentences.push(format!(
            "the trials leave open when it began, from {} to {}",
            run(&change.earliest),
            run(&change.latest)
        ));
    }
    if change.found_with != change.since {
        sentences.push(format!("found with {}", run(&change.found_with)));
    }
    let facts: Vec<String> = change
        .changed
        .iter()
        .map(|fact| format!("{} {} → {}", fact.what, safe(&fact.before), safe(&fact.after)))
        .collect();
    if facts.is_empty() {
        sentences.push(format!(
            "nothing of the agent was changed between run {} and this one",
            change.last_before.run
        ));
    } else {
        sentences.push(format!("what was changed with it: {}", facts.join(", ")));
    }
    sentences.extend(attribution(&change.attribution));
    sentences
}

/// Returns whose doing a change is.
pub fn cause(attribution: &Attribution) -> &'static str {
    match attribution.verdict {
        Verdict::Own => "its own doing",
        Verdict::NotOwn => "not its own doing: its model or its surroundings changed",
        Verdict::CannotBeTold => "whether it is its own doing cannot be told",
    }
}

/// Returns the sentences of whose doing a change is, with what each witness shows.
pub fn attribution(attribution: &Attribution) -> Vec<String> {
    let mut sentences = vec![format!("{}, because {}", cause(attribution), attribution.because.as_str())];
    for witness in &attribution.witnesses {
        let who = match witness.kind {
            retrial_metrics::history::WitnessKind::Itself => "unchanged runs of its own".to_owned(),
            retrial_metrics::history::WitnessKind::Anchor if witness.shares_model => {
                format!("anchor {}", witness.agent)
            }
            retrial_metrics::history::WitnessKind::Anchor => {
                format!("anchor {} (other model)", witness.agent)
            }
        };
        let beyond = match &witness.beyond {
            Value::Estimate(_) => {
                format!("; the agent beyond it {}", estimate(&witness.beyond, Unit::Difference))
            }
            Value::Undefined(_) => String::new(),
        };
        sentences.push(format!(
            "{who}: {} on {}, {} before and {} after{beyond}",
            estimate(&witness.moved, Unit::Difference),
            counted(witness.tasks, "task"),
            counted(witness.runs_before, "run"),
            witness.runs_after,
        ));
    }
    sentences
}

/// Returns how an agent stands, in a sentence.
pub fn standing(standing: &Standing) -> String {
    let newest = &standing.newest;
    let newest = if newest.runs == standing.runs {
        String::new()
    } else {
        format!(
            "; release {} by itself, {}: {}, {}",
            newest.release,
            counted(newest.graded, "graded trial"),
            estimate(&newest.success, Unit::Share),
            at_least(&newest.success_at_least),
        )
    };
    format!(
        "since {}: {}, {} of {}, {} days; {} {}, {}{newest}",
        run(&standing.since),
        counted(standing.releases, "release"),
        counted(standing.runs, "run"),
        counted(standing.graded, "graded trial"),
        standing.days,
        average(standing),
        estimate(&standing.success, Unit::Share),
        at_least(&standing.success_at_least),
    )
}

/// What the success of all runs since the last change is: of several, that of now only if nothing has changed unseen.
fn average(standing: &Standing) -> &'static str {
    if standing.runs == 1 { "success" } else { "average success, if nothing changed unseen," }
}

/// Returns a lower bound.
pub(super) fn at_least(bound: &Number) -> String {
    let bound = bound.value().map(|bound| format!("at least {}", Unit::Share.write(bound)));
    bound.unwrap_or_else(|| "no lower bound".to_owned())
}

/// Returns the adjusted p-value of a change-point, or what it is at most.
fn probability(change: &Change) -> String {
    let p = change.adjusted_p.value();
    match change.p_method {
        _ if p < 0.001 => "< 0.001".to_owned(),
        PMethod::Exact => format!("{p:.3}"),
        PMethod::ChernoffBound => format!("≤ {p:.3}"),
    }
}

/// Returns foreign text without what acts on the text around it.
pub(super) fn safe(text: &str) -> String {
    crate::plot::harmless(text)
}
