//! Histories as Markdown, for the summary of a job.

use std::fmt::Write;

use retrial_metrics::Unit;
use retrial_metrics::history::{AgentHistory, History, Reputation, SuiteHistory};

use super::words::{change, day, estimate, pass_hat, safe, standing};
use crate::words::{counted, level, sentence};

/// Most releases of an agent that are listed, the newest.
const MOST: usize = 40;

/// Writes a history as Markdown of the GitHub flavour.
pub fn markdown(history: &History) -> String {
    let mut text = String::from("# History\n\n");
    let confidence = history.level.value();
    // Writing into a text cannot fail.
    let _ = writeln!(
        text,
        "{} intervals for exactly these tasks. The chance that the history of an agent on a suite ever has a false change-point is at \
         most {}.\n",
        level(confidence),
        level(1.0 - confidence),
    );
    for suite in &history.suites {
        text.push_str(&of_suite(suite));
    }
    if !history.reputations.is_empty() {
        text.push_str("## What each agent has earned\n\n");
        for reputation in &history.reputations {
            text.push_str(&of_reputation(reputation));
        }
    }
    text
}

fn of_suite(suite: &SuiteHistory) -> String {
    let mut text = format!(
        "## {}{} · suite {}\n\n{}. {}\n",
        code(suite.experiment.as_str()),
        if suite.condition.as_str() == "baseline" {
            String::new()
        } else {
            format!(", {}", code(suite.condition.as_str()))
        },
        code(suite.suite.short()),
        counted(suite.tasks.len() as u64, "task"),
        suite.follows.as_ref().map_or_else(String::new, |before| {
            format!("It follows suite {}, with which it is not compared.\n", code(before.short()))
        }),
    );
    for agent in &suite.agents {
        text.push_str(&of_agent(agent));
    }
    text
}

fn of_agent(agent: &AgentHistory) -> String {
    let mut text = format!("### {}\n\n", code(agent.agent.as_str()));
    for found in agent.changes.iter().rev() {
        let sentences = change(found);
        let mut sentences = sentences.iter();
        if let Some(first) = sentences.next() {
            let _ = writeln!(text, "- **{}**", escaped(&sentence(first)));
        }
        for further in sentences {
            let _ = writeln!(text, "  - {}", escaped(further));
        }
    }
    if agent.changes.is_empty() {
        text.push_str("No change is shown.\n");
    }
    text.push_str("\n| release | from | runs | n | success | pass^k | cost per success |\n|---|---|--:|--:|---|---|---|\n");
    for row in agent.releases.iter().rev().take(MOST) {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} |",
            escaped(row.release.as_str()),
            day(row.from),
            row.runs.len(),
            row.graded,
            estimate(&row.success, Unit::Share),
            pass_hat(row.pass_hat.as_ref()),
            estimate(&row.cost_per_success, Unit::UsdMicros),
        );
    }
    if agent.releases.len() > MOST {
        let _ = writeln!(text, "\n… and {} older releases.", agent.releases.len() - MOST);
    }
    text.push('\n');
    text
}

fn of_reputation(reputation: &Reputation) -> String {
    let mut text = format!(
        "- {}: {} in {} of {}\n",
        code(reputation.agent.as_str()),
        counted(reputation.graded, "graded trial"),
        counted(reputation.runs, "run"),
        counted(reputation.tasks, "task"),
    );
    for record in &reputation.suites {
        let _ = writeln!(
            text,
            "  - {}: {}",
            code(record.experiment.as_str()),
            escaped(&standing(&record.standing))
        );
    }
    text
}

fn code(text: &str) -> String {
    format!("`{}`", safe(text).replace('`', "'"))
}

/// What would be markup is shown as it is.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in safe(text).chars() {
        if "\\`*_{}[]<>#|~".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}
