//! Calibration error by bins, with what chance alone would show.
//!
//! The expected calibration error is far above 0 even for perfect forecasts when items are few; never show it
//! without [`null_error`]. [`debiased_squared_error`] has expectation near 0 under perfect calibration.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, Distribution, StandardUniform};

use crate::forecast::Forecast;
use crate::moments;
use crate::quantile::Sorted;
use crate::undefined::Undefined;

/// The forecasts of one bin; never empty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Position of the bin, from 0.
    pub index: usize,
    /// Number of forecasts.
    pub items: u64,
    /// Mean probability.
    pub mean_probability: f64,
    /// Share of events.
    pub frequency: f64,
}

impl Bin {
    /// Returns |mean probability − frequency|.
    pub fn gap(&self) -> f64 {
        (self.mean_probability - self.frequency).abs()
    }
}

/// How forecasts are put into bins.
#[derive(Debug, Clone, PartialEq)]
pub struct Binning {
    edges: Edges,
}

#[derive(Debug, Clone, PartialEq)]
enum Edges {
    LeftClosed(usize),
    RightClosed(usize),
    Upper(Vec<f64>),
}

impl Binning {
    /// Creates `bins` bins [j/b, (j+1)/b) of equal width, the last one closed.
    ///
    /// The bin is ⌊f·b⌋ in floating point, which other tools do differently for two-decimal probabilities.
    ///
    /// # Errors
    ///
    /// [`Undefined::OutOfDomain`] for 0 or more than 100 000 bins.
    pub fn equal_width(bins: usize) -> Result<Self, Undefined> {
        some_bins(bins)?;
        Ok(Self { edges: Edges::LeftClosed(bins) })
    }

    /// Creates `bins` bins (j/b, (j+1)/b] of equal width, the first one closed; only for compatibility with
    /// others.
    ///
    /// # Errors
    ///
    /// [`Undefined::OutOfDomain`] for 0 or more than 100 000 bins.
    pub fn equal_width_right_closed(bins: usize) -> Result<Self, Undefined> {
        some_bins(bins)?;
        Ok(Self { edges: Edges::RightClosed(bins) })
    }

    /// Creates at most `bins` bins with about as many of these forecasts each; ties stay together.
    ///
    /// # Errors
    ///
    /// [`Undefined::Empty`] without forecasts, [`Undefined::OutOfDomain`] for 0 or more than 100 000 bins.
    pub fn equal_mass(forecasts: &[Forecast], bins: usize) -> Result<Self, Undefined> {
        some_bins(bins)?;
        let probabilities: Vec<f64> = forecasts.iter().map(|forecast| forecast.probability()).collect();
        let sorted = Sorted::new(&probabilities)?;
        let values = sorted.values();
        let bins = bins.min(values.len());
        let mut edges: Vec<f64> = (1..bins)
            .map(|i| values.len() / bins * i + i.min(values.len() % bins))
            .map(|cut| f64::midpoint(values[cut - 1], values[cut]))
            .collect();
        edges.push(1.0);
        edges.dedup_by(|a, b| a.total_cmp(b).is_eq());
        Ok(Self { edges: Edges::Upper(edges) })
    }

    /// Returns the upper edges of bins of equal mass, empty for other binnings.
    pub fn upper_edges(&self) -> &[f64] {
        match &self.edges {
            Edges::Upper(edges) => edges,
            Edges::LeftClosed(_) | Edges::RightClosed(_) => &[],
        }
    }

    fn index(&self, probability: f64) -> usize {
        match &self.edges {
            Edges::LeftClosed(bins) => ((probability * *bins as f64).floor() as usize).min(bins - 1),
            Edges::RightClosed(bins) => {
                let upper = |bin: usize| (bin + 1) as f64 / *bins as f64;
                let guess = (probability * *bins as f64) as usize;
                // The guess is off by one where the division rounds the other way.
                (guess.saturating_sub(1)..*bins).find(|&bin| probability <= upper(bin)).unwrap_or(bins - 1)
            }
            Edges::Upper(edges) => edges.partition_point(|&edge| edge < probability).min(edges.len() - 1),
        }
    }

    fn count(&self) -> usize {
        match &self.edges {
            Edges::LeftClosed(bins) | Edges::RightClosed(bins) => *bins,
            Edges::Upper(edges) => edges.len(),
        }
    }

    /// Sorts the forecasts into the bins and returns those that are not empty.
    pub fn bins(&self, forecasts: &[Forecast]) -> Vec<Bin> {
        let mut sums = vec![(0_u64, 0.0, 0_u64); self.count()];
        for forecast in forecasts {
            let (items, probability, events) = &mut sums[self.index(forecast.probability())];
            *items += 1;
            *probability += forecast.probability();
            *events += u64::from(forecast.outcome());
        }
        let occupied = sums.into_iter().enumerate().filter(|(_, (items, ..))| *items > 0);
        occupied
            .map(|(index, (items, probability, events))| Bin {
                index,
                items,
                mean_probability: probability / items as f64,
                frequency: events as f64 / items as f64,
            })
            .collect()
    }
}

