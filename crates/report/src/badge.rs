//! A scorecard in a line: an SVG badge, and the JSON from which shields.io makes one.

use std::fmt::Write;

use retrial_metrics::{Bounds, MeasureId, Scorecard, Value};
use serde::Serialize;

use crate::words::{level, most_draws, percent, percent_range, target};

/// The colours of the right half by the least success rate that the data leave likely, best first. White text is legible on each.
const COLOURS: [(f64, &str); 5] =
    [(0.9, "1a7f37"), (0.75, "4d7c0f"), (0.5, "8a6d00"), (0.25, "b45309"), (0.0, "b91c1c")];
/// The colour where nothing can be promised: no estimate, or one without interval.
const GREY: &str = "6b7280";
/// The colour of the left half.
const LEFT: &str = "374151";

/// What a badge says. As JSON it is what the endpoint badge of shields.io reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Badge {
    schema_version: u32,
    label: &'static str,
    message: String,
    color: &'static str,
    /// The whole sentence, for who does not see the badge.
    #[serde(skip)]
    title: String,
}

/// Returns the badge of a scorecard. Its colour follows the lower end of the interval, never the estimate alone: few trials that all
/// passed are no green badge.
pub fn badge(scorecard: &Scorecard) -> Badge {
    let success = scorecard.headline(MeasureId::SuccessRate);
    let (message, color, of) = match success.map(|measure| (&measure.value, measure.target)) {
        Some((Value::Estimate(found), of)) => {
            let rate = percent(found.point.value());
            match &found.interval {
                Bounds::Interval(known) => {
                    let range = percent_range(known.low.value(), known.high.value());
                    let range = range.trim_end_matches(" %");
                    let of = format!(" ({} interval, for {})", level(known.level.value()), target(of));
                    (format!("{rate} [{range}]{}", tries(scorecard)), colour(known.low.value()), of)
                }
                Bounds::Undefined(reason) => {
                    let of = format!(" (no interval: {reason})");
                    (format!("{rate}, no interval{}", tries(scorecard)), GREY, of)
                }
            }
        }
        Some((Value::Undefined(reason), _)) => (format!("unknown: {reason}"), GREY, String::new()),
        None => ("unknown".to_owned(), GREY, String::new()),
    };
    let title = format!("{}, {}: reliability {message}{of}", scorecard.agent, scorecard.condition);
    Badge { schema_version: 1, label: "reliability", message, color, title }
}

fn tries(scorecard: &Scorecard) -> String {
    let found = most_draws(scorecard, MeasureId::PassHatK)
        .and_then(|measure| Some((measure.k?, measure.value.estimate()?.point.value())));
    found.map_or_else(String::new, |(k, share)| format!(", pass^{k} {}", percent(share)))
}

fn colour(least: f64) -> &'static str {
    COLOURS.iter().find(|(from, _)| least >= *from).map_or(GREY, |(_, colour)| colour)
}

impl Badge {
    /// Returns the JSON of the endpoint badge of shields.io.
    pub fn endpoint(&self) -> String {
        // Texts and a number cannot fail to be written.
        serde_json::to_string(self).map_or_else(|_| String::new(), |json| json + "\n")
    }

    /// Returns the badge as an SVG file of its own.
    pub fn svg(&self) -> String {
        let Self { label, message, color, title, .. } = self;
        let (left, right) = (width(label) + 12, width(message) + 12);
        let all = left + right;
        let (title, text) = (escaped(title), escaped(message));
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{all}\" height=\"20\" viewBox=\"0 0 {all} 20\" role=\"img\" \
             aria-label=\"{title}\">\n<title>{title}</title>\n"
        );
        // Writing to a text cannot fail.
        let _ = writeln!(svg, "<rect width=\"{all}\" height=\"20\" rx=\"3\" fill=\"#{color}\"/>");
        let _ =
            writeln!(svg, "<path d=\"M3 0H{left}V20H3A3 3 0 0 1 0 17V3A3 3 0 0 1 3 0Z\" fill=\"#{LEFT}\"/>");
        let font = "font-family=\"Verdana,DejaVu Sans,Geneva,sans-serif\" font-size=\"11\"";
        let _ = writeln!(svg, "<g fill=\"#fff\" {font} aria-hidden=\"true\">");
        for (from, text, length) in [(6, escaped(label), left - 12), (left + 6, text, right - 12)] {
            let fit = format!("textLength=\"{length}\" lengthAdjust=\"spacingAndGlyphs\"");
            let _ = writeln!(svg, "<text x=\"{from}\" y=\"14\" {fit}>{text}</text>");
        }
        svg.push_str("</g>\n</svg>\n");
        svg
    }
}

/// About how many pixels a text takes in Verdana of 11 pixels.
fn width(text: &str) -> u32 {
    let tenths = |letter: char| match letter {
        ' ' | ',' | '.' | ':' | 'i' | 'j' | 'l' => 40,
        'f' | 't' | 'r' | '[' | ']' | '(' | ')' => 50,
        'm' | 'w' | '%' | 'W' | 'M' => 115,
        '^' => 90,
        letter if letter.is_ascii() || letter == '–' => 70,
        _ => 110,
    };
    text.chars().map(tenths).sum::<u32>().div_ceil(10)
}

/// Makes a text safe in XML; what XML cannot hold is replaced.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut safe, letter| {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
                safe.push('\u{fffd}');
            }
            letter => safe.push(letter),
        }
        safe
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(colour: &str) -> f64 {
        let part = |at: usize| {
            let part = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(0) + 0.7152 * part(2) + 0.0722 * part(4)
    }

    #[test]
    fn white_text_is_legible_on_every_colour() {
        for colour in COLOURS.iter().map(|(_, colour)| *colour).chain([GREY, LEFT]) {
            let contrast = 1.05 / (luminance(colour) + 0.05);
            assert!(contrast >= 4.5, "{colour}: {contrast}");
        }
    }

    #[test]
    fn hostile_texts_stay_texts() {
        let hostile = "</title><script>alert(\"1\")</script>&\u{0}\u{ffff}'";
        let badge = Badge {
            schema_version: 1,
            label: "reliability",
            message: hostile.to_owned(),
            color: GREY,
            title: hostile.to_owned(),
        };
        let svg = badge.svg();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let elements: Vec<&str> = document
            .root_element()
            .descendants()
            .filter(roxmltree::Node::is_element)
            .map(|node| node.tag_name().name())
            .collect();
        assert_eq!(elements, ["svg", "title", "rect", "path", "g", "text", "text"]);
        let title =
            document.descendants().find(|node| node.has_tag_name("title")).and_then(|node| node.text());
        assert_eq!(title, Some("</title><script>alert(\"1\")</script>&\u{fffd}\u{fffd}'"));
    }
}
