//! What `run.json` says of a run that was imported: from where, and how many trials its source planned.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AgentName, ConditionName, ConditionSpec, ContentDigest, RunId, TaskName};

/// What is known of an imported run as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Imported {
    /// The name that the import was given.
    pub name: RunId,
    /// The format that was read, as on the command line.
    pub format: String,
    /// What was read, as it was named, without the directories above it.
    pub sources: Vec<String>,
    /// Digest of the settings that decide what the source's words become.
    pub settings: ContentDigest,
    /// The conditions; an import knows their names alone.
    pub conditions: Vec<ConditionSpec>,
    /// How many trials the source planned, as far as it tells: those with a record, and those that it names and that have no result.
    pub planned: PlannedTrials,
    /// Names of the source that could not stand as they are, by what they became.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub renamed: BTreeMap<String, String>,
    /// Things that were read and are doubtful.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
    /// How many doubtful things were found, of which `doubts` holds the first.
    #[serde(default)]
    pub doubtful: u64,
}

/// How many trials are planned for each agent, task and condition, which may differ in an imported run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedTrials {
    /// The most.
    pub most: u32,
    /// Those with fewer, none among them, by `task~agent~condition`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fewer: BTreeMap<String, u32>,
}

impl PlannedTrials {
    /// Returns the key of an agent, a task and a condition.
    pub fn key(task: &TaskName, agent: &AgentName, condition: &ConditionName) -> String {
        format!("{task}~{agent}~{condition}")
    }

    /// Returns how many are planned for an agent, a task and a condition.
    pub fn of(&self, task: &TaskName, agent: &AgentName, condition: &ConditionName) -> u32 {
        if self.fewer.is_empty() {
            return self.most;
        }
        self.fewer.get(&Self::key(task, agent, condition)).copied().unwrap_or(self.most).min(self.most)
    }

    /// Returns how many trials are lacking to the most everywhere.
    pub fn lacking(&self) -> u64 {
        self.fewer.values().map(|&trials| u64::from(self.most.saturating_sub(trials))).sum()
    }
}
