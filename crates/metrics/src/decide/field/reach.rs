//! What data like those at hand can show: the noise of a difference of success, and what it takes to see through it.

use retrial_stats::compare::paired::differences;
use retrial_stats::hierarchical::GridPosterior;
use retrial_stats::power::PairedTest;
use retrial_stats::{ClusterCounts, Functional, Level, Undefined, moments, special};

use super::Question;
use crate::Target;
use crate::paired::PairedCounts;
use crate::planning::{Assumptions, difference_variance};
use crate::value::Reason;

/// Trials of a side below which the formula for exactly these tasks promises too much.
const FEWEST_TRIALS: f64 = 15.0;

/// Halvings in the search for a difference.
const HALVINGS: u32 = 40;

/// The variance of one pair's differences over tasks, and the test that is to see through it.
///
/// One variance serves all that is said of new tasks: that of the observed differences, or that which the noise of trials alone would
/// give where it is larger. The rest beyond that noise is what the tasks themselves differ by, which no trial makes smaller (Miller 2024,
/// arXiv 2411.00640, section 5).
pub(super) struct Reach<'a> {
    pub(super) pairs: &'a PairedCounts,
    observed: f64,
    noise: Result<Noise, Reason>,
    pub(super) now: Design,
    alpha: f64,
    power: f64,
}

/// Tasks, and the mean over tasks and sides of one over the number of trials.
#[derive(Debug, Clone, Copy)]
pub(super) struct Design {
    pub(super) tasks: u64,
    inverse: f64,
}

impl Design {
    pub(super) fn of_equal(tasks: u64, trials: u64) -> Self {
        Self { tasks, inverse: 1.0 / trials as f64 }
    }

    /// The same trials of each task on another number of tasks.
    pub(super) fn on(self, tasks: u64) -> Self {
        Self { tasks, ..self }
    }
}

/// The noise of trials, which depends on how far apart two agents are.
///
/// The agent whose rate is farther from one half stays as it is, and the other one is as much nearer to one half as they are apart, where
/// there is more noise: that is what plans take for true.
#[derive(Debug, Clone, Copy)]
struct Noise(Assumptions);

impl Noise {
    /// Returns the noise, by the posterior of each side by itself, so that a side in which nothing varied by chance does not look free of
    /// noise, and a task that only one side solves does not look noisy.
    fn new(pairs: &PairedCounts) -> Result<Self, Reason> {
        let sides = [&pairs.first, &pairs.second];
        // Without a second trial of any task nothing tells the noise of trials from the tasks.
        if let Some(have) = sides.iter().filter_map(|side| most_trials(side)).find(|&most| most < 2) {
            return Err(Undefined::TooFewItems { have: have as usize, need: 2 }.into());
        }
        let of_side = |side: &&ClusterCounts| -> Result<(f64, f64), Reason> {
            let posterior = GridPosterior::new(side)?;
            // Outcome consistency is 1 − 4E[p(1−p)].
            let consistency = posterior.summary(Functional::Consistency, Level::P95).mean;
            let mu = posterior.mean_mu();
            Ok((mu.max(1.0 - mu), ((1.0 - consistency) / 4.0).max(f64::MIN_POSITIVE)))
        };
        let [one, other] = [of_side(&sides[0])?, of_side(&sides[1])?];
        let (mu, within) = if one.0 >= other.0 { one } else { other };
        let rho = (1.0 - within / (mu * (1.0 - mu))).clamp(0.0, 1.0);
        Assumptions::new(mu, rho, 1.0).map(Self).map_err(|_| Undefined::OutOfDomain.into())
    }

    /// The variance of the difference of a single trial each, of agents that are so far apart.
    fn of_single(self, difference: f64) -> f64 {
        difference_variance(self.0, Target::FixedSuite, difference.abs().min(self.0.mu), 1)
    }
}

fn most_trials(side: &ClusterCounts) -> Option<u64> {
    side.groups().iter().map(|task| task.total()).max()
}

impl<'a> Reach<'a> {
    pub(super) fn new(pairs: &'a PairedCounts, question: &Question) -> Result<Self, Reason> {
        let rates = differences(&pairs.rates()?);
        let sum = |side: &ClusterCounts| -> f64 {
            side.groups().iter().map(|task| 1.0 / task.total() as f64).sum()
        };
        let tasks = pairs.first.len() as u64;
        let inverse = (sum(&pairs.first) + sum(&pairs.second)) / (2.0 * tasks as f64);
        Ok(Self {
            pairs,
            observed: if tasks < 2 { 0.0 } else { moments::variance(&rates)? },
            noise: Noise::new(pairs),
            now: Design { tasks, inverse },
            alpha: 1.0 - question.settings.level,
            power: question.power,
        })
    }

