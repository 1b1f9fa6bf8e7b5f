//! The command line of `retrial plan`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::SettingsArgs;

#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("question").args(["half_width", "difference", "gate_margin", "zero_failures"])),
    after_help = "\
Examples:
  retrial plan --mu 0.7 --rho 0.4 --half-width 0.05        tasks and trials for an interval of ± 0.05
  retrial plan results/pilot --agent steady --difference 0.10 --power 0.8
  retrial plan results/pilot --agent steady --gate-margin 0.10 --tasks 20
  retrial plan --zero-failures 0.01                        how many trials without a failure say enough
  retrial plan --mu 0.7 --rho 0.4 --tasks 20 --trials 10   what a design can show
  retrial plan results/pilot --agent steady --difference 0.1 --budget-usd 50 --out plans/release

Exit codes: 0 planned, 2 bad input, 3 what is asked for cannot be reached (the best there is is printed),
4 a pilot with nothing graded."
)]
pub(crate) struct PlanArgs {
    /// A run to learn from: how hard its tasks are, how much trials vary and what they cost.
    #[arg(value_name = "RUN", conflicts_with = "zero_failures")]
    pub(crate) pilot: Option<PathBuf>,
    /// The agent of the pilot to plan for; needed where it has several.
    #[arg(long, value_name = "NAME", requires = "pilot")]
    pub(crate) agent: Option<String>,
    /// Another agent of the pilot, from which the correlation of difficulty is taken; by default the other one of two.
    #[arg(long, value_name = "NAME", requires = "pilot")]
    pub(crate) against: Option<String>,
    /// The mean success rate over tasks, instead of the pilot's.
    #[arg(long, value_name = "SHARE")]
    pub(crate) mu: Option<f64>,
    /// The correlation of trials of one task, from 0 to 1, instead of the pilot's.
    #[arg(long, value_name = "SHARE")]
    pub(crate) rho: Option<f64>,
    /// The correlation of task difficulty between two agents, from 0 to 1, instead of the pilot's; 0.5 where nothing says.
    #[arg(long, value_name = "SHARE")]
    pub(crate) r: Option<f64>,
    /// Plan for an interval of the success rate no wider than this to each side.
    #[arg(long, value_name = "WIDTH")]
    pub(crate) half_width: Option<f64>,
    /// Plan for a comparison that shows a true difference of this size.
    #[arg(long, value_name = "SHARE")]
    pub(crate) difference: Option<f64>,
    /// Plan for a gate of this margin that passes a candidate as good as the baseline.
    #[arg(long, value_name = "MARGIN")]
    pub(crate) gate_margin: Option<f64>,
    /// Plan for trials of which none failing rules out this failure rate.
    #[arg(long, value_name = "RATE")]
    pub(crate) zero_failures: Option<f64>,
    /// The probability of the decision that is planned for.
    #[arg(long, default_value = "0.8", value_name = "SHARE")]
    pub(crate) power: f64,
    /// The confidence of one-sided bounds: of the gate, and of zero failures.
    #[arg(long, default_value = "0.95", value_name = "SHARE")]
    pub(crate) confidence: f64,
    /// Exactly so many tasks.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) tasks: Option<u64>,
    /// Exactly so many trials of each task by each agent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) trials: Option<u64>,
    /// No more tasks than these; for a fixed suite all of them.
    #[arg(long, value_name = "N", conflicts_with = "tasks",
          value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) tasks_available: Option<u64>,
    /// At least so many trials of each task, where their number is free.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) least_trials: u64,
    /// Spend no more than this, in dollars, on all agents together.
    #[arg(long, value_name = "DOLLARS")]
    pub(crate) budget_usd: Option<f64>,
    /// What a trial costs, in dollars, whichever agent runs it, instead of the pilot's means.
    #[arg(long, value_name = "DOLLARS")]
    pub(crate) cost_per_trial: Option<f64>,
    /// What a task costs once besides its trials, in dollars: to write it, to review it.
    #[arg(long, value_name = "DOLLARS", default_value = "0")]
    pub(crate) cost_per_task: f64,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
    /// Write `plan.json`, `plan.md` and `plan.svg` into this directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
