//! Confidence sequences for the mean of values in [0, 1] by betting.
//!
//! Source: Waudby-Smith & Ramdas 2024 (JRSS B 86, 1–27): predictable plug-in bets. Adapts to small variance,
//! starts wide.

use crate::level::{Interval, Level};
use crate::undefined::Undefined;

/// Largest share of the wealth at stake.
const TRUNCATION: f64 = 0.5;

/// Returns the wealth over time of a gambler who bets both ways against "the mean is `m`", split ½ : ½.
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] unless all values and `m` lie in [0, 1].
pub fn hedged_wealth(values: &[f64], m: f64, level: Level) -> Result<Vec<f64>, Undefined> {
    check(values, m)?;
    Ok(hedged(values, &bets(values, level.alpha() / 2.0), m))
}

/// Returns the wealth over time of a gambler who bets that the mean exceeds `m`, an e-process against "at
/// most `m`".
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] unless all values and `m` lie in [0, 1].
pub fn one_sided_wealth(values: &[f64], m: f64, level: Level) -> Result<Vec<f64>, Undefined> {
    check(values, m)?;
    let mut wealth = 1.0;
    let bets = bets(values, level.alpha());
    Ok(values
        .iter()
        .zip(bets)
        .map(|(value, bet)| {
            wealth *= 1.0 + bet.min(TRUNCATION / m) * (value - m);
            wealth
        })
        .collect())
}

/// Returns the confidence sequence after each value on a grid of `steps + 1` means, widened by one step on
/// both sides.
///
/// Intervals are not intersected over time; the caller may do so. Cost: steps × values.
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] unless all values lie in [0, 1] and `steps ≥ 1`.
pub fn confidence_sequence(values: &[f64], level: Level, steps: usize) -> Result<Vec<Interval>, Undefined> {
    check(values, 0.0)?;
    if steps == 0 {
        return Err(Undefined::OutOfDomain);
    }
    let bets = bets(values, level.alpha() / 2.0);
    let step = 1.0 / steps as f64;
    let mut ends = vec![(f64::INFINITY, f64::NEG_INFINITY); values.len()];
    for index in 0..=steps {
        let m = index as f64 / steps as f64;
        for (end, wealth) in ends.iter_mut().zip(hedged(values, &bets, m)) {
            if wealth < 1.0 / level.alpha() {
                *end = (end.0.min(m), end.1.max(m));
            }
        }
    }
    // Where every mean on the grid is refuted the sequence says nothing more than the range.
    let widen = |(low, high): (f64, f64)| {
        if low > high { (0.0, 1.0) } else { ((low - step).max(0.0), (high + step).min(1.0)) }
    };
    Ok(ends.into_iter().map(widen).map(|(low, high)| Interval::ordered(low, high)).collect())
}

fn hedged(values: &[f64], bets: &[f64], m: f64) -> Vec<f64> {
    let (mut up, mut down) = (1.0, 1.0);
    values
        .iter()
        .zip(bets)
        .map(|(value, bet)| {
            up *= 1.0 + bet.min(TRUNCATION / m) * (value - m);
            down *= 1.0 - bet.min(TRUNCATION / (1.0 - m)) * (value - m);
            0.5 * f64::max(up, down)
        })
        .collect()
}

/// Bets √(2 ln(1/α)/(t ln(1+t) σ̂²)), with the variance estimated before each value.
fn bets(values: &[f64], alpha: f64) -> Vec<f64> {
    let (mut sum, mut squares, mut variance) = (0.0, 0.0, 0.25);
    values
        .iter()
        .enumerate()
        .map(|(index, value)| {
            let t = (index + 1) as f64;
            let bet = (-2.0 * alpha.ln() / (t * t.ln_1p() * variance)).sqrt();
            sum += value;
            let mean = (0.5 + sum) / (t + 1.0);
            squares += (value - mean).powi(2);
            variance = (0.25 + squares) / (t + 1.0);
            bet
        })
        .collect()
}

fn check(values: &[f64], m: f64) -> Result<(), Undefined> {
    let within = |x: &f64| (0.0..=1.0).contains(x);
    if values.iter().all(within) && within(&m) { Ok(()) } else { Err(Undefined::OutOfDomain) }
}