fn some_bins(bins: usize) -> Result<(), Undefined> {
    if (1..=100_000).contains(&bins) { Ok(()) } else { Err(Undefined::OutOfDomain) }
}

/// Returns the expected calibration error, the item-weighted mean gap of the bins.
///
/// # Errors
///
/// [`Undefined::Empty`] without bins.
pub fn expected_error(bins: &[Bin]) -> Result<f64, Undefined> {
    weighted(bins, Bin::gap)
}

/// Returns the largest gap of the bins.
///
/// # Errors
///
/// [`Undefined::Empty`] without bins.
pub fn maximum_error(bins: &[Bin]) -> Result<f64, Undefined> {
    bins.iter().map(Bin::gap).max_by(f64::total_cmp).ok_or(Undefined::Empty)
}

/// Returns the squared calibration error less its bias, Σ nⱼ/n (gapⱼ² − q̂ⱼ(1−q̂ⱼ)/(nⱼ−1)); may be negative.
///
/// Bins of one item are left out. Source: Kumar, Liang & Ma 2019 (`NeurIPS`), section 4.2; use bins of equal
/// mass.
///
/// # Errors
///
/// [`Undefined::Empty`] without bins.
pub fn debiased_squared_error(bins: &[Bin]) -> Result<f64, Undefined> {
    weighted(bins, |bin| {
        if bin.items < 2 {
            return 0.0;
        }
        bin.gap().powi(2) - bin.frequency * (1.0 - bin.frequency) / (bin.items - 1) as f64
    })
}

fn weighted(bins: &[Bin], value: impl Fn(&Bin) -> f64) -> Result<f64, Undefined> {
    let total: u64 = bins.iter().map(|bin| bin.items).sum();
    if total == 0 {
        return Err(Undefined::Empty);
    }
    Ok(moments::sum(bins.iter().map(|bin| bin.items as f64 / total as f64 * value(bin))))
}

/// What the expected calibration error would be if the forecasts were perfectly calibrated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NullError {
    /// Mean under perfect calibration.
    pub mean: f64,
    /// 95 % quantile under perfect calibration.
    pub upper: f64,
    /// Share of simulations at least as far off as observed, (b + 1)/(R + 1).
    pub p: f64,
    /// Number of simulations R.
    pub simulations: usize,
}

/// Simulates outcomes from the stated probabilities and reports the error that chance alone gives in these
/// bins.
///
/// Items are drawn independently. Source: Bröcker & Smith 2007 (Weather and Forecasting 22, 651–661). The
/// same seed gives the same numbers. Cost: simulations × distinct probabilities.
///
/// # Errors
///
/// [`Undefined::Empty`] without forecasts, [`Undefined::OutOfDomain`] for 0 simulations.
pub fn null_error(
    forecasts: &[Forecast],
    binning: &Binning,
    simulations: usize,
    seed: u64,
) -> Result<NullError, Undefined> {
    if simulations == 0 {
        return Err(Undefined::OutOfDomain);
    }
    let observed = expected_error(&binning.bins(forecasts))?;
    let distinct = distinct_probabilities(forecasts);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let total = forecasts.len() as f64;
    let mut errors = Vec::with_capacity(simulations);
    for _ in 0..simulations {
        // The weighted gap of a bin is |Σ f − Σ y| / n.
        let mut excess = vec![0.0; binning.count()];
        for &(probability, items) in &distinct {
            let events = draw_events(probability, items, &mut rng)?;
            excess[binning.index(probability)] += probability * items as f64 - events;
        }
        errors.push(moments::sum(excess.iter().map(|gap| gap.abs())) / total);
    }
    let reached = errors.iter().filter(|&&error| error >= observed - 1e-12).count();
    let sorted = Sorted::new(&errors)?;
    Ok(NullError {
        mean: moments::mean(&errors)?,
        upper: sorted.quantile(0.95),
        p: (reached + 1) as f64 / (simulations + 1) as f64,
        simulations,
    })
}

fn draw_events(probability: f64, items: u64, rng: &mut ChaCha8Rng) -> Result<f64, Undefined> {
    if items == 1 {
        let u: f64 = StandardUniform.sample(rng);
        return Ok(f64::from(u8::from(u < probability)));
    }
    let binomial = Binomial::new(items, probability).map_err(|_| Undefined::OutOfDomain)?;
    Ok(binomial.sample(rng) as f64)
}

fn distinct_probabilities(forecasts: &[Forecast]) -> Vec<(f64, u64)> {
    let mut probabilities: Vec<f64> = forecasts.iter().map(|forecast| forecast.probability()).collect();
    probabilities.sort_by(f64::total_cmp);
    probabilities.chunk_by(|a, b| a.total_cmp(b).is_eq()).map(|run| (run[0], run.len() as u64)).collect()
}
