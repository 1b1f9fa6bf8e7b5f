//! The command line of what shows and checks reports: `retrial report`, `verify` and `view`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::SettingsArgs;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  retrial report results/mine                              write results/mine/report/report.html
  retrial report results/mine --format html,md,junit --out public
  retrial report results/old results/new --out public      one page about two runs
  retrial report results/mine --format png --out pictures  every picture as a file
  retrial report results/mine --format json --sign me.key  with a signature that `retrial verify` checks

Exit codes: 0 written, 2 an argument is wrong, a directory is no run or the run goes on, 4 nothing was graded, which the
report says too, or the records do not hold, 5 the machine cannot read or write.")]
pub(crate) struct ReportArgs {
    /// The run directories.
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// The directory to write to; by default `report` in the run directory, where there is one run.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// The forms to write, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "html")]
    pub(crate) format: Vec<FormatOpt>,
    /// Sign the report in JSON with this secret key of minisign; its password, where it has one, is taken from
    /// `RETRIAL_SIGNING_PASSWORD`.
    #[arg(long, value_name = "KEY")]
    pub(crate) sign: Option<PathBuf>,
    /// Print the list of written files as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}

/// A form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum FormatOpt {
    /// One page with everything, for people.
    Html,
    /// A page for comments and job summaries.
    Md,
    /// Everything, for programs; what `retrial verify` checks.
    Json,
    /// Every picture as SVG.
    Svg,
    /// Every picture as PNG.
    Png,
    /// One test case for each task.
    Junit,
    /// Tables of trials and of measures.
    Csv,
    /// The same tables as Parquet.
    Parquet,
    /// A badge for each agent: SVG, and JSON for badge services.
    Badge,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  retrial verify report.json results/mine       say whether the report follows from the run, byte for byte
  retrial verify report.html results/mine       the same of its page
  retrial verify report.json results/mine --public-key me.pub      and whether I signed it

Exit codes: 0 it holds, 1 it does not or its signature is not of this file, 2 the report cannot be read or is of other
runs, 4 the records of a run do not hold, 5 the machine cannot read or write.")]
pub(crate) struct VerifyArgs {
    /// The report in JSON or its page, as `retrial report` wrote it.
    #[arg(value_name = "REPORT")]
    pub(crate) report: PathBuf,
    /// The run directories, in the order in which the report has them.
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// Check the signature beside the report, `REPORT.minisig`, with this public key of minisign first.
    #[arg(long, value_name = "KEY")]
    pub(crate) public_key: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  retrial view results/mine                look at a run in the browser, also while it goes on
  retrial view results/mine --port 8000

The page is served to this machine alone, and only to be read. Ctrl-C ends it.

Exit codes: 0 ended as asked, 2 the directory is no run, 4 its records do not hold, 5 the port cannot be used.")]
pub(crate) struct ViewArgs {
    /// The run directory.
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// The port on 127.0.0.1; by default one that is free.
    #[arg(long, default_value = "0")]
    pub(crate) port: u16,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}
