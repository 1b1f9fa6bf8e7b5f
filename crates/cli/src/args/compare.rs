//! The command line of `retrial compare`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use retrial_spec::ConditionName;

use super::SettingsArgs;
use crate::entered::Entry;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  retrial compare results/mine                         all agents of a run
  retrial compare results/old:steady results/new:steady   a release with the one before it
  retrial compare results/a results/b:careful --target fixed
  retrial compare results/mine --pairs                 every pair, and how many are called different
  retrial compare results/mine --difference 0.05       what it takes to show a difference of 0.05
  retrial compare results/a results/b --out public --format html,md,json,png
  retrial compare results/a results/b --out public --format junit --policy retrial-gate.toml

The one that is named earlier is the baseline: differences are later minus earlier. Success is compared for exactly
these tasks and for new tasks like these; --target chooses what all other intervals speak of.

Exit codes: 0 compared, 2 input, 4 not comparable or nothing graded.
JSON: a document of docs/schemas/comparison.schema.json.")]
pub(crate) struct CompareArgs {
    /// Runs, or single agents of runs; of a run that is named alone all agents take part.
    #[arg(required = true, value_name = "RUN[:AGENT]")]
    pub(crate) entries: Vec<Entry>,
    /// The condition under which they are compared.
    #[arg(long, value_name = "NAME", default_value = "baseline")]
    pub(crate) condition: ConditionName,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
    /// The difference of success rates that further trials or tasks should show; by default the observed one.
    #[arg(long, value_name = "D", value_parser = difference)]
    pub(crate) difference: Option<f64>,
    /// Compare also what did not try the same thing: the tasks that both have, as if they were the same.
    #[arg(long, visible_alias = "force")]
    pub(crate) even_if_different: bool,
    /// A gate policy, by which `--format junit` decides of each agent whether it may replace the first.
    #[arg(long, value_name = "FILE", requires = "out")]
    pub(crate) policy: Option<PathBuf>,
    /// Print every pair in a line, how many pairs each procedure calls different, and who changes places.
    #[arg(long, conflicts_with = "json")]
    pub(crate) pairs: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write files to this directory instead, and print their paths.
    #[arg(long, value_name = "DIR", conflicts_with = "pairs")]
    pub(crate) out: Option<PathBuf>,
    /// The forms to write, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "html", requires = "out")]
    pub(crate) format: Vec<ComparisonFormatOpt>,
}

/// A form of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum ComparisonFormatOpt {
    /// One page with everything, for people.
    Html,
    /// A page for comments and job summaries.
    Md,
    /// Everything, for programs.
    Json,
    /// Every picture as SVG.
    Svg,
    /// Every picture as PNG.
    Png,
    /// What the policy decides of each agent against the first, as `JUnit` XML.
    Junit,
}

/// Reads a difference of success rates.
fn difference(text: &str) -> Result<f64, String> {
    let difference: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    if difference > 0.0 && difference <= 1.0 {
        Ok(difference)
    } else {
        Err("it is not above 0 and at most 1; write 5 points as 0.05".to_owned())
    }
}
