//! Tokens and money of a trajectory: the sums of its steps, held against the sums that it states.

use retrial_spec::{Cost, Fact, MissingReason, Source, Usage};
use serde_json::Value;

use super::calls::{is_agent, is_copied};
use crate::json::{below, count, field, list, usd_micros};
use crate::{ImportError, Place};

/// The sums over the steps of a trajectory in which a model was asked.
#[derive(Debug, Clone, Copy)]
struct Sums {
    prompt: u64,
    completion: u64,
    /// None where a step does not state it, as for the two that follow.
    cached: Option<u64>,
    written: Option<u64>,
    reasoning: Option<u64>,
    /// What the steps that state it add up to.
    cached_where_stated: u64,
    /// The prompt of the largest step.
    largest: u64,
    /// How many steps state their tokens.
    with: u64,
    /// How many do not.
    without: u64,
    /// None where a step does not state it.
    cost: Option<u64>,
    /// Whether a step has more cached tokens than tokens.
    is_contradictory: bool,
}

/// Returns tokens and money, those of sub-agents included, and says what is doubtful of them.
pub(super) fn tokens(
    whole: &Value,
    is_whole: bool,
    place: &Place,
    doubts: &mut Vec<String>,
) -> Result<(Fact<Usage>, Fact<Cost>), ImportError> {
    let own = sums(whole, place)?;
    let all = with_subagents(whole, own, place)?;
    let metrics = whole.get("final_metrics").cloned().unwrap_or_default();
    let at = below(place, "/final_metrics");
    let stated = Stated {
        prompt: count(&metrics, "total_prompt_tokens", &at)?,
        completion: count(&metrics, "total_completion_tokens", &at)?,
        cached: count(&metrics, "total_cached_tokens", &at)?,
    };
    let cost_stated = usd_micros(&metrics, "total_cost_usd", &at)?;
    if !is_whole {
        let missing = MissingReason::NotRecorded;
        return Ok((Fact::Missing(missing), Fact::Missing(missing)));
    }
    let usage = usage(&own, &all, stated, doubts);
    Ok((usage, cost(&all, cost_stated, &usage, doubts)))
}

/// The sums that a trajectory states.
#[derive(Debug, Clone, Copy)]
struct Stated {
    prompt: Option<u64>,
    completion: Option<u64>,
    cached: Option<u64>,
}

fn usage(own: &Sums, all: &Sums, stated: Stated, doubts: &mut Vec<String>) -> Fact<Usage> {
    if all.is_contradictory {
        doubts.push("a step has more cached tokens than tokens; the tokens stay missing".to_owned());
        return Fact::Missing(MissingReason::Unparsable);
    }
    if all.with == 0 && all.without == 0 && stated.prompt.is_none() {
        return Fact::Missing(MissingReason::NoCalls);
    }
    if let Some(prompt) = stated.prompt
        && prompt != own.prompt
        && prompt != all.prompt
    {
        doubt_of(prompt, own, doubts);
    }
    if all.without == 0 && all.with > 0 {
        let fits = stated.prompt == Some(all.prompt);
        let cached = all.cached.or(stated.cached.filter(|&cached| fits && cached == all.cached_where_stated));
        return split(Sums { cached, ..*all }, Source::Computed, doubts);
    }
    let (Some(prompt), Some(completion)) = (stated.prompt, stated.completion) else {
        return Fact::Missing(MissingReason::NoUsage);
    };
    if prompt < own.prompt || all.with + all.without > own.with + own.without {
        let why = "not every step states its tokens, and `final_metrics` cannot stand for all of them: \
                   they are less than the steps', or do not say whether they include sub-agents'";
        doubts.push(format!("{why}; the tokens stay missing"));
        return Fact::Missing(MissingReason::Unparsable);
    }
    let cached = stated.cached;
    let sums = Sums { prompt, completion, cached, written: None, reasoning: None, ..*own };
    split(sums, Source::Imported, doubts)
}

/// Says what a stated sum is that is not the steps' sum.
fn doubt_of(prompt: u64, own: &Sums, doubts: &mut Vec<String>) {
    let is_snapshot = prompt < own.prompt && prompt == own.largest;
    if is_snapshot {
        doubts.push(format!(
            "`final_metrics.total_prompt_tokens` is {prompt}, the largest request (snapshot semantics), not the {} of all steps, which count",
            own.prompt
        ));
    } else if own.with > 0 && own.without == 0 {
        doubts.push(format!(
            "`final_metrics.total_prompt_tokens` is {prompt} and the steps add up to {}, which counts",
            own.prompt
        ));
    }
}

