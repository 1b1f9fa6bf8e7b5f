//! Distances and agreement between sequences of symbols, order included.
//!
//! Symbols are `u32` codes that the caller assigns. Levenshtein, OSA, Damerau and LCS run bit-parallel in
//! `rapidfuzz`.

use std::collections::HashMap;

use rapidfuzz::distance::levenshtein::BatchComparator;
use rapidfuzz::distance::{damerau_levenshtein, lcs_seq, osa};

use crate::undefined::Undefined;

/// Returns the Levenshtein distance: fewest insertions, deletions and substitutions.
pub fn levenshtein(a: &[u32], b: &[u32]) -> usize {
    rapidfuzz::distance::levenshtein::distance(a.iter().copied(), b.iter().copied())
}

/// Returns Levenshtein / longer length, in [0, 1]; 0 for two empty sequences.
pub fn levenshtein_normalised(a: &[u32], b: &[u32]) -> f64 {
    share_of_longer(levenshtein(a, b), a, b)
}

fn share_of_longer(distance: usize, a: &[u32], b: &[u32]) -> f64 {
    let longest = a.len().max(b.len());
    if longest == 0 { 0.0 } else { distance as f64 / longest as f64 }
}

/// A sequence prepared for comparison with many others.
pub struct Pattern<'a> {
    sequence: &'a [u32],
    comparator: BatchComparator<u32>,
}

impl<'a> Pattern<'a> {
    /// Prepares a sequence. Codes below 256 are compared fastest.
    pub fn new(sequence: &'a [u32]) -> Self {
        Self { sequence, comparator: BatchComparator::new(sequence.iter().copied()) }
    }

    /// Returns the distance of [`levenshtein`] to another sequence.
    pub fn levenshtein(&self, other: &[u32]) -> usize {
        // The comparator cannot do without a pattern.
        if self.sequence.is_empty() { other.len() } else { self.comparator.distance(other.iter().copied()) }
    }

    /// Returns the distance of [`levenshtein_normalised`] to another sequence.
    pub fn levenshtein_normalised(&self, other: &[u32]) -> f64 {
        share_of_longer(self.levenshtein(other), self.sequence, other)
    }
}

/// Returns 2d/(|a| + |b| + d) of the Levenshtein distance d, which is a metric; 0 for two empty sequences.
///
/// Source: Yujian & Bo 2007 (IEEE Trans. Pattern Analysis and Machine Intelligence 29, 1091–1095).
pub fn levenshtein_metric(a: &[u32], b: &[u32]) -> f64 {
    let distance = levenshtein(a, b);
    if distance == 0 { 0.0 } else { 2.0 * distance as f64 / (a.len() + b.len() + distance) as f64 }
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
