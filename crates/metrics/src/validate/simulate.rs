//! Agents with known truth: tasks' success probabilities from a Beta distribution, independent trials, confidences that know something.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Distribution, StandardNormal};
use retrial_stats::{ClusterCounts, Counts, Forecast};
use serde::Serialize;

/// Tasks and trials of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Design {
    /// Tasks.
    pub tasks: u32,
    /// Trials of each task.
    pub trials: u32,
}

impl Design {
    pub(super) const fn fixed(tasks: u32, trials: u32) -> Self {
        Self { tasks, trials }
    }

    pub(super) fn size(self) -> u64 {
        u64::from(self.tasks) * u64::from(self.trials)
    }
}

impl std::fmt::Display for Design {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(&format!("{}×{}", self.tasks, self.trials))
    }
}

impl std::str::FromStr for Design {
    type Err = String;

    /// Reads `20x10`: 2 to 1000 tasks, 2 to 1000 trials.
    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "write TASKSxTRIALS, such as 20x10, each from 2 to 1000".to_owned();
        let (tasks, trials) = text.split_once(['x', '×']).ok_or_else(form)?;
        let number = |text: &str| {
            text.parse::<u32>().ok().filter(|number| (2..=1000).contains(number)).ok_or_else(form)
        };
        Ok(Self { tasks: number(tasks)?, trials: number(trials)? })
    }
}

/// A population of tasks: the mean success probability, and the correlation of two trials of one task.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Scenario {
    /// μ, the mean over tasks.
    pub mean: f64,
    /// ρ; 0 means that all tasks are equally hard.
    pub correlation: f64,
}

impl Scenario {
    /// The populations in which everything is validated: from coin tosses to a good agent, from tasks that hardly differ to tasks that
    /// are nearly always or never solved.
    pub const ALL: [Self; 6] = [
        Self { mean: 0.5, correlation: 0.2 },
        Self { mean: 0.5, correlation: 0.6 },
        Self { mean: 0.7, correlation: 0.4 },
        Self { mean: 0.9, correlation: 0.2 },
        Self { mean: 0.9, correlation: 0.5 },
        Self { mean: 0.8, correlation: 0.0 },
    ];

    /// The shapes a, b of the Beta distribution of tasks, or none where all are equally hard.
    fn shapes(self) -> Option<(f64, f64)> {
        let size = (1.0 - self.correlation) / self.correlation;
        (self.correlation > 0.0).then_some((self.mean * size, (1.0 - self.mean) * size))
    }

    /// The true value of pass^k: the expectation of p^k.
    pub(super) fn all_of(self, k: u32) -> f64 {
        match self.shapes() {
            Some((a, b)) => (0..k).map(|i| (a + f64::from(i)) / (a + b + f64::from(i))).product(),
            None => self.mean.powf(f64::from(k)),
        }
    }

    /// The true value of pass@k: one minus the expectation of (1−p)^k.
    pub(super) fn any_of(self, k: u32) -> f64 {
        1.0 - Self { mean: 1.0 - self.mean, ..self }.all_of(k)
    }

    /// The true outcome consistency, 1 − 4μ(1−μ)(1−ρ).
    pub(super) fn consistency(self) -> f64 {
        1.0 - 4.0 * self.mean * (1.0 - self.mean) * (1.0 - self.correlation)
    }

    /// The true area under the curve of the simulated confidences, from `tasks` tasks; its own error is below 0.001 for 400 000.
    ///
    /// Each task weighs as a passed trial with p and as a failed one with 1−p, which leaves out the noise of outcomes.
    pub(super) fn area(self, tasks: usize, simulator: &mut Simulator) -> f64 {
        let mut weighted: Vec<(f64, f64)> =
            simulator.probabilities(self, tasks).into_iter().map(|p| (simulator.confidence(p), p)).collect();
        weighted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut failed_below, mut won) = (0.0, 0.0);
        for &(_, p) in &weighted {
            won += p * failed_below;
            failed_below += 1.0 - p;
        }
        let passed: f64 = weighted.iter().map(|task| task.1).sum();
        let own: f64 = weighted.iter().map(|task| task.1 * (1.0 - task.1)).sum();
        won / (passed * failed_below - own)
    }
}

impl std::fmt::Display for Scenario {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(&format!("μ {:.1}, ρ {:.1}", self.mean, self.correlation))
    }
}

/// Draws agents and their trials.
pub(super) struct Simulator(ChaCha8Rng);

