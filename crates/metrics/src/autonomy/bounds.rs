//! One-sided bounds of what decides: success, success several times in a row, and failures that nobody is told of.

use retrial_spec::AutonomyNeeds;
use retrial_stats::fixed_groups::FixedGroupsPosterior;
use retrial_stats::hierarchical::GridPosterior;
use retrial_stats::{ClusterCounts, Counts, Functional, Level, Undefined, cluster, moments, passk};
use schemars::JsonSchema;
use serde::Serialize;

use super::evidence::TaskEvidence;
use crate::Target;
use crate::estimators::{MANY_TASKS, bounded_interval};
use crate::value::{Evidence, Interval, Method, Number, Reason};

/// Draws of the posterior of exactly these tasks.
const DRAWS: usize = 2000;
/// Most ways of raising tasks that are looked at for a bound that no success lowers.
const MOST_RAISED: usize = 64;

/// What a bound is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BoundOf {
    /// The success rate, mean over tasks.
    Success,
    /// The probability that `k` trials of a task in a row succeed (pass^k), mean over tasks.
    Repeated,
    /// The share of trials that fail without their agent saying so, mean over tasks.
    Invisible,
}

impl BoundOf {
    /// All three, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Success, Self::Repeated, Self::Invisible];

    /// Returns what the needs ask of it.
    pub(super) fn needed(self, needs: &AutonomyNeeds) -> Option<f64> {
        match self {
            Self::Success => Some(needs.success),
            Self::Repeated => needs.repeated,
            Self::Invisible => needs.invisible,
        }
    }
}

/// An estimate with its two one-sided bounds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Bound {
    /// What it is of.
    pub of: BoundOf,
    /// How many trials in a row, for [`BoundOf::Repeated`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k: Option<u32>,
    /// What was observed.
    pub point: Number,
    /// The bound that decides: the lower one of success, the upper one of invisible failures.
    pub bound: Number,
    /// The bound on the other side, beyond which a need is shown to be missed.
    pub beyond: Number,
    /// The one-sided confidence of each bound.
    pub confidence: f64,
    /// What it rests on.
    pub n: Evidence,
    /// How the bounds were made; none where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
}

impl Bound {
    /// Whether the bound meets a need.
    pub(super) fn meets(&self, need: f64) -> bool {
        self.bound.value().is_some_and(|bound| self.is_good_enough(bound, need))
    }

    /// Whether what was observed would meet a need if it were the truth.
    pub(super) fn point_meets(&self, need: f64) -> bool {
        self.point.value().is_some_and(|point| self.is_good_enough(point, need))
    }

    /// Whether it is shown that the need is missed.
    pub(super) fn misses(&self, need: f64) -> bool {
        self.beyond.value().is_some_and(|beyond| !self.is_good_enough(beyond, need))
    }

    fn is_good_enough(&self, value: f64, need: f64) -> bool {
        // Decimal needs such as 0.8 must not be missed by the last bit of a mean.
        const SLACK: f64 = 1e-12;
        if self.of == BoundOf::Invisible { value <= need + SLACK } else { value >= need - SLACK }
    }
}

/// The three bounds of some tasks at one confidence.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Measured {
    /// Of the success rate.
    pub success: Bound,
    /// Of success several times in a row.
    pub repeated: Bound,
    /// Of failures that nobody is told of.
    pub invisible: Bound,
}

impl Measured {
    /// Returns a bound.
    pub fn of(&self, of: BoundOf) -> &Bound {
        match of {
            BoundOf::Success => &self.success,
            BoundOf::Repeated => &self.repeated,
            BoundOf::Invisible => &self.invisible,
        }
    }

    /// Whether all needs are met.
    pub(super) fn meets(&self, needs: &AutonomyNeeds) -> bool {
        BoundOf::ALL.into_iter().all(|of| of.needed(needs).is_none_or(|need| self.of(of).meets(need)))
    }
}

/// What intervals speak of and are seeded by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Speaking {
    pub(super) target: Target,
    pub(super) seed: u64,
}

/// The graded tasks of a cell, ready for bounds at any confidence.
#[derive(Debug)]
pub(super) struct Sample {
    /// Passed of graded trials.
    passed: Result<Raised, Reason>,
    /// Trials that did not fail unseen, of graded trials.
    seen: Result<Raised, Reason>,
    k: u32,
    pub(super) n: Evidence,
}

impl Sample {
    pub(super) fn new(tasks: &[TaskEvidence], repeats: u32, speaking: Speaking) -> Self {
        let graded: Vec<&TaskEvidence> = tasks.iter().filter(|task| task.graded() > 0).collect();
        let counts = |of: fn(&TaskEvidence) -> u64| {
            let counts = graded.iter().map(|task| Counts::new(of(task).min(task.graded()), task.graded()));
            let counts = counts.collect::<Result<Vec<Counts>, _>>().ok().filter(|counts| !counts.is_empty());
            counts.and_then(|counts| ClusterCounts::new(counts).ok()).ok_or(Reason::NO_GRADED_TRIALS)
        };
        let fewest = graded.iter().map(|task| task.graded()).min().unwrap_or(0);
        let k = repeats.min(u32::try_from(fewest).unwrap_or(u32::MAX)).max(1);
        let n =
            Evidence { trials: graded.iter().map(|task| task.graded()).sum(), tasks: graded.len() as u64 };
        let raised = |counts: Result<ClusterCounts, Reason>, functionals: &[Functional]| {
            counts.and_then(|counts| Raised::new(&counts, functionals, speaking))
        };
        Self {
            passed: raised(counts(|task| task.passed), &[Functional::Mean, Functional::PassHat(k)]),
            seen: raised(counts(|task| task.graded().saturating_sub(task.invisible)), &[Functional::Mean]),
            k,
            n,
        }
    }

