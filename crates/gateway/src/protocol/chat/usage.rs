//! Usage as Chat Completions state it, turned into counters that do not overlap.

use retrial_spec::{Fact, MissingReason, Source, Usage};
use serde_json::Value;

/// Reads a `usage` object.
///
/// `prompt_tokens` includes what was read from a cache and written to one, and `completion_tokens` the reasoning. Writes are stated by
/// some providers only.
/// The usage is missing unless both totals are there.
pub(super) fn usage(stated: &Value) -> Fact<Usage> {
    let number = |pointer| stated.pointer(pointer).and_then(Value::as_u64);
    let (Some(prompt), Some(output)) = (number("/prompt_tokens"), number("/completion_tokens")) else {
        return Fact::Missing(MissingReason::NoUsage);
    };
    let cache_read = number("/prompt_tokens_details/cached_tokens").map(|cached| cached.min(prompt));
    let reasoning = number("/completion_tokens_details/reasoning_tokens").map(|tokens| tokens.min(output));
    let rest = prompt - cache_read.unwrap_or(0);
    let cache_write = number("/prompt_tokens_details/cache_write_tokens").map(|tokens| tokens.min(rest));
    let uncached_input = rest - cache_write.unwrap_or(0);
    Fact::known(Usage { uncached_input, cache_read, cache_write, output, reasoning }, Source::Parsed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cached_tokens_are_taken_out_of_the_prompt_and_reasoning_stays_in_the_output() {
        let stated = json!({"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050,
            "prompt_tokens_details": {"cached_tokens": 200}, "completion_tokens_details": {"reasoning_tokens": 10}});
        let expected = Usage {
            uncached_input: 800,
            cache_read: Some(200),
            cache_write: None,
            output: 50,
            reasoning: Some(10),
        };
        assert_eq!(usage(&stated), Fact::known(expected, Source::Parsed));
    }

    #[test]
    fn counters_that_are_not_stated_stay_unstated() {
        let plain = usage(&json!({"prompt_tokens": 7, "completion_tokens": 3}));
        let expected = Usage { uncached_input: 7, output: 3, ..Usage::default() };
        assert_eq!(plain, Fact::known(expected, Source::Parsed));
        let nulls = json!({"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": null});
        assert_eq!(usage(&nulls), plain);
    }

    #[test]
    fn usage_without_its_totals_is_missing() {
        for stated in [
            json!(null),
            json!({}),
            json!({"prompt_tokens": 7}),
            json!({"prompt_tokens": -1, "completion_tokens": 1}),
            json!(5),
        ] {
            assert_eq!(usage(&stated), Fact::Missing(MissingReason::NoUsage), "{stated}");
        }
    }
}
