//! Distances and agreement between sequences of symbols, order included.
//!
//! Symbols are `u32` codes that the caller assigns. Levenshtein, OSA, Damerau and LCS run bit-parallel in
//! `rapidfuzz`.

use std::collections::HashMap;

use rapidfuzz::distance::levenshtein::{Args, BatchComparator};
use rapidfuzz::distance::{damerau_levenshtein, lcs_seq, osa};

use crate::undefined::Undefined;

/// Returns the Levenshtein distance: fewest insertions, deletions and substitutions.
pub fn levenshtein(a: &[u32], b: &[u32]) -> usize {
    rapidfuzz::distance::levenshtein::distance(a.iter().copied(), b.iter().copied())
}

/// Returns Levenshtein / longer length, in [0, 1]; 0 for two empty sequences.
pub fn levenshtein_normalised(a: &[u32], b: &[u32]) -> f64 {
    normalised(levenshtein(a, b), a.len(), b.len())
}

/// Returns a distance of [`levenshtein`] as a share of the longer of two sequences of these lengths; 0 for two empty ones.
pub fn normalised(distance: usize, a: usize, b: usize) -> f64 {
    let longest = a.max(b);
    if longest == 0 { 0.0 } else { distance as f64 / longest as f64 }
}

/// Returns 2d/(a + b + d) of a distance d of [`levenshtein`] between sequences of lengths a and b; 0 for two empty ones.
///
/// It is a metric, unlike [`normalised`]. Source: Yujian & Bo 2007 (IEEE Trans. Pattern Analysis and Machine Intelligence 29,
/// 1091–1095).
pub fn metric(distance: usize, a: usize, b: usize) -> f64 {
    if distance == 0 { 0.0 } else { 2.0 * distance as f64 / (a + b + distance) as f64 }
}

/// The distances of [`levenshtein`] between every two of some sequences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distances {
    sequences: usize,
    /// Of the pairs (0,1), (0,2), …, (1,2), … in this order.
    distances: Vec<usize>,
}

impl Distances {
    /// Computes them, with each sequence prepared once. Codes below 256 are compared fastest.
    pub fn of<S: AsRef<[u32]>>(sequences: &[S]) -> Self {
        let mut distances = Vec::with_capacity(sequences.len() * sequences.len().saturating_sub(1) / 2);
        for (place, first) in sequences.iter().enumerate() {
            let first = first.as_ref();
            let pattern = BatchComparator::new(first.iter().copied());
            for second in &sequences[place + 1..] {
                let second = second.as_ref();
                // The comparator cannot do without a pattern.
                let distance = if first.is_empty() {
                    second.len()
                } else {
                    let hint = hint(distances.last(), first.len(), second.len());
                    pattern.distance_with_args(second.iter().copied(), &Args::default().score_hint(hint))
                };
                distances.push(distance);
            }
        }
        Self { sequences: sequences.len(), distances }
    }

    /// Returns the distance of two of the sequences, by their places in either order; 0 of one and itself.
    ///
    /// # Panics
    /// For a place beyond the sequences.
    pub fn between(&self, first: usize, second: usize) -> usize {
        let (low, high) = (first.min(second), first.max(second));
        assert!(high < self.sequences, "{high} of {} sequences", self.sequences);
        if low == high {
            0
        } else {
            self.distances[low * (2 * self.sequences - low - 1) / 2 + high - low - 1]
        }
    }
}

/// The distance that is looked for first, in a band of the table that is as narrow; a larger one is found all the same, later.
///
/// Repeats of one task are about as far apart from each other as the last two were. Where that is far, all of the table is filled
/// at once; so it is where the ends of the two lie outside of a narrow band, of which the comparator makes a wrong distance.
fn hint(last: Option<&usize>, a: usize, b: usize) -> usize {
    let hint = last.map(|last| (last + last / 4).max(NARROWEST));
    hint.filter(|&hint| 2 * hint < a.min(b) && hint > a.abs_diff(b)).unwrap_or(usize::MAX)
}

/// Of narrower bands the comparator makes another computation, which is not worth a case of its own here.
const NARROWEST: usize = 64;

/// Returns [`metric`] of the Levenshtein distance.
pub fn levenshtein_metric(a: &[u32], b: &[u32]) -> f64 {
    metric(levenshtein(a, b), a.len(), b.len())
}

/// Returns the optimal string alignment distance: Levenshtein with swaps of neighbours, no part edited twice.
pub fn optimal_string_alignment(a: &[u32], b: &[u32]) -> usize {
    osa::distance(a.iter().copied(), b.iter().copied())
}

/// Returns the Damerau–Levenshtein distance with swaps of neighbours, unrestricted.
pub fn damerau(a: &[u32], b: &[u32]) -> usize {
    damerau_levenshtein::distance(a.iter().copied(), b.iter().copied())
}

/// Returns the length of the longest common subsequence.
pub fn longest_common_subsequence(a: &[u32], b: &[u32]) -> usize {
    lcs_seq::similarity(a.iter().copied(), b.iter().copied())
}

/// Returns the longest common subsequence / longer length; 1 for two empty sequences.
pub fn longest_common_subsequence_normalised(a: &[u32], b: &[u32]) -> f64 {
    let longest = a.len().max(b.len());
    if longest == 0 { 1.0 } else { longest_common_subsequence(a, b) as f64 / longest as f64 }
}

/// Returns the distance of insertions and deletions only, |a| + |b| − 2 LCS.
pub fn indel(a: &[u32], b: &[u32]) -> usize {
    a.len() + b.len() - 2 * longest_common_subsequence(a, b)
}

