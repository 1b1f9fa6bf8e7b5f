//! Tokens, money and times of a trial by its result.

use jiff::Timestamp;
use retrial_spec::{Cost, Fact, MissingReason, Source, Times, Usage};
use serde_json::Value;

use crate::json::{below, count, field, list, text, usd_micros};
use crate::{ImportError, Place};

/// What the agents of a trial or of its steps used.
struct Used {
    input: Option<u64>,
    cached: Option<u64>,
    output: Option<u64>,
    cost: Option<u64>,
}

/// Returns tokens and money: of the trial, or the sums over its steps; and says what is doubtful.
pub(super) fn amounts(
    result: &Value,
    place: &Place,
    doubts: &mut Vec<String>,
) -> Result<(Fact<Usage>, Fact<Cost>), ImportError> {
    let steps = list(result, "step_results");
    if field(result, "agent_result").is_some() || steps.is_empty() {
        let used = used(result, place, doubts)?;
        return Ok((usage(&used, Source::Imported, doubts), cost(used.cost, Source::Imported)));
    }
    let mut sum = Used { input: Some(0), cached: Some(0), output: Some(0), cost: Some(0) };
    for (index, step) in steps.iter().enumerate() {
        let more = used(step, &below(place, &format!("/step_results/{index}")), doubts)?;
        let plus = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_add(b?));
        sum = Used {
            input: plus(sum.input, more.input),
            cached: plus(sum.cached, more.cached),
            output: plus(sum.output, more.output),
            cost: plus(sum.cost, more.cost),
        };
    }
    Ok((usage(&sum, Source::Computed, doubts), cost(sum.cost, Source::Computed)))
}

fn used(scope: &Value, place: &Place, doubts: &mut Vec<String>) -> Result<Used, ImportError> {
    let place = below(place, "/agent_result");
    let Some(result) = field(scope, "agent_result") else {
        return Ok(Used { input: None, cached: None, output: None, cost: None });
    };
    let stated = counters(result, &place)?;
    let models = field(result, "model_usage").and_then(Value::as_object);
    let Some(models) = models.filter(|models| !models.is_empty()) else { return Ok(stated) };
    let mut sum = Used { input: Some(0), cached: Some(0), output: Some(0), cost: Some(0) };
    for (model, used) in models {
        let more = counters(used, &below(&place, &format!("/model_usage/{model}")))?;
        let plus = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_add(b?));
        // A model's counters are 0 where nothing is said, its cost is not.
        sum.input = plus(sum.input, more.input.or(Some(0)));
        sum.cached = plus(sum.cached, more.cached.or(Some(0)));
        sum.output = plus(sum.output, more.output.or(Some(0)));
        sum.cost = plus(sum.cost, more.cost);
    }
    if stated.input.is_some_and(|input| Some(input) != sum.input)
        || stated.output.is_some_and(|output| Some(output) != sum.output)
    {
        doubts.push(
            "the tokens of `model_usage` do not add up to those of `agent_result`, which count".to_owned(),
        );
    }
    if stated.input.is_none() && stated.output.is_none() {
        return Ok(Used { cost: stated.cost.or(sum.cost), ..sum });
    }
    Ok(Used { cost: stated.cost.or(sum.cost), ..stated })
}

fn counters(result: &Value, place: &Place) -> Result<Used, ImportError> {
    Ok(Used {
        input: count(result, "n_input_tokens", place)?,
        cached: count(result, "n_cache_tokens", place)?,
        output: count(result, "n_output_tokens", place)?,
        cost: usd_micros(result, "cost_usd", place)?,
    })
}

/// Input tokens include those of the cache.
fn usage(used: &Used, source: Source, doubts: &mut Vec<String>) -> Fact<Usage> {
    let (Some(input), Some(output)) = (used.input, used.output) else {
        return Fact::Missing(MissingReason::NoUsage);
    };
    let Some(uncached_input) = input.checked_sub(used.cached.unwrap_or(0)) else {
        doubts.push(format!("more cached tokens than the {input} input tokens; the tokens stay missing"));
        return Fact::Missing(MissingReason::Unparsable);
    };
    let usage = Usage { uncached_input, cache_read: used.cached, cache_write: None, output, reasoning: None };
    Fact::known(usage, source)
}

fn cost(usd_micros: Option<u64>, source: Source) -> Fact<Cost> {
    let cost = usd_micros.map(|usd_micros| Cost { usd_micros, priced_on: None });
    cost.map_or(Fact::Missing(MissingReason::NotRecorded), |cost| Fact::known(cost, source))
}

/// Returns how long the phases took: the sums over the steps where the trial has steps.
pub(super) fn times(result: &Value, doubts: &mut Vec<String>) -> Times {
    let steps = list(result, "step_results");
    let mut phase = |name: &str| -> Option<u64> {
        if steps.is_empty() || field(result, name).is_some() {
            return length(result, name, doubts);
        }
        let lengths = steps.iter().filter(|step| field(step, name).is_some());
        lengths.map(|step| length(step, name, doubts)).reduce(|a, b| a?.checked_add(b?)).flatten()
    };
    let environment = phase("environment_setup");
    let setup_ms = match (environment, phase("agent_setup")) {
        (Some(environment), Some(agent)) => environment.checked_add(agent),
        (environment, None) if field(result, "agent_setup").is_none() => environment,
        _ => None,
    };
    let (agent_ms, verify_ms) = (phase("agent_execution"), phase("verifier"));
    Times { setup_ms, agent_ms, model_ms: None, waiting_ms: None, verify_ms }
}

fn length(scope: &Value, name: &str, doubts: &mut Vec<String>) -> Option<u64> {
    let phase = field(scope, name)?;
    let (start, end) = (moment(text(phase, "started_at")?)?, moment(text(phase, "finished_at")?)?);
    let length = end.as_millisecond().checked_sub(start.as_millisecond());
    let length = length.and_then(|length| u64::try_from(length).ok());
    if length.is_none() {
        doubts.push(format!("`{name}` ends before it starts; its time stays missing"));
    }
    length
}

/// Reads a time; one without an offset is UTC, as Harbor's clock is.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let civil = || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    text.parse().ok().or_else(|| Some(civil()?.timestamp()))
}
