//! Values of all pairs of items of one group, and their mean as a U-statistic.
//!
//! Computed once; means over a subset of the items (say, the successful ones) then cost nothing further.

use std::collections::HashMap;
use std::hash::Hash;

use crate::moments;
use crate::undefined::Undefined;

/// The values of a symmetric function of two items for all pairs of `n` items.
#[derive(Debug, Clone, PartialEq)]
pub struct Pairwise {
    items: usize,
    /// Pairs (0,1), (0,2), …, (1,2), … in this order.
    values: Vec<f64>,
}

impl Pairwise {
    /// Computes `f` for every pair of items; `f` must be symmetric and finite. Cost: n(n−1)/2 calls.
    ///
    /// # Errors
    ///
    /// The first error of `f`; [`Undefined::NotFinite`] if `f` returns no finite number.
    pub fn try_of<T>(items: &[T], f: impl Fn(&T, &T) -> Result<f64, Undefined>) -> Result<Self, Undefined> {
        let mut values = Vec::with_capacity(items.len() * items.len().saturating_sub(1) / 2);
        for (index, first) in items.iter().enumerate() {
            for second in &items[index + 1..] {
                let value = f(first, second)?;
                if !value.is_finite() {
                    return Err(Undefined::NotFinite);
                }
                values.push(value);
            }
        }
        Ok(Self { items: items.len(), values })
    }

    /// Computes an `f` that is defined for every pair.
    ///
    /// # Errors
    ///
    /// [`Undefined::NotFinite`] if `f` returns no finite number.
    pub fn of<T>(items: &[T], f: impl Fn(&T, &T) -> f64) -> Result<Self, Undefined> {
        Self::try_of(items, |a, b| Ok(f(a, b)))
    }

    /// Returns the values for items that repeat these ones: each is the item at its place here, and two at one place have the
    /// value `same`.
    ///
    /// # Errors
    ///
    /// [`Undefined::OutOfDomain`] for a place beyond the items.
    pub fn repeated(self, places: &[usize], same: f64) -> Result<Self, Undefined> {
        if places.iter().any(|&place| place >= self.items) {
            return Err(Undefined::OutOfDomain);
        }
        if places.iter().copied().eq(0..self.items) {
            return Ok(self);
        }
        Self::of(places, |&first, &second| self.value(first, second).unwrap_or(same))
    }

    /// Returns the value of two items, in either order; none for an item and itself, and beyond the items.
    pub fn value(&self, first: usize, second: usize) -> Option<f64> {
        let (low, high) = (first.min(second), first.max(second));
        (low < high && high < self.items).then(|| self.values[self.place(low, high)])
    }

    /// The place of the value of two items, `first < second`.
    fn place(&self, first: usize, second: usize) -> usize {
        first * (2 * self.items - first - 1) / 2 + second - first - 1
    }

    /// Returns the number of items.
    pub fn items(&self) -> usize {
        self.items
    }

    /// Returns the values in the order (0,1), (0,2), …, (1,2), ….
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Returns the mean over all pairs, a U-statistic of order 2.
    ///
    /// # Errors
    ///
    /// [`Undefined::TooFewItems`] for fewer than two items.
    pub fn mean(&self) -> Result<f64, Undefined> {
        if self.items < 2 {
            return Err(Undefined::TooFewItems { have: self.items, need: 2 });
        }
        moments::mean(&self.values)
    }

    /// Returns the mean over the pairs whose items are both kept; positions beyond `keep` count as not kept.
    ///
    /// # Errors
    ///
    /// [`Undefined::TooFewItems`] if fewer than two items are kept.
    pub fn mean_among(&self, keep: &[bool]) -> Result<f64, Undefined> {
        let kept: Vec<usize> = (0..self.items).filter(|&item| keep.get(item) == Some(&true)).collect();
        if kept.len() < 2 {
            return Err(Undefined::TooFewItems { have: kept.len(), need: 2 });
        }
        let mut values = Vec::with_capacity(kept.len() * (kept.len() - 1) / 2);
        for (index, &first) in kept.iter().enumerate() {
            values.extend(kept[index + 1..].iter().map(|&second| self.values[self.place(first, second)]));
        }
        moments::mean(&values)
    }

    /// Returns the jackknife variance of [`Self::mean`]: (n−1)/n Σ (leave-one-out − mean of these)².
    ///
    /// # Errors
    ///
    /// [`Undefined::TooFewItems`] for fewer than three items.
    pub fn jackknife_variance(&self) -> Result<f64, Undefined> {
        if self.items < 3 {
            return Err(Undefined::TooFewItems { have: self.items, need: 3 });
        }
        let mut of_item = vec![0.0; self.items];
        let mut pairs = self.values.iter();
        for first in 0..self.items {
            for second in first + 1..self.items {
                if let Some(value) = pairs.next() {
                    of_item[first] += value;
                    of_item[second] += value;
                }
            }
        }
        let n = self.items as f64;
        let total = moments::sum(self.values.iter().copied());
        let rest = (n - 1.0) * (n - 2.0) / 2.0;
        let left_out: Vec<f64> = of_item.iter().map(|own| (total - own) / rest).collect();
        Ok((n - 1.0) / n * moments::squared_deviations(&left_out, moments::mean(&left_out)?))
    }
}

/// Returns the distinct items by first appearance, and the place among them of each item.
pub fn distinct<T: Hash + Eq>(items: &[T]) -> (Vec<&T>, Vec<usize>) {
    let mut known = HashMap::with_capacity(items.len());
    let mut distinct = Vec::with_capacity(items.len());
    let places = items.iter().map(|item| {
        *known.entry(item).or_insert_with(|| {
            distinct.push(item);
            distinct.len() - 1
        })
    });
    let places = places.collect();
    (distinct, places)
}

/// Returns the variance of a U-statistic of order 2: 4(n−2)/(n(n−1)) ζ₁ + 2/(n(n−1)) ζ₂.
///
/// Source: Hoeffding 1948 (Annals of Mathematical Statistics 19, 293–325). ζ₁ is the variance of the
/// conditional expectation given one item, ζ₂ that of the value of one pair.
///
/// # Errors
///
/// [`Undefined::TooFewItems`] for fewer than two items.
pub fn u_statistic_variance(items: usize, zeta1: f64, zeta2: f64) -> Result<f64, Undefined> {
    if items < 2 {
        return Err(Undefined::TooFewItems { have: items, need: 2 });
    }
    let n = items as f64;
    Ok((4.0 * (n - 2.0) * zeta1 + 2.0 * zeta2) / (n * (n - 1.0)))
}
