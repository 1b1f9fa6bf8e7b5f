//! What an import found, for reading.

use std::fmt::Write;

use retrial_import::{Notes, Summary};
use retrial_spec::AgentFacts;

use super::table::plain;

/// Most rows that are shown of a table.
const ROWS: usize = 40;
/// Most names that are shown of a kind.
const NAMES: usize = 12;

/// What an import holds, beside the counts.
pub(crate) struct Shown<'a> {
    pub(crate) summary: &'a Summary,
    pub(crate) agents: &'a [AgentFacts],
    pub(crate) tasks: usize,
    pub(crate) conditions: Vec<String>,
    pub(crate) most_trials: u32,
    /// Whether every agent has as many trials of every task under every condition.
    pub(crate) is_even: bool,
}

/// Says what was found: who tried what, what each status became, and what is missing, left out or doubtful.
pub(crate) fn render(shown: &Shown<'_>) -> String {
    let summary = shown.summary;
    let upto = if shown.is_even { "" } else { "up to " };
    let mut text = format!(
        "{} with a result, {} without: {} × {} × {upto}{}, under {}\n",
        counted(summary.trials, "trial"),
        summary.unfinished,
        counted(shown.agents.len() as u64, "agent"),
        counted(shown.tasks as u64, "task"),
        counted(u64::from(shown.most_trials), "trial"),
        shown.conditions.join(", "),
    );
    if summary.failed_attempts > 0 {
        let attempts = counted(summary.failed_attempts, "attempt");
        let _ = writeln!(text, "{attempts} failed before the one that counts");
    }
    text.push('\n');
    text.push_str(&agents(shown.agents));
    text.push('\n');
    text.push_str(&statuses(summary));
    text.push('\n');
    text.push_str(&facts(summary));
    text.push_str(&notes("left out", &summary.left_out));
    text.push_str(&notes("doubtful", &summary.doubts));
    text
}

fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn agents(agents: &[AgentFacts]) -> String {
    let rows = agents.iter().take(ROWS).map(|agent| {
        [agent.name.to_string(), or_dash(agent.model.as_deref()), or_dash(agent.version.as_deref())]
    });
    let mut text = plain(&["agent", "model", "version"], &rows.collect::<Vec<_>>());
    more(&mut text, agents.len().saturating_sub(ROWS), "agents");
    text
}

fn statuses(summary: &Summary) -> String {
    let rows = summary.statuses.iter().take(ROWS).map(|count| {
        let words = |word: &str| word.replace('_', " ");
        let status = if count.status.is_empty() { "–".to_owned() } else { count.status.clone() };
        [status, words(&count.ending), words(&count.verdict), count.trials.to_string()]
    });
    let mut text = plain(&["status in the source", "ending", "verdict", "trials"], &rows.collect::<Vec<_>>());
    more(&mut text, summary.statuses.len().saturating_sub(ROWS), "statuses");
    text
}

fn facts(summary: &Summary) -> String {
    let missing = |known: u64| match summary.trials.saturating_sub(known) {
        0 => "none".to_owned(),
        missing if missing == summary.trials => "all".to_owned(),
        missing => missing.to_string(),
    };
    let rows =
        summary.facts.iter().map(|count| [count.fact.clone(), count.known.to_string(), missing(count.known)]);
    plain(&["fact", "known of trials", "missing"], &rows.collect::<Vec<_>>())
}

fn notes(what: &str, notes: &Notes) -> String {
    if notes.count == 0 {
        return String::new();
    }
    let mut text = format!("\n{what}: {}\n", notes.count);
    for note in notes.first.iter().take(NAMES) {
        let _ = writeln!(text, "  {note}");
    }
    more(&mut text, (notes.count as usize).saturating_sub(NAMES), "more");
    text
}

fn more(text: &mut String, left: usize, what: &str) {
    if left > 0 {
        let _ = writeln!(text, "  … and {left} {what}");
    }
}

fn or_dash(text: Option<&str>) -> String {
    text.unwrap_or("–").to_owned()
}
