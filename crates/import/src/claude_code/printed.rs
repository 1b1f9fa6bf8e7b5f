//! The results that Claude Code prints at the end of each turn.

use retrial_spec::{Ending, Fact, MissingReason, UngradedReason, Verdict};
use serde_json::Value;

use super::events::word;
use crate::ended::crashed;
use crate::session::{SessionLog, gave_up_on_model, shortened, status_after};
use crate::usage::{StatedUsage, UsageSum, cost_fact, count_at, dollars_at, recorded_usage};
use crate::{ImportError, Place, Sink};

/// The member with the tokens by model since the result before; earlier releases have only the sum over the whole session.
const SINCE_LAST: &str = "model_usage_since_last_result";

/// The results of a session, in order.
#[derive(Debug, Default)]
pub(super) struct Results(Vec<(Place, Value)>);

impl Results {
    /// Takes the next result.
    pub(super) fn add(&mut self, place: Place, result: Value) {
        self.0.push((place, result));
    }

    /// Puts tokens, money and ending into the session; without a result they stay missing.
    pub(super) fn finish(&self, log: &mut SessionLog, sink: &mut dyn Sink) -> Result<(), ImportError> {
        let Some((place, last)) = self.0.last() else {
            // What each reply states is of its beginning.
            log.usage.add(&Fact::Missing(MissingReason::NoUsage));
            log.ended_as("no result", Ending::NotRecorded);
            return Ok(());
        };
        let has_parts = self.0.iter().all(|(_, result)| result.get(SINCE_LAST).is_some_and(Value::is_object));
        let mut dollars = 0.0;
        if has_parts {
            for (place, result) in &self.0 {
                dollars += by_model(&mut log.usage, result, SINCE_LAST, place, sink)?;
            }
        } else if last.get("modelUsage").is_some_and(Value::is_object) {
            by_model(&mut log.usage, last, "modelUsage", place, sink)?;
        } else {
            for (place, result) in &self.0 {
                log.usage.add(&recorded_usage(result.get("usage"), place, sink)?);
            }
        }
        let cost = if has_parts {
            dollars_at(&Value::from(dollars), "", place)?
        } else {
            dollars_at(last, "/total_cost_usd", place)?
        };
        log.cost = cost_fact(cost, &log.usage.fact());
        for (place, result) in &self.0 {
            if let Some(spent) = count_at(result, "/duration_ms", place)? {
                log.stated_ms = Some(log.stated_ms.unwrap_or(0).saturating_add(spent));
            }
        }
        let ended = ended(last);
        log.ended(status(last), ended);
        Ok(())
    }
}

/// Adds the tokens of all models of a result, and returns their dollars.
fn by_model(
    sum: &mut UsageSum,
    result: &Value,
    member: &str,
    place: &Place,
    sink: &mut dyn Sink,
) -> Result<f64, ImportError> {
    let mut dollars = 0.0;
    for usage in result.get(member).and_then(Value::as_object).into_iter().flat_map(|models| models.values())
    {
        let stated = StatedUsage {
            input: count_at(usage, "/inputTokens", place)?,
            cache_read: count_at(usage, "/cacheReadInputTokens", place)?,
            cache_write: count_at(usage, "/cacheCreationInputTokens", place)?,
            output: count_at(usage, "/outputTokens", place)?,
            reasoning: count_at(usage, "/thinkingTokens", place)?,
            input_holds_cache: false,
            output_holds_reasoning: true,
        };
        sum.add(&stated.fact(place, sink));
        dollars += usage.get("costUSD").and_then(Value::as_f64).unwrap_or(0.0);
    }
    Ok(dollars)
}

/// What a result says in its own words.
fn status(result: &Value) -> String {
    let words = ["subtype", "terminal_reason"].into_iter().filter_map(|member| word(result, member));
    let code = result.get("api_error_status").and_then(Value::as_u64).map(|code| code.to_string());
    words.map(str::to_owned).chain(code).collect::<Vec<_>>().join(", ")
}

/// | subtype | `is_error` | ending |
/// |---|---|---|
/// | `success` | no | finished; refused where the model's last stop reason is `refusal` |
/// | `success` | yes | gave up on its model, see [`api_failure`] |
/// | `error_max_turns`, `error_max_budget_usd` | any | over budget |
/// | any other | any | crash |
fn ended(result: &Value) -> (Ending, Verdict) {
    let is_error = result.get("is_error").and_then(Value::as_bool) == Some(true);
    let said = word(result, "result").unwrap_or_default();
    let ending = match word(result, "subtype").unwrap_or_default() {
        "success" if is_error && word(result, "terminal_reason") == Some("prompt_too_long") => {
            crashed(&format!("prompt_too_long: {}", shortened(said)))
        }
        "success" if is_error => {
            return api_failure(result.get("api_error_status").and_then(Value::as_u64), said);
        }
        "success" if word(result, "stop_reason") == Some("refusal") => Ending::Refused,
        "success" => Ending::Finished,
        "error_max_turns" | "error_max_budget_usd" => Ending::OverBudget,
        other => {
            let first = result.pointer("/errors/0").and_then(Value::as_str).unwrap_or_default();
            crashed(format!("{other}: {}", shortened(first)).trim_end_matches(": "))
        }
    };
    (ending, Verdict::Ungraded(UngradedReason::NotRecorded))
}

/// Returns the ending of a session that gave up on its model: the status as it is stated, or as the message names it.
pub(super) fn api_failure(status: Option<u64>, words: &str) -> (Ending, Verdict) {
    if status.is_none() && words.starts_with("Prompt is too long") {
        return gave_up_on_model(Some(413), words);
    }
    gave_up_on_model(status.or_else(|| status_after(&["API Error:"], words)), words)
}
