//! How bounds are made of counts: by the default methods of the scorecard, and so that no success lowers one.

use retrial_stats::fixed_groups::FixedGroupsPosterior;
use retrial_stats::hierarchical::GridPosterior;
use retrial_stats::{ClusterCounts, Counts, Functional, Level, Undefined, cluster, moments, passk};

use super::bounds::Sure;
use crate::Target;
use crate::estimators::{MANY_TASKS, bounded_interval};
use crate::value::{Interval, Method, Reason};

/// Draws of the posterior of exactly these tasks.
const DRAWS: usize = 2000;
/// Most ways of raising tasks that are looked at for a bound that no success lowers.
const MOST_RAISED: usize = 64;

/// What intervals speak of and are seeded by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Speaking {
    pub(super) target: Target,
    pub(super) seed: u64,
}

/// Whether raised counts are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Raising {
    /// They are, as for every bound that decides.
    Done,
    /// They are not: the plain bound, which is never below the one that decides, and cheap.
    Left,
}

/// Bounds of a share of which more is better.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) method: Method,
}

/// Counts by task with what makes their lower bound one that no success lowers.
///
/// An interval over tasks can fall when a task that is already better than the others gets better still: it shows that tasks differ. One
/// of success in a row can also fall when a task that is worse gets better: tasks that are more alike succeed in a row less often at
/// the same rate. A level must not fall for either. So the lower bound is the least of those of the counts themselves, of the counts with
/// the best task raised to success in every trial, the best two, and so on, and for success in a row of the counts with the worst tasks
/// raised to one level after the other. Every one is at or above the observed counts, so that the bound is on the safe side of the
/// plain one, and equal to it wherever raising helps. Beyond [`MOST_RAISED`] ways of each kind as many are looked at. Checked on random
/// counts, not proved.
#[derive(Debug)]
pub(super) struct Raised {
    plain: Model,
    raised: Vec<Model>,
}

impl Raised {
    pub(super) fn new(
        counts: &ClusterCounts,
        functionals: &[Functional],
        speaking: Speaking,
        raising: Raising,
    ) -> Result<Self, Reason> {
        let plain = Model::new(counts, functionals, speaking)?;
        let is_row = functionals.iter().any(|functional| matches!(functional, Functional::PassHat(2..)));
        let ways = match raising {
            Raising::Left => Vec::new(),
            Raising::Done if is_row => [steps(counts), levels(counts)].concat(),
            Raising::Done => steps(counts),
        };
        let raised = ways.into_iter().map(|counts| Model::new(&counts, functionals, speaking));
        Ok(Self { plain, raised: raised.collect::<Result<_, _>>()? })
    }

    pub(super) fn point(&self, functional: Functional) -> Result<f64, Reason> {
        self.plain.point(functional)
    }

    pub(super) fn ends(&self, functional: Functional, sure: Sure) -> Result<Ends, Reason> {
        let level =
            |one_sided| Level::from_one_sided(one_sided).map_err(|_| Reason::from(Undefined::OutOfDomain));
        let deciding = level(sure.bound)?;
        let own = self.plain.interval(functional, deciding)?;
        let mut low = own.low.value();
        for raised in &self.raised {
            low = low.min(raised.interval(functional, deciding)?.low.value());
        }
        let other = self.plain.interval(functional, level(sure.beyond)?)?;
        Ok(Ends { low, high: other.high.value(), method: own.method })
    }
}

/// Returns the counts with the best tasks raised to success in every trial: one, two, … of those that are not there yet, but not all.
fn steps(counts: &ClusterCounts) -> Vec<ClusterCounts> {
    let groups = counts.groups();
    let mut open: Vec<usize> = (0..groups.len()).filter(|&place| groups[place].failures() > 0).collect();
    // Ties by name's order, so that the same tasks are raised each time.
    open.sort_by(|&a, &b| rate(groups[b]).total_cmp(&rate(groups[a])).then(a.cmp(&b)));
    let stride = open.len().div_ceil(MOST_RAISED).max(1);
    let mut raised = groups.to_vec();
    let mut steps = Vec::new();
    for (done, &place) in (1..open.len()).zip(&open) {
        let total = groups[place].total();
        raised[place] = Counts::new(total, total).unwrap_or(groups[place]);
        if done % stride == 0 {
            steps.extend(ClusterCounts::new(raised.clone()));
        }
    }
    steps
}

