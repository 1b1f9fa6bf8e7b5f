//! How much of the spread lies between groups, and how much within?
//!
//! One-way random effects for any values, and the law of total variance for binary items.

use crate::counts::ClusterCounts;
use crate::level::{Interval, Level};
use crate::moments;
use crate::special;
use crate::undefined::Undefined;

/// One-way analysis of variance with groups as random effects.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OneWay {
    /// Mean square between groups, T − 1 degrees of freedom.
    pub mean_square_between: f64,
    /// Mean square within groups, N − T degrees of freedom.
    pub mean_square_within: f64,
    /// Effective group size (N − Σnᵢ²/N)/(T − 1); the group size where groups have one size.
    pub group_size: f64,
    /// Variance component between groups, raw: negative values are kept.
    pub between: f64,
    /// Variance component within groups.
    pub within: f64,
    groups: usize,
    items: usize,
    balanced: bool,
}

impl OneWay {
    /// Analyses groups of finite values.
    ///
    /// Source: Searle, Casella & `McCulloch` 1992, *Variance Components*, section 3.6. Groups without values
    /// are left out.
    ///
    /// # Errors
    ///
    /// [`Undefined::TooFewGroups`] below two groups, [`Undefined::TooFewItems`] if every group holds one
    /// value, [`Undefined::NotFinite`].
    ///
    /// # Example
    ///
    /// Shrout & Fleiss 1979 (Psychological Bulletin 86, 420–428): six targets by four judges, ICC(1,1) = .17.
    ///
    /// ```
    /// use retrial_stats::variance::OneWay;
    /// let ratings = [
    ///     [9.0, 2.0, 5.0, 8.0], [6.0, 1.0, 3.0, 2.0], [8.0, 4.0, 6.0, 8.0],
    ///     [7.0, 1.0, 2.0, 6.0], [10.0, 5.0, 6.0, 9.0], [6.0, 2.0, 4.0, 7.0],
    /// ];
    /// let table = OneWay::new(&ratings)?;
    /// assert!((table.mean_square_between - 11.24).abs() < 5e-3);
    /// assert!((table.mean_square_within - 6.26).abs() < 5e-3);
    /// assert!((table.correlation()? - 0.17).abs() < 5e-3);
    /// # Ok::<(), retrial_stats::Undefined>(())
    /// ```
    pub fn new<G: AsRef<[f64]>>(groups: &[G]) -> Result<Self, Undefined> {
        let used: Vec<&[f64]> = groups.iter().map(AsRef::as_ref).filter(|group| !group.is_empty()).collect();
        let (have, items) = (used.len(), used.iter().map(|group| group.len()).sum::<usize>());
        if have < 2 {
            return Err(Undefined::TooFewGroups { have, need: 2 });
        }
        if items == have {
            return Err(Undefined::TooFewItems { have: 1, need: 2 });
        }
        let n = items as f64;
        let means: Vec<f64> = used.iter().map(|group| moments::mean(group)).collect::<Result<_, _>>()?;
        let grand = moments::sum(used.iter().flat_map(|group| group.iter().copied())) / n;
        let between =
            used.iter().zip(&means).map(|(group, mean)| group.len() as f64 * (mean - grand).powi(2));
        let within = used.iter().zip(&means).map(|(group, &mean)| moments::squared_deviations(group, mean));
        let mean_square_between = moments::sum(between) / (have as f64 - 1.0);
        let mean_square_within = moments::sum(within) / (items - have) as f64;
        let squared_sizes = moments::sum(used.iter().map(|group| (group.len() as f64).powi(2)));
        let group_size = (n - squared_sizes / n) / (have as f64 - 1.0);
        let balanced = used.iter().all(|group| group.len() == used[0].len());
        Ok(Self {
            mean_square_between,
            mean_square_within,
            group_size,
            between: (mean_square_between - mean_square_within) / group_size,
            within: mean_square_within,
            groups: have,
            items,
            balanced,
        })
    }

