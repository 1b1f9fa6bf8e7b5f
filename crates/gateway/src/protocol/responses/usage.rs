//! Usage as Responses state it, turned into counters that do not overlap.

use retrial_spec::{Fact, MissingReason, Source, Usage};
use serde_json::Value;

/// Reads a `usage` object.
///
/// `input_tokens` includes what was read from and written to a cache, and `output_tokens` the reasoning. The usage is missing unless
/// both totals are there.
pub(super) fn usage(stated: &Value) -> Fact<Usage> {
    let number = |pointer| stated.pointer(pointer).and_then(Value::as_u64);
    let (Some(input), Some(output)) = (number("/input_tokens"), number("/output_tokens")) else {
        return Fact::Missing(MissingReason::NoUsage);
    };
    let cache_read = number("/input_tokens_details/cached_tokens").map(|tokens| tokens.min(input));
    let rest = input - cache_read.unwrap_or(0);
    let cache_write = number("/input_tokens_details/cache_write_tokens").map(|tokens| tokens.min(rest));
    let reasoning = number("/output_tokens_details/reasoning_tokens").map(|tokens| tokens.min(output));
    let uncached_input = rest - cache_write.unwrap_or(0);
    Fact::known(Usage { uncached_input, cache_read, cache_write, output, reasoning }, Source::Parsed)
}

#[cfg(test)]
mod tests {
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
