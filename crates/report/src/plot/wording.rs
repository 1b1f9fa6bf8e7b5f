//! Words and numbers of pictures: as on the terminal, shortened to the room there is.

use std::sync::LazyLock;

use retrial_metrics::{Estimate, Evidence, Known, Scorecard, Unit};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

use super::png::FONT;
use crate::words::counted;

/// Width of a letter whose width is not known, as a share of the size.
const UNKNOWN_LETTER: f64 = 0.75;

/// Widths of the first letters of Unicode at size 1, read once.
static WIDTHS: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let Ok(font) = FontRef::new(FONT) else { return Vec::new() };
    let (letters, widths) = (font.charmap(), font.glyph_metrics(Size::new(1.0), LocationRef::default()));
    let width = |letter: u32| letters.map(letter).and_then(|glyph| widths.advance_width(glyph));
    (0..0x2300).map(|letter| width(letter).map_or(UNKNOWN_LETTER, f64::from)).collect()
});

/// Returns how wide a line of text is.
pub(super) fn width_of(text: &str, size: f64) -> f64 {
    let letter = |letter: char| WIDTHS.get(letter as usize).copied().unwrap_or(UNKNOWN_LETTER);
    text.chars().map(letter).sum::<f64>() * size
}

/// Returns the text without what XML cannot hold and without marks that change the direction of reading.
pub(crate) fn clean(text: &str) -> String {
    let is_bad = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
    };
    text.chars().map(|letter| if is_bad(letter) { '\u{fffd}' } else { letter }).collect()
}

/// Returns the cleaned text, cut with a mark where it is wider than `width`.
pub(super) fn shorten(text: &str, size: f64, width: f64) -> String {
    let text = clean(text);
    if width_of(&text, size) <= width {
        return text;
    }
    let mut kept = String::new();
    for letter in text.chars() {
        kept.push(letter);
        if width_of(&kept, size) + width_of("…", size) > width {
            kept.pop();
            break;
        }
    }
    format!("{}…", kept.trim_end())
}

/// Returns the cleaned text, cut with a mark where it is longer than names are in sentences.
pub(super) fn name(text: &str) -> String {
    shorten(text, 1.0, 22.0)
}

/// Breaks text into lines of at most `width`; a longer word is cut.
pub(super) fn wrap(text: &str, size: f64, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let word = shorten(word, size, width);
        let joined = lines.last().map(|line| format!("{line} {word}"));
        match (joined, lines.last_mut()) {
            (Some(joined), Some(line)) if width_of(&joined, size) <= width => *line = joined,
            _ => lines.push(word),
        }
    }
    lines
}

/// Returns the text as it may stand in XML.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in clean(text).chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// Returns the agent, with its condition where that is not the baseline.
pub(super) fn who(card: &Scorecard) -> String {
    let agent = name(card.agent.as_str());
    if card.condition.as_str() == "baseline" {
        agent
    } else {
        format!("{agent}, {}", name(card.condition.as_str()))
    }
}

/// Returns `48 trials of 6 tasks`.
pub(super) fn evidence(n: Evidence) -> String {
    format!("{} of {}", counted(n.trials, "trial"), counted(n.tasks, "task"))
}

/// Returns a share or score with two digits, moved into its range.
pub(super) fn share(value: f64) -> String {
    format!("{:.2}", value.clamp(0.0, 1.0))
}

/// Returns a part as a percentage; a dash where there is nothing to be a part of.
pub(super) fn percent(part: u64, of: u64) -> String {
    if of == 0 { "–".to_owned() } else { format!("{:.0} %", part as f64 / of as f64 * 100.0) }
}

/// Returns a share with its interval, or with the remark that it has none.
pub(super) fn estimate(estimate: &Estimate) -> String {
    let point = share(estimate.point.value());
    match estimate.interval.interval() {
        Some(interval) => {
            format!("{point} [{}, {}]", share(interval.low.value()), share(interval.high.value()))
        }
        None => format!("{point} (no interval)"),
    }
}

/// Returns the level of an interval as a percentage.
pub(super) fn level(level: f64) -> String {
    format!("{} %", plain(level * 100.0))
}

/// Returns the number with at most four digits behind the point and no idle zeros.
pub(super) fn plain(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Returns an amount in units that people read.
pub(crate) fn amount(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Milliseconds if value < 1e3 => format!("{value:.0} ms"),
        Unit::Milliseconds if value < 6e4 => format!("{:.1} s", value / 1e3),
        Unit::Milliseconds if value < 3.6e6 => format!("{:.1} min", value / 6e4),
        Unit::Milliseconds => format!("{:.1} h", value / 3.6e6),
        Unit::UsdMicros => dollars(value / 1e6),
        _ if value < 1e3 => plain((value * 10.0).round() / 10.0),
        _ if value < 1e5 => format!("{:.1}k", value / 1e3),
        _ if value < 1e6 => format!("{:.0}k", value / 1e3),
        _ => format!("{:.1}M", value / 1e6),
    }
}

/// Two digits that count, and never fewer than cents.
fn dollars(value: f64) -> String {
    if value <= 0.0 {
        return "$0".to_owned();
    }
    let digits = (1.0 - value.log10().floor()).clamp(2.0, 6.0) as usize;
    format!("${value:.digits$}")
}

/// Returns the reason why something is not known.
pub(super) fn reason<T>(known: &Known<T>) -> Option<String> {
    match known {
        Known::Known(_) => None,
        Known::Undefined(reason) => Some(reason.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_font_has_widths_for_every_letter_of_our_words() {
        assert!((width_of("m", 10.0) - 9.74).abs() < 0.01, "{}", width_of("m", 10.0));
        assert!(width_of("i", 10.0) < 3.0);
    }

    #[test]
    fn text_is_cut_to_the_room_there_is_and_wrapped_within_it() {
        let long = "word ".repeat(60);
        assert!(width_of(&shorten(&long, 12.0, 100.0), 12.0) <= 100.0);
        assert!(shorten(&long, 12.0, 100.0).ends_with('…'));
        assert_eq!(shorten("short", 12.0, 100.0), "short");
        let lines = wrap(&format!("{long} {}", "x".repeat(300)), 12.0, 100.0);
        assert!(lines.len() > 10 && lines.iter().all(|line| width_of(line, 12.0) <= 100.0));
    }

    #[test]
    fn amounts_are_in_units_that_people_read() {
        let of = |value, unit| amount(value, unit);
        assert_eq!(of(1234.0, Unit::Tokens), "1.2k");
        assert_eq!(of(999.0, Unit::Tokens), "999");
        assert_eq!(of(2_340_000.0, Unit::Tokens), "2.3M");
        assert_eq!(of(3400.0, Unit::Milliseconds), "3.4 s");
        assert_eq!(of(150_000.0, Unit::Milliseconds), "2.5 min");
        assert_eq!(of(12_000.0, Unit::UsdMicros), "$0.012");
        assert_eq!(of(0.0, Unit::UsdMicros), "$0");
        assert_eq!(of(2_500_000.0, Unit::UsdMicros), "$2.50");
        assert_eq!(of(7.5, Unit::Actions), "7.5");
    }

    #[test]
    fn what_xml_cannot_hold_is_replaced_and_what_it_would_read_is_escaped() {
        assert_eq!(
            escape("<a & 'b'>\u{1}\u{202e}\"\n"),
            "&lt;a &amp; &apos;b&apos;&gt;\u{fffd}\u{fffd}&quot;\u{fffd}"
        );
    }
}
