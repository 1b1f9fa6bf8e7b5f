//! Conditions beside each other, agent by agent.

use retrial_metrics::{MeasureId, Scorecard, Scorecards};

use super::columns::row;
use super::scorecard::{cell, head, undefined};

/// The measures that are compared, in order.
const MEASURES: [MeasureId; 6] = [
    MeasureId::SuccessRate,
    MeasureId::OutcomeConsistency,
    MeasureId::ActionMixConsistency,
    MeasureId::ActionOrderConsistency,
    MeasureId::TokenMedian,
    MeasureId::TimeMedian,
];

/// Widths of a measure's name and of two conditions: 80 characters.
const WIDTHS: [usize; 3] = [26, 27, 27];

/// Writes a block for each agent, two conditions side by side.
pub(crate) fn render(scorecards: &Scorecards) -> String {
    let mut text = head(scorecards);
    let cards = &scorecards.scorecards;
    for of_agent in cards.chunk_by(|a, b| a.agent == b.agent) {
        for block in of_agent.chunks(WIDTHS.len() - 1) {
            text.push('\n');
            text.push_str(&table(block));
        }
        for card in of_agent {
            let shown = MEASURES.iter().filter_map(|&id| card.headline(id));
            text.push_str(&undefined(&format!("{}, {}", card.agent, card.condition), shown));
        }
    }
    text.push_str(&super::robustness::render(&scorecards.robustness, WIDTHS.len() - 1));
    text
}

fn table(block: &[Scorecard]) -> String {
    let line = |label: &str, of: &dyn Fn(&Scorecard) -> String| {
        let cells: Vec<String> = std::iter::once(label.to_owned()).chain(block.iter().map(of)).collect();
        row(&WIDTHS, &cells.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let agent = block.first().map_or("", |card| card.agent.as_str());
    let mut text = line(agent, &|card| card.condition.to_string());
    text.push_str(&line("graded trials", &|card| {
        format!("{} of {}", card.denominators.graded, card.denominators.books.planned)
    }));
    for id in MEASURES {
        text.push_str(&line(id.label(), &|card| card.headline(id).map_or_else(|| "–".to_owned(), cell)));
    }
    text
}
