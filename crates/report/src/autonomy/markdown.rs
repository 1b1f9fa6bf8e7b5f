//! The autonomy report as Markdown: a table for each agent of each run.

use std::fmt::Write;

use retrial_metrics::autonomy::{AgentAutonomy, AutonomyReport};

use super::wording::{change, checked_word, reason, share, speaks, stakes_word, unstated};

/// Writes the report as Markdown.
pub fn markdown(report: &AutonomyReport) -> String {
    let mut text = format!("# Autonomy\n\n{}\n", speaks(report));
    for run in &report.runs {
        for agent in &run.agents {
            let day = run.created_at.strftime("%-d %B %Y");
            // Into a string nothing fails.
            let _ = write!(text, "\n## {}, run {}, {day}\n\n{}", agent.agent, run.run, section(agent));
        }
    }
    if report.runs.len() > 1 {
        text.push_str("\n## Changes\n\n");
        if report.changes.is_empty() {
            text.push_str("No level changed between the runs of an agent.\n");
        }
        for one in &report.changes {
            let _ = writeln!(text, "- {}", cell(&change(one)));
        }
    }
    text
}

fn section(agent: &AgentAutonomy) -> String {
    let mut text = String::new();
    for one in &agent.work {
        let _ = writeln!(text, "- **{}**: {}", one.level, share(one));
    }
    text.push_str("\n| Category | Stakes | Work is | Level | Why |\n|---|---|---|---|---|\n");
    for one in &agent.cells {
        let (stakes, checked) = (stakes_word(one.stakes), checked_word(one.verifiability));
        let (category, level) = (cell(&one.category), one.standing.level);
        let _ =
            writeln!(text, "| {category} | {stakes} | {checked} | **{level}** | {} |", cell(&reason(one)));
    }
    if let Some(sentence) = unstated(&agent.unstated) {
        let _ = writeln!(text, "\n{}", cell(&sentence));
    }
    text
}

/// Text in which nothing ends a cell or begins markup.
fn cell(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' => escaped.push(' '),
            '|' | '\\' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '#' | '^' => {
                escaped.push('\\');
                escaped.push(character);
            }
            _ => escaped.push(character),
        }
    }
    escaped
}
