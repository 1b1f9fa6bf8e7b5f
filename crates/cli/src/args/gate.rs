//! The command line of `retrial gate`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use retrial_spec::{AgentName, ConditionName, Day, GateMode};

use crate::entered::Entry;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  retrial gate results/new --baseline results/old
  retrial gate results/new --baseline baselines/main --policy retrial-gate.toml --out gate
  retrial gate results/mine:fast --baseline results/mine:steady   two agents of one run
  retrial gate results/new --baseline baselines/main --mode report  say it, and let the job go on
  retrial gate --baseline baselines/main --check-baseline         can this policy pass, and does it err?
  retrial gate results/new --baseline baselines/main --add        put a run into the baseline

Exit codes: 0 pass, 1 fail, 3 inconclusive, 4 invalid, 2 usage or input error. With `--mode report`
0 stands for pass, fail and inconclusive.")]
pub(crate) struct GateArgs {
    /// The run that is judged, or one agent of it as `RUN:AGENT`.
    #[arg(value_name = "RUN", required_unless_present = "check_baseline", conflicts_with = "check_baseline")]
    pub(crate) run: Option<Entry>,
    /// What it is judged against: a run, an agent of it as `RUN:AGENT`, or a directory of runs; may be given more than once.
    #[arg(long, value_name = "BASE", required = true)]
    pub(crate) baseline: Vec<Entry>,
    /// The policy; without one success may fall by no more than 0.10, and nothing else is judged.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Judge this agent only.
    #[arg(long, value_name = "NAME", value_parser = agent)]
    pub(crate) agent: Option<AgentName>,
    /// Judge it against this agent of the baseline; by default the one of the same name, or the only one.
    #[arg(long, value_name = "NAME", value_parser = agent)]
    pub(crate) baseline_agent: Option<AgentName>,
    /// The condition whose trials are judged.
    #[arg(long, value_name = "NAME", default_value = "baseline", value_parser = condition)]
    pub(crate) condition: ConditionName,
    /// Whether the exit code follows the decision; by default as the policy says.
    #[arg(long, value_enum)]
    pub(crate) mode: Option<ModeOpt>,
    /// The day by which the quarantine is read; by default today, in UTC.
    #[arg(long, value_name = "DATE")]
    pub(crate) today: Option<Day>,
    /// Set the baseline against itself instead, and say how often the policy passes and fails where nothing has changed.
    #[arg(long, conflicts_with_all = ["add", "out"])]
    pub(crate) check_baseline: bool,
    #[command(flatten)]
    pub(crate) adding: GateAddArgs,
    /// Write `gate.md`, `gate.json`, `gate.junit.xml` and `gate.html` into this directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Which of them.
    #[arg(long, value_enum, value_delimiter = ',', requires = "out", default_values_t = GateFormatOpt::ALL)]
    pub(crate) format: Vec<GateFormatOpt>,
    /// Print the decision as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Adding a run to a baseline instead of judging it.
#[derive(Debug, Args)]
pub(crate) struct GateAddArgs {
    /// Copy the run into the baseline's directory, unless it has holes or fails against what is there, which stays as it is.
    #[arg(long, conflicts_with = "out")]
    pub(crate) add: bool,
    /// With `--add`: copy it also where it fails against what is there.
    #[arg(long, requires = "add")]
    pub(crate) even_if_worse: bool,
}

fn agent(text: &str) -> Result<AgentName, String> {
    AgentName::new(text).map_err(|error| error.to_string())
}

fn condition(text: &str) -> Result<ConditionName, String> {
    ConditionName::new(text).map_err(|error| error.to_string())
}

/// What follows from a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModeOpt {
    /// It is said, and the exit code is 0 unless nothing could be decided about.
    Report,
    /// It is the exit code.
    Enforce,
}

impl From<ModeOpt> for GateMode {
    fn from(option: ModeOpt) -> Self {
        match option {
            ModeOpt::Report => Self::Report,
            ModeOpt::Enforce => Self::Enforce,
        }
    }
}

/// A form of a gate's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum GateFormatOpt {
    /// Markdown, for comments on changes and summaries of jobs.
    Md,
    /// The document.
    Json,
    /// `JUnit` XML: a test case for each measure, and for each task that vanished.
    Junit,
    /// A page.
    Html,
}

impl GateFormatOpt {
    const ALL: [Self; 4] = [Self::Md, Self::Json, Self::Junit, Self::Html];
}
