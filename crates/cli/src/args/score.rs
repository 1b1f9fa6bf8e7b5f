//! The command line of `retrial score`, and the choices that the numbers of every scorecard depend on.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  retrial score results/quickstart/<run>
  retrial score results/quickstart/<run> --json | jq '.scorecards[0].agent'
  retrial score results/a results/b --target fixed     several runs; intervals for exactly these tasks
  retrial score results/a --by task --all              every task, however many
  retrial score results/a --by action                  what is done in passed and in failed trials
  retrial score results/a --timeout fail --ungraded fail
  retrial score results/a --profile princeton          their measures beside ours, and why they differ

JSON: one run alone is a document of docs/schemas/scorecard.schema.json; several runs, --by action and
--profile are one of docs/schemas/score-report.schema.json.

Exit codes: 0 printed, 2 an argument is wrong or a directory is no run, 4 nothing was graded or the records do not hold,
5 the machine cannot read or write.")]
pub(crate) struct ScoreArgs {
    /// The run directories.
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Print a table by this instead of the scorecard.
    #[arg(long, value_enum, conflicts_with = "profile")]
    pub(crate) by: Option<ByOpt>,
    /// Print another tool's measures beside ours.
    #[arg(long, value_enum)]
    pub(crate) profile: Option<ProfileOpt>,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
    /// Show every row of long tables.
    #[arg(long)]
    pub(crate) all: bool,
}

/// The choices that the numbers of a scorecard depend on.
#[derive(Debug, Clone, Args)]
pub(crate) struct SettingsArgs {
    /// What intervals speak of; by default `population`, and `fixed` for a run whose experiment says when to stop.
    #[arg(long, value_enum)]
    pub(crate) target: Option<TargetOpt>,
    /// Seeds what is drawn at random; by default the run's seed.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// What a trial that ran out of time counts as.
    #[arg(long, value_enum, default_value = "verdict")]
    pub(crate) timeout: TimeoutOpt,
    /// What a trial without a verdict counts as.
    #[arg(long, value_enum, default_value = "exclude")]
    pub(crate) ungraded: UngradedOpt,
    /// The confidence level of intervals, between 0 and 1.
    #[arg(long, default_value = "0.95", value_parser = level)]
    pub(crate) level: f64,
}

/// Reads a confidence level.
pub(crate) fn level(text: &str) -> Result<f64, String> {
    let level: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    if level > 0.0 && level < 1.0 {
        Ok(level)
    } else {
        Err("it is not strictly between 0 and 1; write 95 % as 0.95".to_owned())
    }
}

/// What a table goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ByOpt {
    /// One row for each task.
    Task,
    /// One row for each category that tasks state.
    Category,
    /// One column for each condition, agent by agent.
    Condition,
    /// Actions in passed and in failed trials, and which kind follows which.
    Action,
}

/// Another tool's measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileOpt {
    /// Those of Princeton's reliability harness.
    Princeton,
}

/// What intervals speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TargetOpt {
    /// Exactly these tasks with fresh trials.
    Fixed,
    /// New tasks like these.
    Population,
}

/// What a trial that ran out of time counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TimeoutOpt {
    /// As what the verifier says of the state it left.
    Verdict,
    /// As failed.
    Fail,
}

/// What a trial without a verdict counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UngradedOpt {
    /// It is left out and counted.
    Exclude,
    /// As failed.
    Fail,
}
