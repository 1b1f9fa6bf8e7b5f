//! The command line as clap sees it. Nothing is decided here; each command converts its arguments.

mod autonomy;
mod compare;
mod gate;
mod history;
mod init;
mod interop;
mod parts;
mod plan;
mod report;
mod run;
mod score;
mod tool;
mod watch;

use clap::{Parser, Subcommand};

pub(crate) use autonomy::AutonomyArgs;
pub(crate) use compare::{CompareArgs, ComparisonFormatOpt};
pub(crate) use gate::{GateArgs, GateFormatOpt};
pub(crate) use history::{
    HistoryAddArgs, HistoryArgs, HistoryCheckArgs, HistoryCommand, HistoryReadArgs, HistoryReportArgs,
    HistoryShowArgs,
};
pub(crate) use init::{CiOpt, InitArgs};
pub(crate) use interop::{ExportArgs, ExportFormatOpt, ImportArgs};
pub(crate) use parts::{
    AgentCheckArgs, AgentCommand, AgentListArgs, KitBuildArgs, KitCommand, TaskCheckArgs, TaskCommand,
    TaskListArgs,
};
pub(crate) use plan::PlanArgs;
pub(crate) use report::{FormatOpt, ReportArgs, VerifyArgs, ViewArgs};
pub(crate) use run::{RunArgs, SandboxOpt};
pub(crate) use score::{ByOpt, ScoreArgs, SettingsArgs, TargetOpt, TimeoutOpt, UngradedOpt, level};
pub(crate) use tool::{CleanArgs, CompletionsArgs, DoctorArgs, PricesArgs, ValidateArgs};
pub(crate) use watch::{AuditArgs, RevokeArgs, StatusArgs};

/// Measures whether a coding agent can be relied on.
#[derive(Debug, Parser)]
#[command(name = "retrial", version, about, propagate_version = true, max_term_width = 100)]
#[command(after_help = "\
Examples:
  retrial run experiments/quickstart.toml       run an experiment and print its scorecard
  retrial score results/quickstart/<run>        print the scorecard of a run again
  retrial report results/quickstart/<run>       write it as a page to look at
  retrial doctor                                say what this machine can run, and why not

Exit codes: 0 done, 1 negative decision, 2 usage or input error, 3 not enough evidence,
4 invalid run, 5 infrastructure, 130 interrupted. Messages go to stderr, data to stdout.")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run an experiment, or go on with a run that was stopped.
    Run(RunArgs),
    /// Print the scorecards of runs.
    Score(ScoreArgs),
    /// Write the scorecards of runs as a page, pictures, tables and other files.
    Report(ReportArgs),
    /// Say whether a report follows from the runs that it names, byte for byte.
    Verify(VerifyArgs),
    /// Compare agents or runs: which is better, by how much, and how sure that is.
    Compare(CompareArgs),
    /// Decide whether a run may replace its baseline: pass, fail, or not enough evidence.
    Gate(GateArgs),
    /// Say how many tasks and trials an answer takes, and what they cost.
    Plan(PlanArgs),
    /// Keep scorecards over releases, and say since when something changed.
    History(HistoryArgs),
    /// Say what work of a suite an agent may be left alone with, and what that rests on.
    Autonomy(AutonomyArgs),
    /// Write an experiment, a gate policy and a workflow for a repository.
    Init(InitArgs),
    /// Read other tools' results as a run.
    Import(ImportArgs),
    /// Write a run in a form that other tools read.
    Export(ExportArgs),
    /// Serve the page of a run to this machine's browsers, also while the run goes on.
    View(ViewArgs),
    /// Say how far a run is.
    Status(StatusArgs),
    /// Check the audit logs of a run and say what each trial did with its access to its model.
    Audit(AuditArgs),
    /// Take a running trial's access to its model away.
    Revoke(RevokeArgs),
    /// List the prices that costs are computed with.
    Prices(PricesArgs),
    /// List tasks, or check that they can be admitted.
    #[command(subcommand)]
    Task(TaskCommand),
    /// List agents, or check that they work here.
    #[command(subcommand)]
    Agent(AgentCommand),
    /// Build the kits of agents, so that runs need no package registry.
    #[command(subcommand)]
    Kit(KitCommand),
    /// Say what this machine can run, why not, and what to do.
    Doctor(DoctorArgs),
    /// Remove what crashed runs left behind: containers, sockets, directories.
    Clean(CleanArgs),
    /// Check the estimators against simulated agents whose true values are known.
    Validate(ValidateArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
}
