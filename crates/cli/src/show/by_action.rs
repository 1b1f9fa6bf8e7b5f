//! What agents do in trials that pass and in trials that fail.

use retrial_metrics::{ActionUse, Scorecards, Split, TrialTotals, UseCount};
use retrial_spec::ActionKind;

use super::columns::{pad, paragraph, row, rule};
use super::scorecard::head;

/// Names and transitions that are listed before the rest is only counted.
const SHOWN: usize = 12;

/// Widths of a label and of two groups of three columns: 79 characters.
const WIDTHS: [usize; 7] = [31, 8, 8, 8, 8, 8, 8];

/// Writes the tables of every agent and condition; every row where `all`.
pub(crate) fn render(scorecards: &Scorecards, actions: &[ActionUse], all: bool) -> String {
    let mut text = head(scorecards);
    text.push_str(&paragraph(
        "counts of actions, without intervals: trials that fail are mostly those of hard tasks, so a difference says where \
         to look and not what helps. each: actions per trial; share: of all actions; in: share of trials",
    ));
    for one in actions {
        text.push('\n');
        text.push_str(&of_agent(one, if all { usize::MAX } else { SHOWN }));
    }
    text
}

fn of_agent(one: &ActionUse, shown: usize) -> String {
    let totals = &one.trials;
    let passed = format!("{} passed trials", totals.passed.trials);
    let failed = format!("{} failed trials", totals.failed.trials);
    let title = format!("{}, {}", one.agent, one.condition);
    let mut text = row(&[WIDTHS[0], 24, 24], &[&title, &passed, &failed]);
    text.push_str(&row(&WIDTHS, &["kind", "each", "share", "in", "each", "share", "in"]));
    for kind in &one.kinds {
        text.push_str(&line(kind.kind.as_str(), &kind.count, totals));
    }
    text.push_str("\nfine name\n");
    for name in one.names.iter().take(shown) {
        text.push_str(&line(&format!("{} {}", pad(name.kind.as_str(), 8), name.name), &name.count, totals));
    }
    text.push_str(&rule(one.names.len().saturating_sub(shown), "names; --all shows them"));
    text.push('\n');
    text.push_str(&row(&WIDTHS, &["one kind after another", "each", "count", "", "each", "count"]));
    for transition in one.transitions.iter().take(shown) {
        let word = |kind: Option<ActionKind>, none| kind.map_or(none, ActionKind::as_str);
        let label =
            format!("{} → {}", pad(word(transition.from, "(begin)"), 8), word(transition.to, "(end)"));
        let (passed, failed) = (transition.count.passed, transition.count.failed);
        let cells = [
            label,
            per(passed, totals.passed.trials),
            passed.to_string(),
            String::new(),
            per(failed, totals.failed.trials),
            failed.to_string(),
        ];
        text.push_str(&row(&WIDTHS, &cells.each_ref().map(String::as_str)));
    }
    text.push_str(&rule(one.transitions.len().saturating_sub(shown), "of these; --all shows them"));
    text
}

fn line(label: &str, count: &Split<UseCount>, totals: &Split<TrialTotals>) -> String {
    let cells = |count: &UseCount, totals: &TrialTotals| {
        [
            per(count.actions, totals.trials),
            percent(count.actions, totals.actions),
            percent(count.trials, totals.trials),
        ]
    };
    let (passed, failed) = (cells(&count.passed, &totals.passed), cells(&count.failed, &totals.failed));
    let mut all = vec![label];
    all.extend(passed.iter().chain(&failed).map(String::as_str));
    row(&WIDTHS, &all)
}

/// A number per trial; a dash where there is no trial.
fn per(count: u64, trials: u64) -> String {
    if trials == 0 { "–".to_owned() } else { format!("{:.1}", count as f64 / trials as f64) }
}

fn percent(part: u64, of: u64) -> String {
    if of == 0 { "–".to_owned() } else { format!("{:.0} %", part as f64 / of as f64 * 100.0) }
}
