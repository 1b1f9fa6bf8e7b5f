//! Tasks as rows, agent by agent: which tasks an agent solves, and how alike its trials are.

use retrial_metrics::{Number, Scorecard, Scorecards, TaskRow};

use super::columns::{row, rule};
use super::scorecard::{head, title};

/// Tasks that are listed before the rest is only counted.
const SHOWN: usize = 20;

/// Widths of the columns: 78 characters.
const WIDTHS: [usize; 5] = [38, 10, 10, 10, 10];

/// Writes the tables; every task where `all`.
pub(crate) fn render(scorecards: &Scorecards, all: bool) -> String {
    let mut text = head(scorecards);
    for card in &scorecards.scorecards {
        text.push('\n');
        text.push_str(&table(card, all));
    }
    text.push_str("\nconsistency of one task has no interval; – is undefined\n");
    text
}

fn table(card: &Scorecard, all: bool) -> String {
    let mut text = row(&WIDTHS, &[&title(card), "passed", "outcome", "mix", "order"]);
    let shown = if all { card.tasks.len() } else { SHOWN };
    // What an agent does not solve reliably comes first, for it is what one looks for.
    let mut tasks: Vec<&TaskRow> = card.tasks.iter().collect();
    tasks.sort_by(|a, b| {
        let solved = |task: &TaskRow| (task.graded > 0, task.passed == task.graded);
        let share =
            (u128::from(a.passed) * u128::from(b.graded)).cmp(&(u128::from(b.passed) * u128::from(a.graded)));
        solved(a).cmp(&solved(b)).then(share).then_with(|| a.task.cmp(&b.task))
    });
    for task in tasks.iter().take(shown) {
        let passed = format!("{} of {}", task.passed, task.graded);
        let [outcome, mix, order] =
            [&task.outcome_consistency, &task.action_mix_consistency, &task.action_order_consistency]
                .map(cell);
        text.push_str(&row(&WIDTHS, &[task.task.as_str(), &passed, &outcome, &mix, &order]));
    }
    text.push_str(&rule(
        tasks.len().saturating_sub(shown),
        "tasks, solved at least as often; --all shows them",
    ));
    text
}

fn cell(number: &Number) -> String {
    number.value().map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"))
}
