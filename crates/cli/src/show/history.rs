//! Histories on a terminal: what each agent did release by release, since when it changed, and what it has earned.

use std::fmt::Write as _;

use retrial_metrics::history::{
    AgentHistory, Check, CheckedAgent, History, NewestRelease, Reputation, SuiteHistory,
};
use retrial_metrics::{Unit, Value};
use retrial_report::timeline::{cause, change, day, estimate, standing};

use super::columns::paragraph;
use super::table;

/// Releases that are shown of an agent, the newest.
const SHOWN: usize = 20;

/// Writes a history for people.
pub(crate) fn render(history: &History) -> String {
    if history.suites.is_empty() {
        return "the ledger is empty\n".to_owned();
    }
    let mut text = history.suites.iter().map(suite).collect::<Vec<_>>().join("\n");
    text.push_str("\nwhat each agent has earned\n");
    for reputation in &history.reputations {
        text.push_str(&reputation_of(reputation));
    }
    text.push_str(&paragraph(&format!(
        "\n{:.0} % intervals for exactly these tasks; the chance that a history ever has a false change-point is at most {:.0} %",
        history.level.value() * 100.0,
        (1.0 - history.level.value()) * 100.0
    )));
    text
}

fn suite(suite: &SuiteHistory) -> String {
    let condition = match suite.condition.as_str() {
        "baseline" => String::new(),
        condition => format!(", {condition}"),
    };
    let mut text = format!(
        "{}{condition}: {} tasks, suite {}\n",
        suite.experiment,
        suite.tasks.len(),
        suite.suite.short()
    );
    if let Some(before) = &suite.follows {
        text.push_str(&paragraph(&format!(
            "tasks or rules were changed: a new history begins, and nothing is compared with suite {}",
            before.short()
        )));
    }
    if suite.undigested > 0 {
        text.push_str(&paragraph(&format!(
            "the content of {} tasks is not known, so that a change of it would not be noticed",
            suite.undigested
        )));
    }
    for history in &suite.agents {
        text.push('\n');
        text.push_str(&agent(history));
    }
    text
}

fn agent(history: &AgentHistory) -> String {
    let k = history.releases.iter().find_map(|row| row.pass_hat.as_ref()).map(|of| of.k);
    let all_of = k.map_or_else(|| "pass^k".to_owned(), |k| format!("pass^{k}"));
    let rows: Vec<[String; 7]> = history
        .releases
        .iter()
        .skip(history.releases.len().saturating_sub(SHOWN))
        .map(|row| {
            [
                if row.is_mixed { format!("{} *", row.release) } else { row.release.to_string() },
                day(row.from),
                row.runs.len().to_string(),
                row.graded.to_string(),
                estimate(&row.success, Unit::Share),
                row.pass_hat.as_ref().map_or_else(|| "–".to_owned(), |of| estimate(&of.value, Unit::Share)),
                point(&row.cost_per_success, Unit::UsdMicros),
            ]
        })
        .collect();
    let header = ["release", "from", "runs", "n", "success", &all_of, "$/pass"];
    let mut text = format!("{}\n{}", history.agent, indented(&table::plain(&header, &rows)));
    if history.releases.len() > SHOWN {
        let _ = writeln!(text, "  {} older releases are not shown", history.releases.len() - SHOWN);
    }
    if history.releases.iter().any(|row| row.is_mixed) {
        text.push_str("  * its runs differ in version, model, recipe or settings\n");
    }
    if history.changes.is_empty() {
        text.push_str("  no change is shown\n");
    }
    for found in &history.changes {
        for (place, sentence) in change(found).iter().enumerate() {
            let indent = if place == 0 { "  " } else { "    " };
            text.push_str(&wrapped(indent, sentence));
        }
    }
    text
}

fn reputation_of(reputation: &Reputation) -> String {
    let condition = match reputation.condition.as_str() {
        "baseline" => String::new(),
        condition => format!(", {condition}"),
    };
    let mut text = format!(
        "  {}{condition}: {} graded trials of {} tasks in {} runs\n",
        reputation.agent, reputation.graded, reputation.tasks, reputation.runs
    );
    for record in &reputation.suites {
        let long = match record.standing.reliable_over {
            Some(k) => format!("; at least even odds that {k} trials of a task all pass"),
            None => String::new(),
        };
        text.push_str(&wrapped(
            "    ",
            &format!("{}: {}{long}", record.experiment, standing(&record.standing)),
        ));
    }
    text
}

/// Writes what a check says for people.
pub(crate) fn render_check(check: &Check) -> String {
    if check.agents.is_empty() {
        return "the ledger has nothing to check\n".to_owned();
    }
    check.agents.iter().map(checked).collect()
}

fn checked(agent: &CheckedAgent) -> String {
    let who = format!("{} on {}, release {}", agent.agent, agent.experiment, agent.newest.release);
    let head = match agent.says {
        NewestRelease::Worse => format!("{who}: worse"),
        NewestRelease::NotShownWorse => format!("{who}: not shown to be worse than what came before"),
        NewestRelease::First => format!("{who}: the first run, there is nothing to compare it with"),
        NewestRelease::NewSuite => {
            format!("{who}: tasks or rules of the suite were changed, a new history begins with this run")
        }
    };
    let mut text = wrapped("", &head);
    for found in &agent.worse {
        text.extend(change(found).iter().map(|sentence| wrapped("  ", sentence)));
    }
    if let Some(last) = agent.last_change.as_ref().filter(|last| !agent.worse.contains(last)) {
        let what =
            format!("{} since {}, {}", last.direction.as_str(), last.since.release, cause(&last.attribution));
        text.push_str(&wrapped("  ", &what));
    }
    text
}

fn point(value: &Value, unit: Unit) -> String {
    value.estimate().map_or_else(|| "–".to_owned(), |known| unit.write(known.point.value()))
}

fn indented(text: &str) -> String {
    text.lines().flat_map(|line| ["  ", line, "\n"]).collect()
}

fn wrapped(indent: &str, text: &str) -> String {
    let further = format!("{indent}  ");
    let options = textwrap::Options::new(80)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .initial_indent(indent)
        .subsequent_indent(&further);
    textwrap::fill(text, options) + "\n"
}
