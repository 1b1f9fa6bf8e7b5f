//! Resampling of groups for statistics without a formula.
//!
//! For non-linear statistics and at least 20 groups; otherwise prefer the estimators with known coverage.
//! Resampling whole groups is right; [`hierarchical_draws`] also resamples items within groups, which counts
//! their noise twice. Where all resamples agree there is no interval: it would have no width.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::level::{Interval, Level};
use crate::moments;
use crate::quantile::Sorted;
use crate::special;
use crate::undefined::Undefined;

/// Relative distance within which a resampled value counts as equal to the estimate.
const TIE: f64 = 1e-12;

/// The estimate and its values on resamples.
#[derive(Debug, Clone, PartialEq)]
pub struct BootstrapDistribution {
    estimate: f64,
    sorted: Sorted,
    undefined: usize,
}

impl BootstrapDistribution {
    /// Evaluates a statistic on the given resamples, each a list of positions of groups.
    ///
    /// Resamples on which the statistic is undefined are left out and counted. Values within 10⁻¹² (relative)
    /// of the estimate are set to it, because rounding noise would otherwise decide the bias correction.
    ///
    /// # Errors
    ///
    /// The statistic's own error on the full data, [`Undefined::Empty`] if no resample has a value.
    pub fn from_resamples<R: AsRef<[usize]>>(
        groups: usize,
        resamples: impl IntoIterator<Item = R>,
        statistic: impl Fn(&[usize]) -> Result<f64, Undefined>,
    ) -> Result<Self, Undefined> {
        let all: Vec<usize> = (0..groups).collect();
        let values = resamples.into_iter().map(|resample| statistic(resample.as_ref()));
        Self::from_values(statistic(&all)?, values)
    }

    /// Evaluates a statistic on seeded resamples of groups with replacement.
    ///
    /// # Errors
    ///
    /// As [`Self::from_resamples`]; [`Undefined::Empty`] without groups.
    ///
    /// # Example
    ///
    /// ```
    /// use retrial_stats::{Level, bootstrap::BootstrapDistribution, moments};
    /// let values: Vec<f64> = (1..=20).map(f64::from).collect();
    /// let mean_of = |groups: &[usize]| moments::mean(&groups.iter().map(|&i| values[i]).collect::<Vec<_>>());
    /// let distribution = BootstrapDistribution::seeded(values.len(), 2000, 7, mean_of)?;
    /// assert!(distribution.percentile(Level::P95)?.contains(10.5));
    /// // The standard error of a mean is known: √(Σ(x − x̄)²)/n = 1.289.
    /// assert!((distribution.standard_error()? - 1.289).abs() < 0.08);
    /// # Ok::<(), retrial_stats::Undefined>(())
    /// ```
    pub fn seeded(
        groups: usize,
        resamples: usize,
        seed: u64,
        statistic: impl Fn(&[usize]) -> Result<f64, Undefined>,
    ) -> Result<Self, Undefined> {
        let size = u32::try_from(groups).map_err(|_| Undefined::TooManyCases)?;
        if size == 0 {
            return Err(Undefined::Empty);
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let draws = (0..resamples)
            .map(move |_| (0..groups).map(|_| rng.random_range(0..size) as usize).collect::<Vec<_>>());
        Self::from_resamples(groups, draws, statistic)
    }

    /// Takes values computed elsewhere, such as on [`hierarchical_draws`].
    ///
    /// # Errors
    ///
    /// [`Undefined::Empty`] if no value is defined, [`Undefined::NotFinite`].
    pub fn from_values(
        estimate: f64,
        values: impl IntoIterator<Item = Result<f64, Undefined>>,
    ) -> Result<Self, Undefined> {
        let tolerance = TIE * estimate.abs().max(1.0);
        let (mut kept, mut undefined) = (Vec::new(), 0);
        for value in values {
            match value {
                Ok(value) if (value - estimate).abs() <= tolerance => kept.push(estimate),
                Ok(value) => kept.push(value),
                Err(_) => undefined += 1,
            }
        }
        Ok(Self { estimate, sorted: Sorted::new(&kept)?, undefined })
    }

    /// Returns the statistic on the full data.
    pub fn estimate(&self) -> f64 {
        self.estimate
    }

    /// Returns the values in ascending order.
    pub fn values(&self) -> &[f64] {
        self.sorted.values()
    }

    /// Returns the number of resamples on which the statistic was undefined.
    pub fn undefined(&self) -> usize {
        self.undefined
    }

    /// Returns the standard deviation of the values.
    ///
    /// # Errors
    ///
    /// [`Undefined::TooFewItems`] below two values.
    pub fn standard_error(&self) -> Result<f64, Undefined> {
        Ok(moments::variance(self.values())?.sqrt())
    }

    /// Returns the percentile interval.
    ///
    /// # Errors
    ///
    /// [`Undefined::ZeroVariance`] if all values are equal.
    pub fn percentile(&self, level: Level) -> Result<Interval, Undefined> {
        self.some_spread()?;
        Ok(self.between(level.lower_tail(), level.upper_tail()))
    }

    /// Returns the basic interval, the percentile interval mirrored at the estimate.
    ///
    /// # Errors
    ///
    /// [`Undefined::ZeroVariance`] if all values are equal.
    pub fn basic(&self, level: Level) -> Result<Interval, Undefined> {
        let interval = self.percentile(level)?;
        Ok(Interval::ordered(2.0 * self.estimate - interval.high(), 2.0 * self.estimate - interval.low()))
    }

    /// Returns the bias-corrected and accelerated interval; `left_out` holds the statistic without each group
    /// in turn.
    ///
    /// Source: Efron 1987 (JASA 82, 171–185); ties count half.
    ///
    /// # Errors
    ///
    /// [`Undefined::ZeroVariance`] if all values or all of `left_out` are equal, [`Undefined::AtBoundary`] if
    /// the estimate lies outside the values.
    pub fn bias_corrected(&self, left_out: &[f64], level: Level) -> Result<Interval, Undefined> {
        self.some_spread()?;
        let values = self.values();
        let below = values.partition_point(|&value| value < self.estimate);
        let at_most = values.partition_point(|&value| value <= self.estimate);
        let share = (below + at_most) as f64 / (2 * values.len()) as f64;
        let bias = special::normal_quantile(share).map_err(|_| Undefined::AtBoundary)?;
        let center = moments::mean(left_out)?;
        let squares = moments::squared_deviations(left_out, center);
        if squares <= 0.0 {
            return Err(Undefined::ZeroVariance);
        }
        let cubes = moments::sum(left_out.iter().map(|value| (center - value).powi(3)));
        let acceleration = cubes / (6.0 * squares.powf(1.5));
        let adjusted = |z: f64| special::normal_cdf(bias + (bias + z) / (1.0 - acceleration * (bias + z)));
        let z = level.z();
        Ok(self.between(adjusted(-z), adjusted(z)))
    }

    fn between(&self, low: f64, high: f64) -> Interval {
        Interval::ordered(self.sorted.quantile(low), self.sorted.quantile(high))
    }

    fn some_spread(&self) -> Result<(), Undefined> {
        if self.sorted.max() > self.sorted.min() { Ok(()) } else { Err(Undefined::ZeroVariance) }
    }
}

/// Evaluates a statistic without each group in turn, for [`BootstrapDistribution::bias_corrected`].
///
/// # Errors
///
/// The statistic's own error.
pub fn leave_one_out(
    groups: usize,
    statistic: impl Fn(&[usize]) -> Result<f64, Undefined>,
) -> Result<Vec<f64>, Undefined> {
    let without = |out: usize| (0..groups).filter(|&group| group != out).collect::<Vec<_>>();
    (0..groups).map(|out| statistic(&without(out))).collect()
}

/// One group of a hierarchical resample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupDraw {
    /// Position of the group.
    pub group: usize,
    /// Positions of items within the group, as many as it holds.
    pub items: Vec<usize>,
}

