//! `simulation.toml`: what a simulated model does on a task.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::toml_schema;
use crate::{Document, Severity, SpecError};

/// A correct and a plausible wrong end state as independent shell steps, which may be done in any order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Simulation {
    /// Steps that look and change nothing.
    #[schemars(length(min = 1))]
    pub look: Vec<SimulationStep>,
    /// Edits that together give a state the verifier passes.
    #[schemars(length(min = 1))]
    pub correct: Vec<SimulationStep>,
    /// Edits that together give a plausible state the verifier fails.
    #[schemars(length(min = 1))]
    pub wrong: Vec<SimulationStep>,
}

/// One step: a shell command run in the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulationStep {
    /// The command, for `bash -c`.
    #[schemars(length(min = 1))]
    pub command: String,
}

impl Simulation {
    /// Reads a simulation; `file` is the name that errors show.
    ///
    /// # Errors
    /// [`SpecError`] with all faults.
    pub fn parse(file: &str, text: &str) -> Result<Self, SpecError> {
        let document = Document::parse(file, text)?;
        let faults = document.check(&toml_schema::<Self>(), |_| Some(Severity::Error));
        document.read(faults).map(|(simulation, _)| simulation)
    }
}
