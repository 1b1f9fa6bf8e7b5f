//! Tokens and money of a sample: the sums over its models, without what its scorers took.

use std::collections::BTreeMap;

use retrial_spec::{Cost, Fact, MissingReason, Source, Usage};

use super::events::Events;
use super::fields::{Amount, Count};
use super::sample::ModelUsage;

/// What a sample took.
#[derive(Debug)]
pub(super) struct Spent {
    /// Tokens.
    pub(super) usage: Fact<Usage>,
    /// Money.
    pub(super) cost: Fact<Cost>,
    /// What is doubtful about them.
    pub(super) doubts: Vec<String>,
}

/// Returns what a sample took, of its sums by model. Inspect counts the scorers' calls among them.
pub(super) fn spent(by_model: &BTreeMap<String, ModelUsage>, events: &Events) -> Spent {
    let mut doubts = Vec::new();
    let known: Vec<(&String, &ModelUsage)> = by_model.iter().filter(|(_, usage)| usage.is_stated()).collect();
    if known.is_empty() {
        let reason = match (events.is_empty(), events.model_calls.is_empty()) {
            (true, _) => MissingReason::NotRecorded,
            (false, true) => MissingReason::NoCalls,
            (false, false) => MissingReason::NoUsage,
        };
        return Spent { usage: Fact::Missing(reason), cost: Fact::Missing(reason), doubts };
    }
    let source =
        if known.len() == 1 && events.scoring.is_empty() { Source::Imported } else { Source::Computed };
    let own = |(name, usage): &(&String, &ModelUsage)| {
        let mut scorers = events.scoring.iter().filter(|(model, _)| model == *name);
        scorers.try_fold(**usage, |rest, (_, taken)| rest.minus(taken))
    };
    let own: Option<Vec<ModelUsage>> = known.iter().map(own).collect();
    let Some(own) = own else {
        doubts.push(
            "the scorers' calls took more tokens than the sample in all; its tokens and cost are left out"
                .to_owned(),
        );
        let missing = MissingReason::Unparsable;
        return Spent { usage: Fact::Missing(missing), cost: Fact::Missing(missing), doubts };
    };
    let usage = own.iter().map(|usage| usage.counters(&mut doubts)).reduce(|sum, next| sum.plus(&next));
    let usage = usage.map_or(Fact::Missing(MissingReason::NoUsage), |usage| Fact::known(usage, source));
    let dollars: Option<f64> = own.iter().map(|usage| usage.total_cost?.0).sum();
    let cost = match dollars {
        Some(dollars) => {
            Fact::known(Cost { usd_micros: (dollars * 1e6).round() as u64, priced_on: None }, source)
        }
        None => Fact::Missing(MissingReason::NotRecorded),
    };
    Spent { usage, cost, doubts }
}

impl ModelUsage {
    /// Whether it counts anything; an entry of zeros alone is what Inspect writes for a model that states nothing.
    fn is_stated(&self) -> bool {
        let counts = [
            self.input_tokens,
            self.output_tokens,
            self.input_tokens_cache_read,
            self.input_tokens_cache_write,
        ];
        counts.into_iter().flatten().any(|count| count.0 > 0)
    }

    /// Takes away what is part of it; none where a part is larger than the whole.
    fn minus(&self, part: &Self) -> Option<Self> {
        let count = |whole: Option<Count>, part: Option<Count>| match (whole, part) {
            (whole, None) => Some(whole),
            (None, Some(part)) => (part.0 == 0).then_some(None),
            (Some(whole), Some(part)) => Some(Some(Count(whole.0.checked_sub(part.0)?))),
        };
        let cost = match (self.total_cost.and_then(|cost| cost.0), part.total_cost.and_then(|cost| cost.0)) {
            (Some(whole), Some(part)) => Some(Amount(Some((whole - part).max(0.0)))),
            // What the scorers' part of the cost is, nobody says.
            _ => None,
        };
        Some(Self {
            input_tokens: count(self.input_tokens, part.input_tokens)?,
            output_tokens: count(self.output_tokens, part.output_tokens)?,
            input_tokens_cache_write: count(self.input_tokens_cache_write, part.input_tokens_cache_write)?,
            input_tokens_cache_read: count(self.input_tokens_cache_read, part.input_tokens_cache_read)?,
            reasoning_tokens: count(self.reasoning_tokens, part.reasoning_tokens)?,
            total_cost: cost,
        })
    }

    /// The four counters, and what of the output is reasoning.
    pub(super) fn counters(&self, doubts: &mut Vec<String>) -> Usage {
        let count = |count: Option<Count>| count.map(|count| count.0);
        let output = count(self.output_tokens).unwrap_or(0);
        let reasoning = count(self.reasoning_tokens);
        if let Some(more) = reasoning.filter(|reasoning| *reasoning > output) {
            doubts.push(format!("{more} reasoning tokens among {output} output tokens; they are left out"));
        }
        Usage {
            uncached_input: count(self.input_tokens).unwrap_or(0),
            cache_read: count(self.input_tokens_cache_read),
            cache_write: count(self.input_tokens_cache_write),
            output,
            reasoning: reasoning.filter(|reasoning| *reasoning <= output),
        }
    }
}
