//! Usage as Messages state it, in counters that do not overlap.

use retrial_spec::{Fact, MissingReason, Source, Usage};
use serde_json::Value;

/// What has been stated so far. A stream states its counters at its start and again, as totals so far, with its end: a later
/// statement of a counter replaces the earlier one.
#[derive(Debug, Default)]
pub(super) struct Stated {
    input: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    output: Option<u64>,
    reasoning: Option<u64>,
}

impl Stated {
    /// Takes the usage of a stream's start, whose output is only what had been said then.
    pub(super) fn start(&mut self, usage: &Value) {
        self.end(usage);
        self.output = None;
    }

    /// Takes the usage of a whole reply or of a stream's end.
    pub(super) fn end(&mut self, usage: &Value) {
        let number = |pointer| usage.pointer(pointer).and_then(Value::as_u64);
        let take = |counter: &mut Option<u64>, pointer| *counter = number(pointer).or(*counter);
        take(&mut self.input, "/input_tokens");
        take(&mut self.cache_read, "/cache_read_input_tokens");
        take(&mut self.cache_write, "/cache_creation_input_tokens");
        take(&mut self.output, "/output_tokens");
        take(&mut self.reasoning, "/output_tokens_details/thinking_tokens");
    }

    /// Returns the counters: `input_tokens` holds neither what was read from a cache nor what was written to one. Missing unless input
    /// and final output are stated.
    pub(super) fn usage(&self) -> Fact<Usage> {
        let (Some(uncached_input), Some(output)) = (self.input, self.output) else {
            return Fact::Missing(MissingReason::NoUsage);
        };
        let Self { cache_read, cache_write, .. } = *self;
        let reasoning = self.reasoning.map(|tokens| tokens.min(output));
        Fact::known(Usage { uncached_input, cache_read, cache_write, output, reasoning }, Source::Parsed)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_end_of_a_stream_replaces_what_its_start_said() {
        let mut stated = Stated::default();
        stated.start(&json!({"input_tokens": 801, "cache_creation_input_tokens": 7, "cache_read_input_tokens": 200, "output_tokens": 1}));
        assert_eq!(stated.usage(), Fact::Missing(MissingReason::NoUsage));
        stated.end(&json!({"output_tokens": 30}));
        stated.end(&json!({"output_tokens": 50, "cache_read_input_tokens": null}));
        let expected = Usage {
            uncached_input: 801,
            cache_read: Some(200),
            cache_write: Some(7),
            output: 50,
            reasoning: None,
        };
        assert_eq!(stated.usage(), Fact::known(expected, Source::Parsed));
    }

    #[test]
    fn counters_that_are_not_stated_stay_unstated() {
        let mut stated = Stated::default();
        stated.end(&json!({"input_tokens": 3, "output_tokens": 2}));
        let expected = Usage { uncached_input: 3, output: 2, ..Usage::default() };
        assert_eq!(stated.usage(), Fact::known(expected, Source::Parsed));
        let mut none = Stated::default();
        none.end(&json!({"output_tokens": 2}));
        assert_eq!(none.usage(), Fact::Missing(MissingReason::NoUsage));
    }
}
