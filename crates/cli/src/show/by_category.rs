//! Categories of tasks as rows, agent by agent: on which kind of work an agent can be relied on.

use retrial_metrics::{GroupCard, MeasureId, Scorecard, Scorecards};

use super::columns::row;
use super::scorecard::{cell, head, title, undefined};

/// The measures that are shown, with their columns' heads.
const MEASURES: [(MeasureId, &str); 2] =
    [(MeasureId::SuccessRate, "success rate"), (MeasureId::OutcomeConsistency, "consistency")];

/// Widths of the columns: 79 characters.
const WIDTHS: [usize; 5] = [20, 7, 12, 20, 20];

/// Writes the tables. All categories are listed: a suite has few.
pub(crate) fn render(scorecards: &Scorecards) -> String {
    let mut text = head(scorecards);
    if scorecards.groups.is_empty() {
        text.push_str("\nno task of this run states a category\n");
        return text;
    }
    for card in &scorecards.scorecards {
        let is_its = |group: &&GroupCard| (&group.agent, &group.condition) == (&card.agent, &card.condition);
        text.push('\n');
        text.push_str(&table(card, &scorecards.groups.iter().filter(is_its).collect::<Vec<_>>()));
    }
    text
}

fn table(card: &Scorecard, groups: &[&GroupCard]) -> String {
    let heads = MEASURES.map(|(_, label)| label);
    let mut text = row(&WIDTHS, &[&title(card), "tasks", "passed", heads[0], heads[1]]);
    let mut reasons = String::new();
    for group in groups {
        let name = group.group.as_deref().unwrap_or("no category");
        let shown = MEASURES.map(|(id, _)| group.headline(id));
        let [success, consistency] = shown.map(|measure| measure.map_or_else(|| "–".to_owned(), cell));
        let (tasks, passed) =
            (group.tasks.len().to_string(), format!("{} of {}", group.passed, group.graded));
        text.push_str(&row(&WIDTHS, &[name, &tasks, &passed, &success, &consistency]));
        reasons.push_str(&undefined(&format!("{}, {name}", title(card)), shown.into_iter().flatten()));
    }
    text + &reasons
}