/// Returns the counts with the worst tasks raised to at least one rate, for each rate that a task has or has after its next success.
fn levels(counts: &ClusterCounts) -> Vec<ClusterCounts> {
    let groups = counts.groups();
    let ratio = |successes: u64, total: u64| successes as f64 / total.max(1) as f64;
    let rates = groups.iter().flat_map(|task| {
        let next = task.successes().saturating_add(1).min(task.total());
        [ratio(task.successes(), task.total()), ratio(next, task.total())]
    });
    let mut rates: Vec<f64> = rates.filter(|&rate| rate < 1.0).collect();
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    let stride = rates.len().div_ceil(MOST_RAISED).max(1);
    let raised = |rate: f64| {
        let of = |task: &Counts| {
            // The fewest successes with that rate or more.
            let least = (rate * task.total() as f64 - 1e-9).ceil() as u64;
            let successes = task.successes().max(least).min(task.total());
            Counts::new(successes, task.total()).unwrap_or(*task)
        };
        ClusterCounts::new(groups.iter().map(of).collect::<Vec<Counts>>()).ok()
    };
    let ways = rates.into_iter().step_by(stride).filter_map(raised);
    ways.filter(|way| way.groups() != groups).collect()
}

fn rate(counts: Counts) -> f64 {
    counts.rate().unwrap_or(0.0)
}

/// Counts with the posterior that their intervals come from, by the default methods of the scorecard.
#[derive(Debug)]
struct Model {
    counts: ClusterCounts,
    grid: Option<GridPosterior>,
    draws: Option<FixedGroupsPosterior>,
    target: Target,
}

impl Model {
    fn new(counts: &ClusterCounts, functionals: &[Functional], speaking: Speaking) -> Result<Self, Reason> {
        let Speaking { target, seed } = speaking;
        let tasks = counts.len();
        match target {
            Target::Population if tasks < 2 => return Err(Reason::one_task(tasks as u64)),
            Target::FixedSuite if counts.smallest_group() < Some(2) => {
                return Err(Undefined::SingleItemGroup.into());
            }
            _ => {}
        }
        let is_drawn = target == Target::FixedSuite && functionals.len() > 1;
        let is_grid = target == Target::Population && tasks < MANY_TASKS;
        let grid = (is_drawn || is_grid).then(|| GridPosterior::new(counts)).transpose()?;
        let draws = grid.as_ref().filter(|_| is_drawn);
        let draws = draws.map(|grid| FixedGroupsPosterior::new(counts, grid, functionals, DRAWS, seed));
        Ok(Self { counts: counts.clone(), grid, draws: draws.transpose()?, target })
    }

    fn values(&self, functional: Functional) -> Result<Vec<f64>, Reason> {
        let Functional::PassHat(k) = functional else { return Ok(self.counts.rates()) };
        let values = self.counts.groups().iter().map(|&task| passk::pass_hat_k(task, u64::from(k)));
        values.collect::<Result<_, Undefined>>().map_err(Reason::from)
    }

    fn point(&self, functional: Functional) -> Result<f64, Reason> {
        Ok(moments::mean(&self.values(functional)?)?)
    }

    fn interval(&self, functional: Functional, level: Level) -> Result<Interval, Reason> {
        let range = (0.0, 1.0);
        // One in a row is success.
        let functional = if functional == Functional::PassHat(1) { Functional::Mean } else { functional };
        let point = self.point(functional)?;
        let estimate = match (functional, self.target, &self.grid, &self.draws) {
            (Functional::Mean, Target::FixedSuite, ..) => {
                cluster::stratified_wilson(&self.counts, level)?.estimate
            }
            (_, Target::FixedSuite, _, Some(draws)) => draws.estimate(functional, point, level),
            (_, _, Some(grid), _) => grid.estimate(functional, point, level),
            (Functional::Mean, ..) => cluster::effective_wilson(&self.counts, level)?.estimate,
            _ => return bounded_interval(&self.values(functional)?, range, level),
        };
        Interval::of(&estimate, range)
    }
}
