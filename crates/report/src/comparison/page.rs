//! A comparison as one HTML file, which loads nothing and runs nothing.

use maud::{Markup, html};
use retrial_metrics::decide::field::Comparisons;

use super::numbers::name;
use super::{Detail, Section, answer, doubts, field_sections, pair_sections};
use crate::page::{figure, plain, sheet, wide};
use crate::plot::comparison_pictures;
use crate::words::{counted, level, listed};

/// Makes the page of a comparison.
pub fn comparison_page(comparisons: &Comparisons) -> String {
    let names: Vec<&str> = comparisons.contenders.iter().map(|one| one.name.as_str()).collect();
    let title = if names.len() > 4 {
        format!("{} agents compared", names.len())
    } else {
        format!("{} compared", listed(&names))
    };
    let pictures = comparison_pictures(comparisons);
    let sections = field_sections(comparisons);
    let doubts = doubts(comparisons);
    let body = html! {
        a.skip href="#main" { "Skip to the answer" }
        header.banner {
            div.inner {
                p.kicker { "Comparison" }
                h1 { (plain(&title)) }
                p.summary { (summary(comparisons)) }
            }
        }
        div.layout {
            (contents(comparisons, &sections))
            main #main tabindex="-1" {
                section.part.reading #answer aria-label="The answer" {
                    @for sentence in answer(comparisons) { p { (worded(&sentence)) } }
                }
                @if !doubts.is_empty() {
                    section.part.warnings #doubts aria-labelledby="doubts-title" {
                        h2 #doubts-title { "Before believing it" }
                        ul { @for doubt in &doubts { li { (worded(doubt)) } } }
                    }
                }
                @if !pictures.is_empty() {
                    section.part #pictures aria-labelledby="pictures-title" {
                        h2 #pictures-title { "Pictures" }
                        div.figures { @for picture in &pictures { (figure(picture, "comparison")) } }
                    }
                }
                @for section in &sections { (part(section, section.id)) }
                @for place in 0..comparisons.pairs.len() { (of_pair(comparisons, place)) }
            }
        }
        footer.foot {
            p {
                "Made by " (plain(&comparisons.generator)) ", seed " (comparisons.settings.seed)
                ". This file holds everything it shows and loads nothing. The same numbers with all their digits stand in the comparison’s JSON."
            }
        }
    };
    sheet(&title, &body)
}

fn summary(comparisons: &Comparisons) -> String {
    let trials: u64 = comparisons.contenders.iter().map(|one| one.n.trials).sum();
    format!(
        "{} · {} · {} · {} intervals",
        counted(comparisons.contenders.len() as u64, "agent"),
        counted(comparisons.pairs.len() as u64, "pair"),
        counted(trials, "graded trial"),
        level(comparisons.settings.level)
    )
}

fn contents(comparisons: &Comparisons, sections: &[Section]) -> Markup {
    let pairs = &comparisons.pairs;
    html! {
        nav.contents aria-label="Contents" {
            ul {
                li { a href="#answer" { "Answer" } }
                @for section in sections { li { a href=(format!("#{}", section.id)) { (plain(&section.title)) } } }
                li {
                    details open[pairs.len() < 7] {
                        summary { "Pairs" }
                        ul {
                            @for (place, pair) in pairs.iter().enumerate() {
                                li { a href=(format!("#pair-{place}")) { (breaking(name(comparisons, pair.candidate))) " and " (breaking(name(comparisons, pair.baseline))) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A name that may be broken within, for the narrow column.
fn breaking(name: &str) -> Markup {
    html! { @for piece in plain(name).split_inclusive(['_', '-', '/']) { (piece) wbr; } }
}

/// The sections of a pair; of many pairs they are folded.
fn of_pair(comparisons: &Comparisons, place: usize) -> Markup {
    let sections = pair_sections(comparisons, place, Detail::All);
    let Some(pair) = comparisons.pairs.get(place) else { return html! {} };
    let title = format!("{} against {}", name(comparisons, pair.candidate), name(comparisons, pair.baseline));
    html! {
        section.card id=(format!("pair-{place}")) aria-label=(plain(&title)) {
            @if comparisons.pairs.len() == 1 {
                @for section in &sections { (part(section, &format!("pair-{place}-{}", section.id))) }
            } @else {
                details {
                    summary { (plain(&title)) }
                    @for section in &sections { (part(section, &format!("pair-{place}-{}", section.id))) }
                }
            }
        }
    }
}

fn part(section: &Section, id: &str) -> Markup {
    let title = format!("{id}-title");
    html! {
        section.part id=(id) aria-labelledby=(title) {
            h2 id=(title) { (plain(&section.title)) }
            @for sentence in &section.before { p { (worded(sentence)) } }
            @if !section.rows.is_empty() { (table(section)) }
            @for sentence in &section.after { p.note { (worded(sentence)) } }
        }
    }
}

fn table(section: &Section) -> Markup {
    wide(
        &section.title,
        &html! {
            table {
                thead { tr { @for head in &section.heads { th scope="col" { (plain(head)) } } } }
                tbody {
                    @for row in &section.rows {
                        tr {
                            @for (column, cell) in row.iter().enumerate() {
                                @if column == 0 { th scope="row" { (typeset(cell)) } }
                                @else { td.number[is_number(cell)] { (typeset(cell)) } }
                            }
                        }
                    }
                }
            }
        },
    )
}

fn is_number(cell: &str) -> bool {
    cell.chars().next().is_some_and(|first| first.is_ascii_digit() || "+-×<$".contains(first))
}

/// Returns text with the minus of typeset numbers.
fn typeset(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut before = ' ';
    let mut letters = plain(text).chars().collect::<Vec<_>>().into_iter().peekable();
    while let Some(letter) = letters.next() {
        let next_is_digit = letters.peek().is_some_and(char::is_ascii_digit);
        let is_minus = letter == '-'
            && (before == ' ' || before == '[')
            && (next_is_digit || letters.peek() == Some(&' '));
        result.push(if is_minus { '−' } else { letter });
        before = letter;
    }
    result
}

/// Shows a sentence, with what stands in quotation marks of code as code.
fn worded(sentence: &str) -> Markup {
    html! {
        @for (place, piece) in sentence.split('`').enumerate() {
            @if place % 2 == 1 { strong { (plain(piece)) } } @else { (typeset(piece)) }
        }
    }
}