    /// Whether bounds can be defined, which the design decides and not the outcomes.
    pub(super) fn can_claim(&self) -> bool {
        self.passed.is_ok()
    }

    /// Returns the bounds at a one-sided confidence.
    pub(super) fn measured(&self, confidence: f64) -> Measured {
        let bound = |of, k, raised: &Result<Raised, Reason>, functional| {
            let found = raised.as_ref().map_err(Clone::clone);
            let point = found.clone().and_then(|raised| raised.point(functional));
            let ends = found.and_then(|raised| raised.ends(functional, confidence));
            self.bound((of, k), point, &ends, confidence)
        };
        Measured {
            success: bound(BoundOf::Success, None, &self.passed, Functional::Mean),
            repeated: bound(BoundOf::Repeated, Some(self.k), &self.passed, Functional::PassHat(self.k)),
            invisible: bound(BoundOf::Invisible, None, &self.seen, Functional::Mean),
        }
    }

    fn bound(
        &self,
        (of, k): (BoundOf, Option<u32>),
        point: Result<f64, Reason>,
        ends: &Result<Ends, Reason>,
        confidence: f64,
    ) -> Bound {
        let turned = |value: f64| if of == BoundOf::Invisible { 1.0 - value } else { value };
        let end = |end: fn(&Ends) -> f64| {
            Number::of(ends.as_ref().map(|ends| turned(end(ends))).map_err(Clone::clone))
        };
        Bound {
            of,
            k,
            point: Number::of(point.map(turned)),
            bound: end(|ends| ends.low),
            beyond: end(|ends| ends.high),
            confidence,
            n: self.n,
            method: ends.as_ref().ok().map(|ends| ends.method),
        }
    }
}

/// Bounds of a share of which more is better.
struct Ends {
    low: f64,
    high: f64,
    method: Method,
}

/// Counts by task with what makes their lower bound one that no success lowers.
///
/// An interval over tasks can fall when a task that is already better than the others gets better still: it shows that tasks differ.
/// A level must not fall for that. So the lower bound is the least of those of the counts themselves and of the counts with the best
/// task raised to success in every trial, the best two, and so on; every one is at or above the observed counts, so that the bound is
/// on the safe side of the plain one, and equal to it wherever raising helps, as it does unless a few tasks stand out. Beyond
/// [`MOST_RAISED`] tasks that can be raised they are raised in as many steps. Checked on random counts, not proved.
#[derive(Debug)]
struct Raised {
    plain: Model,
    raised: Vec<Model>,
}

impl Raised {
    fn new(counts: &ClusterCounts, functionals: &[Functional], speaking: Speaking) -> Result<Self, Reason> {
        let plain = Model::new(counts, functionals, speaking)?;
        let raised = steps(counts).into_iter().map(|counts| Model::new(&counts, functionals, speaking));
        Ok(Self { plain, raised: raised.collect::<Result<_, _>>()? })
    }

    fn point(&self, functional: Functional) -> Result<f64, Reason> {
        self.plain.point(functional)
    }

    fn ends(&self, functional: Functional, confidence: f64) -> Result<Ends, Reason> {
        let level = Level::from_one_sided(confidence).map_err(|_| Reason::from(Undefined::OutOfDomain))?;
        let own = self.plain.interval(functional, level)?;
        let mut low = own.low.value();
        for raised in &self.raised {
            low = low.min(raised.interval(functional, level)?.low.value());
        }
        Ok(Ends { low, high: own.high.value(), method: own.method })
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

/// Returns the bound of the counts multiplied: `tasks` times as many tasks with `trials` times as many trials each.
///
/// # Errors
/// [`Reason`] where there are no counts, or too many.
pub(super) fn scaled(
    tasks: &[TaskEvidence],
    (times_tasks, times_trials): (u64, u64),
    repeats: u32,
    speaking: Speaking,
    (of, confidence): (BoundOf, f64),
) -> Result<f64, Reason> {
    let graded = tasks.iter().filter(|task| task.graded() > 0);
    let share = |task: &TaskEvidence| match of {
        BoundOf::Invisible => task.graded().saturating_sub(task.invisible),
        _ => task.passed,
    };
    let one = graded.map(|task| {
        let total = task.graded().saturating_mul(times_trials);
        Counts::new(share(task).saturating_mul(times_trials).min(total), total)
    });
    let one = one.collect::<Result<Vec<Counts>, _>>().map_err(|_| Reason::from(Undefined::OutOfDomain))?;
    let all: Vec<Counts> = (0..times_tasks).flat_map(|_| one.iter().copied()).collect();
    let counts = ClusterCounts::new(all).map_err(|_| Reason::NO_GRADED_TRIALS)?;
    let level = Level::from_one_sided(confidence).map_err(|_| Reason::from(Undefined::OutOfDomain))?;
    // The runs of successes are as long as they are now.
    let fewest = counts.smallest_group().unwrap_or(1) / times_trials.max(1);
    let k = repeats.min(u32::try_from(fewest).unwrap_or(u32::MAX)).max(1);
    let functional = if of == BoundOf::Repeated { Functional::PassHat(k) } else { Functional::Mean };
    let functionals: &[Functional] =
        if of == BoundOf::Repeated { &[functional, Functional::Mean] } else { &[functional] };
    let low = Model::new(&counts, functionals, speaking)?.interval(functional, level)?.low.value();
    Ok(if of == BoundOf::Invisible { 1.0 - low } else { low })
}
