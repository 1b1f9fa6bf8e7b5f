//! The command line of `retrial import` and `retrial export`.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use retrial_import::Format;
use retrial_spec::RunId;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  retrial import harbor jobs/2026-01-02__03-04-05 --out results/mine
  retrial import inspect logs/*.eval --dry-run          say what would be read, and what each status becomes
  retrial import tau-bench gpt-4o-airline.json --agent tool-calling --model gpt-4o --out results/tau
  retrial import table trials.csv --map task=problem --map passed=solved --out results/mine
  retrial import table trials.parquet --mapping mapping.toml --out results/mine
  retrial import codex ~/.codex/sessions --task refactor --out results/mine

What a source does not know stays missing. What each of its words becomes is in docs/interop/.

Exit codes: 0 imported, 2 something cannot be read, 5 something cannot be written, 130 interrupted; there is no run then.")]
pub(crate) struct ImportArgs {
    /// What is read.
    #[arg(value_parser = import_format())]
    pub(crate) format: Format,
    /// Files or directories.
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// The run directory that is made.
    #[arg(long, value_name = "RUN", required_unless_present = "dry_run")]
    pub(crate) out: Option<PathBuf>,
    /// Read everything and say what it would become; write nothing.
    #[arg(long, conflicts_with = "out")]
    pub(crate) dry_run: bool,
    /// The import's name, which stands where an experiment's does; the format's where absent.
    #[arg(long)]
    pub(crate) name: Option<RunId>,
    /// The agent, where the source does not name it.
    #[arg(long)]
    pub(crate) agent: Option<String>,
    /// The model, where the source does not name it.
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// The task, where the source does not name it.
    #[arg(long)]
    pub(crate) task: Option<String>,
    /// Which score is the verdict, of a source with several: `scorer` or `scorer/key`.
    #[arg(long)]
    pub(crate) score: Option<String>,
    /// A file that says which column is what, of a table.
    #[arg(long, value_name = "FILE")]
    pub(crate) mapping: Option<PathBuf>,
    /// Which column is what, of a table; stronger than the mapping file.
    #[arg(long, value_name = "FIELD=COLUMN")]
    pub(crate) map: Vec<String>,
    /// A file that adds to the table of actions.
    #[arg(long, value_name = "FILE")]
    pub(crate) actions: Option<PathBuf>,
    /// Seeds the intervals that draw random numbers.
    #[arg(long, default_value = "0")]
    pub(crate) seed: u64,
    /// Print what was found as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Takes the name of a format.
fn import_format() -> impl TypedValueParser<Value = Format> {
    let shown = |format: &Format| PossibleValue::new(format.as_str()).help(format.about());
    PossibleValuesParser::new(Format::ALL.iter().map(shown)).map(|name| {
        let format = Format::ALL.iter().find(|format| format.as_str() == name);
        *format.expect("no other value is possible")
    })
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  retrial export results/mine --to harbor --out jobs/mine
  retrial export results/mine --to inspect --out logs
  retrial export results/mine --to parquet --out trials.parquet
  retrial export results/mine --to otlp --out spans.jsonl

Exit codes: 0 written, 2 an argument is wrong, something is there already or the run goes on, 4 the records do not hold,
5 the machine cannot read or write.")]
pub(crate) struct ExportArgs {
    /// The run directory.
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// What is written.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) to: ExportFormatOpt,
    /// Where it is written: a directory for `atif`, `harbor` and `inspect`, a file for the others. Nothing may be there.
    #[arg(long, value_name = "PATH")]
    pub(crate) out: PathBuf,
    /// Print what was written as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A format that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormatOpt {
    /// One trajectory for each trial, ATIF 1.8.
    Atif,
    /// A job directory of Harbor.
    Harbor,
    /// Logs of Inspect, one for each agent and condition.
    Inspect,
    /// One line of JSON for each trial.
    Jsonl,
    /// A table of trials as Parquet.
    Parquet,
    /// A table of trials as CSV.
    Csv,
    /// Spans of OpenTelemetry, one line of OTLP JSON for each trial.
    Otlp,
}
