//! Levels of autonomy as a table for each agent, with what decides each and what would raise it.

use std::fmt::Write as _;

use retrial_metrics::autonomy::{AgentAutonomy, AutonomyReport, Required, RunAutonomy};
use retrial_report::{autonomy_change, autonomy_reason, autonomy_share, autonomy_speaks};
use retrial_spec::AutonomyLevel;

use super::columns::{paragraph, row};

/// Widths of the columns: 79 characters.
const WIDTHS: [usize; 7] = [22, 8, 9, 12, 7, 12, 9];

/// Writes the tables, the newest run's in full, and what changed.
pub(crate) fn render(report: &AutonomyReport) -> String {
    let mut text = paragraph(&autonomy_speaks(report));
    if let Some(newest) = report.runs.last() {
        for agent in &newest.agents {
            text.push('\n');
            text.push_str(&table(newest, agent));
        }
    }
    if report.runs.len() > 1 {
        text.push('\n');
        text.push_str(&over_time(report));
    }
    text
}

fn table(run: &RunAutonomy, agent: &AgentAutonomy) -> String {
    let day = run.created_at.strftime("%-d %B %Y");
    let mut text = format!("{}, run {}, {day}\n", agent.agent, run.run);
    for share in &agent.work {
        let _ = writeln!(text, "  {:<12}{}", share.level.as_str(), autonomy_share(share));
    }
    text.push('\n');
    text.push_str(&row(&WIDTHS, &["category", "stakes", "checked", "level", "tasks", "passed", "minutes"]));
    for cell in &agent.cells {
        let (tasks, passed) = (cell.tasks.len().to_string(), format!("{} of {}", cell.passed, cell.n.trials));
        let (stakes, checked) = (word(&cell.stakes), word(&cell.verifiability));
        let cells = [
            &cell.category,
            &stakes,
            &checked,
            cell.standing.level.as_str(),
            &tasks,
            &passed,
            &format!("{:.0}", cell.minutes),
        ];
        text.push_str(&row(&WIDTHS, &cells.map(|cell| -> &str { cell })));
    }
    if !agent.unstated.is_empty() {
        let tasks = agent.unstated.len().to_string();
        text.push_str(&row(&WIDTHS, &["not stated", "–", "–", "supervised", &tasks, "–", "–"]));
    }
    text.push('\n');
    for cell in &agent.cells {
        let kind =
            format!("{}, {} stakes, {} check", cell.category, word(&cell.stakes), word(&cell.verifiability));
        text.push_str(&paragraph(&format!("{kind}: {}", autonomy_reason(cell))));
    }
    text
}

/// The word of a value that is written as one in files.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// Says how much could be delegated in each run, and which levels changed.
fn over_time(report: &AutonomyReport) -> String {
    let mut text = "over time: share of the stated work that can be delegated\n".to_owned();
    for run in &report.runs {
        for agent in &run.agents {
            let share = agent.share(AutonomyLevel::Delegate).value();
            let share = share.map_or_else(|| "–".to_owned(), |share| format!("{:.0} %", share * 100.0));
            let kinds = agent.cells.len();
            let n = format!("{} trials, {kinds} kinds of work", agent.graded());
            let day = run.created_at.strftime("%Y-%m-%d");
            text.push_str(&paragraph(&format!("  {day}  {share:>5}  {}, {} ({n})", agent.agent, run.run)));
        }
    }
    text.push('\n');
    if report.changes.is_empty() {
        text.push_str("no level changed between the runs of an agent\n");
    }
    for change in &report.changes {
        text.push_str(&paragraph(&autonomy_change(change)));
    }
    text
}

/// Says whether a required share is met.
pub(crate) fn answer(agent: &AgentAutonomy, share: f64, answer: Required) -> String {
    let delegated = agent.share(AutonomyLevel::Delegate).value();
    let delegated =
        delegated.map_or_else(|| "no stated work".to_owned(), |share| format!("{:.0} %", share * 100.0));
    let found = match answer {
        Required::Met => "met",
        Required::Missed => "missed, whatever further evidence shows of what is not shown to be too low",
        Required::Open if agent.may_stop => "not decided: the run could stop by what its rounds showed",
        Required::Open if agent.unstated.is_empty() && !agent.cells.is_empty() => {
            "not shown: there is too little evidence"
        }
        Required::Open => "not decided: some tasks do not state what they are",
    };
    format!("{}: delegate {:.0} % of the stated work: {delegated}: {found}", agent.agent, share * 100.0)
}
