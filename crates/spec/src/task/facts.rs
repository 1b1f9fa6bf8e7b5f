//! What a task is called, and what Retrial needs to know of it for scorecards and decisions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `[task]`: what the task is called.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[serde(default)]
pub struct TaskSection {
    /// The full name, such as `org/name`.
    pub name: Option<String>,
    /// The task's version.
    pub version: Option<String>,
    /// What it is, in a sentence.
    pub description: String,
    /// Who made it.
    pub authors: Vec<Value>,
    /// Words to find it by.
    pub keywords: Vec<String>,
}

/// `[metadata]`: free, except for `[metadata.retrial]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[serde(default)]
pub struct Metadata {
    /// Retrial's own facts.
    pub retrial: Option<RetrialFacts>,
}

/// `[metadata.retrial]`: what a scorecard and an autonomy decision need to know of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetrialFacts {
    /// The kind of work, such as `fix-bug`.
    #[schemars(length(min = 1))]
    pub category: String,
    /// What a wrong result would cost.
    pub stakes: Stakes,
    /// How far a result can be checked by machine.
    pub verifiability: Verifiability,
    /// How many minutes a practised engineer needs.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub expected_minutes: f64,
}

/// What a wrong result would cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stakes {
    /// Little: easily noticed and undone.
    Low,
    /// Some: costs others' time.
    Medium,
    /// Much: data, money or trust.
    High,
}

/// How far a result can be checked by machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verifiability {
    /// Hardly.
    Low,
    /// In part.
    Partial,
    /// Entirely.
    Full,
}
