//! Usage as Responses state it.

use retrial_spec::{Fact, Usage};
use serde_json::Value;

use crate::protocol::usage::Names;

const NAMES: Names = Names {
    input: "input_tokens",
    input_details: "input_tokens_details",
    output: "output_tokens",
    output_details: "output_tokens_details",
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
    fn cached_tokens_are_taken_out_of_the_input() {
        let stated = json!({"input_tokens": 1000, "input_tokens_details": {"cached_tokens": 200},
            "output_tokens": 50, "output_tokens_details": {"reasoning_tokens": 10}, "total_tokens": 1050});
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
    fn what_is_not_stated_is_missing_and_what_cannot_be_stays_in_its_bounds() {
        assert_eq!(usage(&json!({"input_tokens": 3})), Fact::Missing(MissingReason::NoUsage));
        let odd = json!({"input_tokens": 3, "output_tokens": 1,
            "input_tokens_details": {"cached_tokens": 9, "cache_write_tokens": 9}});
        let usage = usage(&odd);
        let usage = usage.value().unwrap();
        assert_eq!((usage.uncached_input, usage.cache_read, usage.cache_write), (0, Some(3), Some(0)));
        assert_eq!(usage.reasoning, None);
    }
}
