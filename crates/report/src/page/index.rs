//! What the page's script works on: the list of all trials, the places of their grids, and the dialog of one trial.

use std::fmt::Write;

use maud::{Markup, PreEscaped, html};
use retrial_metrics::Scorecards;
use serde::Serialize;

use super::{Card, PageError};
use crate::{Claims, Report, ReportedRun};

/// What became of trials, with the letters of the grid.
const STATES: [(char, &str); 5] = [
    ('P', "passed"),
    ('F', "failed"),
    ('I', "failed, claimed as done"),
    ('x', "does not count"),
    ('-', "no record"),
];

#[derive(Serialize)]
struct Index<'a> {
    states: Vec<(char, &'a str)>,
    runs: Vec<RunIndex<'a>>,
}

#[derive(Serialize)]
struct RunIndex<'a> {
    tasks: Vec<&'a str>,
    cards: Vec<CardIndex<'a>>,
}

#[derive(Serialize)]
struct CardIndex<'a> {
    agent: &'a str,
    condition: &'a str,
    /// The place of each task, the letters of its trials, and how surely they end alike.
    rows: Vec<(usize, &'a str, String)>,
}

/// The index of all trials, as an element that does nothing by itself.
pub(super) fn index(report: &Report) -> Result<Markup, PageError> {
    let index = Index { states: STATES.to_vec(), runs: report.runs.iter().map(run).collect() };
    let json = inert(&serde_json::to_string(&index)?);
    Ok(html! { script type="application/json" id="index" { (PreEscaped(json)) } })
}

/// What the page says of itself, so that it can be made again and compared.
pub(super) fn claims(report: &Report) -> Result<Markup, PageError> {
    let json = inert(&serde_json::to_string(&Claims::of(report))?);
    Ok(html! { script type="application/json" id="claims" { (PreEscaped(json)) } })
}

fn run(reported: &ReportedRun) -> RunIndex<'_> {
    let scored = &reported.scored;
    RunIndex {
        tasks: scored.run.tasks.iter().map(|task| task.name.as_str()).collect(),
        cards: (0..scored.scorecards.len()).map(|place| card(reported, scored, place)).collect(),
    }
}

fn card<'a>(reported: &'a ReportedRun, scored: &'a Scorecards, place: usize) -> CardIndex<'a> {
    let scorecard = &scored.scorecards[place];
    let is_its = |curves: &&retrial_metrics::Curves| {
        (&curves.agent, &curves.condition) == (&scorecard.agent, &scorecard.condition)
    };
    let outcomes = reported.curves.iter().find(is_its).map_or(&[][..], |curves| &curves.outcomes);
    let rows = outcomes.iter().filter_map(|row| {
        let task = scored.run.tasks.binary_search_by(|task| task.name.cmp(&row.task)).ok()?;
        let found = scorecard.tasks.binary_search_by(|one| one.task.cmp(&row.task)).ok();
        let consistency = found.and_then(|place| scorecard.tasks[place].outcome_consistency.value());
        let consistency =
            consistency.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}").replace('-', "−"));
        Some((task, row.trials.as_str(), consistency))
    });
    CardIndex {
        agent: scorecard.agent.as_str(),
        condition: scorecard.condition.as_str(),
        rows: rows.collect(),
    }
}

/// JSON in which no character can end the element or begin another.
fn inert(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // Into a string nothing fails.
                let _ = write!(text, "\\u{:04x}", u32::from(character));
            }
            _ => text.push(character),
        }
    }
    text
}

/// The place of a scorecard's grid, which the script fills, with the meaning of its letters.
pub(super) fn grid(card: &Card<'_>) -> Markup {
    html! {
        p {
            "A row for each task, a cell for each trial. Arrow keys move between cells; Enter opens a trial with what it did, its patch and its verifier’s output."
        }
        ul.legend aria-label="Meaning of the letters" {
            @for (letter, meaning) in STATES { li { span.state data-state=(letter) aria-hidden="true" { (sign(letter)) } " " (meaning) } }
        }
        div.trial-grid data-run=(card.run) data-card=(card.place) data-title=(card.title()) {
            noscript { p { "This list needs the page’s script, which is part of the page and loads nothing." } }
        }
    }
}

/// How a letter of the grid is shown.
fn sign(letter: char) -> char {
    match letter {
        'x' => '×',
        '-' => '–',
        other => other,
    }
}

/// The dialog of one trial, which the script fills.
pub(super) fn dialog() -> Markup {
    html! {
        dialog #trial aria-labelledby="trial-title" {
            header.dialog-head {
                h2 #trial-title tabindex="-1" { "Trial" }
                div.buttons {
                    button type="button" #trial-before { "Previous" }
                    button type="button" #trial-after { "Next" }
                    button type="button" #trial-close { "Close" }
                }
            }
            div #trial-body aria-live="polite" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_cannot_end_its_element() {
        assert_eq!(inert("[\"</script><!--&\u{2028}\"]"), r#"["\u003c/script\u003e\u003c!--\u0026\u2028"]"#);
    }
}
