//! How much do the mixes of symbols of two sequences differ?
//!
//! Works on [`Histogram`]s, so that each sequence is counted once however many pairs it takes part in. Order
//! does not matter here; see [`crate::edit`] for order.

use crate::moments;
use crate::tally::tally;
use crate::undefined::Undefined;

/// How often each symbol occurs in a sequence; never empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// Sorted by symbol.
    shares: Vec<Share>,
    entropy: f64,
}

/// The share of one symbol.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Share {
    symbol: u32,
    /// p, above 0.
    of_all: f64,
    /// p log₂ p.
    own: f64,
    /// The same of half of p, its part in a mixture with a sequence that lacks the symbol.
    half: f64,
}

impl Share {
    fn new(symbol: u32, of_all: f64) -> Self {
        let half = of_all / 2.0;
        Self { symbol, of_all, own: of_all * of_all.log2(), half: half * half.log2() }
    }
}

impl Histogram {
    /// Counts the symbols of a sequence.
    ///
    /// # Errors
    ///
    /// [`Undefined::Empty`] for an empty sequence, which has no mix.
    pub fn new(sequence: &[u32]) -> Result<Self, Undefined> {
        if sequence.is_empty() {
            return Err(Undefined::Empty);
        }
        let shares = tally(sequence).into_iter();
        let shares: Vec<Share> =
            shares.map(|(symbol, count)| Share::new(symbol, count as f64 / sequence.len() as f64)).collect();
        let entropy = entropy(shares.iter().map(|share| share.of_all));
        Ok(Self { shares, entropy })
    }

    /// Calls `f` with both shares of every symbol that occurs in either, in the order of the symbols.
    fn zip(&self, other: &Self, mut f: impl FnMut(Option<&Share>, Option<&Share>)) {
        let (mut left, mut right) = (self.shares.as_slice(), other.shares.as_slice());
        while let ([a, left_rest @ ..], [b, right_rest @ ..]) = (left, right) {
            let (takes_left, takes_right) = (a.symbol <= b.symbol, b.symbol <= a.symbol);
            f(takes_left.then_some(a), takes_right.then_some(b));
            left = if takes_left { left_rest } else { left };
            right = if takes_right { right_rest } else { right };
        }
        for a in left {
            f(Some(a), None);
        }
        for b in right {
            f(None, Some(b));
        }
    }

    /// Calls `f` with both shares of every symbol that occurs in either, 0 where it does not occur.
    fn zip_shares(&self, other: &Self, mut f: impl FnMut(f64, f64)) {
        let share = |of: Option<&Share>| of.map_or(0.0, |of| of.of_all);
        self.zip(other, |a, b| f(share(a), share(b)));
    }
}

/// Returns Σ −p log₂ p; terms of 0 count 0.
pub(crate) fn entropy(shares: impl Iterator<Item = f64>) -> f64 {
    shares.filter(|&p| p > 0.0).map(|p| -p * p.log2()).sum()
}

/// Returns the Jensen–Shannon divergence in bits, 0 (same mix) to 1 (no common symbol).
///
/// The divergence itself, not its square root, and base 2. Source: Lin 1991 (IEEE Trans. Information Theory
/// 37, 145–151). Its expectation under equal mixes grows as sequences get shorter: compare only sequences
/// about the same thing.
pub fn jensen_shannon_bits(a: &Histogram, b: &Histogram) -> f64 {
    let mut mixture = 0.0;
    a.zip(b, |p, q| {
        mixture -= match (p, q) {
            (Some(p), Some(q)) if p.of_all.to_bits() == q.of_all.to_bits() => p.own,
            (Some(p), Some(q)) => {
                let m = f64::midpoint(p.of_all, q.of_all);
                m * m.log2()
            }
            (Some(only), None) | (None, Some(only)) => only.half,
            (None, None) => 0.0,
        };
    });
    (mixture - f64::midpoint(a.entropy, b.entropy)).clamp(0.0, 1.0)
}

/// Returns the Jensen–Shannon distance in nats, √(divergence · ln 2), at most .8326; only for compatibility
/// with others.
pub fn jensen_shannon_distance_nats(a: &Histogram, b: &Histogram) -> f64 {
    (jensen_shannon_bits(a, b) * std::f64::consts::LN_2).sqrt()
}

/// Returns the total variation distance, half the sum of absolute differences of shares.
pub fn total_variation(a: &Histogram, b: &Histogram) -> f64 {
    let mut total = 0.0;
    a.zip_shares(b, |p, q| total += (p - q).abs());
    (total / 2.0).min(1.0)
}

/// Returns the Hellinger distance, √(1 − Σ √(pq)).
pub fn hellinger(a: &Histogram, b: &Histogram) -> f64 {
    let mut overlap = 0.0;
    a.zip_shares(b, |p, q| overlap += (p * q).sqrt());
    (1.0 - overlap).max(0.0).sqrt()
}

/// Returns the Jaccard similarity of the sets of symbols, common / all; 1 for two empty sets. Repetition does
/// not count.
pub fn jaccard(a: &[u32], b: &[u32]) -> f64 {
    let set = |symbols: &[u32]| symbols.iter().copied().collect::<std::collections::BTreeSet<u32>>();
    let (a, b) = (set(a), set(b));
    let common = a.intersection(&b).count();
    let all = a.len() + b.len() - common;
    if all == 0 { 1.0 } else { common as f64 / all as f64 }
}

/// Returns the generalised Jensen–Shannon divergence in bits of several mixes with equal weight.
///
/// # Errors
///
/// [`Undefined::Empty`] without mixes.
pub fn generalised_jensen_shannon_bits(mixes: &[Histogram]) -> Result<f64, Undefined> {
    if mixes.is_empty() {
        return Err(Undefined::Empty);
    }
    let mut all: Vec<Share> = mixes.iter().flat_map(|mix| mix.shares.iter().copied()).collect();
    all.sort_unstable_by_key(|share| share.symbol);
    let weight = 1.0 / mixes.len() as f64;
    let mixture = all
        .chunk_by(|a, b| a.symbol == b.symbol)
        .map(|run| weight * run.iter().map(|share| share.of_all).sum::<f64>());
    let inner = moments::sum(mixes.iter().map(|mix| mix.entropy)) * weight;
    Ok((entropy(mixture) - inner).max(0.0))
}
