//! The command line of `retrial run`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use retrial_spec::SandboxChoice;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  retrial run experiments/quickstart.toml
  retrial run my.toml --dry-run                    print the plan and its cell counts, run nothing
  retrial run my.toml --trials 10 --agent steady   change the experiment from the command line
  retrial run my.toml --sandbox docker --concurrency 4 --out results/mine
  retrial run my.toml --budget-usd 5               start no trial that might not fit into 5 dollars
  retrial run my.toml --record --out results/mine
  retrial run my.toml --replay results/mine --out results/again
  retrial run --resume results/mine                go on with a run that was stopped
  retrial run --resume results/mine --budget-usd 8 go on with a run whose budget was spent

A budget is the run's. A trial without a limit of its own (`[limits]`) may use its share: the budget divided by the
planned trials. One that needs more ends as over budget, and the state that it left is graded; --dry-run shows the share.

Exit codes: 0 every trial finished, or [stop] is settled; 2 the experiment or an argument is wrong and nothing ran;
3 the budget has no room for the rest, or [stop] is not settled; 4 nothing was graded; 5 the run could not be completed;
130 interrupted.")]
pub(crate) struct RunArgs {
    /// The experiment's file; not given with --resume.
    #[arg(required_unless_present = "resume", conflicts_with = "resume")]
    pub(crate) experiment: Option<PathBuf>,
    /// Go on with the run in this directory.
    #[arg(long, value_name = "RUN")]
    pub(crate) resume: Option<PathBuf>,
    /// The run directory; by default `results/<experiment>/<run id>`.
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub(crate) out: Option<PathBuf>,
    /// Where trials run.
    #[arg(long, value_enum, conflicts_with = "resume")]
    pub(crate) sandbox: Option<SandboxOpt>,
    /// Trials per agent, task and condition.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000), conflicts_with = "resume")]
    pub(crate) trials: Option<u32>,
    /// The seed of schedule and simulated models.
    #[arg(long, conflicts_with = "resume")]
    pub(crate) seed: Option<u64>,
    /// Keep this agent only; may be given more than once.
    #[arg(long, value_name = "NAME", conflicts_with = "resume")]
    pub(crate) agent: Vec<String>,
    /// Keep this task only; may be given more than once.
    #[arg(long, value_name = "NAME", conflicts_with = "resume")]
    pub(crate) task: Vec<String>,
    /// Trials at a time; by default what cores and memory allow.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) concurrency: Option<u32>,
    /// Requests that the run may send in all.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) budget_requests: Option<u64>,
    /// Tokens that the run may use in all.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) budget_tokens: Option<u64>,
    /// US dollars that the run may cost in all.
    #[arg(long, value_name = "USD", value_parser = dollars)]
    pub(crate) budget_usd: Option<f64>,
    /// Seconds in which trials may run, of all sessions of the run together.
    #[arg(long, value_name = "SEC", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) budget_wall_sec: Option<u64>,
    /// Keep every reply of the model, so that the run can be replayed.
    #[arg(long, conflicts_with = "resume")]
    pub(crate) record: bool,
    /// Answer every agent from the recording of this run instead of a model: offline, with no key. A request that was not
    /// recorded ends its trial as a failure of infrastructure.
    #[arg(long, value_name = "RUN", conflicts_with = "resume")]
    pub(crate) replay: Option<PathBuf>,
    /// Print the plan and run nothing.
    #[arg(long, conflicts_with = "resume")]
    pub(crate) dry_run: bool,
    /// Print the scorecard, or with --dry-run the plan, as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Reads an amount of money.
fn dollars(text: &str) -> Result<f64, String> {
    let amount: f64 = text.trim_start_matches('$').parse().map_err(|_| "it is no number".to_owned())?;
    if (1e-6..=1e9).contains(&amount) {
        Ok(amount)
    } else {
        Err("it is not between 0.000001 and 1000000000".to_owned())
    }
}

/// Where trials run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SandboxOpt {
    /// Docker where an engine answers, namespaces otherwise.
    Auto,
    /// Containers of a local Docker or Podman engine.
    Docker,
    /// Linux namespaces with the host's own tools.
    Namespace,
    /// In memory and scripted; runs no real command.
    Fake,
}

impl From<SandboxOpt> for SandboxChoice {
    fn from(option: SandboxOpt) -> Self {
        match option {
            SandboxOpt::Auto => Self::Auto,
            SandboxOpt::Docker => Self::Docker,
            SandboxOpt::Namespace => Self::Namespace,
            SandboxOpt::Fake => Self::Fake,
        }
    }
}
