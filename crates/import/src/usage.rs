//! Tokens and money as tools write them down, turned into counters that do not overlap.
//!
//! | form | input holds the cache | output holds reasoning |
//! |---|---|---|
//! | Chat Completions (`prompt_tokens`), also as `LiteLLM` rewrites other providers' | yes | yes |
//! | Responses (`input_tokens` with `input_tokens_details`), Codex | yes | yes |
//! | Messages of Anthropic (`input_tokens` beside `cache_read_input_tokens`), Claude Code | no | yes |
//! | opencode | no | no |

use retrial_agents::atif::Metrics;
use retrial_spec::{Cost, Fact, MissingReason, Source, Usage};
use serde_json::Value;

use crate::{ImportError, Place, Sink};

/// The largest number that every tool writes without rounding.
const EXACT: f64 = 9_007_199_254_740_992.0;
const MICROS: f64 = 1e6;

/// Counters as a tool states them, and which of them are part of others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct StatedUsage {
    /// The input.
    pub(crate) input: Option<u64>,
    /// Input read from a cache.
    pub(crate) cache_read: Option<u64>,
    /// Input written to a cache.
    pub(crate) cache_write: Option<u64>,
    /// The output.
    pub(crate) output: Option<u64>,
    /// Output that is reasoning.
    pub(crate) reasoning: Option<u64>,
    /// Whether `input` holds what was read from a cache and written to one.
    pub(crate) input_holds_cache: bool,
    /// Whether `output` holds `reasoning`.
    pub(crate) output_holds_reasoning: bool,
}

impl StatedUsage {
    /// Returns the tokens; missing without input or output, and where a part is more than its whole, which the sink is told.
    pub(crate) fn fact(&self, place: &Place, sink: &mut dyn Sink) -> Fact<Usage> {
        let (Some(input), Some(output)) = (self.input, self.output) else {
            return Fact::Missing(MissingReason::NoUsage);
        };
        let cached = self.cache_read.unwrap_or(0).saturating_add(self.cache_write.unwrap_or(0));
        let reasoning = self.reasoning.unwrap_or(0);
        if self.input_holds_cache && cached > input {
            sink.doubt(
                place,
                &format!("{cached} tokens of the cache in an input of {input}: its tokens stay missing"),
            );
            return Fact::Missing(MissingReason::Unparsable);
        }
        if self.output_holds_reasoning && reasoning > output {
            sink.doubt(
                place,
                &format!("{reasoning} tokens of reasoning in an output of {output}: its tokens stay missing"),
            );
            return Fact::Missing(MissingReason::Unparsable);
        }
        let usage = Usage {
            uncached_input: if self.input_holds_cache { input - cached } else { input },
            cache_read: self.cache_read,
            cache_write: self.cache_write,
            output: if self.output_holds_reasoning { output } else { output.saturating_add(reasoning) },
            reasoning: self.reasoning,
        };
        Fact::known(usage, Source::Imported)
    }
}

/// Returns the tokens of a provider's `usage` object, whichever of its known forms it has.
///
/// # Errors
/// [`ImportError`] where something is stated that is no count.
pub(crate) fn recorded_usage(
    usage: Option<&Value>,
    place: &Place,
    sink: &mut dyn Sink,
) -> Result<Fact<Usage>, ImportError> {
    let Some(usage) = usage.filter(|usage| usage.is_object()) else {
        return Ok(Fact::Missing(MissingReason::NoUsage));
    };
    let count = |pointer: &str| count_at(usage, pointer, place);
    let anthropic_read = count("/cache_read_input_tokens")?;
    let anthropic_write = count("/cache_creation_input_tokens")?;
    let stated = if usage.get("prompt_tokens").is_some() {
        StatedUsage {
            input: count("/prompt_tokens")?,
            cache_read: count("/prompt_tokens_details/cached_tokens")?.or(anthropic_read),
            cache_write: count("/prompt_tokens_details/cache_write_tokens")?
                .or(count("/prompt_tokens_details/cache_creation_tokens")?)
                .or(anthropic_write),
            output: count("/completion_tokens")?,
            reasoning: count("/completion_tokens_details/reasoning_tokens")?,
            input_holds_cache: true,
            output_holds_reasoning: true,
        }
    } else if usage.get("input_tokens_details").is_some_and(Value::is_object) {
        StatedUsage {
            input: count("/input_tokens")?,
            cache_read: count("/input_tokens_details/cached_tokens")?,
            cache_write: count("/input_tokens_details/cache_write_tokens")?,
            output: count("/output_tokens")?,
            reasoning: count("/output_tokens_details/reasoning_tokens")?,
            input_holds_cache: true,
            output_holds_reasoning: true,
        }
    } else {
        StatedUsage {
            input: count("/input_tokens")?,
            cache_read: anthropic_read,
            cache_write: anthropic_write,
            output: count("/output_tokens")?,
            reasoning: count("/output_tokens_details/thinking_tokens")?,
            input_holds_cache: false,
            output_holds_reasoning: true,
        }
    };
    Ok(stated.fact(place, sink))
}

