//! A comparison as Markdown, for comments on changes and for summaries of jobs.

use std::fmt::Write;

use retrial_metrics::decide::field::Comparisons;

use super::{Detail, Section, answer, doubts, field_sections, pair_sections};
use crate::markdown::{prose, prose_with_code};

/// Most pairs whose measures, tasks and ways of working are shown; the other forms hold all.
const PAIRS: usize = 3;

/// Writes the comparison as Markdown: the answer first, then the tables, and single pairs folded.
pub fn comparison_markdown(comparisons: &Comparisons) -> String {
    let mut text = "## Comparison\n\n".to_owned();
    for sentence in answer(comparisons) {
        let _ = writeln!(text, "**{}**\n", prose_with_code(&sentence));
    }
    let doubts = doubts(comparisons);
    if !doubts.is_empty() {
        text.push_str("Before believing it:\n\n");
        for doubt in doubts {
            let _ = writeln!(text, "- {}", prose_with_code(&doubt));
        }
        text.push('\n');
    }
    for section in field_sections(comparisons) {
        let _ = write!(text, "### {}\n\n{}", prose(&section.title), body(&section));
    }
    let pairs = comparisons.pairs.len();
    for place in 0..pairs.min(PAIRS) {
        for section in pair_sections(comparisons, place, Detail::Short) {
            let _ = writeln!(
                text,
                "<details><summary>{}</summary>\n\n{}</details>\n",
                prose(&section.title),
                body(&section)
            );
        }
    }
    if pairs > PAIRS {
        let _ = writeln!(text, "… and {} more pairs, which the page and the JSON hold.\n", pairs - PAIRS);
    }
    let _ =
        writeln!(text, "<sub>{}, seed {}</sub>", prose(&comparisons.generator), comparisons.settings.seed);
    text
}

fn body(section: &Section) -> String {
    let mut text = String::new();
    for sentence in &section.before {
        let _ = writeln!(text, "{}\n", prose_with_code(sentence));
    }
    if !section.rows.is_empty() {
        let row = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| prose(cell)).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        text.push_str(&row(&section.heads));
        let _ = writeln!(text, "|{}", "---|".repeat(section.heads.len()));
        text.extend(section.rows.iter().map(|cells| row(cells)));
        text.push('\n');
    }
    for sentence in &section.after {
        let _ = writeln!(text, "{}\n", prose_with_code(sentence));
    }
    text
}
