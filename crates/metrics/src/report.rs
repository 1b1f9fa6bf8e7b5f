//! Several runs in one document, with what else was asked for beside each scorecard.

use retrial_spec::SchemaFile;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;

use crate::princeton::Princeton;
use crate::{ActionUse, Scorecards};

/// The number of the schema of [`ScoreReport`].
pub const REPORT_SCHEMA: u32 = 1;

/// What `retrial score --json` prints for several runs, or where more than scorecards was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ScoreReport {
    /// The number of this schema; that of scorecards stands with them.
    pub schema: u32,
    /// The runs, in the order in which they were named.
    pub runs: Vec<RunReport>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RunReport {
    /// Its scorecards.
    pub scored: Scorecards,
    /// What agents do, where `--by action` asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actions: Option<Vec<ActionUse>>,
    /// The measures of Princeton's harness, where `--profile princeton` asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub princeton: Option<Princeton>,
}

/// Returns the JSON Schema of [`ScoreReport`] as it is checked in.
pub fn report_schema() -> SchemaFile {
    let schema =
        SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<ScoreReport>();
    SchemaFile { name: "score-report.schema.json", schema: schema.to_value() }
}