impl Simulator {
    /// Opens a stream of the seed; different streams are independent.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(stream);
        Self(random)
    }

    pub(super) fn seed(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// The success probability of each of so many new tasks.
    pub(super) fn probabilities(&mut self, scenario: Scenario, tasks: usize) -> Vec<f64> {
        let Some((a, b)) = scenario.shapes() else { return vec![scenario.mean; tasks] };
        let beta = Beta::new(a, b).expect("the shapes of a scenario are positive");
        (0..tasks).map(|_| beta.sample(&mut self.0)).collect()
    }

    fn passes(&mut self, p: f64) -> bool {
        self.0.random::<f64>() < p
    }

    /// Whether something of this probability happens.
    pub(super) fn happens(&mut self, p: f64) -> bool {
        self.passes(p)
    }

    /// How many tasks one fresh trial of each passes.
    pub(super) fn round(&mut self, probabilities: &[f64]) -> u64 {
        probabilities.iter().map(|&p| u64::from(self.passes(p))).sum()
    }

    /// Fresh trials of each task.
    pub(super) fn counts(&mut self, probabilities: &[f64], trials: u32) -> Vec<Counts> {
        let mut task = |p: f64| Counts::of(&(0..trials).map(|_| self.passes(p)).collect::<Vec<bool>>());
        probabilities.iter().map(|&p| task(p)).collect()
    }

    /// Fresh trials of each task with stated confidences.
    pub(super) fn forecasts(&mut self, probabilities: &[f64], trials: u32) -> Vec<Vec<Forecast>> {
        let mut trial = |p: f64| {
            let (confidence, passes) = (self.confidence(p), self.passes(p));
            Forecast::new(confidence, passes).expect("a sigmoid is a probability")
        };
        probabilities.iter().map(|&p| (0..trials).map(|_| trial(p)).collect()).collect()
    }

    /// A confidence that knows the task's difficulty, with noise, and is too high: sigmoid(0.8 logit p + 0.5 + N(0, 1)).
    fn confidence(&mut self, p: f64) -> f64 {
        let p = p.clamp(1e-6, 1.0 - 1e-6);
        let noise: f64 = StandardNormal.sample(&mut self.0);
        let logit = 0.8 * (p / (1.0 - p)).ln() + 0.5 + noise;
        1.0 / (1.0 + (-logit).exp())
    }
}

/// Counts the outcomes of forecasts.
pub(super) fn outcomes(forecasts: &[Vec<Forecast>]) -> ClusterCounts {
    let task = |task: &Vec<Forecast>| {
        Counts::of(&task.iter().map(|forecast| forecast.outcome()).collect::<Vec<bool>>())
    };
    groups(forecasts.iter().map(task).collect())
}

pub(super) fn groups(counts: Vec<Counts>) -> ClusterCounts {
    ClusterCounts::new(counts).expect("every simulated task has trials")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_true_values_are_those_of_many_simulated_tasks() {
        for (index, scenario) in Scenario::ALL.into_iter().enumerate() {
            let mut simulator = Simulator::new(1, index as u64);
            let p = simulator.probabilities(scenario, 200_000);
            let mean = |f: &dyn Fn(f64) -> f64| p.iter().map(|&p| f(p)).sum::<f64>() / p.len() as f64;
            assert!((mean(&|p| p) - scenario.mean).abs() < 0.004, "{scenario}");
            assert!((mean(&|p| p.powi(3)) - scenario.all_of(3)).abs() < 0.005, "{scenario}");
            assert!((mean(&|p| 1.0 - (1.0 - p).powi(3)) - scenario.any_of(3)).abs() < 0.005, "{scenario}");
            assert!((mean(&|p| 1.0 - 4.0 * p * (1.0 - p)) - scenario.consistency()).abs() < 0.005);
        }
    }

    #[test]
    fn the_true_area_is_that_of_many_independent_trials() {
        let scenario = Scenario::ALL[2];
        let mut simulator = Simulator::new(2, 0);
        let p = simulator.probabilities(scenario, 60_000);
        let trials = simulator.forecasts(&p, 1).concat();
        let scored: Vec<_> = trials.into_iter().map(retrial_stats::Scored::from).collect();
        let found = retrial_stats::discrimination::auroc::auroc(&scored).unwrap();
        assert!((found - scenario.area(100_000, &mut simulator)).abs() < 0.01);
        let alike = Scenario { mean: 0.8, correlation: 0.0 };
        assert!((alike.area(100_000, &mut simulator) - 0.5).abs() < 0.01, "all tasks alike: nothing to know");
    }

    #[test]
    fn designs_are_read_and_written_alike() {
        let design: Design = "20x10".parse().unwrap();
        assert_eq!((design.to_string(), design), ("20×10".to_owned(), "20×10".parse().unwrap()));
        for bad in ["", "5", "1x5", "5x1", "5x1001", "-5x5", "axb"] {
            assert!(bad.parse::<Design>().is_err(), "{bad}");
        }
    }
}
