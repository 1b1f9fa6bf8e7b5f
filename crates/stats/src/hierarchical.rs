//! The beta-binomial model of groups, with its posterior on a grid.
//!
//! cᵢ ~ beta-binomial (nᵢ, a, b), a = μ(1−ρ)/ρ, b = (1−μ)(1−ρ)/ρ, flat priors on μ and ρ in (0, 1), on a
//! midpoint grid. Deterministic, no sampling. One posterior yields every quantity of [`Functional`] for the
//! *population* of groups. For exactly these groups see [`crate::fixed_groups`].

use std::collections::BTreeMap;

use crate::counts::ClusterCounts;
use crate::estimate::{Estimate, Method};
use crate::functional::Functional;
use crate::level::{Interval, Level};
use crate::moments;
use crate::special;
use crate::undefined::Undefined;

/// Groups above this size use logarithms of the gamma function in place of running sums.
const LARGEST_RUNNING_SUM: usize = 512;

/// Most points on a side of the grid.
const MOST_POINTS: usize = 10_000;

/// The posterior of (μ, ρ) given the counts of groups.
#[derive(Debug, Clone)]
pub struct GridPosterior {
    mu_points: usize,
    rho_points: usize,
    /// Row-major by μ; sums to 1.
    weights: Vec<f64>,
    groups: usize,
}

/// A quantity of the posterior: mean, median and equal-tailed interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PosteriorSummary {
    /// Posterior mean.
    pub mean: f64,
    /// Posterior median.
    pub median: f64,
    /// Equal-tailed posterior interval, which may exclude the plain estimate.
    pub interval: Interval,
}

impl GridPosterior {
    /// Computes the posterior on the standard grid, 200 points of μ by 30 of ρ.
    ///
    /// Cost: grid × (largest group), whatever the number of groups. Source: the beta-binomial of Skellam 1948
    /// (JRSS B 10, 257–261) on a grid; Bowyer et al. 2025, arXiv 2503.01747, on why not the central limit
    /// theorem for few groups.
    ///
    /// # Errors
    ///
    /// [`Undefined::Empty`] without groups.
    pub fn new(groups: &ClusterCounts) -> Result<Self, Undefined> {
        Self::with_grid(groups, 200, 30)
    }

    /// Computes the posterior on a midpoint grid of other fineness.
    ///
    /// # Errors
    ///
    /// [`Undefined::Empty`] without groups, [`Undefined::OutOfDomain`] for a side of 0 or more than
    /// 10 000 points.
    pub fn with_grid(groups: &ClusterCounts, mu_points: usize, rho_points: usize) -> Result<Self, Undefined> {
        if groups.is_empty() {
            return Err(Undefined::Empty);
        }
        let sizes = 1..=MOST_POINTS;
        if !sizes.contains(&mu_points) || !sizes.contains(&rho_points) {
            return Err(Undefined::OutOfDomain);
        }
        let mut weights = log_likelihood(groups, mu_points, rho_points);
        let highest = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for weight in &mut weights {
            *weight = (*weight - highest).exp();
        }
        let total = moments::sum(weights.iter().copied());
        for weight in &mut weights {
            *weight /= total;
        }
        Ok(Self { mu_points, rho_points, weights, groups: groups.len() })
    }

    /// Returns the posterior mean of μ, the mean rate of the population of groups.
    pub fn mean_mu(&self) -> f64 {
        self.expect(|mu, _| mu)
    }

    /// Returns the posterior mean of ρ, the correlation of items within a group.
    pub fn mean_rho(&self) -> f64 {
        self.expect(|_, rho| rho)
    }

    /// Returns the equal-tailed posterior interval of μ, with the distribution function linear between grid
    /// edges.
    pub fn mu_interval(&self, level: Level) -> Interval {
        Interval::ordered(self.mu_quantile(level.lower_tail()), self.mu_quantile(level.upper_tail()))
    }

    /// Returns the equal-tailed posterior interval of ρ, the correlation of items within a group, with the distribution function linear
    /// between grid edges.
    pub fn rho_interval(&self, level: Level) -> Interval {
        Interval::ordered(self.rho_quantile(level.lower_tail()), self.rho_quantile(level.upper_tail()))
    }

    /// Summarises a functional. For the mean the quantiles are interpolated as in [`Self::mu_interval`]; for
    /// the others each is the smallest grid value at which the distribution function reaches its level.
    pub fn summary(&self, functional: Functional, level: Level) -> PosteriorSummary {
        if functional == Functional::Mean {
            let (mean, median) = (self.mean_mu(), self.mu_quantile(0.5));
            return PosteriorSummary { mean, median, interval: self.mu_interval(level) };
        }
        let mut values: Vec<(f64, f64)> = self
            .cells()
            .map(|(mu, rho, weight)| {
                let (a, b) = shapes(mu, rho);
                (functional.beta_mean(a, b), weight)
            })
            .collect();
        values.sort_by(|x, y| x.0.total_cmp(&y.0));
        let mean = moments::sum(values.iter().map(|(value, weight)| value * weight));
        let [low, median, high] =
            [level.lower_tail(), 0.5, level.upper_tail()].map(|p| step_quantile(&values, p));
        PosteriorSummary { mean, median, interval: Interval::ordered(low, high) }
    }