/// Returns tokens in counters that do not overlap.
fn split(sums: Sums, source: Source, doubts: &mut Vec<String>) -> Fact<Usage> {
    let cached = sums.cached.unwrap_or(0).saturating_add(sums.written.unwrap_or(0));
    let Some(uncached_input) = sums.prompt.checked_sub(cached) else {
        doubts.push(format!(
            "{cached} cached tokens are more than all {} input tokens; the tokens stay missing",
            sums.prompt
        ));
        return Fact::Missing(MissingReason::Unparsable);
    };
    let usage = Usage {
        uncached_input,
        cache_read: sums.cached,
        cache_write: sums.written,
        output: sums.completion,
        reasoning: sums.reasoning,
    };
    Fact::known(usage, source)
}

fn cost(all: &Sums, stated: Option<u64>, usage: &Fact<Usage>, doubts: &mut Vec<String>) -> Fact<Cost> {
    let summed = all.cost.filter(|_| all.with > 0 && all.without == 0);
    if let (Some(stated), Some(summed)) = (stated, summed)
        && stated.abs_diff(summed) > all.with
    {
        doubts.push(format!(
            "`final_metrics.total_cost_usd` is {stated} millionths of a dollar and the steps add up to {summed}; the former counts"
        ));
    }
    let known = |usd_micros, source| Fact::known(Cost { usd_micros, priced_on: None }, source);
    let cost = match (stated, summed) {
        (Some(stated), _) => known(stated, Source::Imported),
        (None, Some(summed)) => known(summed, Source::Computed),
        (None, None) => return Fact::Missing(MissingReason::NotRecorded),
    };
    let is_free = cost.value().is_some_and(|cost| cost.usd_micros == 0);
    if is_free && usage.value().is_some_and(|usage| usage.total() > 0) {
        doubts.push("states a cost of 0 for tokens that were used".to_owned());
    }
    cost
}

/// Adds up the steps of one trajectory.
fn sums(whole: &Value, place: &Place) -> Result<Sums, ImportError> {
    let mut sums = Sums {
        prompt: 0,
        completion: 0,
        cached: Some(0),
        written: Some(0),
        reasoning: Some(0),
        cached_where_stated: 0,
        largest: 0,
        with: 0,
        without: 0,
        cost: Some(0),
        is_contradictory: false,
    };
    for (index, step) in list(whole, "steps").iter().enumerate() {
        let is_asked = step.get("llm_call_count").and_then(Value::as_u64) != Some(0);
        if !is_agent(step) || is_copied(step) || !is_asked {
            continue;
        }
        let metrics = step.get("metrics").cloned().unwrap_or_default();
        sums.add(&metrics, &below(place, &format!("/steps/{index}/metrics")))?;
    }
    Ok(sums)
}

impl Sums {
    fn add(&mut self, metrics: &Value, place: &Place) -> Result<(), ImportError> {
        let tokens = |name| count(metrics, name, place);
        let cost = usd_micros(metrics, "cost_usd", place)?;
        let (prompt, completion) = (tokens("prompt_tokens")?, tokens("completion_tokens")?);
        let cached = tokens("cached_tokens")?;
        let plus = |sum: Option<u64>, more: Option<u64>| Some(sum?.saturating_add(more?));
        self.cost = plus(self.cost, cost);
        let (Some(prompt), Some(completion)) = (prompt, completion) else {
            self.without += 1;
            return Ok(());
        };
        let extra = field(metrics, "extra").cloned().unwrap_or_default();
        let more = |name| extra.get(name).and_then(Value::as_u64);
        self.with += 1;
        self.prompt = self.prompt.saturating_add(prompt);
        self.completion = self.completion.saturating_add(completion);
        self.cached = plus(self.cached, cached);
        self.cached_where_stated = self.cached_where_stated.saturating_add(cached.unwrap_or(0));
        self.written = plus(self.written, more("cache_write_tokens"));
        self.reasoning = plus(self.reasoning, more("reasoning_tokens"));
        self.largest = self.largest.max(prompt);
        self.is_contradictory |= cached.is_some_and(|cached| cached > prompt);
        Ok(())
    }

    fn plus(self, other: Self) -> Self {
        let both = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_add(b?));
        Self {
            prompt: self.prompt.saturating_add(other.prompt),
            completion: self.completion.saturating_add(other.completion),
            cached: both(self.cached, other.cached),
            written: both(self.written, other.written),
            reasoning: both(self.reasoning, other.reasoning),
            cached_where_stated: self.cached_where_stated.saturating_add(other.cached_where_stated),
            largest: self.largest.max(other.largest),
            with: self.with + other.with,
            without: self.without + other.without,
            cost: both(self.cost, other.cost),
            is_contradictory: self.is_contradictory || other.is_contradictory,
        }
    }
}

fn with_subagents(whole: &Value, own: Sums, place: &Place) -> Result<Sums, ImportError> {
    let mut all = own;
    for (index, inner) in list(whole, "subagent_trajectories").iter().enumerate() {
        let place = below(place, &format!("/subagent_trajectories/{index}"));
        all = all.plus(with_subagents(inner, sums(inner, &place)?, &place)?);
    }
    Ok(all)
}
