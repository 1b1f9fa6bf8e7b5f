//! What the columns of a table can tell of a trial, and the names by which such columns are found.

use retrial_spec::did_you_mean;

/// A fact that a column can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Field {
    Task,
    Agent,
    Model,
    Version,
    Condition,
    Number,
    StartedAt,
    Passed,
    Reward,
    Status,
    Ending,
    InputTokens,
    UncachedInputTokens,
    CacheReadTokens,
    CacheWriteTokens,
    OutputTokens,
    ReasoningTokens,
    Requests,
    CostUsd,
    CostUsdMicros,
    AgentSeconds,
    AgentMs,
    SetupSeconds,
    SetupMs,
    VerifySeconds,
    VerifyMs,
    ModelSeconds,
    ModelMs,
    WaitingSeconds,
    WaitingMs,
    Confidence,
    Claim,
    Actions,
}

impl Field {
    /// Every field with the name of its key and the column names, in lower case, by which it is found where nothing is said.
    const TABLE: [(Self, &'static str, &'static [&'static str]); 33] = [
        (Self::Task, "task", &["task", "task_id", "task_name", "instance_id"]),
        (Self::Agent, "agent", &["agent", "agent_name"]),
        (Self::Model, "model", &["model", "model_name"]),
        (Self::Version, "version", &["version", "agent_version"]),
        (Self::Condition, "condition", &["condition"]),
        (Self::Number, "number", &["trial", "trial_number", "number"]),
        (Self::StartedAt, "started_at", &["started_at", "start_time"]),
        (Self::Passed, "passed", &["passed", "resolved", "is_resolved", "success"]),
        (Self::Reward, "reward", &["reward", "score"]),
        (Self::Status, "status", &["status"]),
        (Self::Ending, "ending", &["ending"]),
        (Self::InputTokens, "input_tokens", &["input_tokens", "prompt_tokens"]),
        (Self::UncachedInputTokens, "uncached_input_tokens", &["uncached_input_tokens"]),
        (Self::CacheReadTokens, "cache_read_tokens", &["cache_read_tokens", "cached_tokens"]),
        (Self::CacheWriteTokens, "cache_write_tokens", &["cache_write_tokens"]),
        (Self::OutputTokens, "output_tokens", &["output_tokens", "completion_tokens"]),
        (Self::ReasoningTokens, "reasoning_tokens", &["reasoning_tokens"]),
        (Self::Requests, "requests", &["requests", "api_calls"]),
        (Self::CostUsd, "cost_usd", &["cost_usd", "total_cost_usd"]),
        (Self::CostUsdMicros, "cost_usd_micros", &["cost_usd_micros"]),
        (Self::AgentSeconds, "agent_seconds", &["agent_seconds", "agent_sec"]),
        (Self::AgentMs, "agent_ms", &["agent_ms"]),
        (Self::SetupSeconds, "setup_seconds", &["setup_seconds", "setup_sec"]),
        (Self::SetupMs, "setup_ms", &["setup_ms"]),
        (Self::VerifySeconds, "verify_seconds", &["verify_seconds", "verify_sec"]),
        (Self::VerifyMs, "verify_ms", &["verify_ms"]),
        (Self::ModelSeconds, "model_seconds", &["model_seconds", "model_sec"]),
        (Self::ModelMs, "model_ms", &["model_ms"]),
        (Self::WaitingSeconds, "waiting_seconds", &["waiting_seconds", "waiting_sec"]),
        (Self::WaitingMs, "waiting_ms", &["waiting_ms"]),
        (Self::Confidence, "confidence", &["confidence"]),
        (Self::Claim, "claim", &["claim"]),
        (Self::Actions, "actions", &["actions"]),
    ];

    /// How many fields there are.
    pub(crate) const COUNT: usize = Self::TABLE.len();

    /// Fields of which a table has at most one: they tell the same in two ways.
    pub(crate) const EITHER: [(Self, Self); 8] = [
        (Self::Passed, Self::Reward),
        (Self::InputTokens, Self::UncachedInputTokens),
        (Self::CostUsd, Self::CostUsdMicros),
        (Self::AgentSeconds, Self::AgentMs),
        (Self::SetupSeconds, Self::SetupMs),
        (Self::VerifySeconds, Self::VerifyMs),
        (Self::ModelSeconds, Self::ModelMs),
        (Self::WaitingSeconds, Self::WaitingMs),
    ];

    /// Returns all fields in order.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Self::TABLE.iter().map(|(field, _, _)| *field)
    }

    /// Returns the name of its key.
    pub(crate) fn name(self) -> &'static str {
        Self::TABLE.iter().find(|(field, _, _)| *field == self).map_or("", |(_, name, _)| name)
    }

    /// Returns whether a column of this name tells the field where nothing else is said.
    pub(crate) fn is_obvious(self, column: &str) -> bool {
        let column = column.trim().to_lowercase().replace([' ', '-'], "_");
        Self::TABLE.iter().any(|(field, _, names)| *field == self && names.contains(&column.as_str()))
    }

    /// Returns the field of a key.
    ///
    /// # Errors
    /// Advice, where there is no such field.
    pub(crate) fn of_name(name: &str) -> Result<Self, String> {
        if let Some((field, _, _)) = Self::TABLE.iter().find(|(_, own, _)| *own == name) {
            return Ok(*field);
        }
        let names = || Self::TABLE.iter().map(|(_, own, _)| *own);
        match did_you_mean(name, names()) {
            Some(near) => Err(format!("did you mean `{near}`?")),
            None => Err(format!("fields: {}", names().collect::<Vec<_>>().join(", "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_stands_at_its_own_place_of_the_table_and_no_name_is_obvious_for_two() {
        for (position, (field, _, _)) in Field::TABLE.iter().enumerate() {
            assert_eq!(*field as usize, position);
        }
        let mut names: Vec<&str> =
            Field::TABLE.iter().flat_map(|(_, _, names)| names.iter().copied()).collect();
        let before = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), before);
    }

    #[test]
    fn a_misspelt_field_is_corrected() {
        assert_eq!(Field::of_name("tsak"), Err("did you mean `task`?".to_owned()));
        assert_eq!(Field::of_name("cost_usd"), Ok(Field::CostUsd));
    }
}
