//! Similarity of sequences by their short runs of symbols.
//!
//! Spectrum kernels (Leslie, Eskin & Noble 2002, Pacific Symposium on Biocomputing, 564–575), normalised:
//! single symbols speak of composition, neighbouring pairs with start and end marks of order. The maximum
//! mean discrepancy compares two sets.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::tally::tally;
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
    /// Runs of symbols, as one number each, in ascending order with their counts.
    runs: Vec<(u64, f64)>,
    /// The first and the last symbol, each of which is in a run with a mark; none where there are no marks.
    ends: Option<[Option<u32>; 2]>,
    squares: f64,
}

impl Spectrum {
    /// Counts the runs of a sequence.
    ///
    /// # Errors
    ///
    /// [`Undefined::Empty`] for single symbols of an empty sequence.
    pub fn new(sequence: &[u32], grams: Grams) -> Result<Self, Undefined> {
        let (runs, ends): (Vec<(u64, f64)>, _) = match grams {
            Grams::Single if sequence.is_empty() => return Err(Undefined::Empty),
            Grams::Single => {
                let symbols = tally(sequence).into_iter();
                (symbols.map(|(symbol, count)| (symbol.into(), count as f64)).collect(), None)
            }
            Grams::Pairs => {
                let pair = |pair: &[u32]| u64::from(pair[0]) << 32 | u64::from(pair[1]);
                let mut pairs: Vec<u64> = sequence.windows(2).map(pair).collect();
                pairs.sort_unstable();
                let counts = pairs.chunk_by(|a, b| a == b).map(|equal| (equal[0], equal.len() as f64));
                (counts.collect(), Some([sequence.first().copied(), sequence.last().copied()]))
            }
        };
        let of_runs: f64 = runs.iter().map(|(_, count)| count * count).sum();
        let of_ends = ends.map_or(0.0, |ends| ends.len() as f64);
        Ok(Self { runs, ends, squares: of_runs + of_ends })
    }

