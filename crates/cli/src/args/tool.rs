//! The command line of what is about the tool and its host: `retrial prices`, `doctor`, `clean`, `validate` and `completions`.

use std::path::PathBuf;

use clap::Args;
use retrial_metrics::validate::Design;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  retrial prices
  retrial prices --file my-prices.toml --json

The built-in table holds the simulated models alone: prices of real ones change, and are true only with the day and
the page on which they were read. Yours go into a table like `experiments/prices.toml`, which an experiment names:

  prices = \"my-prices.toml\"

Exit codes: 0 printed, 2 the table cannot be read.")]
pub(crate) struct PricesArgs {
    /// A price table of your own, whose prices come first.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  retrial doctor

Exit codes: 0 trials can run here, 5 nothing that can run them is usable.")]
pub(crate) struct DoctorArgs {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  retrial clean
  retrial clean --kits

Exit codes: 0 removed, on every back end that is usable, 5 something cannot be removed.")]
pub(crate) struct CleanArgs {
    /// Remove the kits as well; they are built again when needed.
    #[arg(long)]
    pub(crate) kits: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  retrial validate                          everything, in some minutes
  retrial validate --reps 200 --designs 5x5,20x10
  retrial validate --json | jq '.requirements[] | select(.standing != \"met\")'

Exit codes: 0 every requirement is met, 1 one is missed, 2 an argument is wrong, 3 one is unclear for
lack of repetitions.")]
pub(crate) struct ValidateArgs {
    /// Simulated runs of each design and population of tasks, for studies of intervals.
    #[arg(long, value_name = "N", default_value_t = retrial_metrics::validate::REPETITIONS,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) reps: u32,
    /// Simulated pairs of runs, or runs that are watched, for studies of decisions; by default five times as many as runs.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) pair_reps: Option<u32>,
    /// The seed of everything that is drawn; the numbers do not depend on the number of threads.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Only these designs, as `TASKSxTRIALS`.
    #[arg(long, value_name = "DESIGN", value_delimiter = ',')]
    pub(crate) designs: Vec<Design>,
    /// Threads to use; by default one for each core.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) threads: Option<u32>,
    /// Print JSON with every count.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  retrial completions bash > ~/.local/share/bash-completion/completions/retrial\n\n\
                  Exit codes: 0 printed, 2 there is no such shell."
)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    pub(crate) shell: clap_complete::Shell,
}
