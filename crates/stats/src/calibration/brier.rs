//! The Brier score and what it is made of.

use crate::estimate::Estimate;
use crate::forecast::Forecast;
use crate::level::Level;
use crate::moments;
use crate::undefined::Undefined;

/// Returns the Brier score, the mean of (probability − outcome)².
///
/// Source: Brier 1950 (Monthly Weather Review 78, 1–3).
///
/// # Errors
///
/// [`Undefined::Empty`].
pub fn brier(forecasts: &[Forecast]) -> Result<f64, Undefined> {
    mean_of(forecasts, Forecast::squared_error)
}

/// Estimates the mean over groups of the groups' Brier scores, each group with the same weight, by Student's
/// interval.
///
/// Equals [`brier`] of all forecasts where groups have one size. Groups without forecasts are left out.
///
/// # Errors
///
/// [`Undefined::Empty`].
pub fn clustered_brier<G: AsRef<[Forecast]>>(groups: &[G], level: Level) -> Result<Estimate, Undefined> {
    clustered_mean(groups, level, Forecast::squared_error)
}

/// Estimates the mean over groups of mean probability − share of events by Student's interval; above 0 is
/// over-confidence.
///
/// # Errors
///
/// [`Undefined::Empty`].
pub fn clustered_bias<G: AsRef<[Forecast]>>(groups: &[G], level: Level) -> Result<Estimate, Undefined> {
    clustered_mean(groups, level, |forecast| forecast.probability() - forecast.outcome_value())
}

fn clustered_mean<G: AsRef<[Forecast]>>(
    groups: &[G],
    level: Level,
    value: impl Fn(Forecast) -> f64 + Copy,
) -> Result<Estimate, Undefined> {
    let means: Vec<f64> = groups
        .iter()
        .map(AsRef::as_ref)
        .filter(|group| !group.is_empty())
        .map(|group| mean_of(group, value))
        .collect::<Result<_, _>>()?;
    moments::mean_t(&means, level)
}

/// Returns the share of events.
///
/// # Errors
///
/// [`Undefined::Empty`].
pub fn base_rate(forecasts: &[Forecast]) -> Result<f64, Undefined> {
    mean_of(forecasts, Forecast::outcome_value)
}

/// Returns the mean probability − share of events; above 0 is over-confidence.
///
/// # Errors
///
/// [`Undefined::Empty`].
pub fn bias(forecasts: &[Forecast]) -> Result<f64, Undefined> {
    Ok(mean_of(forecasts, Forecast::probability)? - base_rate(forecasts)?)
}

/// Returns the skill against always stating the base rate, 1 − Brier/(ȳ(1−ȳ)).
///
/// # Errors
///
/// [`Undefined::Empty`], [`Undefined::OneClass`].
pub fn brier_skill(forecasts: &[Forecast]) -> Result<f64, Undefined> {
    let uncertainty = uncertainty(forecasts)?;
    if uncertainty <= 0.0 {
        return Err(Undefined::OneClass);
    }
    Ok(1.0 - brier(forecasts)? / uncertainty)
}

/// Returns the mean of −ln of the probability given to what happened, in nats, with probabilities clipped at
/// 10⁻¹⁵.
///
/// # Errors
///
/// [`Undefined::Empty`].
pub fn log_loss_nats(forecasts: &[Forecast]) -> Result<f64, Undefined> {
    mean_of(forecasts, |forecast| {
        let p = forecast.probability().clamp(1e-15, 1.0 - 1e-15);
        if forecast.outcome() { -p.ln() } else { -(1.0 - p).ln() }
    })
}

/// The three parts of Murphy's decomposition: Brier = reliability − resolution + uncertainty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Murphy {
    /// Mean squared distance of stated from observed frequency, by distinct probability; lower is better.
    pub reliability: f64,
    /// Mean squared distance of observed frequency from the base rate; higher is better.
    pub resolution: f64,
    /// ȳ(1−ȳ).
    pub uncertainty: f64,
}

/// Returns Murphy's decomposition by distinct probability; with all probabilities distinct it says nothing.
///
/// Source: Murphy 1973 (J. Applied Meteorology 12, 595–600).
///
/// # Errors
///
/// [`Undefined::Empty`].
pub fn murphy(forecasts: &[Forecast]) -> Result<Murphy, Undefined> {
    let (base, n) = (base_rate(forecasts)?, forecasts.len() as f64);
    let blocks = distinct(forecasts);
    let weigh =
        |f: &dyn Fn(&Block) -> f64| moments::sum(blocks.iter().map(|block| block.count() / n * f(block)));
    Ok(Murphy {
        reliability: weigh(&|block| (block.high - block.frequency()).powi(2)),
        resolution: weigh(&|block| (block.frequency() - base).powi(2)),
        uncertainty: base * (1.0 - base),
    })
}

