//! What the data can show, and what to buy to show more: further trials of each task, or further tasks.

use retrial_stats::compare::paired::differences;
use retrial_stats::hierarchical::GridPosterior;
use retrial_stats::power::{Design, PairedTest, fixed_groups_detectable, fixed_groups_items_needed};
use retrial_stats::{ClusterCounts, Counts, Undefined, moments};
use schemars::JsonSchema;
use serde::Serialize;

use super::{ByTarget, Contender, Question};
use crate::Resource;
use crate::paired::PairedCounts;
use crate::resources;
use crate::trials::TaskTrials;
use crate::value::{Finite, Known, Number, Reason};

/// Most trials of a task that anything is said of.
const MOST_TRIALS: u64 = 100_000;

/// What to buy so that a difference is shown with a given power, in a two-sided test of one pair alone.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Purchase {
    /// The difference that is to be shown.
    pub difference: Finite,
    /// Whether it is the observed one, which is itself uncertain; otherwise it was asked for.
    pub observed: bool,
    /// For new tasks like these.
    pub population: Buying,
    /// For exactly these tasks, where further tasks would change the question.
    pub fixed_suite: Known<Bought>,
    /// The correlation of the outcomes of one task.
    pub correlation: Number,
    /// Trials of each task, one over the correlation, beyond which further ones hardly tell more about new tasks.
    pub trials_that_help: Number,
}

/// The two ways to know more about new tasks.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Buying {
    /// Further trials of the tasks there are.
    pub more_trials: Known<Bought>,
    /// Further tasks like these, with as many trials each as now.
    pub more_tasks: Known<Bought>,
    /// The cheaper of the two: by price, or by trials where no price is known; none where neither would do.
    pub cheaper: Option<Way>,
}

/// A way to know more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// More trials of each task.
    Trials,
    /// More tasks.
    Tasks,
}

/// A purchase.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Bought {
    /// Trials of each task on each side in all.
    pub trials_of_each_task: Finite,
    /// Tasks in all.
    pub tasks: u64,
    /// Trials to run on both sides together, beyond those there are; 0 where there are enough.
    pub further_trials: u64,
    /// What they cost at what trials have cost so far, in millionths of a US dollar.
    pub price_usd_micros: Number,
}

/// Returns the smallest difference that a two-sided test at the level shows with the power, for both targets.
///
/// Population: paired Student with the observed deviation of the tasks' differences. Fixed suite: the noise of trials alone, with mean and
/// correlation of the posterior of both sides together, so that a suite in which nothing varied by chance does not look free of noise.
pub(super) fn detectable(counts: &Result<PairedCounts, Reason>, question: &Question) -> ByTarget<Number> {
    let of = |found: &dyn Fn(&PairedCounts) -> Result<f64, Reason>| {
        Number::of(counts.as_ref().map_err(Clone::clone).and_then(found))
    };
    let alpha = 1.0 - question.settings.level;
    ByTarget {
        population: of(&|pairs| {
            let deviation = deviation(pairs)?;
            Ok(PairedTest::new(deviation, alpha)?.detectable(pairs.first.len() as u64, question.power)?)
        }),
        fixed_suite: of(&|pairs| {
            let (design, tasks) = (design(pairs)?, pairs.first.len() as u64);
            Ok(fixed_groups_detectable(design, tasks, 1.0 - alpha / 2.0, question.power)?)
        }),
    }
}

/// The standard deviation over tasks of the observed differences.
fn deviation(pairs: &PairedCounts) -> Result<f64, Reason> {
    let deviation = moments::variance(&differences(&pairs.rates()?))?.sqrt();
    if deviation > 1e-12 { Ok(deviation) } else { Err(Undefined::ZeroVariance.into()) }
}

