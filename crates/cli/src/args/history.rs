//! The command line of `retrial history`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use retrial_metrics::history::ReleaseName;
use retrial_spec::{AgentName, ConditionName, TaskName};

use super::{TimeoutOpt, UngradedOpt, level};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  retrial history add results/nightly/20260501-seed7           keep its scorecards in `history/`
  retrial history add results/mine --release 2.3.0 --agent mine
  retrial history show --agent mine                            releases, and since when it changed
  retrial history show --anchor reference                      and whether that is its own doing
  retrial history check --agent mine                           exit 1 where the newest release is worse
  retrial history report --out public                          timeline as a page, Markdown and JSON

A ledger is a directory of text files that belongs into git; put `history/**/*.jsonl merge=union` into .gitattributes.")]
pub(crate) struct HistoryArgs {
    #[command(subcommand)]
    pub(crate) command: HistoryCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HistoryCommand {
    /// Append the scorecards of runs to the ledger: one line for each agent.
    Add(HistoryAddArgs),
    /// Say of each agent how its releases did, since when it changed and what it has earned.
    Show(HistoryShowArgs),
    /// Decide whether the newest release of an agent is worse than what came before.
    Check(HistoryCheckArgs),
    /// Write the histories as a page with timelines, Markdown and JSON.
    Report(HistoryReportArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
A line is appended for each agent of the run, to `DIR/<experiment>-<suite>/<agent>.jsonl`. A suite is its tasks by name and digest and the
rules by which trials count: where a task is changed, a new history begins. No line is ever changed; a run that is there already is left
as it is. Runs belong there in the order of their times. Replays and runs with a stopping rule are refused.

Exit codes: 0 added, or there already; 2 the run cannot be added, or the ledger says something else of it; 4 nothing was evaluated.")]
pub(crate) struct HistoryAddArgs {
    /// The run directories.
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// The ledger.
    #[arg(long, value_name = "DIR", default_value = "history")]
    pub(crate) ledger: PathBuf,
    /// The release; by default the agent's version, or the run's id where that is not known.
    #[arg(long, value_name = "NAME", value_parser = release)]
    pub(crate) release: Option<ReleaseName>,
    /// When the trials of an imported run were run, such as `2026-05-01T02:00:00Z` or `2026-05-01`; by default the start of the first of
    /// each agent, where the imported files state it.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) at: Option<Timestamp>,
    /// Add this agent only; may be given more than once.
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: Vec<AgentName>,
    /// Add this condition instead of the baseline; may be given more than once.
    #[arg(long, value_name = "NAME")]
    pub(crate) condition: Vec<ConditionName>,
    /// Add a run that lacks trials as it is. It cannot be added again when it has all of them.
    #[arg(long)]
    pub(crate) incomplete: bool,
    /// What a trial that ran out of time counts as; part of what makes a suite.
    #[arg(long, value_enum, default_value = "verdict")]
    pub(crate) timeout: TimeoutOpt,
    /// What a trial without a verdict counts as; part of what makes a suite.
    #[arg(long, value_enum, default_value = "exclude")]
    pub(crate) ungraded: UngradedOpt,
    /// Print what was added as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which histories are looked at, and how.
#[derive(Debug, Args)]
pub(crate) struct HistoryReadArgs {
    /// The ledger.
    #[arg(long, value_name = "DIR", default_value = "history")]
    pub(crate) ledger: PathBuf,
    /// Only suites whose experiment has this name, or whose digest begins so.
    #[arg(long, value_name = "NAME")]
    pub(crate) suite: Option<String>,
    /// Only this agent; may be given more than once.
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: Vec<AgentName>,
    /// An agent that is known not to change itself; may be given more than once. By default every agent of the suite in the times in
    /// which its recipe, version, model and settings stay the same. `check` does not check it, unless `--agent` names it too.
    #[arg(long, value_name = "NAME")]
    pub(crate) anchor: Vec<AgentName>,
    /// The tasks on which anchors are compared, separated by commas; by default all.
    #[arg(long, value_name = "TASK", value_delimiter = ',')]
    pub(crate) anchor_tasks: Vec<TaskName>,
    /// The confidence level of intervals. One minus it bounds the chance of any false change-point in a history.
    #[arg(long, default_value = "0.95", value_parser = level)]
    pub(crate) level: f64,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 shown, 2 the ledger cannot be read or knows no such suite or agent, 4 two of its lines contradict each other.")]
pub(crate) struct HistoryShowArgs {
    #[command(flatten)]
    pub(crate) read: HistoryReadArgs,
    /// Print as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Every agent of the ledger is checked but those that `--anchor` names; `--agent` says which. An agent that is worse fails the check whosever
doing it is.

Exit codes: 0 no newest release is shown to be worse, which does not prove that none is; 1 one is worse; 3 there are only first releases;
4 nothing can be compared: the ledger is empty, or the suite was changed.")]
pub(crate) struct HistoryCheckArgs {
    #[command(flatten)]
    pub(crate) read: HistoryReadArgs,
    /// Print as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 written, 2 the ledger cannot be read or knows no such suite or agent, 4 two of its lines contradict each other,
5 a file cannot be written.")]
pub(crate) struct HistoryReportArgs {
    #[command(flatten)]
    pub(crate) read: HistoryReadArgs,
    /// The directory to write `history.html`, `history.md` and `history.json` to; by default `report` in the ledger.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print the names of the files as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A moment, or the day in UTC that begins with it.
fn time(text: &str) -> Result<Timestamp, String> {
    let day = |day: jiff::civil::Date| day.to_zoned(jiff::tz::TimeZone::UTC).map(|at| at.timestamp());
    text.parse().or_else(|error: jiff::Error| text.parse().and_then(day).map_err(|_| error.to_string()))
}

fn release(text: &str) -> Result<ReleaseName, String> {
    ReleaseName::new(text).map_err(|error| error.to_string())
}
