//! The command line of `retrial autonomy`.

use std::path::PathBuf;

use clap::Args;

use super::SettingsArgs;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  retrial autonomy results/mine                          levels by category, and what would raise them
  retrial autonomy results/mine --target fixed           for exactly these tasks, not for new ones like them
  retrial autonomy results/may results/june              and what changed between the runs
  retrial autonomy results/mine --policy retrial-autonomy.toml --out public
  retrial autonomy results/mine --require delegate=0.5   whether half of the work can be delegated

Levels: delegate (left alone), spot-check (a sample is looked at), gated (used only behind a check that
must pass), supervised (a person looks at each). docs/autonomy.md has the default policy with its reasons.

Exit codes: 0 reported, or the required share is met; 1 it is shown to be missed; 2 the policy or a run
cannot be read; 3 evidence is missing for the required share; 4 nothing was graded.")]
pub(crate) struct AutonomyArgs {
    /// The run directories, in any order.
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// A policy file, which says how reliable work must be for each level; the default policy where there is none.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Write `autonomy.html` and `autonomy.md` into this directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Decide whether every agent of the newest run can be left alone with a share of the stated work, by minutes.
    #[arg(long, value_name = "delegate=SHARE", value_parser = required)]
    pub(crate) require: Option<f64>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) settings: ChoicesArgs,
}

/// The choices that levels depend on. The confidence is the policy's.
#[derive(Debug, Clone, Args)]
pub(crate) struct ChoicesArgs {
    /// What bounds speak of.
    #[arg(long, value_enum, default_value = "population")]
    target: super::TargetOpt,
    /// Seeds what is drawn at random; by default the run's seed.
    #[arg(long)]
    seed: Option<u64>,
    /// What a trial that ran out of time counts as.
    #[arg(long, value_enum, default_value = "verdict")]
    timeout: super::TimeoutOpt,
    /// What a trial without a verdict counts as.
    #[arg(long, value_enum, default_value = "exclude")]
    ungraded: super::UngradedOpt,
}

impl From<&ChoicesArgs> for SettingsArgs {
    fn from(args: &ChoicesArgs) -> Self {
        let ChoicesArgs { target, seed, timeout, ungraded } = *args;
        Self { target: Some(target), seed, timeout, ungraded, level: 0.95 }
    }
}

/// Reads `delegate=0.5`.
fn required(text: &str) -> Result<f64, String> {
    let share = text.strip_prefix("delegate=").ok_or("it is not of the form `delegate=0.5`")?;
    let share: f64 = share.parse().map_err(|_| format!("`{share}` is no number"))?;
    if share > 0.0 && share <= 1.0 {
        Ok(share)
    } else {
        Err("a share lies above 0 and at most at 1".to_owned())
    }
}