    /// The observed difference, whichever side is ahead.
    pub(super) fn difference(&self) -> Result<f64, Reason> {
        Ok((self.pairs.first.mean_rate()? - self.pairs.second.mean_rate()?).abs())
    }

    fn noise(&self) -> Result<Noise, Reason> {
        self.noise.clone()
    }

    /// The variance of the difference of a single trial each, if the agents are so far apart.
    pub(super) fn of_single(&self, difference: f64) -> Result<f64, Reason> {
        Ok(self.noise()?.of_single(difference))
    }

    /// The variance over tasks of the true differences: what is observed beyond the noise of the trials there are.
    pub(super) fn between(&self) -> Result<f64, Reason> {
        if self.now.tasks < 2 {
            return Err(Reason::one_task(self.now.tasks));
        }
        let noise = self.noise()?.of_single(self.difference()?) * self.now.inverse;
        Ok((self.observed - noise).max(0.0))
    }

    /// The variance over tasks of the observed differences. Where the noise of trials cannot be told from the tasks, that of these data.
    fn variance(&self, design: Design, difference: f64) -> Result<f64, Reason> {
        if self.now.tasks < 2 {
            return Err(Reason::one_task(self.now.tasks));
        }
        let variance = match self.noise() {
            Ok(noise) => self.between()? + noise.of_single(difference) * design.inverse,
            Err(_) => self.observed,
        };
        if variance > 1e-24 { Ok(variance) } else { Err(Undefined::ZeroVariance.into()) }
    }

    /// Whether paired Student over tasks shows the difference with the power. What these tasks do not even show of themselves is not
    /// said to be shown for new ones.
    pub(super) fn shows_for_new(&self, design: Design, difference: f64) -> Result<bool, Reason> {
        let test = PairedTest::new(self.variance(design, difference)?.sqrt(), self.alpha)?;
        let is_shown_of_these = match self.least_for_these(design) {
            Ok(least) => difference >= least,
            Err(reason) => reason != Reason::NOT_EVEN_ONE,
        };
        Ok(is_shown_of_these && test.power_two_sided(design.tasks, difference)? >= self.power)
    }

    /// The smallest difference that is shown for new tasks with the power.
    pub(super) fn least_for_new(&self) -> Result<f64, Reason> {
        self.variance(self.now, 1.0)?;
        let mut shows = |difference| self.shows_for_new(self.now, difference);
        smallest_difference(&mut shows)?.ok_or(Reason::NOT_EVEN_ONE)
    }

    /// Whether the test of exactly so many tasks and trials shows the difference with the power.
    pub(super) fn shows_for_these(&self, design: Design, difference: f64) -> Result<bool, Reason> {
        Ok(difference >= self.least_for_these(design)?)
    }

    /// The smallest difference that is shown for exactly these tasks with the power: d with d − 1/N = (z of the level + z of the power) ·
    /// √(noise at d/T), N the trials of a side. The 1/N corrects for continuity: the exact test counts whole trials.
    ///
    /// In simulated decisions, which ask for interval and exact test, such a difference was shown in 70 to 83 % where 80 % were promised,
    /// from 5 × 3 trials on, and in 78 to 83 % from 10 × 5 on. Below 15 trials of a side the promise is far from kept, and there is no
    /// answer.
    pub(super) fn least_for_these(&self, design: Design) -> Result<f64, Reason> {
        if self.least_exact_p(design) > self.alpha {
            return Err(Reason::NOT_EVEN_ONE);
        }
        let tasks = design.tasks as f64;
        let trials = tasks / design.inverse;
        if trials < FEWEST_TRIALS - 1e-9 {
            return Err(Reason::too_few_trials(trials as usize, FEWEST_TRIALS as usize));
        }
        let noise = self.noise()?;
        let quantiles =
            special::normal_quantile(1.0 - self.alpha / 2.0)? + special::normal_quantile(self.power)?;
        let mut shows = |difference: f64| {
            let error = (noise.of_single(difference) * design.inverse / tasks).sqrt();
            Ok(difference - 1.0 / trials >= quantiles * error)
        };
        smallest_difference(&mut shows)?.ok_or(Reason::NOT_EVEN_ONE)
    }

