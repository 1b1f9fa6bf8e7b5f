//! Usage as Chat Completions state it.

use retrial_spec::{Fact, Usage};
use serde_json::Value;

use crate::protocol::usage::Names;

const NAMES: Names = Names {
    input: "prompt_tokens",
    input_details: "prompt_tokens_details",
    output: "completion_tokens",
    output_details: "completion_tokens_details",
};

/// Reads a `usage` object, as [`Names::usage`] does.
pub(super) fn usage(stated: &Value) -> Fact<Usage> {
    NAMES.usage(stated)
}

#[cfg(test)]
mod tests {
    use retrial_spec::{MissingReason, Source};
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