/// Mean rate and correlation of both sides together, with the harmonic mean of trials per task and side, rounded down.
fn design(pairs: &PairedCounts) -> Result<Design, Reason> {
    let posterior = GridPosterior::new(&both(pairs)?)?;
    let inverse =
        |counts: &ClusterCounts| counts.groups().iter().map(|task| 1.0 / task.total() as f64).sum::<f64>();
    let sides = 2.0 * pairs.first.len() as f64;
    let items = (sides / (inverse(&pairs.first) + inverse(&pairs.second))).floor().max(1.0) as u64;
    Ok(Design::new(posterior.mean_mu(), posterior.mean_rho(), items)?)
}

/// The trials of both sides of each task, taken together.
fn both(pairs: &PairedCounts) -> Result<ClusterCounts, Reason> {
    let sums = pairs.pairs().into_iter().map(|pair| {
        let (a, b) = (pair.first, pair.second);
        Counts::new(a.successes().saturating_add(b.successes()), a.total().saturating_add(b.total()))
    });
    let sums = sums.collect::<Result<Vec<Counts>, _>>().map_err(|_| Undefined::OutOfDomain)?;
    Ok(ClusterCounts::new(sums).map_err(|_| Undefined::Empty)?)
}

/// Returns what to buy.
pub(super) fn purchase(
    counts: &Result<PairedCounts, Reason>,
    (candidate, baseline): (&Contender<'_>, &Contender<'_>),
    question: &Question,
) -> Result<Purchase, Reason> {
    let pairs = counts.as_ref().map_err(Clone::clone)?;
    let observed = (pairs.first.mean_rate()? - pairs.second.mean_rate()?).abs();
    let difference = question.difference.unwrap_or(observed);
    if difference < 1e-9 {
        return Err(Reason::NO_DIFFERENCE);
    }
    let shop = Shop {
        pairs,
        difference,
        alpha: 1.0 - question.settings.level,
        power: question.power,
        prices: (price(candidate), price(baseline)),
    };
    let correlation = both(pairs).and_then(|both| Ok(GridPosterior::new(&both)?.mean_rho()));
    Ok(Purchase {
        difference: Finite::new(difference)?,
        observed: question.difference.is_none(),
        population: shop.population(),
        fixed_suite: shop.suite_trials().into(),
        trials_that_help: Number::of(correlation.clone().map(|rho| (1.0 / rho).ceil())),
        correlation: Number::of(correlation),
    })
}

/// What a trial has cost on average.
fn price(contender: &Contender<'_>) -> Result<f64, Reason> {
    let tasks: Vec<TaskTrials<'_>> = contender.entrant.tasks.iter().map(|task| task.view()).collect();
    Ok(moments::mean(&resources::amounts_of(Resource::Cost, &tasks, false)?.concat())?)
}

/// What is to be shown, from what is there.
struct Shop<'a> {
    pairs: &'a PairedCounts,
    difference: f64,
    alpha: f64,
    power: f64,
    prices: (Result<f64, Reason>, Result<f64, Reason>),
}