/// Returns the count at a JSON pointer; none where there is nothing or null.
///
/// # Errors
/// [`ImportError`] where something else than a count from 0 stands there.
pub(crate) fn count_at(value: &Value, pointer: &str, place: &Place) -> Result<Option<u64>, ImportError> {
    let Some(stated) = value.pointer(pointer).filter(|stated| !stated.is_null()) else { return Ok(None) };
    let whole =
        |number: f64| (number.fract() == 0.0 && (0.0..=EXACT).contains(&number)).then_some(number as u64);
    let count = stated.as_u64().or_else(|| whole(stated.as_f64()?));
    count
        .map(Some)
        .ok_or_else(|| place.error(format!("`{pointer}` is {stated}; expected a count from 0 or null")))
}

/// Returns money from dollars at a JSON pointer; none where there is nothing or null.
///
/// # Errors
/// [`ImportError`] where something else than an amount from 0 stands there.
pub(crate) fn dollars_at(value: &Value, pointer: &str, place: &Place) -> Result<Option<Cost>, ImportError> {
    let Some(stated) = value.pointer(pointer).filter(|stated| !stated.is_null()) else { return Ok(None) };
    let micros = stated.as_f64().map(|dollars| (dollars * MICROS).round());
    match micros.filter(|micros| (0.0..=EXACT).contains(micros)) {
        Some(micros) => Ok(Some(Cost { usd_micros: micros as u64, priced_on: None })),
        None => Err(place.error(format!("`{pointer}` is {stated}; expected dollars from 0 or null"))),
    }
}

/// Returns a stated cost as a fact. Tools write 0 for tokens of which they know no price.
pub(crate) fn cost_fact(cost: Option<Cost>, usage: &Fact<Usage>) -> Fact<Cost> {
    match cost {
        None => Fact::Missing(MissingReason::NotRecorded),
        Some(Cost { usd_micros: 0, .. }) => match usage {
            Fact::Missing(MissingReason::NoCalls) => Fact::Missing(MissingReason::NoCalls),
            _ => Fact::Missing(MissingReason::NoPrice),
        },
        Some(cost) => Fact::known(cost, Source::Imported),
    }
}

/// Returns the tokens of a step as trajectories have them, which count the cache among the input.
pub(crate) fn metrics(usage: &Usage) -> Metrics {
    let parts = [usage.cache_read, usage.cache_write].into_iter().flatten();
    let others = [("cache_write_tokens", usage.cache_write), ("reasoning_tokens", usage.reasoning)];
    Metrics {
        prompt_tokens: Some(parts.fold(usage.uncached_input, u64::saturating_add)),
        completion_tokens: Some(usage.output),
        cached_tokens: usage.cache_read,
        extra: others
            .into_iter()
            .filter_map(|(name, count)| Some((name.to_owned(), count?.into())))
            .collect(),
        ..Metrics::default()
    }
}

/// Adds up tokens: one part without makes the sum missing, for a sum that lacks a part is too small.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct UsageSum {
    sum: Option<Usage>,
    lacks: Option<MissingReason>,
}

impl UsageSum {
    /// Adds a part.
    pub(crate) fn add(&mut self, part: &Fact<Usage>) {
        match part {
            Fact::Known { value, .. } => self.sum = Some(self.sum.map_or(*value, |sum| sum.plus(value))),
            Fact::Missing(reason) => self.lacks = self.lacks.or(Some(*reason)),
        }
    }

