//! How alike two agents find the same tasks: r from a pilot's counts, with what the noise of trials and tasks leaves open.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, Distribution};
use retrial_stats::compare::{Pair, paired};
use retrial_stats::hierarchical::GridPosterior;
use retrial_stats::variance::BinaryVariance;
use retrial_stats::{ClusterCounts, Counts, moments, special};

use super::pilot::Given;

/// Seeds the simulated pilots; they depend on the counts alone.
const SEED: u64 = 1;
/// Steps of r from 0 to 1 that are looked at.
const STEPS: usize = 20;
/// Simulated pilots at each of them with up to [`FULL_TASKS`] tasks, and the fewest with more.
const PILOTS: (usize, usize) = (400, 100);
/// Tasks up to which all pilots are simulated.
const FULL_TASKS: usize = 100;
/// Places at which the distribution of tasks' rates is tabled.
const PLACES: usize = 200;
/// What each side of a 90 % interval leaves out.
const TAIL: f64 = 0.05;
/// Up to so many tasks nothing is said of r.
const NO_TASKS: usize = 3;

/// Returns r with a 90 % interval from the counts of two agents on the same tasks, in the same order; none where the tasks of one do not
/// differ beyond the noise.
///
/// r is Pearson's correlation of the two agents' rates over tasks, which the noise of trials attenuates, divided by that attenuation: √
/// of the product of both sides' reliabilities, the share of the variance of observed rates that is not noise (Spearman 1904, American
/// Journal of Psychology 15, 72–101).
///
/// The interval holds every r, in steps of 1/20, with which simulated pilots of the same tasks and trials give a value as high, and one
/// as low, as the observed one in at least 5 % of those that give any; its ends are the next steps outside. It is the inversion of a
/// test, so that the uncertainty of both reliabilities is in it. Rates of tasks are Beta distributed with the posterior means of μ
/// and ρ; a task is as hard for both, in quantiles, with probability r. Where more than one in twenty of the simulated pilots gives no
/// value, because its tasks do not differ beyond the noise, the observed one is luck too and the interval is 0 to 1, as it is up to
/// three tasks. Fisher's interval and the percentiles of a bootstrap over tasks hold the truth in 40 to 90 % with up to 20 tasks.
pub(super) fn likeness(one: &ClusterCounts, other: &ClusterCounts) -> Option<Given> {
    let observed = freed(one, other)?;
    let value = observed.clamp(0.0, 1.0);
    if one.len() <= NO_TASKS {
        return Some(Given { value, low: 0.0, high: 1.0 });
    }
    let at = |step: usize| step as f64 / STEPS as f64;
    let sides = [Side::new(one)?, Side::new(other)?];
    let looks: Vec<Look> = (0..=STEPS).map(|step| look(&sides, at(step), observed)).collect();
    let sum = |of: fn(&Look) -> usize| looks.iter().map(of).sum::<usize>() as f64;
    if sum(|look| look.defined) < (1.0 - TAIL) * sum(|look| look.pilots) {
        return Some(Given { value, low: 0.0, high: 1.0 });
    }
    let fits: Vec<usize> = (0..=STEPS).filter(|&step| looks[step].fits()).collect();
    let low = fits.first().map_or(value, |&step| at(step.saturating_sub(1)));
    let high = fits.last().map_or(value, |&step| at((step + 1).min(STEPS)));
    Some(Given { value, low: low.min(value), high: high.max(value) })
}

/// The correlation of rates divided by its attenuation, not moved into its range.
fn freed(one: &ClusterCounts, other: &ClusterCounts) -> Option<f64> {
    let pairs = one.rates().into_iter().zip(other.rates()).map(|(first, second)| Pair { first, second });
    let plain = paired::correlation(&pairs.collect::<Vec<_>>()).ok()?;
    Some(plain / (reliability(one)? * reliability(other)?).sqrt())
}

/// The share of the variance of observed rates over tasks that is not noise of trials; none where there is no such share.
fn reliability(counts: &ClusterCounts) -> Option<f64> {
    let between = BinaryVariance::new(counts).ok()?.between;
    let share = between / moments::variance(&counts.rates()).ok()?;
    (share > 1e-9).then_some(share.min(1.0))
}

/// What pilots with one r give.
struct Look {
    pilots: usize,
    /// Those that give a value.
    defined: usize,
    /// Those that give no more than the observed one.
    below: usize,
    /// Those that give no less.
    above: usize,
}