    /// Attaches the shown interval to a plain estimate: the hull of the equal-tailed posterior interval and
    /// the estimate.
    ///
    /// The raw interval alone can exclude the estimate: five groups with five of five successes give .647 to
    /// .998.
    pub fn estimate(&self, functional: Functional, point: f64, level: Level) -> Estimate {
        let interval = Ok(self.summary(functional, level).interval.hull(point));
        let method = Method::BetaBinomialGrid;
        Estimate { point, interval, level, method, n: self.groups, standard_error: None }
    }

    /// Iterates over the cells: μ, ρ and posterior weight.
    pub(crate) fn cells(&self) -> impl Iterator<Item = (f64, f64, f64)> {
        self.weights.iter().enumerate().map(|(cell, &weight)| {
            let (mu, rho) = (cell / self.rho_points, cell % self.rho_points);
            (midpoint(mu, self.mu_points), midpoint(rho, self.rho_points), weight)
        })
    }

    fn expect(&self, f: impl Fn(f64, f64) -> f64) -> f64 {
        moments::sum(self.cells().map(|(mu, rho, weight)| f(mu, rho) * weight))
    }

    fn mu_quantile(&self, p: f64) -> f64 {
        grid_quantile(self.weights.chunks(self.rho_points).map(|row| row.iter().sum()), self.mu_points, p)
    }

    fn rho_quantile(&self, p: f64) -> f64 {
        let column = |rho: usize| self.weights.iter().skip(rho).step_by(self.rho_points).sum();
        grid_quantile((0..self.rho_points).map(column), self.rho_points, p)
    }
}

/// Returns the shapes a, b of the Beta distribution with mean μ and correlation ρ.
pub(crate) fn shapes(mu: f64, rho: f64) -> (f64, f64) {
    let size = (1.0 - rho) / rho;
    (mu * size, (1.0 - mu) * size)
}

/// The quantile of `points` equal stretches of [0, 1] with these weights, each spread evenly.
fn grid_quantile(weights: impl Iterator<Item = f64>, points: usize, p: f64) -> f64 {
    let mut below = 0.0;
    for (index, weight) in weights.enumerate() {
        if below + weight >= p && weight > 0.0 {
            return (index as f64 + (p - below) / weight) / points as f64;
        }
        below += weight;
    }
    1.0
}

fn midpoint(index: usize, points: usize) -> f64 {
    (index as f64 + 0.5) / points as f64
}

/// Smallest value at which the running weight reaches `p`, values sorted.
fn step_quantile(values: &[(f64, f64)], p: f64) -> f64 {
    let mut below = 0.0;
    for &(value, weight) in values {
        below += weight;
        if below >= p {
            return value;
        }
    }
    values.last().map_or(f64::NAN, |last| last.0)
}

/// Log likelihood of each cell up to a constant, row-major by μ.
///
/// ln B(a+c, b+n−c) − ln B(a, b) is a sum of ln(a+i), i < c, of ln(b+i), i < n−c, less ln(a+b+i), i < n. Over
/// all groups each ln(a+i) counts as often as groups have c > i, so groups cost nothing beyond these tallies;
/// and b at μ is a at 1−μ, so one table serves both.
fn log_likelihood(groups: &ClusterCounts, mu_points: usize, rho_points: usize) -> Vec<f64> {
    let successes = Tally::new(groups.groups().iter().map(|group| group.successes()));
    let failures = Tally::new(groups.groups().iter().map(|group| group.failures()));
    let totals = Tally::new(groups.groups().iter().map(|group| group.total()));
    let mut cells = vec![0.0; mu_points * rho_points];
    for rho_index in 0..rho_points {
        let size = {
            let rho = midpoint(rho_index, rho_points);
            (1.0 - rho) / rho
        };
        let normal = totals.log_rising(size);
        for mu_index in 0..mu_points {
            let a = midpoint(mu_index, mu_points) * size;
            let mirror = mu_points - 1 - mu_index;
            cells[mu_index * rho_points + rho_index] += successes.log_rising(a) - normal;
            cells[mirror * rho_points + rho_index] += failures.log_rising(a);
        }
    }
    cells
}

/// How many groups exceed each count: Σ over groups of Σ_{i < count} ln(a + i), without visiting the groups.
enum Tally {
    /// Entry i: groups with count > i.
    Exceeding(Vec<f64>),
    /// Count and how many groups have it.
    Distinct(Vec<(f64, f64)>),
}

impl Tally {
    fn new(counts: impl Iterator<Item = u64>) -> Self {
        let mut distinct: BTreeMap<u64, u64> = BTreeMap::new();
        for count in counts {
            *distinct.entry(count).or_default() += 1;
        }
        distinct.remove(&0);
        let largest = distinct.keys().next_back().copied().unwrap_or(0) as usize;
        if largest > LARGEST_RUNNING_SUM {
            return Self::Distinct(
                distinct.into_iter().map(|(count, times)| (count as f64, times as f64)).collect(),
            );
        }
        let mut exceeding = vec![0.0; largest];
        for (count, times) in distinct {
            for entry in exceeding.iter_mut().take(count as usize) {
                *entry += times as f64;
            }
        }
        Self::Exceeding(exceeding)
    }

    fn log_rising(&self, a: f64) -> f64 {
        match self {
            Self::Exceeding(times) => {
                times.iter().enumerate().map(|(i, times)| times * (a + i as f64).ln()).sum()
            }
            Self::Distinct(counts) => {
                let base = special::ln_gamma_inner(a);
                counts.iter().map(|(count, times)| times * (special::ln_gamma_inner(a + count) - base)).sum()
            }
        }
    }
}
