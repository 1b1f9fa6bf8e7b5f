//! Usage as both protocols of `OpenAI` state it, turned into counters that do not overlap. They differ in names only.

use retrial_spec::{Fact, MissingReason, Source, Usage};
use serde_json::Value;

/// What a protocol calls the parts of a `usage` object.
#[derive(Debug)]
pub(super) struct Names {
    /// The total of the input, what was read from a cache and written to one included.
    pub(super) input: &'static str,
    /// The object that says of the input what came from a cache and what went into one.
    pub(super) input_details: &'static str,
    /// The total of the output, reasoning included.
    pub(super) output: &'static str,
    /// The object that says of the output what was reasoning.
    pub(super) output_details: &'static str,
}

impl Names {
    /// Reads a `usage` object: missing unless both totals are there. A part is never more than what it is a part of.
    pub(super) fn usage(&self, stated: &Value) -> Fact<Usage> {
        let total = |name| stated.get(name).and_then(Value::as_u64);
        let part = |details, name| stated.get(details)?.get(name)?.as_u64();
        let (Some(input), Some(output)) = (total(self.input), total(self.output)) else {
            return Fact::Missing(MissingReason::NoUsage);
        };
        let cache_read = part(self.input_details, "cached_tokens").map(|tokens| tokens.min(input));
        let rest = input - cache_read.unwrap_or(0);
        // Stated by some providers only.
        let cache_write = part(self.input_details, "cache_write_tokens").map(|tokens| tokens.min(rest));
        let uncached_input = rest - cache_write.unwrap_or(0);
        let reasoning = part(self.output_details, "reasoning_tokens").map(|tokens| tokens.min(output));
        Fact::known(Usage { uncached_input, cache_read, cache_write, output, reasoning }, Source::Parsed)
    }
}