    /// The p-value of the exact test where one side always passes and the other never: none is smaller.
    fn least_exact_p(&self, design: Design) -> f64 {
        let is_now = design.tasks == self.now.tasks && (design.inverse - self.now.inverse).abs() < 1e-12;
        let equal = (1.0 / design.inverse).max(1.0) as u64;
        let (ways, is_equal) = if is_now {
            let pairs = self.pairs.pairs();
            let sizes = || pairs.iter().map(|pair| (pair.first.total(), pair.second.total()));
            let ways: f64 = sizes().map(|(one, other)| log_ways(one, other)).sum();
            (ways, sizes().all(|(one, other)| one == other))
        } else {
            (design.tasks as f64 * log_ways(equal, equal), true)
        };
        // With as many trials on both sides the opposite result lies as far off.
        if is_equal { (2.0 * (-ways).exp()).min(1.0) } else { (-ways).exp() }
    }
}

/// The logarithm of the number of ways to choose one side's trials among all; beyond some 10^15 ways a smaller one.
fn log_ways(one: u64, other: u64) -> f64 {
    let most = one.max(other) as f64;
    (1..=one.min(other).min(50)).map(|i| ((most + i as f64) / i as f64).ln()).sum()
}

/// The smallest difference up to 1 that is shown; none where not even 1 is.
fn smallest_difference(shows: &mut dyn FnMut(f64) -> Result<bool, Reason>) -> Result<Option<f64>, Reason> {
    if !shows(1.0)? {
        return Ok(None);
    }
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if shows(middle)? { high = middle } else { low = middle }
    }
    Ok(Some(high))
}

#[cfg(test)]
mod tests {
    use retrial_stats::Counts;

    use super::*;
    use crate::Settings;
    use crate::planning::{Outcome, Split, Terms, chance};

    fn question() -> Question {
        Question { settings: Settings::default(), difference: None, power: 0.8, even_if_different: false }
    }

    /// The same rates on both sides, task by task, of so many trials.
    fn alike(tasks: u64, trials: u64) -> PairedCounts {
        let counts = |task: u64| Counts::new(trials - task % (trials / 2 + 1), trials).unwrap();
        let side: Vec<Counts> = (0..tasks).map(counts).collect();
        PairedCounts::new(side.clone(), side).unwrap()
    }

    #[test]
    fn the_smallest_difference_for_these_tasks_is_shown_about_as_often_as_is_promised() {
        for (tasks, trials, lowest) in [(5, 3, 0.69), (5, 5, 0.73), (10, 5, 0.77), (20, 5, 0.78)] {
            let pairs = alike(tasks, trials);
            let reach = Reach::new(&pairs, &question()).unwrap();
            let least = reach.least_for_these(reach.now).unwrap();
            let Noise(assumptions) = reach.noise().unwrap();
            let terms = Terms { target: Target::FixedSuite, ..Terms::default() };
            let outcome = Outcome::DifferenceShown(least);
            let found = chance(assumptions, terms, outcome, Split { tasks, trials }).unwrap().probability;
            assert!((lowest..0.85).contains(&found), "{tasks} × {trials}: {least} {found}");
        }
    }

    #[test]
    fn the_variance_of_differences_is_the_observed_one_or_that_of_the_noise_alone() {
        let pairs = alike(12, 5);
        let reach = Reach::new(&pairs, &question()).unwrap();
        assert!(reach.between().unwrap() == 0.0 && reach.observed == 0.0);
        let noise = reach.of_single(0.0).unwrap() * reach.now.inverse;
        assert!((reach.variance(reach.now, 0.0).unwrap() - noise).abs() < 1e-15);
        let apart = |task: u64| Counts::new(if task.is_multiple_of(2) { 5 } else { 0 }, 5).unwrap();
        let sides = |turn: u64| (0..12).map(|task| apart(task + turn)).collect::<Vec<Counts>>();
        let pairs = PairedCounts::new(sides(0), sides(1)).unwrap();
        let reach = Reach::new(&pairs, &question()).unwrap();
        let found = reach.variance(reach.now, reach.difference().unwrap()).unwrap();
        assert!((found - 12.0 / 11.0).abs() < 1e-12 && (reach.observed - found).abs() < 1e-12);
    }
}
