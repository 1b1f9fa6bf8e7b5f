//! A histogram of whole numbers with a fixed relative error.
//!
//! The bucket layout of HDR histograms (Tene): three digits keep every value within .1 %. Only for more
//! values than can be kept; otherwise use [`crate::quantile`].

use std::collections::BTreeMap;

use crate::undefined::Undefined;

/// Counts of values by buckets whose width grows with the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogHistogram {
    unit_bits: u32,
    sub_bucket_bits: u32,
    /// Largest value of a bucket and its count.
    counts: BTreeMap<u64, u64>,
    total: u64,
}

impl LogHistogram {
    /// Creates an empty histogram that tells values apart to `digits` significant digits, from `lowest` up.
    ///
    /// # Errors
    ///
    /// [`Undefined::OutOfDomain`] unless `lowest ≥ 1` and `1 ≤ digits ≤ 5`.
    pub fn new(lowest: u64, digits: u32) -> Result<Self, Undefined> {
        if lowest == 0 || !(1..=5).contains(&digits) {
            return Err(Undefined::OutOfDomain);
        }
        let finest = 2 * 10_u64.pow(digits);
        let sub_bucket_bits = finest.next_power_of_two().trailing_zeros();
        Ok(Self { unit_bits: lowest.ilog2(), sub_bucket_bits, counts: BTreeMap::new(), total: 0 })
    }

    /// Counts a value.
    pub fn record(&mut self, value: u64) {
        *self.counts.entry(self.largest_equivalent(value)).or_default() += 1;
        self.total += 1;
    }

    /// Returns the number of values counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Returns the largest value of the bucket at which the running count reaches the percentile, 0 to 100.
    ///
    /// # Errors
    ///
    /// [`Undefined::Empty`], [`Undefined::OutOfDomain`].
    pub fn value_at_percentile(&self, percentile: f64) -> Result<u64, Undefined> {
        if !(0.0..=100.0).contains(&percentile) {
            return Err(Undefined::OutOfDomain);
        }
        let wanted = ((percentile * self.total as f64 / 100.0 + 0.5) as u64).max(1);
        let mut seen = 0;
        for (value, count) in &self.counts {
            seen += count;
            if seen >= wanted {
                return Ok(*value);
            }
        }
        self.counts.keys().next_back().copied().ok_or(Undefined::Empty)
    }

    /// Largest value that shares the bucket: buckets of one power of two share a width.
    fn largest_equivalent(&self, value: u64) -> u64 {
        let bits = u64::BITS - value.leading_zeros();
        let width_bits = bits.saturating_sub(self.sub_bucket_bits + self.unit_bits) + self.unit_bits;
        value | ((1_u64 << width_bits) - 1)
    }
}
