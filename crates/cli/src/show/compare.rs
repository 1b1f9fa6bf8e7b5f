//! A comparison on a terminal: the answer first, then the tables that it rests on.

use retrial_metrics::decide::field::Comparisons;
use retrial_report::{Detail, Section, answer, doubts, field_sections, pair_sections, pairs_sections};

use super::columns::paragraph;
use super::forest::forest;
use super::scorecard::width;
use super::table::plain;

/// Most contenders whose figures stand in columns, one for each.
const BESIDE: usize = 3;

/// Writes the whole comparison; of a single pair everything, of several what speaks of all of them.
pub(crate) fn render(found: &Comparisons) -> String {
    let mut text = head(found);
    for mut part in field_sections(found) {
        if ["contenders", "costs"].contains(&part.id) && part.rows.len() <= BESIDE {
            part = turned(part);
        }
        text.push_str(&drawn(found, &part));
    }
    if let [_] = found.pairs.as_slice() {
        text.extend(pair_sections(found, 0, Detail::Short).iter().map(section));
    } else {
        text.push('\n');
        text.push_str(&paragraph(
            "Measures, tasks, ways of working and what to buy next: compare two of them as RUN:AGENT RUN:AGENT, or write the page with \
             --out.",
        ));
    }
    text
}

/// Writes every pair in a line, what procedures call different, and who changes places.
pub(crate) fn pairs(found: &Comparisons) -> String {
    let mut text = head(found);
    text.extend(pairs_sections(found).iter().map(|part| drawn(found, part)));
    text
}

/// A section, and below that of the pairs its picture.
fn drawn(found: &Comparisons, part: &Section) -> String {
    if part.id != "pairs" {
        return section(part);
    }
    // A single pair is named in full, which may leave no room for columns beside it.
    let is_wide = part.rows.len() == 1 && blocks(part).len() > 1;
    let text = if is_wide { section(&turned(part.clone())) } else { section(part) };
    let labels: Vec<String> = part.rows.iter().filter_map(|row| row.first().cloned()).collect();
    text + &forest(found, &labels)
}

/// The answer, and what to know before believing it.
fn head(found: &Comparisons) -> String {
    let mut text: String =
        answer(found).iter().map(|sentence| paragraph(&sentence.replace('`', ""))).collect();
    let doubts = doubts(found);
    if !doubts.is_empty() {
        text.push_str("\nBefore believing it\n");
        text.extend(doubts.iter().map(|doubt| paragraph(&format!("  {}", doubt.replace('`', "")))));
    }
    text
}

fn section(part: &Section) -> String {
    let mut text = format!("\n{}", paragraph(&part.title));
    let sentence = |sentence: &String| paragraph(&sentence.replace('`', ""));
    text.extend(part.before.iter().map(sentence));
    for block in blocks(part) {
        text.push_str(&block);
    }
    text.extend(part.after.iter().map(sentence));
    text
}

/// Rows as columns, where a column for each of a few is easier to read than many columns.
fn turned(part: Section) -> Section {
    let column = |place: usize| part.rows.iter().filter_map(move |row| row.get(place).cloned());
    let line = |place: usize, head: &String| std::iter::once(head.clone()).chain(column(place)).collect();
    let mut lines: Vec<Vec<String>> =
        part.heads.iter().enumerate().map(|(place, head)| line(place, head)).collect();
    let heads = if lines.is_empty() { Vec::new() } else { lines.remove(0) };
    Section { heads, rows: lines, ..part }
}

/// The table in blocks of columns that fit the terminal, each with the first column.
fn blocks(part: &Section) -> Vec<String> {
    if part.rows.is_empty() {
        return Vec::new();
    }
    let wide = |place: usize| {
        let cells = part.rows.iter().filter_map(|row| row.get(place)).chain(part.heads.get(place));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0) + 2
    };
    let (room, first) = (width(), wide(0));
    let (mut chosen, mut used) = (vec![vec![0]], first);
    for place in 1..part.heads.len() {
        let own = wide(place);
        let is_full = used + own > room && chosen.last().is_some_and(|block| block.len() > 1);
        if is_full {
            chosen.push(vec![0]);
            used = first;
        }
        used += own;
        if let Some(block) = chosen.last_mut() {
            block.push(place);
        }
    }
    let cells = |row: &[String], places: &[usize]| -> Vec<String> {
        places.iter().filter_map(|&place| row.get(place).cloned()).collect()
    };
    let table = |places: Vec<usize>| {
        let rows: Vec<Vec<String>> = part.rows.iter().map(|row| cells(row, &places)).collect();
        let heads: Vec<&str> =
            places.iter().filter_map(|&place| part.heads.get(place)).map(String::as_str).collect();
        plain(&heads, &rows)
    };
    chosen.into_iter().map(table).collect()
}
