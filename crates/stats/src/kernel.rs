//! Similarity of sequences by their short runs of symbols.
//!
//! Spectrum kernels (Leslie, Eskin & Noble 2002, Pacific Symposium on Biocomputing, 564–575), normalised:
//! single symbols speak of composition, neighbouring pairs with start and end marks of order. The maximum
//! mean discrepancy compares two sets.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::undefined::Undefined;

/// Most splits that [`discrepancy_exact`] enumerates.
const MOST_SPLITS: u128 = 200_000;

/// Which runs of symbols are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grams {
    /// Single symbols.
    Single,
    /// Neighbouring pairs, with a mark before the first and after the last symbol.
    Pairs,
}

/// How often each run occurs in a sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrum {
    /// Runs in ascending order with their counts.
    counts: Vec<((u64, u64), f64)>,
    squares: f64,
}

impl Spectrum {
    /// Counts the runs of a sequence.
    ///
    /// # Errors
    ///
    /// [`Undefined::Empty`] for single symbols of an empty sequence.
    pub fn new(sequence: &[u32], grams: Grams) -> Result<Self, Undefined> {
        const START: u64 = u64::MAX - 1;
        const END: u64 = u64::MAX;
        let symbols = sequence.iter().map(|&symbol| u64::from(symbol));
        let mut runs: Vec<(u64, u64)> = match grams {
            Grams::Single => symbols.map(|symbol| (symbol, END)).collect(),
            Grams::Pairs => [START].into_iter().chain(symbols.clone()).zip(symbols.chain([END])).collect(),
        };
        if runs.is_empty() {
            return Err(Undefined::Empty);
        }
        runs.sort_unstable();
        let counts: Vec<((u64, u64), f64)> =
            runs.chunk_by(|a, b| a == b).map(|equal| (equal[0], equal.len() as f64)).collect();
        let squares = counts.iter().map(|(_, count)| count * count).sum();
        Ok(Self { counts, squares })
    }

    /// Returns the cosine of two spectra, 0 to 1.
    pub fn cosine(&self, other: &Self) -> f64 {
        let (mut left, mut right) = (self.counts.as_slice(), other.counts.as_slice());
        let mut product = 0.0;
        while let ([a, others @ ..], [b, rest @ ..]) = (left, right) {
            match a.0.cmp(&b.0) {
                std::cmp::Ordering::Less => left = others,
                std::cmp::Ordering::Greater => right = rest,
                std::cmp::Ordering::Equal => {
                    product += a.1 * b.1;
                    (left, right) = (others, rest);
                }
            }
        }
        (product / (self.squares * other.squares).sqrt()).min(1.0)
    }
}

/// The squared maximum mean discrepancy of two sets with a permutation p-value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Discrepancy {
    /// Unbiased estimate; may be negative.
    pub squared: f64,
    /// Share of splits with at least this discrepancy.
    pub p: f64,
    /// Splits looked at.
    pub splits: usize,
}

/// Returns the unbiased squared discrepancy with the p-value over all splits of the joint set.
///
/// Source: Gretton et al. 2012 (JMLR 13, 723–773), lemma 6.
///
/// # Errors
///
/// [`Undefined::TooFewItems`] unless both sets hold two, [`Undefined::TooManyCases`] beyond 200 000 splits.
pub fn discrepancy_exact(first: &[Spectrum], second: &[Spectrum]) -> Result<Discrepancy, Undefined> {
    let matrix = Gram::new(first, second)?;
    let size = matrix.size;
    if choose(size, first.len()) > MOST_SPLITS {
        return Err(Undefined::TooManyCases);
    }
    let mut members: Vec<usize> = (0..first.len()).collect();
    let squared = matrix.discrepancy(&members);
    let (mut reached, mut splits) = (0_usize, 0_usize);
    loop {
        splits += 1;
        reached += usize::from(matrix.discrepancy(&members) >= squared - 1e-12);
        if !next_combination(&mut members, size) {
            break;
        }
    }
    Ok(Discrepancy { squared, p: reached as f64 / splits as f64, splits })
}

/// Returns the unbiased squared discrepancy with a seeded permutation p-value, (b + 1)/(R + 1).
///
/// # Errors
///
/// [`Undefined::TooFewItems`] unless both sets hold two, [`Undefined::OutOfDomain`] for 0 resamples.
pub fn discrepancy_seeded(
    first: &[Spectrum],
    second: &[Spectrum],
    resamples: usize,
    seed: u64,
) -> Result<Discrepancy, Undefined> {
    if resamples == 0 {
        return Err(Undefined::OutOfDomain);
    }
    let matrix = Gram::new(first, second)?;
    let mut order: Vec<usize> = (0..matrix.size).collect();
    let squared = matrix.discrepancy(&order[..first.len()]);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut reached = 0_usize;
    for _ in 0..resamples {
        order.shuffle(&mut rng);
        reached += usize::from(matrix.discrepancy(&order[..first.len()]) >= squared - 1e-12);
    }
    Ok(Discrepancy { squared, p: (reached + 1) as f64 / (resamples + 1) as f64, splits: resamples })
}

/// All kernel values of the joint set.
struct Gram {
    size: usize,
    values: Vec<f64>,
}

impl Gram {
    fn new(first: &[Spectrum], second: &[Spectrum]) -> Result<Self, Undefined> {
        let have = first.len().min(second.len());
        if have < 2 {
            return Err(Undefined::TooFewItems { have, need: 2 });
        }
        let joint: Vec<&Spectrum> = first.iter().chain(second).collect();
        let values = joint.iter().flat_map(|a| joint.iter().map(|b| a.cosine(b))).collect();
        Ok(Self { size: joint.len(), values })
    }

    fn discrepancy(&self, members: &[usize]) -> f64 {
        let mut inside = vec![false; self.size];
        for &member in members {
            inside[member] = true;
        }
        let (mut both, mut neither, mut across) = (0.0, 0.0, 0.0);
        for (row, values) in self.values.chunks(self.size).enumerate() {
            for (column, value) in values.iter().enumerate().filter(|(column, _)| *column != row) {
                match (inside[row], inside[column]) {
                    (true, true) => both += value,
                    (false, false) => neither += value,
                    (true, false) => across += value,
                    (false, true) => {}
                }
            }
        }
        let (m, n) = (members.len() as f64, (self.size - members.len()) as f64);
        both / (m * (m - 1.0)) + neither / (n * (n - 1.0)) - 2.0 * across / (m * n)
    }
}

fn choose(n: usize, k: usize) -> u128 {
    (0..k.min(n - k)).fold(1_u128, |product, i| product.saturating_mul((n - i) as u128) / (i as u128 + 1))
}

/// Moves to the next combination in lexicographic order; false after the last.
fn next_combination(members: &mut [usize], size: usize) -> bool {
    let count = members.len();
    let Some(place) = (0..count).rev().find(|&i| members[i] < size - count + i) else { return false };
    members[place] += 1;
    for i in place + 1..count {
        members[i] = members[i - 1] + 1;
    }
    true
}
