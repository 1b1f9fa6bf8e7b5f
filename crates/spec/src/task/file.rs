//! The file as a whole, and how it is read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::artifact::ArtifactTable;
use super::environment::{EnvironmentTable, NetworkMode};
use super::facts::{Metadata, TaskSection};
use super::phase::{AgentTable, SolutionTable, VerifierTable};
use super::step::{RewardStrategy, StepTable};
use crate::schema::toml_schema;
use crate::{Document, Fault, Severity, SpecError};

/// A task's `task.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Task {
    /// The version of Harbor's schema.
    #[serde(default = "schema_version")]
    pub schema_version: String,
    /// `schema_version` in the manner of schema 1.0.
    #[serde(default)]
    pub version: Option<String>,
    /// Where the task comes from, in free text.
    #[serde(default)]
    pub source: Option<String>,
    /// Files and directories to keep after the agent's phase.
    #[serde(default)]
    pub artifacts: Vec<ArtifactTable>,
    /// Name, version and description.
    #[serde(default)]
    pub task: TaskSection,
    /// Free metadata, with Retrial's own facts.
    #[serde(default)]
    pub metadata: Metadata,
    /// The agent's phase.
    #[serde(default)]
    pub agent: AgentTable,
    /// The verifier's phase.
    #[serde(default)]
    pub verifier: VerifierTable,
    /// The environment.
    #[serde(default)]
    pub environment: EnvironmentTable,
    /// The oracle solution.
    #[serde(default)]
    pub solution: SolutionTable,
    /// The steps of a multi-step task.
    #[serde(default)]
    pub steps: Vec<StepTable>,
    /// How the rewards of steps make the trial's.
    #[serde(default)]
    pub multi_step_reward_strategy: RewardStrategy,
}

fn schema_version() -> String {
    "1.4".to_owned()
}

impl Task {
    /// Reads a `task.toml`; `file` is the name that errors show.
    ///
    /// Returns it with warnings about keys that are not known and change nothing.
    ///
    /// # Errors
    /// [`SpecError`] with all faults: syntax, wrong types and values, unknown keys under `[metadata.retrial]`, and keys whose
    /// meaning Retrial does not support.
    pub fn parse(file: &str, text: &str) -> Result<(Self, Vec<Fault>), SpecError> {
        let document = Document::parse(file, text)?;
        let faults = document.check(&toml_schema::<Self>(), |table| match table {
            "/metadata" => None,
            "/metadata/retrial" => Some(Severity::Error),
            _ => Some(Severity::Warning),
        });
        let (mut task, warnings) = document.read::<Self>(faults)?;
        let mut refused = task.take_old_keys(&document);
        refused.extend(task.refused(&document));
        if refused.is_empty() { Ok((task, warnings)) } else { Err(document.error(refused)) }
    }

    fn take_old_keys(&mut self, document: &Document) -> Vec<Fault> {
        if let Some(version) = self.version.take()
            && document.root().get("schema_version").is_none()
        {
            self.schema_version = version;
        }
        let mut faults = self.environment.take_old_keys(document, "/environment");
        if let Some(environment) = &mut self.verifier.environment {
            faults.extend(environment.take_old_keys(document, "/verifier/environment"));
        }
        faults
    }

    /// Returns what the agent's sandbox may reach.
    pub fn agent_network(&self) -> NetworkMode {
        self.agent.network_mode.unwrap_or(self.environment.network_mode)
    }

    /// Returns what the sandbox of a separate verifier may reach.
    pub fn verifier_network(&self) -> NetworkMode {
        let environment = self.verifier.environment.as_ref().unwrap_or(&self.environment);
        self.verifier.network_mode.unwrap_or(environment.network_mode)
    }
}
