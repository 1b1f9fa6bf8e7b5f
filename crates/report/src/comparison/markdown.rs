//! A comparison as Markdown, for comments on changes and for summaries of jobs.

use std::fmt::Write;

use retrial_metrics::decide::field::Comparisons;

use super::{Detail, Section, answer, doubts, field_sections, pair_sections};
use crate::markdown::{Part, html, limited, prose, prose_with_code};

/// Most pairs whose measures, tasks and ways of working are shown; the other forms hold all.
const PAIRS: usize = 3;
/// Most rows of a table.
const ROWS: usize = 60;
/// Most sentences about what to know before believing the answer.
const DOUBTS: usize = 20;

/// Writes the comparison as Markdown of at most 60,000 bytes: the answer first, then the tables, and single pairs folded. What does not
/// fit is counted.
pub fn comparison_markdown(comparisons: &Comparisons) -> String {
    let mut parts = vec![Part { is_first: true, text: head(comparisons) }];
    let mut add = |text: String| parts.push(Part { is_first: false, text });
    for section in field_sections(comparisons) {
        add(format!("### {}\n\n{}", prose(&section.title), body(&section)));
    }
    let pairs = comparisons.pairs.len();
    for place in 0..pairs.min(PAIRS) {
        for section in pair_sections(comparisons, place, Detail::Short) {
            let (title, text) = (html(&section.title), body(&section));
            add(format!("<details><summary>{title}</summary>\n\n{text}</details>\n\n"));
        }
    }
    if pairs > PAIRS {
        add(format!("… and {} more pairs, which the page and the JSON hold.\n\n", pairs - PAIRS));
    }
    let end = format!("<sub>{}, seed {}</sub>\n", prose(&comparisons.generator), comparisons.settings.seed);
    limited(&parts, &end, "comparison")
}

/// The answer, and what to know before believing it.
fn head(comparisons: &Comparisons) -> String {
    let mut text = "## Comparison\n\n".to_owned();
    for sentence in answer(comparisons) {
        let _ = writeln!(text, "**{}**\n", prose_with_code(&sentence));
    }
    let doubts = doubts(comparisons);
    if !doubts.is_empty() {
        text.push_str("Before believing it:\n\n");
        for doubt in doubts.iter().take(DOUBTS) {
            let _ = writeln!(text, "- {}", prose_with_code(doubt));
        }
        text.push_str(&rest(doubts.len(), DOUBTS, "such sentences"));
        text.push('\n');
    }
    text
}

/// Says how much of a list is left out, and where it is.
fn rest(all: usize, shown: usize, what: &str) -> String {
    if all <= shown {
        return String::new();
    }
    format!("\n… and {} more {what}, which the page and the JSON hold.\n", all - shown)
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
        text.extend(section.rows.iter().take(ROWS).map(|cells| row(cells)));
        text.push_str(&rest(section.rows.len(), ROWS, "rows"));
        text.push('\n');
    }
    for sentence in &section.after {
        let _ = writeln!(text, "{}\n", prose_with_code(sentence));
    }
    text
}
