//! A gate's decision as Markdown: its first line is the decision.

use std::fmt::Write as _;

use retrial_metrics::decide::policy::{GateAgent, PolicyGate};
use retrial_spec::GateMode;

use super::{GATE_COLUMNS, LISTED, counts, gate_row, method, quarantine};
use crate::markdown::{code, folded, prose};

/// Most tasks of a list.
const TASKS: usize = 30;
/// Most grounds.
const GROUNDS: usize = 30;
/// Most bytes; comments may have 65,536 characters.
const LIMIT: usize = 60_000;

/// Writes a gate's decision as Markdown of at most 60,000 bytes. The first line says what decided it.
pub fn gate_markdown(found: &PolicyGate) -> String {
    let mut text = format!("**{}**\n\n", prose(&found.line));
    if found.policy.gate.mode == GateMode::Report {
        text.push_str("The policy only reports: the job goes on whatever this says.\n\n");
    }
    let mut left_out = 0;
    let end = end(found);
    for agent in &found.agents {
        let part = of_agent(agent);
        if text.len() + part.len() + end.len() > LIMIT {
            left_out += 1;
        } else {
            text.push_str(&part);
        }
    }
    if left_out > 0 {
        let _ = writeln!(text, "… and {left_out} more agents, which the other forms of the decision hold.\n");
    }
    text + &end
}

fn end(found: &PolicyGate) -> String {
    let mut text = String::new();
    if found.grounds.len() > 1 {
        text.push_str("What bears on it:\n\n");
        for ground in found.grounds.iter().take(GROUNDS) {
            let agent = match &ground.agent {
                Some(agent) if found.agents.len() > 1 => format!("{}: ", code(agent.as_str())),
                _ => String::new(),
            };
            let _ = writeln!(text, "- {}: {agent}{}", ground.verdict, prose(&ground.message));
        }
        if let Some(more) = found.grounds.len().checked_sub(GROUNDS).filter(|more| *more > 0) {
            let _ = writeln!(text, "- and {more} more");
        }
        text.push('\n');
    }
    let list = |lines: Vec<String>| {
        lines.iter().take(TASKS).fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "- {}", prose(line));
            text
        })
    };
    let quarantine = quarantine(found);
    if !quarantine.is_empty() {
        text.push_str(&folded("Quarantine", &list(quarantine)));
    }
    let notes = found.notes.iter().map(|note| format!("{} (baseline {})", note.difference, note.run));
    let notes: Vec<String> = notes.collect();
    if !notes.is_empty() {
        text.push_str(&folded("What else differs between the runs", &list(notes)));
    }
    text.push_str(&folded("How it was decided", &list(method(found))));
    let runs: Vec<String> = found.baseline.iter().map(|run| code(run.as_str())).collect();
    let _ = writeln!(
        text,
        "<sub>run {} against {}, condition {}, seed {}</sub>",
        code(found.candidate.as_str()),
        runs.join(", "),
        code(found.condition.as_str()),
        found.seed
    );
    text
}

fn of_agent(agent: &GateAgent) -> String {
    let mut text = format!("### {}: {}\n\n", code(&agent.title()), agent.verdict);
    if !agent.measures.is_empty() {
        let _ = writeln!(text, "| {} |\n|{}", GATE_COLUMNS.join(" | "), "---|".repeat(GATE_COLUMNS.len()));
        for measure in &agent.measures {
            let cells: Vec<String> = gate_row(measure).iter().map(|cell| prose(cell)).collect();
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
        text.push('\n');
    }
    for (place, title) in LISTED {
        let tasks: Vec<String> = agent
            .tasks_in(place)
            .map(|task| {
                let (baseline, candidate) = counts(task);
                format!("{} ({candidate} passed, baseline {baseline})", code(task.task.as_str()))
            })
            .collect();
        if tasks.is_empty() {
            continue;
        }
        let more = tasks.len().saturating_sub(TASKS);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let shown: Vec<String> = tasks.into_iter().take(TASKS).collect();
        let _ = writeln!(text, "{title}: {}{more}\n", shown.join(", "));
    }
    text
}