/// Draws seeded resamples of groups and then of items within each; `sizes` holds the items of each group.
///
/// Source: Davison & Hinkley 1997, *Bootstrap Methods*, section 3.8.
///
/// # Errors
///
/// [`Undefined::Empty`] without groups or with an empty one, [`Undefined::TooManyCases`] beyond 2³² items.
pub fn hierarchical_draws(
    sizes: &[usize],
    resamples: usize,
    seed: u64,
) -> Result<Vec<Vec<GroupDraw>>, Undefined> {
    let bounds: Vec<u32> = sizes
        .iter()
        .map(|&size| match u32::try_from(size) {
            Ok(0) => Err(Undefined::Empty),
            Ok(size) => Ok(size),
            Err(_) => Err(Undefined::TooManyCases),
        })
        .collect::<Result<_, _>>()?;
    let groups = u32::try_from(bounds.len()).map_err(|_| Undefined::TooManyCases)?;
    if groups == 0 {
        return Err(Undefined::Empty);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut draw_group = || {
        let group = rng.random_range(0..groups) as usize;
        let items = (0..bounds[group]).map(|_| rng.random_range(0..bounds[group]) as usize).collect();
        GroupDraw { group, items }
    };
    Ok((0..resamples).map(|_| (0..groups).map(|_| draw_group()).collect()).collect())
}

/// Enumerates the means of all n^n resamples of up to 7 values, in ascending order.
///
/// # Errors
///
/// [`Undefined::Empty`], [`Undefined::NotFinite`], [`Undefined::TooManyCases`] beyond 7 values.
pub fn all_resampled_means(values: &[f64]) -> Result<Sorted, Undefined> {
    if values.len() > 7 {
        return Err(Undefined::TooManyCases);
    }
    Sorted::new(values)?;
    let mut sums = vec![0.0];
    for _ in values {
        sums = sums.iter().flat_map(|sum| values.iter().map(move |value| sum + value)).collect();
    }
    let means: Vec<f64> = sums.iter().map(|sum| sum / values.len() as f64).collect();
    Sorted::new(&means)
}
