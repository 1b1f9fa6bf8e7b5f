//! How numbers, intervals and counts are written in sentences and tables.

use retrial_metrics::{Bounds, Estimate, Interval, Measure, MeasureId, Scorecard, Target, Unit, Value};

/// Returns a share in per cent. What is not quite nothing or everything never reads as if it were.
pub(crate) fn percent(share: f64) -> String {
    let share = share.clamp(0.0, 1.0);
    let whole = (share * 100.0).round();
    if share > 0.0 && whole < 1.0 {
        "under 1 %".to_owned()
    } else if share < 1.0 && whole > 99.0 {
        "over 99 %".to_owned()
    } else {
        format!("{whole:.0} %")
    }
}

/// Returns a range of shares in per cent.
pub(crate) fn percent_range(low: f64, high: f64) -> String {
    let whole = |share: f64| (share.clamp(0.0, 1.0) * 100.0).round();
    format!("{:.0}–{:.0} %", whole(low), whole(high))
}

/// Returns a confidence level in per cent, such as `95 %`.
pub(crate) fn level(level: f64) -> String {
    format!("{} %", (level * 1000.0).round() / 10.0)
}

/// Returns what an interval speaks of, as it stands behind `for`.
pub(crate) fn target(target: Target) -> &'static str {
    match target {
        Target::Population => "new tasks like these",
        Target::FixedSuite => "exactly these tasks, run again",
    }
}

/// Returns an interval in words, its ends written by `ends`. One that holds whenever the run stopped is called so.
pub(crate) fn interval(interval: &Interval, ends: impl Fn(f64, f64) -> String) -> String {
    let range = ends(interval.low.value(), interval.high.value());
    let kind = if interval.is_anytime_valid() { "anytime-valid " } else { "" };
    format!("{kind}{} interval {range}", level(interval.level.value()))
}

/// Returns the interval of an estimate in brackets, with a space before, or that there is none.
pub(crate) fn aside(estimate: &Estimate, ends: impl Fn(f64, f64) -> String) -> String {
    match &estimate.interval {
        Bounds::Interval(known) => format!(" ({})", interval(known, ends)),
        Bounds::Undefined(_) => " (no interval)".to_owned(),
    }
}

/// Returns a number with its noun in the right form: `1 trial`, `3 trials`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Returns words with commas and an `and` before the last.
pub(crate) fn listed(words: &[impl AsRef<str>]) -> String {
    match words {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [start @ .., last] => {
            let start: Vec<&str> = start.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", start.join(", "), last.as_ref())
        }
    }
}

/// Returns the sentence with its first letter in upper case.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Returns an amount of money: cents, or of less than a dollar two digits that count.
pub(crate) fn dollars(micros: f64) -> String {
    let amount = micros / 1e6;
    let (mut digits, mut left) = (2, amount);
    while left > 0.0 && left < 0.1 && digits < 6 {
        left *= 10.0;
        digits += 1;
    }
    format!("${amount:.digits$}")
}

/// Returns the point of a value as tables show it, or `undefined`.
pub(crate) fn point(value: &Value, unit: Unit) -> String {
    value.estimate().map_or_else(|| "undefined".to_owned(), |known| unit.write(known.point.value()))
}

/// Returns the interval of a value as tables show it, or why there is none.
pub(crate) fn bounds(value: &Value, unit: Unit) -> String {
    match value {
        Value::Undefined(reason) => reason.to_string(),
        Value::Estimate(Estimate { interval: Bounds::Undefined(reason), .. }) => format!("none: {reason}"),
        Value::Estimate(Estimate { interval: Bounds::Interval(known), .. }) => {
            format!("{} to {}", unit.write(known.low.value()), unit.write(known.high.value()))
        }
    }
}

/// Returns the measure of the most draws that a short table shows and that has an estimate; none where no table shows more than one.
pub(crate) fn most_draws(scorecard: &Scorecard, id: MeasureId) -> Option<&Measure> {
    let shown = |measure: &&Measure| {
        measure.headline && measure.k.is_some_and(|k| k > 1) && measure.value.estimate().is_some()
    };
    scorecard.all(id).filter(shown).max_by_key(|measure| measure.k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_that_is_not_quite_all_or_nothing_does_not_read_as_if_it_were() {
        let written = [0.0, 0.001, 0.005, 0.5, 0.994, 0.996, 1.0].map(percent);
        assert_eq!(written, ["0 %", "under 1 %", "1 %", "50 %", "99 %", "over 99 %", "100 %"]);
        assert_eq!(percent(1.0 + 1e-12), "100 %");
    }

    #[test]
    fn small_amounts_of_money_keep_two_digits_that_count() {
        let written = [0.0, 12.0, 1_234.0, 45_600.0, 700_000.0, 12_345_678.0].map(dollars);
        assert_eq!(written, ["$0.00", "$0.000012", "$0.0012", "$0.046", "$0.70", "$12.35"]);
    }

    #[test]
    fn one_of_a_thing_is_not_many() {
        assert_eq!(
            [counted(0, "trial"), counted(1, "trial"), counted(2, "trial")],
            ["0 trials", "1 trial", "2 trials"]
        );
        assert_eq!(
            [listed(&["a"]), listed(&["a", "b"]), listed(&["a", "b", "c"])],
            ["a", "a and b", "a, b and c"]
        );
    }

    #[test]
    fn levels_are_written_without_needless_digits() {
        assert_eq!([level(0.95), level(0.995), level(0.9)], ["95 %", "99.5 %", "90 %"]);
    }
}
