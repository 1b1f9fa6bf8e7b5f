//! Counts of successes: one group, and several groups.
//!
//! The input of every estimator of rates. A group is a set of items that share something (repeats of one
//! thing); estimators over groups give each group the same weight unless they say otherwise.

use crate::undefined::{Invalid, Undefined};

/// Successes out of a total, `successes <= total`; the total may be 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Counts {
    successes: u64,
    total: u64,
}

impl Counts {
    /// Creates the counts of one group.
    ///
    /// # Errors
    ///
    /// [`Invalid::SuccessesExceedTotal`].
    pub fn new(successes: u64, total: u64) -> Result<Self, Invalid> {
        if successes > total {
            return Err(Invalid::SuccessesExceedTotal { successes, total });
        }
        Ok(Self { successes, total })
    }

    /// Counts the successes among outcomes.
    pub fn of(outcomes: &[bool]) -> Self {
        let successes = outcomes.iter().filter(|&&success| success).count() as u64;
        Self { successes, total: outcomes.len() as u64 }
    }

    /// Returns the number of successes.
    pub fn successes(self) -> u64 {
        self.successes
    }

    /// Returns the number of items.
    pub fn total(self) -> u64 {
        self.total
    }

    /// Returns the number of items that are not successes.
    pub fn failures(self) -> u64 {
        self.total - self.successes
    }

    /// Tells whether both outcomes occur, `0 < successes < total`.
    pub fn is_mixed(self) -> bool {
        self.successes > 0 && self.successes < self.total
    }

    /// Returns successes / total.
    ///
    /// # Errors
    ///
    /// [`Undefined::Empty`] if the total is 0.
    pub fn rate(self) -> Result<f64, Undefined> {
        if self.total == 0 { Err(Undefined::Empty) } else { Ok(self.rate_of_some()) }
    }

    /// Returns the rate of counts that are known to hold at least one item.
    pub(crate) fn rate_of_some(self) -> f64 {
        self.successes as f64 / self.total as f64
    }
}

/// Counts of several groups, each with at least one item, in the order given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClusterCounts(Vec<Counts>);

impl ClusterCounts {
    /// Creates the counts of groups. A list without groups is allowed; statistics of it are undefined.
    ///
    /// # Errors
    ///
    /// [`Invalid::EmptyGroup`] if some group has no item: leave such groups out and report how many they
    /// were.
    pub fn new(groups: Vec<Counts>) -> Result<Self, Invalid> {
        match groups.iter().position(|group| group.total == 0) {
            Some(index) => Err(Invalid::EmptyGroup { index }),
            None => Ok(Self(groups)),
        }
    }

    /// Returns the groups.
    pub fn groups(&self) -> &[Counts] {
        &self.0
    }

    /// Returns the number of groups.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether there is no group.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the number of items in all groups.
    pub fn total(&self) -> u64 {
        self.0.iter().map(|group| group.total).sum()
    }

    /// Returns the number of successes in all groups.
    pub fn successes(&self) -> u64 {
        self.0.iter().map(|group| group.successes).sum()
    }

    /// Returns the size of the smallest group, the largest `k` that keeps every group.
    pub fn smallest_group(&self) -> Option<u64> {
        self.0.iter().map(|group| group.total).min()
    }

    /// Returns the success rate of each group.
    pub fn rates(&self) -> Vec<f64> {
        self.0.iter().map(|group| group.rate_of_some()).collect()
    }

    /// Returns the unweighted mean of the groups' rates, the estimand of this crate.
    ///
    /// # Errors
    ///
    /// [`Undefined::Empty`] without groups.
    pub fn mean_rate(&self) -> Result<f64, Undefined> {
        crate::moments::mean(&self.rates())
    }

    /// Returns all items as one group.
    pub fn pooled(&self) -> Counts {
        Counts { successes: self.successes(), total: self.total() }
    }

    /// Counts groups that always succeed, are mixed, or never succeed; the shares depend on the group sizes.
    pub fn partition(&self) -> Partition {
        let mut partition = Partition::default();
        for group in &self.0 {
            if group.is_mixed() {
                partition.mixed += 1;
            } else if group.successes == 0 {
                partition.never += 1;
            } else {
                partition.always += 1;
            }
        }
        partition
    }
}

/// How many groups always, sometimes and never succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Partition {
    /// Groups in which every item succeeded.
    pub always: usize,
    /// Groups with both outcomes.
    pub mixed: usize,
    /// Groups in which no item succeeded.
    pub never: usize,
}
