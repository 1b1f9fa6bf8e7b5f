//! Whether the order of contenders by single trials is that by several trials in a row.

use retrial_stats::{Level, Undefined};
use schemars::JsonSchema;
use serde::Serialize;

use super::Contender;
use super::contender::ContenderFacts;
use super::holm::{finding, over_all};
use super::pair::PairComparison;
use crate::decide::{Aspect, Finding};
use crate::value::{Bounds, Estimate, Finite, Number, Reason, Value};
use crate::{Measure, MeasureId, Target};

/// The orders by pass@1 and by pass^k, and the pairs that they put differently.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RankFlips {
    /// The number of trials in a row: the most that every contender has a value for.
    pub k: u32,
    /// The contenders from the best to the worst by the share of trials that pass; those alike in the order they were named.
    pub by_single: Vec<usize>,
    /// The same by pass^k.
    pub by_all: Vec<usize>,
    /// The pairs of which one is ahead by the one and the other by the other.
    pub flips: Vec<Flip>,
}

/// Two contenders that change places.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Flip {
    /// Who passes more single trials.
    pub ahead_by_single: usize,
    /// Who passes more often k times in a row.
    pub ahead_by_all: usize,
    /// Success of the first of the two minus that of the second: positive.
    pub by_single: Value,
    /// The same of pass^k: negative.
    pub by_all: Value,
    /// Whether both differences are shown: that of success as it is decided for the target, and that of pass^k, each p-value adjusted over
    /// all pairs (Holm). Otherwise the flip may be noise.
    pub shown: bool,
}

/// Returns the most draws that every scorecard has a value of pass^k for, or why there are none above 1.
pub(super) fn common_draws(field: &[Contender<'_>]) -> Result<u32, Reason> {
    let most = |contender: &Contender<'_>| {
        let is_known = |measure: &&Measure| measure.value.estimate().is_some();
        contender.card.all(MeasureId::PassHatK).filter(is_known).filter_map(|measure| measure.k).max()
    };
    // A curve has every number of draws up to its most.
    match field.iter().map(|contender| most(contender).unwrap_or(0)).min() {
        Some(k) if k > 1 => Ok(k),
        Some(0) | None => Err(Reason::NO_GRADED_TRIALS),
        Some(have) => Err(Undefined::TooFewItems { have: have as usize, need: 2 }.into()),
    }
}

pub(super) fn flips(
    contenders: &[ContenderFacts],
    pairs: &[PairComparison],
    draws: Result<u32, Reason>,
    target: Target,
    level: Level,
) -> Result<RankFlips, Reason> {
    let k = draws?;
    let single = |place: usize| point(&contenders[place].success.population);
    let all = |place: usize| {
        let curve = &contenders[place].pass_hat_k;
        curve.iter().find(|draws| draws.k == k).and_then(|draws| point(&draws.value))
    };
    let p = pairs.iter().map(|pair| match pair.contrast(Aspect::PassHatK(k)) {
        Some(contrast) => contrast.p.clone(),
        None => Number::Undefined(Reason::NO_GRADED_TRIALS),
    });
    let adjusted = over_all(&p.collect::<Vec<Number>>());
    let each = pairs.iter().zip(&adjusted);
    Ok(RankFlips {
        k,
        by_single: ordered(contenders.len(), single),
        by_all: ordered(contenders.len(), all),
        flips: each.filter_map(|(pair, adjusted)| flip(pair, k, adjusted, (target, level))).collect(),
    })
}

fn point(value: &Value) -> Option<f64> {
    value.estimate().map(|estimate| estimate.point.value())
}

/// The places from the largest value to the smallest; equal ones, up to rounding noise, stay in their order.
fn ordered(count: usize, of: impl Fn(usize) -> Option<f64>) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    let value = |place: usize| (of(place).unwrap_or(f64::NEG_INFINITY) * 1e9).round();
    places.sort_by(|&a, &b| value(b).total_cmp(&value(a)));
    places
}

/// Differences below this are rounding noise.
const NOISE: f64 = 1e-9;

fn flip(pair: &PairComparison, k: u32, adjusted: &Number, (target, level): (Target, Level)) -> Option<Flip> {
    let (single, all) = (pair.contrast(Aspect::Success)?, pair.contrast(Aspect::PassHatK(k))?);
    let (by_single, by_all) = (point(&single.value)?, point(&all.value)?);
    if by_single.abs() < NOISE
        || by_all.abs() < NOISE
        || by_single.is_sign_positive() == by_all.is_sign_positive()
    {
        return None;
    }
    let sign = by_single.signum();
    let (ahead_by_single, ahead_by_all) =
        if sign > 0.0 { (pair.candidate, pair.baseline) } else { (pair.baseline, pair.candidate) };
    // They lie on two sides of 0, so that shown differences are of opposite kinds.
    let shown = pair.decided.of(target).finding != Finding::NotShown
        && finding(adjusted, by_all, level) != Finding::NotShown;
    let (by_single, by_all) = (turned(&single.value, sign), turned(&all.value, sign));
    Some(Flip { ahead_by_single, ahead_by_all, by_single, by_all, shown })
}

/// Returns a difference as it is from the other side, where the sign is negative.
fn turned(value: &Value, sign: f64) -> Value {
    let Value::Estimate(estimate) = value else { return value.clone() };
    if sign > 0.0 {
        return value.clone();
    }
    let negated = |number: Finite| Finite::new(-number.value());
    let of = || -> Result<Estimate, Reason> {
        let mut estimate = estimate.clone();
        estimate.point = negated(estimate.point)?;
        if let Bounds::Interval(interval) = &mut estimate.interval {
            (interval.low, interval.high) = (negated(interval.high)?, negated(interval.low)?);
        }
        Ok(estimate)
    };
    of().into()
}