    /// Returns the ratio of the mean squares.
    ///
    /// # Errors
    ///
    /// [`Undefined::ZeroVariance`] without variance within groups.
    pub fn f_ratio(&self) -> Result<f64, Undefined> {
        if self.mean_square_within > 0.0 {
            Ok(self.mean_square_between / self.mean_square_within)
        } else {
            Err(Undefined::ZeroVariance)
        }
    }

    /// Returns the intraclass correlation ICC(1), raw: negative values are kept, truncate for display.
    ///
    /// # Errors
    ///
    /// [`Undefined::ZeroVariance`] without any variance.
    pub fn correlation(&self) -> Result<f64, Undefined> {
        let total = self.mean_square_between + (self.group_size - 1.0) * self.mean_square_within;
        if total > 0.0 {
            Ok((self.mean_square_between - self.mean_square_within) / total)
        } else {
            Err(Undefined::ZeroVariance)
        }
    }

    /// Returns the exact F interval of the intraclass correlation of normal values in groups of one size.
    ///
    /// # Errors
    ///
    /// [`Undefined::Unbalanced`], [`Undefined::ZeroVariance`].
    pub fn correlation_interval(&self, level: Level) -> Result<Interval, Undefined> {
        if !self.balanced {
            return Err(Undefined::Unbalanced);
        }
        let ratio = self.f_ratio()?;
        let (between, within) = ((self.groups - 1) as f64, (self.items - self.groups) as f64);
        let low = ratio / special::f_quantile(level.upper_tail(), between, within)?;
        let high = ratio * special::f_quantile(level.upper_tail(), within, between)?;
        let correlation = |f: f64| (f - 1.0) / (f + self.group_size - 1.0);
        Ok(Interval::ordered(correlation(low), correlation(high)))
    }

    /// Returns the share of the variance that lies between groups, truncated to [0, 1] for display.
    ///
    /// # Errors
    ///
    /// [`Undefined::ZeroVariance`] without any variance.
    pub fn share_between(&self) -> Result<f64, Undefined> {
        share(self.between, self.within)
    }
}

/// The law of total variance for binary items, each group with the same weight: Var(y) = Var(pᵢ) + E
/// pᵢ(1−pᵢ).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BinaryVariance {
    /// Unbiased mean of pᵢ(1 − pᵢ): spread from item to item of one group.
    pub within: f64,
    /// Unbiased variance of pᵢ, raw: negative values are kept.
    pub between: f64,
}

impl BinaryVariance {
    /// Splits the variance of binary items in groups.
    ///
    /// within = mean p̂ᵢ(1−p̂ᵢ)nᵢ/(nᵢ−1); between = s²(p̂ᵢ) − mean(withinᵢ/nᵢ).
    ///
    /// # Errors
    ///
    /// [`Undefined::Empty`], [`Undefined::TooFewGroups`] for one group, [`Undefined::SingleItemGroup`].
    pub fn new(groups: &ClusterCounts) -> Result<Self, Undefined> {
        let have = groups.len();
        match groups.smallest_group() {
            None => return Err(Undefined::Empty),
            Some(1) => return Err(Undefined::SingleItemGroup),
            Some(_) if have < 2 => return Err(Undefined::TooFewGroups { have, need: 2 }),
            Some(_) => {}
        }
        let within: Vec<f64> = groups
            .groups()
            .iter()
            .map(|group| {
                let (p, n) = (group.rate_of_some(), group.total() as f64);
                p * (1.0 - p) * n / (n - 1.0)
            })
            .collect();
        let noise = within.iter().zip(groups.groups()).map(|(w, group)| w / group.total() as f64);
        let between = moments::variance(&groups.rates())? - moments::sum(noise) / have as f64;
        Ok(Self { within: moments::mean(&within)?, between })
    }

    /// Returns the share of the variance that lies between groups, truncated to [0, 1] for display.
    ///
    /// # Errors
    ///
    /// [`Undefined::ZeroVariance`] if all items are alike.
    pub fn share_between(&self) -> Result<f64, Undefined> {
        share(self.between, self.within)
    }
}

fn share(between: f64, within: f64) -> Result<f64, Undefined> {
    let between = between.max(0.0);
    let total = between + within;
    if total > 0.0 { Ok(between / total) } else { Err(Undefined::ZeroVariance) }
}