    /// Returns the cosine of two spectra, 0 to 1.
    pub fn cosine(&self, other: &Self) -> f64 {
        let (mut left, mut right) = (self.runs.as_slice(), other.runs.as_slice());
        let mut product = 0.0;
        while let ([a, others @ ..], [b, rest @ ..]) = (left, right) {
            if a.0 == b.0 {
                product += a.1 * b.1;
            }
            left = if a.0 <= b.0 { others } else { left };
            right = if b.0 <= a.0 { rest } else { right };
        }
        if let (Some(ends), Some(others)) = (self.ends, other.ends) {
            product += ends.iter().zip(others).filter(|&(&end, other)| end == other).count() as f64;
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

/// How far two sets of sequences lie apart within each of several strata, averaged over them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StratifiedDiscrepancy {
    /// Mean over strata of the unbiased squared discrepancy; may be negative.
    pub squared: f64,
    /// Mean over strata of the mean kernel value of two sequences of the first set.
    pub within_first: f64,
    /// The same of the second set.
    pub within_second: f64,
    /// The same of a sequence of each set.
    pub across: f64,
    /// Seeded permutation p-value, (b + 1)/(R + 1).
    pub p: f64,
    /// Strata looked at.
    pub strata: usize,
}

/// Returns the mean over strata of the unbiased squared discrepancy, with the p-value of exchanging the labels within strata.
///
/// The null hypothesis is that within each stratum both sets come from one distribution; strata may differ at will. The mean of
/// unbiased estimates is unbiased, and permutations within strata keep the test exact whatever their sizes. `squared` is
/// `within_first + within_second − 2·across`. Sources: Gretton et al. 2012 (JMLR 13, 723–773), lemma 6; Pesarin & Salmaso 2010,
/// *Permutation Tests for Complex Data*, section 1.9, for restricted permutations; Davison & Hinkley 1997, section 4.2, for the added
/// 1. Same seed, same values. Cost: for each stratum and resample the square of its size.
///
/// # Errors
///
/// [`Undefined::Empty`] without strata, [`Undefined::TooFewItems`] where a set holds fewer than two,
/// [`Undefined::OutOfDomain`] for 0 resamples.
pub fn discrepancy_stratified(
    strata: &[(Vec<Spectrum>, Vec<Spectrum>)],
    resamples: usize,
    seed: u64,
) -> Result<StratifiedDiscrepancy, Undefined> {
    if strata.is_empty() {
        return Err(Undefined::Empty);
    }
    if resamples == 0 {
        return Err(Undefined::OutOfDomain);
    }
    let mut matrices = Vec::with_capacity(strata.len());
    for (first, second) in strata {
        matrices.push((Gram::new(first, second)?, first.len()));
    }
    let count = strata.len() as f64;
    let mean = |of: &dyn Fn(&Gram, usize) -> f64| {
        matrices.iter().map(|(matrix, first)| of(matrix, *first)).sum::<f64>() / count
    };
    let in_order = |matrix: &Gram, first: usize| matrix.means(&(0..matrix.size).collect::<Vec<_>>(), first);
    let squared = mean(&|matrix, first| in_order(matrix, first).squared());
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut orders: Vec<Vec<usize>> = matrices.iter().map(|(matrix, _)| (0..matrix.size).collect()).collect();
    let mut reached = 0_usize;
    for _ in 0..resamples {
        let mut sum = 0.0;
        for ((matrix, first), order) in matrices.iter().zip(&mut orders) {
            order.shuffle(&mut rng);
            sum += matrix.means(order, *first).squared();
        }
        reached += usize::from(sum / count >= squared - 1e-12);
    }
    Ok(StratifiedDiscrepancy {
        squared,
        within_first: mean(&|matrix, first| in_order(matrix, first).within_first),
        within_second: mean(&|matrix, first| in_order(matrix, first).within_second),
        across: mean(&|matrix, first| in_order(matrix, first).across),
        p: (reached + 1) as f64 / (resamples + 1) as f64,
        strata: strata.len(),
    })
}

/// Mean kernel values within and across two sets.
struct Means {
    within_first: f64,
    within_second: f64,
    across: f64,
}

impl Means {
    fn squared(&self) -> f64 {
        self.within_first + self.within_second - 2.0 * self.across
    }
}

/// All kernel values of the joint set.
struct Gram {
    size: usize,
    values: Vec<f64>,
    /// The sum of all values but those of an item with itself.
    off_diagonal: f64,
}

impl Gram {
    fn new(first: &[Spectrum], second: &[Spectrum]) -> Result<Self, Undefined> {
        let have = first.len().min(second.len());
        if have < 2 {
            return Err(Undefined::TooFewItems { have, need: 2 });
        }
        let joint: Vec<&Spectrum> = first.iter().chain(second).collect();
        let values: Vec<f64> = joint.iter().flat_map(|a| joint.iter().map(|b| a.cosine(b))).collect();
        let size = joint.len();
        let off_diagonal = values
            .iter()
            .enumerate()
            .filter(|(place, _)| place % (size + 1) != 0)
            .map(|(_, value)| value)
            .sum();
        Ok(Self { size, values, off_diagonal })
    }

    /// The means where the first `first` of the order are the first set: what lies across is what is left of the sum of all pairs.
    fn means(&self, order: &[usize], first: usize) -> Means {
        let (one, other) = order.split_at(first);
        let row = |place: usize| &self.values[place * self.size..(place + 1) * self.size];
        let pairs = |set: &[usize]| -> f64 {
            let of = |(at, &a): (usize, &usize)| set[at + 1..].iter().map(|&b| row(a)[b]).sum::<f64>();
            2.0 * set.iter().enumerate().map(of).sum::<f64>()
        };
        let (both, neither) = (pairs(one), pairs(other));
        let across = (self.off_diagonal - both - neither) / 2.0;
        let (m, n) = (one.len() as f64, other.len() as f64);
        Means {
            within_first: both / (m * (m - 1.0)),
            within_second: neither / (n * (n - 1.0)),
            across: across / (m * n),
        }
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