/// Returns the dynamic time warping cost with cost 1 for unequal symbols; repetition is free. Cost: |a|·|b|.
///
/// # Errors
///
/// [`Undefined::Empty`] if either sequence is empty.
pub fn time_warping(a: &[u32], b: &[u32]) -> Result<usize, Undefined> {
    if a.is_empty() || b.is_empty() {
        return Err(Undefined::Empty);
    }
    let mut above = vec![usize::MAX; b.len()];
    for (i, x) in a.iter().enumerate() {
        let mut row: Vec<usize> = Vec::with_capacity(b.len());
        for (j, y) in b.iter().enumerate() {
            let before = match (i, j) {
                (0, 0) => 0,
                (0, _) => row[j - 1],
                (_, 0) => above[0],
                _ => row[j - 1].min(above[j]).min(above[j - 1]),
            };
            row.push(before + usize::from(x != y));
        }
        above = row;
    }
    Ok(above[b.len() - 1])
}

/// Returns the first index at which two sequences differ: a proper prefix diverges at its length, equal ones
/// never.
pub fn first_divergence(a: &[u32], b: &[u32]) -> Option<usize> {
    let common = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    if common == a.len() && common == b.len() { None } else { Some(common) }
}

/// Returns the first index at which not all sequences agree; none if they are all equal or there are none.
pub fn first_divergence_of_all<S: AsRef<[u32]>>(sequences: &[S]) -> Option<usize> {
    let (first, rest) = sequences.split_first()?;
    rest.iter().filter_map(|other| first_divergence(first.as_ref(), other.as_ref())).min()
}

/// Returns, for each length 1, 2, … up to the longest sequence, the share of pairs that have this prefix in
/// common.
///
/// Both sequences of an agreeing pair are at least that long, so the curve never rises.
///
/// # Errors
///
/// [`Undefined::TooFewItems`] for fewer than two sequences.
pub fn prefix_agreement<S: AsRef<[u32]>>(sequences: &[S]) -> Result<Vec<f64>, Undefined> {
    let count = sequences.len();
    if count < 2 {
        return Err(Undefined::TooFewItems { have: count, need: 2 });
    }
    // Sorted, sequences with a common prefix are neighbours: each run of equal prefixes of size m agrees in
    // m(m−1)/2 pairs.
    let mut sorted: Vec<&[u32]> = sequences.iter().map(AsRef::as_ref).collect();
    sorted.sort_unstable();
    let longest = sorted.iter().map(|sequence| sequence.len()).max().unwrap_or(0);
    let pairs = (count * (count - 1) / 2) as f64;
    let curve = (1..=longest).map(|length| {
        let agreeing: usize = sorted
            .chunk_by(|a, b| a.len() >= length && b.len() >= length && a[..length] == b[..length])
            .map(|run| run.len() * (run.len() - 1) / 2)
            .sum();
        agreeing as f64 / pairs
    });
    Ok(curve.collect())
}

/// Returns Kendall's τ of the order in which the common symbols first occur: 1 same order, −1 reversed.
///
/// Source: Kendall 1938 (Biometrika 30, 81–93). Cost: quadratic in the number of distinct common symbols.
///
/// # Errors
///
/// [`Undefined::TooFewCommonSymbols`] for fewer than two.
pub fn kendall_tau_of_first_occurrence(a: &[u32], b: &[u32]) -> Result<f64, Undefined> {
    let places = common_first_places(a, b);
    let n = places.len();
    if n < 2 {
        return Err(Undefined::TooFewCommonSymbols);
    }
    let mut balance = 0_i64;
    for (index, first) in places.iter().enumerate() {
        for second in &places[index + 1..] {
            balance += if (first.0 < second.0) == (first.1 < second.1) { 1 } else { -1 };
        }
    }
    Ok(balance as f64 / (n * (n - 1) / 2) as f64)
}

/// Returns how many distinct symbols two sequences share.
pub fn common_symbols(a: &[u32], b: &[u32]) -> usize {
    common_first_places(a, b).len()
}

/// First places in both sequences of every common symbol.
fn common_first_places(a: &[u32], b: &[u32]) -> Vec<(usize, usize)> {
    let first_places = |sequence: &[u32]| {
        let mut places = HashMap::new();
        for (place, &symbol) in sequence.iter().enumerate() {
            places.entry(symbol).or_insert(place);
        }
        places
    };
    let in_b = first_places(b);
    let mut places: Vec<(usize, usize)> = first_places(a)
        .into_iter()
        .filter_map(|(symbol, place)| in_b.get(&symbol).map(|&other| (place, other)))
        .collect();
    places.sort_unstable();
    places
}

/// How many distinct sequences there are and how frequent the most frequent one is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Modes {
    /// Number of distinct sequences.
    pub distinct: usize,
    /// Share of the most frequent sequence.
    pub modal_share: f64,
}

/// Counts distinct sequences.
///
/// # Errors
///
/// [`Undefined::Empty`] without sequences.
pub fn modes<S: AsRef<[u32]>>(sequences: &[S]) -> Result<Modes, Undefined> {
    let mut sorted: Vec<&[u32]> = sequences.iter().map(AsRef::as_ref).collect();
    sorted.sort_unstable();
    let runs: Vec<usize> = sorted.chunk_by(|a, b| a == b).map(<[_]>::len).collect();
    let largest = *runs.iter().max().ok_or(Undefined::Empty)?;
    Ok(Modes { distinct: runs.len(), modal_share: largest as f64 / sequences.len() as f64 })
}
