//! The report: everything that is published of runs, as one JSON document.

use retrial_metrics::{ActionUse, Curves, Scorecards};
use retrial_spec::{ContentDigest, SchemaFile};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};

/// The number of the schema of [`Report`]; that of scorecards stands with them.
pub const REPORT_VERSION: u32 = 1;

/// Everything that is published of one or several runs. It says what it was made of, so that it can be made again and compared.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// The number of this schema.
    pub schema: u32,
    /// Name and version of the tool that made it.
    pub generator: String,
    /// The runs, in the order in which they were named.
    pub runs: Vec<ReportedRun>,
}

impl Report {
    /// Makes the report of runs.
    pub fn new(runs: Vec<ReportedRun>) -> Self {
        let generator = concat!("retrial ", env!("CARGO_PKG_VERSION")).to_owned();
        Self { schema: REPORT_VERSION, generator, runs }
    }

    /// Returns the report as its JSON file has it.
    ///
    /// # Errors
    /// None that a report could cause: all its numbers are finite and all its keys are texts.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ReportedRun {
    /// The files that its numbers follow from, by name.
    pub inputs: Vec<InputFile>,
    /// Its scorecards, with the settings they depend on.
    pub scored: Scorecards,
    /// What each agent does, under each condition.
    pub actions: Vec<ActionUse>,
    /// What pictures show, for each agent and condition.
    pub curves: Vec<Curves>,
}

/// A file of a run directory that numbers follow from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InputFile {
    /// Its name within the run directory.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// The digest of its content.
    pub digest: ContentDigest,
}

/// Returns the JSON Schema of [`Report`] as it is checked in.
pub fn schema() -> SchemaFile {
    let schema =
        SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Report>();
    SchemaFile { name: "report.schema.json", schema: schema.to_value() }
}
