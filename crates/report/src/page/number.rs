//! How numbers and words of the data are shown: every number of the page is formatted here.

use maud::{Markup, html};
use retrial_metrics::{Finite, Unit};
use serde::Serialize;

/// Returns an amount as people read it, with the minus of typeset text. The raw value stands beside it on the page.
pub(super) fn number(value: f64, unit: Unit) -> String {
    unit.write(value).replace('-', "−")
}

/// Shows a number of the report with its raw value and its place in the report's JSON, so that the two can be compared.
pub(super) fn shown(value: Finite, unit: Unit, at: &str) -> Markup {
    html! { span.num data-value=(raw(&value)) data-at=(at) { (number(value.value(), unit)) } }
}

/// Shows an end of an interval, whose point stands before it with all signs.
pub(super) fn shown_end(value: Finite, unit: Unit, at: &str) -> Markup {
    let text = number(value.value(), unit);
    html! { span.num data-value=(raw(&value)) data-at=(at) { (text.trim_start_matches("×/÷")) } }
}

/// Shows a count of the report as [`shown`] does.
pub(super) fn counted(value: u64, at: &str) -> Markup {
    html! { span.num data-value=(value) data-at=(at) { (grouped(value)) } }
}

/// Returns a value as it stands in the report's JSON.
pub(super) fn raw(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Returns a count with a comma between thousands.
pub(super) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns a count with its noun.
pub(super) fn many(value: u64, one: &str, more: &str) -> String {
    format!("{} {}", grouped(value), if value == 1 { one } else { more })
}

/// Returns a level such as 0.95 as a percentage.
pub(super) fn percent(share: f64) -> String {
    let text = format!("{:.1}", share * 100.0);
    format!("{}\u{a0}%", text.strip_suffix(".0").unwrap_or(&text))
}

/// Returns a part of a whole as a percentage; a dash where there is no whole.
pub(super) fn percent_of(part: u64, of: u64) -> String {
    if of == 0 { "–".to_owned() } else { format!("{:.0} %", part as f64 / of as f64 * 100.0) }
}

/// Returns a number per trial; a dash where there is no trial.
pub(super) fn per(count: u64, trials: u64) -> String {
    if trials == 0 { "–".to_owned() } else { format!("{:.1}", count as f64 / trials as f64) }
}

/// Returns a p-value.
pub(super) fn probability(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
}

/// Returns the stable word of a value of a plain enum, with spaces.
pub(super) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word.replace('_', " "),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_has_a_comma_between_thousands() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn a_number_below_its_range_is_shown_at_the_end_and_kept_raw() {
        let value = Finite::new(-0.25).unwrap();
        let text = shown(value, Unit::Score, "/x").into_string();
        assert_eq!(text, r#"<span class="num" data-value="-0.25" data-at="/x">0.00</span>"#);
    }

    #[test]
    fn a_level_is_a_percentage_without_needless_digits() {
        assert_eq!([0.95, 0.999].map(percent), ["95\u{a0}%", "99.9\u{a0}%"]);
    }
}
