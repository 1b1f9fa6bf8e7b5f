//! What `retrial gate` prints.

use std::fmt::Write as _;
use std::path::Path;

use retrial_metrics::decide::policy::{
    BaselineCheck, Coverage, GateAgent, GateTask, PolicyGate, SplitShares, TaskPlace, percent,
};
use retrial_report::{GATE_COLUMNS, gate_row};
use retrial_spec::{GateMode, GatePolicy};

use super::table::plain;
use crate::entered::Entered;
use crate::out;

/// The decision: one line, then what it rests on.
pub(crate) fn decision(found: &PolicyGate, has_policy: bool) -> String {
    let mut text = format!("{}\n", found.line);
    for agent in &found.agents {
        text.push_str(&of_agent(agent, found));
    }
    if found.grounds.len() > 1 {
        text.push_str("\nwhat bears on it:\n");
        for ground in &found.grounds {
            let agent = match &ground.agent {
                Some(agent) if found.agents.len() > 1 => format!("`{agent}`: "),
                _ => String::new(),
            };
            let _ = writeln!(text, "  {}: {agent}{}", ground.verdict, ground.message);
        }
    }
    if !found.notes.is_empty() {
        text.push_str("\nwhat else differs between the runs:\n");
        for note in &found.notes {
            let _ = writeln!(text, "  {} (baseline `{}`)", note.difference, note.run);
        }
    }
    let table = &found.policy.gate;
    let _ = writeln!(
        text,
        "\npolicy: {}{}, one-sided bounds of {}, failures after Holm over all measures",
        if has_policy { "" } else { "the default, " },
        if table.mode == GateMode::Report { "reports only" } else { "enforced" },
        percent(table.confidence),
    );
    text
}

fn of_agent(agent: &GateAgent, found: &PolicyGate) -> String {
    let runs: Vec<&str> = found.baseline.iter().map(retrial_spec::RunId::as_str).collect();
    let trials = |coverage: Coverage| format!("{} graded trials", coverage.graded);
    let mut text = format!(
        "\n{} in {} ({}), baseline {} ({}): {}\n",
        agent.title(),
        found.candidate,
        trials(agent.candidate_coverage),
        runs.join(" + "),
        trials(agent.baseline_coverage),
        agent.verdict
    );
    let rows: Vec<[String; 8]> = agent.measures.iter().map(gate_row).collect();
    if !rows.is_empty() {
        text.push_str(&plain(&GATE_COLUMNS, &rows));
    }
    if agent.may_stop {
        text.push_str(
            "a run could stop by what its trials showed: success has bounds that hold whenever it stopped, and nothing else decides\n",
        );
    }
    for (place, says) in [
        (TaskPlace::Vanished, "vanished"),
        (TaskPlace::TooFewTrials, "with too few graded trials"),
        (TaskPlace::Quarantined, "in quarantine"),
        (TaskPlace::NotYet, "not deciding yet, for the baseline has too few trials"),
        (TaskPlace::New, "new, not judged"),
    ] {
        let tasks: Vec<String> = agent.tasks_in(place).map(task_text).collect();
        if !tasks.is_empty() {
            let _ = writeln!(text, "tasks {says}: {}", tasks.join(", "));
        }
    }
    text
}

/// A task with what passed on both sides.
fn task_text(task: &GateTask) -> String {
    let side =
        |counts: &retrial_metrics::decide::policy::TaskCounts| format!("{}/{}", counts.passed, counts.graded);
    format!("{} ({} from {})", task.task, side(&task.candidate), side(&task.baseline))
}

/// Says what the reader of the decision should know.
pub(crate) fn warn(found: &PolicyGate) {
    for task in &found.not_in_force {
        let why = if task.until < found.today { "is over since" } else { "begins on" };
        let day = if task.until < found.today { task.until } else { task.added };
        out::warning(&format!("the quarantine of `{}` {why} {day}: it decides", task.name));
    }
    for agent in &found.new_agents {
        out::warning(&format!("the agent `{agent}` is not in the baseline and is not judged"));
    }
}

/// The baseline against itself.
pub(crate) fn baseline_check(found: &BaselineCheck) -> String {
    let row = |what: &str, shares: &SplitShares| {
        let share = |count: u64| format!("{count} of {}", shares.times);
        [what.to_owned(), share(shares.passed), share(shares.failed), share(shares.inconclusive)]
    };
    let rows =
        [row("as many trials, drawn again", &found.same_size), row("half of the trials each", &found.halves)];
    let mut text =
        format!("{}\n\n{}", found.line, plain(&["both sides", "pass", "fail", "inconclusive"], &rows));
    let open: Vec<[String; 3]> = found
        .same_size
        .open
        .iter()
        .map(|(label, open)| {
            let halves = found.halves.open.get(label).copied().unwrap_or_default();
            [label.clone(), open.to_string(), halves.to_string()]
        })
        .collect();
    if !open.is_empty() {
        text.push('\n');
        text.push_str(&plain(&["open measure", "drawn again", "halves"], &open));
    }
    if !found.grounds.is_empty() {
        text.push_str("\nwhat the baseline lacks:\n");
        for ground in &found.grounds {
            let agent = ground.agent.as_ref().map_or_else(String::new, |agent| format!("`{agent}`: "));
            let _ = writeln!(text, "  {}: {agent}{}", ground.verdict, ground.message);
        }
    }
    for run in &found.runs {
        let _ = writeln!(text, "\nrun `{}` against the others: {}", run.run, run.line);
    }
    text
}

/// What was added to a baseline.
pub(crate) fn added(path: &Path, run: &Entered, judged: Option<&PolicyGate>, policy: &GatePolicy) -> String {
    let mut text = format!(
        "added the run `{}` with {} graded trials as {}\n",
        run.manifest.run,
        run.scored.graded(),
        path.display()
    );
    match judged {
        Some(found) => {
            let _ = writeln!(text, "against what was there: {}", found.line);
        }
        None => {
            let _ = writeln!(
                text,
                "it is the first; tasks with {} planned trials or more decide",
                policy.gate.minimum_trials
            );
        }
    }
    text
}