impl Look {
    fn fits(&self) -> bool {
        let enough = TAIL * self.defined as f64;
        self.below as f64 >= enough && self.above as f64 >= enough
    }
}

fn look(sides: &[Side; 2], r: f64, observed: f64) -> Look {
    const SAME: f64 = 1e-12;
    // The same luck for every r.
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let tasks = sides[0].trials.len().max(1);
    let pilots = (PILOTS.0 * FULL_TASKS / tasks).clamp(PILOTS.1, PILOTS.0);
    let values: Vec<f64> = (0..pilots).filter_map(|_| simulated(sides, r, &mut random)).collect();
    let count = |of: &dyn Fn(f64) -> bool| values.iter().filter(|&&value| of(value)).count();
    let (below, above) = (count(&|value| value < observed + SAME), count(&|value| value > observed - SAME));
    Look { pilots, defined: values.len(), below, above }
}

fn simulated(sides: &[Side; 2], r: f64, random: &mut ChaCha8Rng) -> Option<f64> {
    let [one, other] = sides;
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for (&trials, &others) in one.trials.iter().zip(&other.trials) {
        let place = random.random_range(0..PLACES);
        let own = random.random_range(0..PLACES);
        let is_shared = random.random::<f64>() < r;
        first.push(tried(one.rates[place], trials, random)?);
        second.push(tried(other.rates[if is_shared { place } else { own }], others, random)?);
    }
    freed(&ClusterCounts::new(first).ok()?, &ClusterCounts::new(second).ok()?)
}

fn tried(rate: f64, trials: u64, random: &mut ChaCha8Rng) -> Option<Counts> {
    Counts::new(Binomial::new(trials, rate).ok()?.sample(random), trials).ok()
}

/// One agent's tasks.
struct Side {
    /// The trials of each.
    trials: Vec<u64>,
    /// The quantiles of their rates at the middles of equal stretches.
    rates: Vec<f64>,
}

impl Side {
    fn new(counts: &ClusterCounts) -> Option<Self> {
        let posterior = GridPosterior::new(counts).ok()?;
        let (mu, rho) = (posterior.mean_mu(), posterior.mean_rho());
        let size = (1.0 - rho) / rho;
        let quantile = |place: usize| {
            let p = (place as f64 + 0.5) / PLACES as f64;
            special::beta_quantile(p, mu * size, (1.0 - mu) * size).map(|rate| rate.clamp(0.0, 1.0))
        };
        let rates = (0..PLACES).map(quantile).collect::<Result<_, _>>().ok()?;
        Some(Self { trials: counts.groups().iter().map(|task| task.total()).collect(), rates })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Assumptions;
    use super::super::assumptions::Suites;
    use super::*;

    #[test]
    fn the_interval_of_r_holds_the_truth_as_often_as_it_says() {
        let runs = 60;
        for (tasks, rho, r) in [(8, 0.4, 0.0), (8, 0.3, 0.5), (12, 0.4, 1.0), (20, 0.2, 0.7), (30, 0.4, 0.3)]
        {
            let mut random = ChaCha8Rng::seed_from_u64(11);
            let assumptions = Assumptions::new(0.7, rho, r).unwrap();
            let mut suites = Suites { assumptions, tasks, trials: 5, random: &mut random };
            let (mut defined, mut held, mut low_above) = (0, 0, 0);
            while defined < runs {
                let probabilities = suites.population(0.1);
                let drawn = suites.tried(&probabilities).unwrap();
                let Some(given) = likeness(&drawn.first, &drawn.second) else { continue };
                defined += 1;
                held += u32::from(given.low <= r && r <= given.high);
                low_above += u32::from(given.low > r);
            }
            // 90 % and 5 % with two standard errors of so many pilots.
            assert!(held >= 50 && low_above <= 7, "{tasks} tasks, r {r}: {held}, {low_above} of {runs}");
        }
    }

    #[test]
    fn many_tasks_narrow_the_interval_of_r_and_eight_do_not() {
        let width = |tasks: usize| {
            let mut random = ChaCha8Rng::seed_from_u64(2);
            let assumptions = Assumptions::new(0.6, 0.4, 0.8).unwrap();
            let mut suites = Suites { assumptions, tasks, trials: 10, random: &mut random };
            let probabilities = suites.population(0.05);
            let drawn = suites.tried(&probabilities).unwrap();
            let given = likeness(&drawn.first, &drawn.second).unwrap();
            given.high - given.low
        };
        assert!(width(8) > 0.5 && width(200) < 0.35, "{} {}", width(8), width(200));
    }
}