    /// Returns the sum; without any part there were no calls.
    pub(crate) fn fact(&self) -> Fact<Usage> {
        match (self.lacks, self.sum) {
            (Some(reason), _) => Fact::Missing(reason),
            (None, Some(sum)) => Fact::known(sum, Source::Imported),
            (None, None) => Fact::Missing(MissingReason::NoCalls),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::collected::Collected;

    fn place() -> Place {
        Place::within(Path::new("a.json"), "line 3")
    }

    fn read(usage: &Value) -> (Fact<Usage>, Vec<String>) {
        let mut sink = Collected::default();
        let fact = recorded_usage(Some(usage), &place(), &mut sink).unwrap();
        (fact, sink.doubts)
    }

    fn counters(usage: &Value) -> (u64, Option<u64>, Option<u64>, u64, Option<u64>) {
        let usage = *read(usage).0.value().unwrap();
        (usage.uncached_input, usage.cache_read, usage.cache_write, usage.output, usage.reasoning)
    }

    #[test]
    fn each_form_of_usage_becomes_the_same_counters() {
        let chat = json!({"prompt_tokens": 1000, "completion_tokens": 50,
            "prompt_tokens_details": {"cached_tokens": 200}, "completion_tokens_details": {"reasoning_tokens": 10}});
        assert_eq!(counters(&chat), (800, Some(200), None, 50, Some(10)));
        let rewritten = json!({"prompt_tokens": 1000, "completion_tokens": 50, "cache_creation_input_tokens": 300,
            "cache_read_input_tokens": 200, "prompt_tokens_details": {"cached_tokens": 200}});
        assert_eq!(counters(&rewritten), (500, Some(200), Some(300), 50, None));
        let responses = json!({"input_tokens": 1000, "output_tokens": 50, "input_tokens_details": {"cached_tokens": 200}});
        assert_eq!(counters(&responses), (800, Some(200), None, 50, None));
        let messages = json!({"input_tokens": 500, "cache_read_input_tokens": 200, "cache_creation_input_tokens": 300,
            "output_tokens": 50});
        assert_eq!(counters(&messages), (500, Some(200), Some(300), 50, None));
        let plain = json!({"input_tokens": 1e3, "output_tokens": 12.0});
        assert_eq!(counters(&plain), (1000, None, None, 12, None));
    }

    #[test]
    fn a_part_above_its_whole_is_doubted_and_missing() {
        let (fact, doubts) = read(
            &json!({"prompt_tokens": 10, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 11}}),
        );
        assert_eq!(fact, Fact::Missing(MissingReason::Unparsable));
        assert_eq!(
            doubts,
            ["`a.json`, line 3: 11 tokens of the cache in an input of 10: its tokens stay missing"]
        );
    }

    #[test]
    fn null_is_no_count_and_anything_else_is_refused_with_its_place() {
        assert_eq!(
            read(&json!({"prompt_tokens": null, "completion_tokens": 1})).0,
            Fact::Missing(MissingReason::NoUsage)
        );
        for bad in [json!(-1), json!(1.5), json!("7"), json!(1e300), json!([1]), json!(-1e-3)] {
            let usage = json!({"input_tokens": bad, "output_tokens": 1});
            let error = recorded_usage(Some(&usage), &place(), &mut Collected::default()).unwrap_err();
            let expected =
                format!("`a.json`, line 3: `/input_tokens` is {bad}; expected a count from 0 or null");
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn a_cost_of_nothing_for_tokens_is_an_unknown_price() {
        let tokens = read(&json!({"input_tokens": 1, "output_tokens": 1})).0;
        let zero = dollars_at(&json!({"cost": 0.0}), "/cost", &place()).unwrap();
        assert_eq!(cost_fact(zero, &tokens), Fact::Missing(MissingReason::NoPrice));
        let some = dollars_at(&json!({"cost": 0.002_337}), "/cost", &place()).unwrap();
        assert_eq!(cost_fact(some, &tokens).value().unwrap().usd_micros, 2337);
        for bad in [json!(-0.1), json!("1"), json!(1e300)] {
            assert!(dollars_at(&json!({"cost": bad}), "/cost", &place()).is_err());
        }
    }

    #[test]
    fn a_sum_that_lacks_a_part_is_missing() {
        let mut sum = UsageSum::default();
        assert_eq!(sum.fact(), Fact::Missing(MissingReason::NoCalls));
        sum.add(&read(&json!({"input_tokens": 1, "output_tokens": 2})).0);
        sum.add(&read(&json!({"input_tokens": 3, "output_tokens": 4})).0);
        assert_eq!(sum.fact().value().unwrap().total(), 10);
        sum.add(&Fact::Missing(MissingReason::NoUsage));
        assert_eq!(sum.fact(), Fact::Missing(MissingReason::NoUsage));
    }

    proptest! {
        #[test]
        fn no_usage_object_makes_counters_above_what_it_states(
            input in 0_u64..1 << 50, read_cache in 0_u64..1 << 50, output in 0_u64..1 << 50
        ) {
            let usage = json!({"prompt_tokens": input, "completion_tokens": output,
                "prompt_tokens_details": {"cached_tokens": read_cache}});
            match read(&usage).0 {
                Fact::Known { value, .. } => prop_assert_eq!(value.total(), input + output),
                Fact::Missing(_) => prop_assert!(read_cache > input),
            }
        }
    }
}