/// A step of the reliability diagram: forecasts with probabilities from `low` to `high` share one fitted
/// frequency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Block {
    /// Smallest probability in the block.
    pub low: f64,
    /// Largest probability in the block.
    pub high: f64,
    /// Number of forecasts.
    pub items: u64,
    /// Number of events among them.
    pub events: u64,
}

impl Block {
    /// Returns the share of events in the block.
    pub fn frequency(&self) -> f64 {
        self.events as f64 / self.count()
    }

    fn count(&self) -> f64 {
        self.items as f64
    }
}

/// The CORP decomposition: Brier = miscalibration − discrimination + uncertainty, with the fitted steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Corp {
    /// What recalibration would gain; 0 is perfect.
    pub miscalibration: f64,
    /// What the recalibrated forecasts gain over the base rate; higher is better.
    pub discrimination: f64,
    /// ȳ(1−ȳ).
    pub uncertainty: f64,
    /// The steps of the isotonic fit in ascending order, the reliability diagram.
    pub blocks: Vec<Block>,
}

impl Corp {
    /// Returns the fitted frequency for a probability that occurs among the forecasts.
    pub fn fitted(&self, probability: f64) -> Option<f64> {
        let index = self.blocks.partition_point(|block| block.high < probability);
        self.blocks.get(index).map(Block::frequency)
    }
}

/// Fits the isotonic recalibration by pooling adjacent violators and decomposes the Brier score.
///
/// Source: Dimitriadis, Gneiting & Jordan 2021 (PNAS 118, e2016191118). No bins to choose; equal
/// probabilities are pooled first. Cost: n log n.
///
/// # Errors
///
/// [`Undefined::Empty`].
pub fn corp(forecasts: &[Forecast]) -> Result<Corp, Undefined> {
    let uncertainty = uncertainty(forecasts)?;
    let blocks = isotonic(distinct(forecasts));
    let n = forecasts.len() as f64;
    // The Brier score of a fitted step with frequency q is q(1 − q).
    let recalibrated = moments::sum(blocks.iter().map(|block| {
        let q = block.frequency();
        block.count() / n * q * (1.0 - q)
    }));
    Ok(Corp {
        miscalibration: brier(forecasts)? - recalibrated,
        discrimination: uncertainty - recalibrated,
        uncertainty,
        blocks,
    })
}

/// Pools adjacent violators: merges neighbouring blocks until the share of events rises from each to the next.
///
/// The blocks must come in ascending order and hold at least one forecast each. Cost: linear.
pub fn isotonic(blocks: impl IntoIterator<Item = Block>) -> Vec<Block> {
    let mut fitted: Vec<Block> = Vec::new();
    for block in blocks {
        fitted.push(block);
        while let [.., before, last] = fitted.as_slice() {
            if before.events * last.items < last.events * before.items {
                break;
            }
            let merged = Block {
                low: before.low,
                high: last.high,
                items: before.items + last.items,
                events: before.events + last.events,
            };
            fitted.truncate(fitted.len() - 2);
            fitted.push(merged);
        }
    }
    fitted
}

fn uncertainty(forecasts: &[Forecast]) -> Result<f64, Undefined> {
    let base = base_rate(forecasts)?;
    Ok(base * (1.0 - base))
}

/// Returns one block for each distinct probability, ascending.
pub fn distinct(forecasts: &[Forecast]) -> Vec<Block> {
    let mut sorted = forecasts.to_vec();
    sorted.sort_by(|a, b| a.probability().total_cmp(&b.probability()));
    sorted
        .chunk_by(|a, b| a.probability().total_cmp(&b.probability()).is_eq())
        .map(|run| Block {
            low: run[0].probability(),
            high: run[0].probability(),
            items: run.len() as u64,
            events: run.iter().filter(|forecast| forecast.outcome()).count() as u64,
        })
        .collect()
}

fn mean_of(forecasts: &[Forecast], value: impl Fn(Forecast) -> f64) -> Result<f64, Undefined> {
    if forecasts.is_empty() {
        return Err(Undefined::Empty);
    }
    Ok(moments::sum(forecasts.iter().map(|&forecast| value(forecast))) / forecasts.len() as f64)
}
