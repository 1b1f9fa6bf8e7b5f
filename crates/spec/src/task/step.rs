//! `[[steps]]`: the parts of a task that are worked on one after the other in one sandbox.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::artifact::ArtifactTable;
use super::environment::NetworkMode;
use super::healthcheck::HealthcheckTable;
use super::phase::{AgentTable, CollectTable, VerifierMode};
use super::user::PhaseUser;

/// One step. What it leaves out is as the task's own tables say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct StepTable {
    /// The step's name, which is that of its directory below `steps/`.
    #[schemars(length(min = 1))]
    pub name: String,
    /// The agent's phase in this step.
    #[serde(default)]
    pub agent: AgentTable,
    /// The verifier's phase in this step.
    #[serde(default)]
    pub verifier: StepVerifierTable,
    /// The reward without which no further step is begun.
    #[serde(default)]
    pub min_reward: Option<MinReward>,
    /// A command that says when the step can begin.
    #[serde(default)]
    pub healthcheck: Option<HealthcheckTable>,
    /// What is kept after the step, besides what is kept after every step.
    #[serde(default)]
    pub artifacts: Vec<ArtifactTable>,
}

impl StepTable {
    /// Returns whether the name can be that of a directory below `steps/`.
    pub(super) fn has_a_directory(&self) -> bool {
        let name = self.name.as_str();
        !matches!(name, "" | "." | "..") && !name.contains(['/', '\\']) && !name.chars().any(char::is_control)
    }
}

/// `[steps.verifier]`: how a step is judged.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[serde(default)]
pub struct StepVerifierTable {
    /// Seconds the verifier may take.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub timeout_sec: Option<f64>,
    /// Environment variables of the verifier instead of those of the task's own table.
    pub env: Option<BTreeMap<String, String>>,
    /// The user the verifier runs as.
    pub user: Option<PhaseUser>,
    /// Only `shared` is supported: the sandbox has to live on.
    pub environment_mode: Option<VerifierMode>,
    /// A network mode. Supported where it is the environment's.
    pub network_mode: Option<NetworkMode>,
    /// Hosts for this phase. Not supported.
    pub allowed_hosts: Option<Value>,
    /// An environment of the verifier's own. Not supported in a step.
    pub environment: Option<Value>,
    /// Commands that gather state after the agent's phase, instead of those of the task's own table.
    pub collect: Option<Vec<CollectTable>>,
}

/// How the rewards of steps make the trial's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RewardStrategy {
    /// Their mean by key, a missing key counting as 0, over the steps whose verifier gave rewards.
    #[default]
    Mean,
    /// Those of the last step that was begun.
    Final,
}

/// The reward without which no further step is begun: of the step's single reward, or by key.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MinReward {
    /// Of the reward that counts.
    Single(f64),
    /// Of each key.
    ByKey(BTreeMap<String, f64>),
}

impl<'de> Deserialize<'de> for MinReward {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = MinReward;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number, or a table of numbers")
            }
            fn visit_f64<E>(self, number: f64) -> Result<MinReward, E> {
                Ok(MinReward::Single(number))
            }
            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<MinReward, E> {
                i32::try_from(number)
                    .map(|number| MinReward::Single(number.into()))
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(number), &self))
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<MinReward, E> {
                self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<MinReward, A::Error> {
                BTreeMap::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(MinReward::ByKey)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for MinReward {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MinReward".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": ["number", "object"],
            "additionalProperties": { "type": "number" },
            "description": "A number, or a table of numbers by key",
        })
    }
}
