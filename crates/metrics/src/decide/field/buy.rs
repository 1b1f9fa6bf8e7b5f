//! What the data can show, and what to buy to show more: further trials of each task, or further tasks.

use retrial_stats::{ClusterCounts, Undefined, moments};
use schemars::JsonSchema;
use serde::Serialize;

use super::reach::{Design, Reach};
use super::{ByTarget, Contender, Question};
use crate::Resource;
use crate::resources;
use crate::trials::TaskTrials;
use crate::value::{Finite, Known, Number, Reason};

/// Most trials of a task that anything is said of.
const MOST_TRIALS: u64 = 100_000;

/// Most tasks that anything is said of.
const MOST_TASKS: u64 = 10_000_000;

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
    /// The variance of the difference of a single trial each, within a task: what further trials make smaller.
    pub trial_variance: Number,
    /// The variance over tasks of the true differences, beyond the noise of trials: what only further tasks make smaller in the mean.
    pub task_variance: Number,
    /// Trials of each task beyond which further ones hardly tell more about new tasks: the first variance over the second, so that with
    /// more trials the noise is the smaller part. Undefined where the tasks do not differ beyond the noise, since every trial helps then.
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

/// Returns the smallest difference that the decision of one pair alone shows with the power, for both targets, by formula.
///
/// Population: paired Student. Fixed suite: the normal approximation with a correction for the exact test's whole trials. Both take the
/// noise of agents that are so far apart for theirs, and the one for the population is never below the other.
pub(super) fn detectable(reach: &Result<Reach<'_>, Reason>) -> ByTarget<Number> {
    let of = |found: &dyn Fn(&Reach<'_>) -> Result<f64, Reason>| {
        Number::of(reach.as_ref().map_err(Clone::clone).and_then(found))
    };
    ByTarget {
        population: of(&|reach| reach.least_for_new()),
        fixed_suite: of(&|reach| reach.least_for_these(reach.now)),
    }
}

/// Returns what to buy.
pub(super) fn purchase(
    reach: &Result<Reach<'_>, Reason>,
    (candidate, baseline): (&Contender<'_>, &Contender<'_>),
    question: &Question,
) -> Result<Purchase, Reason> {
    let reach = reach.as_ref().map_err(Clone::clone)?;
    let difference = question.difference.map_or_else(|| reach.difference(), Ok)?;
    if difference < 1e-9 {
        return Err(Reason::NO_DIFFERENCE);
    }
    let (single, between) = (reach.of_single(difference), reach.between());
    let helps = single.clone().and_then(|single| match between.clone()? {
        between if between > 1e-12 => Ok((single / between).ceil()),
        _ => Err(Reason::EVERY_TRIAL_HELPS),
    });
    let shop = Shop { reach, difference, prices: (price(candidate), price(baseline)) };
    Ok(Purchase {
        difference: Finite::new(difference)?,
        observed: question.difference.is_none(),
        population: shop.population(),
        fixed_suite: shop.suite_trials().into(),
        trial_variance: Number::of(single),
        task_variance: Number::of(between),
        trials_that_help: Number::of(helps),
    })
}

/// What a trial has cost on average.
fn price(contender: &Contender<'_>) -> Result<f64, Reason> {
    let tasks: Vec<TaskTrials<'_>> = contender.entrant.tasks.iter().map(|task| task.view()).collect();
    Ok(moments::mean(&resources::amounts_of(Resource::Cost, &tasks, false)?.concat())?)
}

/// What is to be shown, from what is there.
struct Shop<'a> {
    reach: &'a Reach<'a>,
    difference: f64,
    prices: (Result<f64, Reason>, Result<f64, Reason>),
}

impl Shop<'_> {
    fn tasks(&self) -> u64 {
        self.reach.pairs.first.len() as u64
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
    fn more_trials(&self) -> Result<Bought, Reason> {
        // What trials make smaller must be known.
        self.reach.of_single(self.difference)?;
        let shows =
            |trials| self.reach.shows_for_new(Design::of_equal(self.tasks(), trials), self.difference);
        let needed = smallest(1, MOST_TRIALS, shows)?.ok_or(Reason::TRIALS_DO_NOT_HELP)?;
        self.trials(needed, self.reach.shows_for_new(self.reach.now, self.difference)?)
    }

    /// Trials of each task with which exactly these tasks show the difference.
    fn suite_trials(&self) -> Result<Bought, Reason> {
        // A design that is too small shows nothing.
        let shows = |design| self.reach.shows_for_these(design, self.difference).unwrap_or(false);
        self.reach.of_single(self.difference)?;
        let needed = smallest(1, MOST_TRIALS, |trials| Ok(shows(Design::of_equal(self.tasks(), trials))))?;
        self.trials(needed.ok_or(Undefined::NotReached)?, shows(self.reach.now))
    }

    /// So many trials of each task on each side, of which those there are need not be bought; none where what there is is enough.
    fn trials(&self, trials: u64, is_enough: bool) -> Result<Bought, Reason> {
        let missing = |counts: &ClusterCounts| -> u64 {
            if is_enough {
                return 0;
            }
            counts.groups().iter().map(|task| trials.saturating_sub(task.total())).sum()
        };
        let (of_first, of_second) = (missing(&self.reach.pairs.first), missing(&self.reach.pairs.second));
        Ok(Bought {
            trials_of_each_task: Finite::new(trials as f64)?,
            tasks: self.tasks(),
            further_trials: of_first + of_second,
            price_usd_micros: Number::of(self.priced(of_first as f64, of_second as f64)),
        })
    }

    /// Tasks in all with which paired Student shows the difference, each with as many trials as a task has now on average.
    fn more_tasks(&self) -> Result<Bought, Reason> {
        let shows = |tasks| self.reach.shows_for_new(self.reach.now.on(tasks), self.difference);
        let needed = smallest(2, MOST_TASKS, shows)?.ok_or(Undefined::NotReached)?;
        let further = needed.saturating_sub(self.tasks()) as f64;
        let per_task = |counts: &ClusterCounts| counts.total() as f64 / counts.len() as f64;
        let (first, second) = (per_task(&self.reach.pairs.first), per_task(&self.reach.pairs.second));
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

/// The smallest number from `low` to `high` for which a condition holds that stays true once it is.
fn smallest(low: u64, high: u64, holds: impl Fn(u64) -> Result<bool, Reason>) -> Result<Option<u64>, Reason> {
    let (mut below, mut reached) = (low - 1, low);
    while !holds(reached)? {
        if reached >= high {
            return Ok(None);
        }
        below = reached;
        reached = reached.saturating_mul(2).min(high);
    }
    while reached - below > 1 {
        let middle = u64::midpoint(below, reached);
        if holds(middle)? { reached = middle } else { below = middle }
    }
    Ok(Some(reached))
}
