//! Tokens as Codex states them: of each reply, and as a total that grows.

use std::collections::HashSet;

use retrial_spec::{Fact, Usage};
use serde_json::Value;

use super::word;
use crate::usage::{StatedUsage, UsageSum, count_at};
use crate::{ImportError, Place, Sink};

/// The tokens of one thread.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    /// The replies whose own tokens are stated.
    replies: HashSet<String>,
    of_replies: UsageSum,
    /// Totals that were begun anew, added up.
    before: UsageSum,
    total: Option<(u64, Fact<Usage>)>,
}

impl Tokens {
    /// Takes the record of one reply, and returns its tokens; none for a record that is there again.
    pub(super) fn reply(
        &mut self,
        record: &Value,
        place: &Place,
        sink: &mut dyn Sink,
    ) -> Result<Option<Fact<Usage>>, ImportError> {
        let id = word(record, "response_id").map_or_else(|| place.to_string(), str::to_owned);
        if !self.replies.insert(id) {
            return Ok(None);
        }
        let usage = usage(record.get("usage").unwrap_or(&Value::Null), place, sink)?;
        self.of_replies.add(&usage);
        Ok(Some(usage))
    }

    /// Takes a total; a smaller one than before was begun anew.
    pub(super) fn total(
        &mut self,
        total: &Value,
        place: &Place,
        sink: &mut dyn Sink,
    ) -> Result<(), ImportError> {
        let usage = usage(total, place, sink)?;
        let size = usage.value().map_or(0, Usage::total);
        if let Some((before, usage)) = self.total.take()
            && size < before
        {
            self.before.add(&usage);
        }
        self.total = Some((size, usage));
        Ok(())
    }

    /// Returns the tokens of the thread: those of its replies where each states its own, else the total.
    pub(super) fn sum(self) -> Fact<Usage> {
        if !self.replies.is_empty() {
            return self.of_replies.fact();
        }
        let mut sum = self.before;
        if let Some((_, usage)) = self.total {
            sum.add(&usage);
        }
        sum.fact()
    }

    /// Returns whether each reply states its own tokens.
    pub(super) fn is_by_reply(&self) -> bool {
        !self.replies.is_empty()
    }
}

/// Returns the tokens of an object, whose input holds the cache and whose output holds the reasoning.
pub(super) fn usage(stated: &Value, place: &Place, sink: &mut dyn Sink) -> Result<Fact<Usage>, ImportError> {
    let count = |pointer| count_at(stated, pointer, place);
    let stated = StatedUsage {
        input: count("/input_tokens")?,
        cache_read: count("/cached_input_tokens")?,
        cache_write: count("/cache_write_input_tokens")?,
        output: count("/output_tokens")?,
        reasoning: count("/reasoning_output_tokens")?,
        input_holds_cache: true,
        output_holds_reasoning: true,
    };
    Ok(stated.fact(place, sink))
}