impl Shop<'_> {
    fn tasks(&self) -> u64 {
        self.pairs.first.len() as u64
    }

    fn population(&self) -> Buying {
        let (trials, tasks) = (self.more_trials(), self.more_tasks());
        let cost = |bought: &Bought| {
            let price = bought.price_usd_micros.value();
            (price.is_none(), price.unwrap_or(bought.further_trials as f64))
        };
        let cheaper = match (&trials, &tasks) {
            (Ok(trials), Ok(tasks)) if cost(trials) <= cost(tasks) => Some(Way::Trials),
            (_, Ok(_)) => Some(Way::Tasks),
            (Ok(_), Err(_)) => Some(Way::Trials),
            (Err(_), Err(_)) => None,
        };
        Buying { more_trials: trials.into(), more_tasks: tasks.into(), cheaper }
    }

    /// Trials of each task with which paired Student over these tasks shows the difference.
    ///
    /// The variance of the tasks' observed differences is that of the true ones and the noise of trials, which is estimated without
    /// bias from each task (p̂(1−p̂)/(n−1) on each side) and falls with the number of trials; the rest does not, and sets the limit of
    /// what trials can do (Miller 2024, arXiv 2411.00640, section 5).
    fn more_trials(&self) -> Result<Bought, Reason> {
        let rates = self.pairs.rates()?;
        let observed = moments::variance(&differences(&rates))?;
        let (mut single, mut now) = (0.0, 0.0);
        for pair in self.pairs.pairs() {
            for counts in [pair.first, pair.second] {
                let (p, n) = (counts.rate()?, counts.total() as f64);
                if n < 2.0 {
                    return Err(Undefined::TooFewItems { have: 1, need: 2 }.into());
                }
                single += p * (1.0 - p) * n / (n - 1.0);
                now += p * (1.0 - p) / (n - 1.0);
            }
        }
        let tasks = self.tasks() as f64;
        let (single, between) = (single / tasks, (observed - now / tasks).max(0.0));
        let shows = |trials: u64| -> Result<bool, Reason> {
            let variance = between + single / trials as f64;
            if variance <= 1e-12 {
                return Err(Undefined::ZeroVariance.into());
            }
            let test = PairedTest::new(variance.sqrt(), self.alpha)?;
            Ok(test.power_two_sided(self.tasks(), self.difference)? >= self.power)
        };
        if !shows(MOST_TRIALS)? {
            return Err(Reason::TRIALS_DO_NOT_HELP);
        }
        let (mut low, mut high) = (0, MOST_TRIALS);
        while high - low > 1 {
            let middle = u64::midpoint(low, high);
            if shows(middle)? { high = middle } else { low = middle }
        }
        self.trials(high)
    }

    /// Trials of each task with which exactly these tasks show the difference.
    fn suite_trials(&self) -> Result<Bought, Reason> {
        let confidence = 1.0 - self.alpha / 2.0;
        let design = design(self.pairs)?;
        let trials =
            fixed_groups_items_needed(design, self.tasks(), self.difference, confidence, self.power)?;
        if trials > MOST_TRIALS {
            return Err(Undefined::NotReached.into());
        }
        self.trials(trials)
    }

    /// So many trials of each task on each side, of which those there are need not be bought.
    fn trials(&self, trials: u64) -> Result<Bought, Reason> {
        let missing = |counts: &ClusterCounts| -> u64 {
            counts.groups().iter().map(|task| trials.saturating_sub(task.total())).sum()
        };
        let (of_first, of_second) = (missing(&self.pairs.first), missing(&self.pairs.second));
        Ok(Bought {
            trials_of_each_task: Finite::new(trials as f64)?,
            tasks: self.tasks(),
            further_trials: of_first + of_second,
            price_usd_micros: Number::of(self.priced(of_first as f64, of_second as f64)),
        })
    }

    /// Tasks in all with which paired Student shows the difference, each with as many trials as a task has now on average.
    fn more_tasks(&self) -> Result<Bought, Reason> {
        let needed = PairedTest::new(deviation(self.pairs)?, self.alpha)?
            .groups_needed(self.difference, self.power)?;
        let further = needed.saturating_sub(self.tasks()) as f64;
        let per_task = |counts: &ClusterCounts| counts.total() as f64 / counts.len() as f64;
        let (first, second) = (per_task(&self.pairs.first), per_task(&self.pairs.second));
        Ok(Bought {
            trials_of_each_task: Finite::new(f64::midpoint(first, second))?,
            tasks: needed.max(self.tasks()),
            further_trials: (further * (first + second)).ceil() as u64,
            price_usd_micros: Number::of(self.priced(further * first, further * second)),
        })
    }

    fn priced(&self, first: f64, second: f64) -> Result<f64, Reason> {
        let price = |of: &Result<f64, Reason>| of.clone();
        Ok(price(&self.prices.0)? * first + price(&self.prices.1)? * second)
    }
}
