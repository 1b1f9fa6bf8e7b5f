//! Empirical Bayes for exactly these groups.
//!
//! The posterior of the beta-binomial model ([`GridPosterior`]) serves as prior of each group: (μ, ρ) from
//! the grid, then pᵢ given cᵢ from a Beta distribution, then the mean over the groups of a function of pᵢ, by
//! seeded draws.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Distribution, StandardNormal, StandardUniform};

use crate::counts::{ClusterCounts, Counts};
use crate::estimate::{Estimate, Method};
use crate::functional::Functional;
use crate::hierarchical::{GridPosterior, PosteriorSummary, shapes};
use crate::level::{Interval, Level};
use crate::moments;
use crate::quantile::Sorted;
use crate::undefined::Undefined;

/// Equal groups beyond this number are drawn as one normal sum, whose mean and variance are exact.
const MOST_SINGLE_DRAWS: u64 = 40;

/// Draws of the means over exactly these groups of several functionals.
#[derive(Debug, Clone)]
pub struct FixedGroupsPosterior {
    functionals: Vec<Functional>,
    /// One sorted column of draws for each functional.
    draws: Vec<Sorted>,
    groups: usize,
}

impl FixedGroupsPosterior {
    /// Draws `draws ≥ 1` times the means of the functionals over the groups; the same seed gives the same
    /// draws.
    ///
    /// Measured coverage of nominal 95 %: 93.2–94.2 for pass^5, 94.1–94.9 for outcome consistency (means over
    /// scenarios). Cost: draws × (distinct counts, times at most 40 equal groups each) × functionals.
    ///
    /// # Errors
    ///
    /// [`Undefined::Empty`] without groups, [`Undefined::OutOfDomain`] for 0 draws.
    pub fn new(
        groups: &ClusterCounts,
        posterior: &GridPosterior,
        functionals: &[Functional],
        draws: usize,
        seed: u64,
    ) -> Result<Self, Undefined> {
        if groups.is_empty() {
            return Err(Undefined::Empty);
        }
        if draws == 0 {
            return Err(Undefined::OutOfDomain);
        }
        let mut patterns: BTreeMap<Counts, u64> = BTreeMap::new();
        for &group in groups.groups() {
            *patterns.entry(group).or_default() += 1;
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let cumulative = cumulative_cells(posterior);
        let mut columns = vec![Vec::with_capacity(draws); functionals.len()];
        for _ in 0..draws {
            let (mu, rho) = draw_cell(&cumulative, &mut rng);
            let sums = draw_sums(&patterns, functionals, shapes(mu, rho), &mut rng)?;
            for (column, sum) in columns.iter_mut().zip(sums) {
                column.push(sum / groups.len() as f64);
            }
        }
        let draws = columns.iter().map(|column| Sorted::new(column)).collect::<Result<_, _>>()?;
        Ok(Self { functionals: functionals.to_vec(), draws, groups: groups.len() })
    }

    /// Summarises the draws of a functional that was asked for.
    ///
    /// # Errors
    ///
    /// [`Undefined::Empty`] if the functional was not among those drawn.
    pub fn summary(&self, functional: Functional, level: Level) -> Result<PosteriorSummary, Undefined> {
        let index = self.functionals.iter().position(|&f| f == functional).ok_or(Undefined::Empty)?;
        let draws = &self.draws[index];
        let interval =
            Interval::ordered(draws.quantile(level.lower_tail()), draws.quantile(level.upper_tail()));
        Ok(PosteriorSummary { mean: moments::mean(draws.values())?, median: draws.median(), interval })
    }

    /// Attaches the shown interval to a plain estimate: the hull of the posterior interval and the estimate.
    pub fn estimate(&self, functional: Functional, point: f64, level: Level) -> Estimate {
        let interval = self.summary(functional, level).map(|summary| summary.interval.hull(point));
        let method = Method::FixedGroupsEmpiricalBayes;
        Estimate { point, interval, level, method, n: self.groups, standard_error: None }
    }
}

/// Running posterior weight with the cell it ends.
fn cumulative_cells(posterior: &GridPosterior) -> Vec<(f64, f64, f64)> {
    let mut below = 0.0;
    posterior
        .cells()
        .filter(|cell| cell.2 > 0.0)
        .map(|(mu, rho, weight)| {
            below += weight;
            (below, mu, rho)
        })
        .collect()
}

fn draw_cell(cumulative: &[(f64, f64, f64)], rng: &mut ChaCha8Rng) -> (f64, f64) {
    let u: f64 = StandardUniform.sample(rng);
    let index = cumulative.partition_point(|cell| cell.0 < u).min(cumulative.len() - 1);
    (cumulative[index].1, cumulative[index].2)
}

/// Draws the sum over the groups of each functional, given the shapes of the common Beta distribution.
fn draw_sums(
    patterns: &BTreeMap<Counts, u64>,
    functionals: &[Functional],
    (a, b): (f64, f64),
    rng: &mut ChaCha8Rng,
) -> Result<Vec<f64>, Undefined> {
    let mut sums = vec![0.0; functionals.len()];
    for (counts, &times) in patterns {
        let (a, b) = (a + counts.successes() as f64, b + counts.failures() as f64);
        if times > MOST_SINGLE_DRAWS {
            let normal: f64 = StandardNormal.sample(rng);
            for (sum, functional) in sums.iter_mut().zip(functionals) {
                let error = (times as f64 * functional.beta_variance(a, b)).sqrt();
                *sum += times as f64 * functional.beta_mean(a, b) + normal * error;
            }
        } else {
            let beta = Beta::new(a, b).map_err(|_| Undefined::OutOfDomain)?;
            for _ in 0..times {
                let p = beta.sample(rng);
                for (sum, functional) in sums.iter_mut().zip(functionals) {
                    *sum += functional.at(p);
                }
            }
        }
    }
    Ok(sums)
}
