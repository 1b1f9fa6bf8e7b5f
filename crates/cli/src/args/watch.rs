//! The command line of what looks after a run: `retrial status`, `audit` and `revoke`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  retrial status results/quickstart/<run>

Exit codes: 0 printed, however far the run is, 2 the directory is no run, 4 its records do not hold, 5 it cannot be read.")]
pub(crate) struct StatusArgs {
    /// The run directory.
    pub(crate) run: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  retrial audit results/quickstart/<run>
  retrial audit results/quickstart/<run> fix-torn-tail~steady~baseline~1
  retrial audit results/quickstart/<run> --json | jq '.trials[].attempts[].chain'

Exit codes: 0 every chain holds, 1 one does not, 2 the directory is no run or the trial is none of it, 4 its records do
not hold, 5 it cannot be read.")]
pub(crate) struct AuditArgs {
    /// The run directory.
    pub(crate) run: PathBuf,
    /// One trial of it: task~agent~condition~number.
    pub(crate) trial: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  retrial revoke results/quickstart/<run> fix-torn-tail~steady~baseline~1

The trial ends as revoked, which says nothing of its agent. Only the user who runs the run, or root, can
do so, while the run runs.

Exit codes: 0 revoked, 2 the trial is not running or there is none of this name, 5 the run cannot be reached.")]
pub(crate) struct RevokeArgs {
    /// The run directory.
    pub(crate) run: PathBuf,
    /// The trial: task~agent~condition~number.
    pub(crate) trial: String,
}
