//! The cheapest design that answers a question, or what can be reached instead.

use super::answer::{Answer, Checks, Limits, Obstacle, OutOfReach, Request, Row};
use super::power::{Detectable, chance, detectable, half_width};
use super::question::shown_half_width;
use super::smallest::smallest;
use super::{Achieved, Assumptions, Outcome, PlanningError, Question, Split};
use crate::Target;

/// Every number of trials of each task up to this one is considered, besides the best number.
const EVERY_TRIALS: u64 = 30;

/// More trials of each task that are considered.
const MANY_TRIALS: [u64; 3] = [50, 80, 120];

/// Numbers of tasks for which the fewest trials are considered too where a suite's tasks cost something besides their trials: there
/// few tasks with many trials are cheap.
const FEW_TASKS: [u64; 10] = [5, 6, 7, 8, 10, 12, 15, 20, 30, 50];

/// Designs that are cheapest by formula of which the exact number of tasks is looked for.
const MOST_EXACT: usize = 4;

/// Most trials of a task.
const MOST_TRIALS: u64 = 10_000;

/// Trials of a task of a fixed suite where nothing else tells designs apart: consistency needs five.
const SUITE_TRIALS: u64 = 5;

/// One question under one set of assumptions.
#[derive(Clone, Copy)]
pub(super) struct Search {
    pub(super) request: Request,
    pub(super) assumptions: Assumptions,
}

impl Search {
    /// Returns the answer.
    pub(super) fn answer(&self) -> Result<Answer, PlanningError> {
        let limits = self.request.limits;
        let tasks = limits.tasks.or_else(|| self.suite());
        if let (Some(tasks), Some(trials)) = (tasks, limits.trials) {
            let split = Split { tasks, trials };
            let over = self.over_budget(split);
            let row = self.row(split)?;
            let obstacle = if over { Obstacle::Budget } else { Obstacle::Given };
            return Ok(self.verdict(row, !over && self.enough(row.achieved), obstacle));
        }
        let is_open = matches!(self.request.question, Question::Detectable { .. });
        if is_open && limits.budget_usd_micros.is_some() {
            return self.best_for_budget();
        }
        let found = match tasks {
            Some(tasks) => self.of_tasks(tasks)?,
            None => self.cheapest()?,
        };
        match found {
            Ok(split) if !self.over_budget(split) => Ok(Answer::Reached(self.row(split)?)),
            Ok(_) => self.best_for_budget(),
            Err((split, obstacle)) => {
                if self.over_budget(split) {
                    return self.best_for_budget();
                }
                let row = self.row(split)?;
                Ok(self.verdict(row, false, obstacle))
            }
        }
    }

    /// The tasks of a fixed suite, all of which are tried.
    fn suite(&self) -> Option<u64> {
        let is_suite = self.request.terms.target == Target::FixedSuite;
        self.request.limits.tasks_available.filter(|_| is_suite)
    }

    fn over_budget(&self, split: Split) -> bool {
        let Request { prices, limits, question, .. } = self.request;
        let cost = prices.usd_micros(question.sides(), split);
        limits.budget_usd_micros.zip(cost).is_some_and(|(budget, cost)| cost > budget as f64)
    }

    fn enough(&self, achieved: Achieved) -> bool {
        achieved.value.is_some_and(|value| self.request.question.is_enough(self.request.terms, value))
    }

    fn verdict(&self, best: Row, reached: bool, because: Obstacle) -> Answer {
        if reached {
            return Answer::Reached(best);
        }
        let bound = (because == Obstacle::Tasks).then(|| self.bound(best.split.tasks)).flatten();
        Answer::OutOfReach(OutOfReach { best, bound, because })
    }

    /// What no number of trials betters.
    fn bound(&self, tasks: u64) -> Option<f64> {
        let Request { question, terms, .. } = self.request;
        let endless = Split { tasks, trials: 1_000_000_000 };
        let is_sum = matches!(question, Question::ZeroFailures(_));
        if is_sum { None } else { question.quick(self.assumptions, terms, endless).ok()?.value }
    }

    fn quick(&self, split: Split) -> Result<bool, PlanningError> {
        let achieved = self.request.question.quick(self.assumptions, self.request.terms, split)?;
        Ok(self.enough(achieved))
    }

    fn exact(&self, split: Split) -> Result<bool, PlanningError> {
        Ok(self.enough(self.request.question.achieved(self.assumptions, self.request.terms, split)?))
    }

    /// The fewest trials of so many tasks, or the best there is.
    fn of_tasks(&self, tasks: u64) -> Result<Result<Split, (Split, Obstacle)>, PlanningError> {
        let Request { limits, question, .. } = self.request;
        let at = |trials| Split { tasks, trials };
        if matches!(question, Question::Detectable { .. }) {
            return Ok(Ok(at(self.best_trials().max(limits.least_trials))));
        }
        let least = limits.least_trials;
        let start = smallest(least, (least, MOST_TRIALS), |n| self.quick(at(n)))?.unwrap_or(MOST_TRIALS);
        Ok(match smallest(start, (least, MOST_TRIALS), |n| self.exact(at(n)))? {
            Some(trials) => Ok(at(trials)),
            None => Err((at(self.useful_trials()), Obstacle::Tasks)),
        })
    }

    /// The trials beyond which more hardly help new tasks: their noise is a tenth of that of the tasks.
    fn useful_trials(&self) -> u64 {
        let least = self.request.limits.least_trials;
        let rho = self.assumptions.rho.max(1e-3);
        (((1.0 - rho) / rho * 10.0).ceil() as u64).clamp(least, MOST_TRIALS)
    }

    /// The best number of trials as a whole one.
    fn best_trials(&self) -> u64 {
        let Request { question, terms, prices, .. } = self.request;
        let best = question.best_trials(self.assumptions, terms, prices);
        best.map_or(SUITE_TRIALS, |best| best.round().clamp(1.0, MOST_TRIALS as f64) as u64)
    }

    /// The cheapest design of all.
    fn cheapest(&self) -> Result<Result<Split, (Split, Obstacle)>, PlanningError> {
        let Request { limits, question, prices, .. } = self.request;
        let most = limits.most_tasks();
        if matches!(question, Question::Detectable { .. }) {
            let trials = limits.trials.unwrap_or_else(|| self.best_trials().max(limits.least_trials));
            return Ok(Ok(Split { tasks: limits.tasks_available.unwrap_or(DEFAULT_TASKS), trials }));
        }
        let mut found: Option<(f64, Split)> = None;
        for (weight, split) in self.by_formula()?.into_iter().take(MOST_EXACT) {
            if found.is_some_and(|(least, _)| least <= weight) {
                break;
            }
            let Some(split) = self.least_of(split)? else { continue };
            let weight = prices.weight(question.sides(), split);
            if found.is_none_or(|(least, _)| weight < least) {
                found = Some((weight, split));
            }
        }
        if let Some((_, split)) = found {
            return Ok(Ok(split));
        }
        match limits.trials {
            Some(trials) => Ok(Err((Split { tasks: most, trials }, Obstacle::Trials))),
            None => self.of_tasks(most),
        }
    }

    /// The designs that are enough by formula with what they cost, the cheapest first. Of those that cost the same, that with the number
    /// of trials nearest to five comes first for a fixed suite, and that with the fewest trials otherwise.
    fn by_formula(&self) -> Result<Vec<(f64, Split)>, PlanningError> {
        let Request { limits, question, prices, .. } = self.request;
        let (least, most) = (self.least_tasks(), limits.most_tasks());
        let mut designs = Vec::new();
        for trials in self.candidates() {
            let tasks = smallest(least, (least, most), |tasks| self.quick(Split { tasks, trials }))?;
            designs.extend(tasks.map(|tasks| Split { tasks, trials }));
        }
        if limits.trials.is_none() && self.has_dear_tasks() {
            for tasks in FEW_TASKS.into_iter().filter(|&tasks| tasks <= most) {
                let fewest = limits.least_trials;
                let trials =
                    smallest(fewest, (fewest, MOST_TRIALS), |trials| self.quick(Split { tasks, trials }))?;
                designs.extend(trials.map(|trials| Split { tasks, trials }));
            }
        }
        let usual = if self.suite_alone() { SUITE_TRIALS } else { 0 };
        let mut weighed: Vec<(f64, Split)> =
            designs.into_iter().map(|split| (prices.weight(question.sides(), split), split)).collect();
        let distance = |split: Split| split.trials.abs_diff(usual);
        weighed.sort_by(|a, b| a.0.total_cmp(&b.0).then(distance(a.1).cmp(&distance(b.1))));
        Ok(weighed)
    }

    /// The fewest tasks of so many trials that are enough, and of so many tasks the fewest trials; none where there are too few tasks.
    fn least_of(&self, split: Split) -> Result<Option<Split>, PlanningError> {
        let Limits { trials: given, least_trials, .. } = self.request.limits;
        let Split { tasks, trials } = split;
        let range = (self.least_tasks(), self.request.limits.most_tasks());
        let Some(tasks) = smallest(tasks, range, |tasks| self.exact(Split { tasks, trials }))? else {
            return Ok(None);
        };
        if given.is_some() || trials <= least_trials {
            return Ok(Some(Split { tasks, trials }));
        }
        let fewest = smallest(trials, (least_trials, trials), |trials| self.exact(Split { tasks, trials }))?;
        Ok(Some(Split { tasks, trials: fewest.unwrap_or(trials) }))
    }

    /// The fewest tasks that are considered. Where a suite's tasks are dear the cheapest suite would be a single task, whose noise the
    /// mean over tasks that is assumed says little of; so it is five then, unless the number of trials was given.
    fn least_tasks(&self) -> u64 {
        if !self.suite_alone() {
            2
        } else if self.has_dear_tasks() && self.request.limits.trials.is_none() {
            FEW_TASKS[0].min(self.request.limits.most_tasks())
        } else {
            1
        }
    }

    /// Whether only the product of tasks and trials matters, or nearly, so that one task can do.
    fn suite_alone(&self) -> bool {
        self.request.terms.target == Target::FixedSuite
            || matches!(self.request.question, Question::ZeroFailures(_))
    }

    /// Whether tasks of a suite cost something besides their trials.
    fn has_dear_tasks(&self) -> bool {
        self.suite_alone() && self.request.prices.relative(self.request.question.sides()).0 > 0.0
    }

    /// The numbers of trials to try.
    fn candidates(&self) -> Vec<u64> {
        let Limits { trials, least_trials, .. } = self.request.limits;
        if let Some(trials) = trials {
            return vec![trials];
        }
        // A fixed suite of single trials shows no noise.
        let least =
            if self.request.terms.target == Target::FixedSuite { least_trials.max(2) } else { least_trials };
        let many = MANY_TRIALS.into_iter().chain([self.best_trials()]).filter(|&trials| trials > least);
        let mut all: Vec<u64> = (least..=EVERY_TRIALS.max(least)).chain(many).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The design that makes the best of the budget.
    fn best_for_budget(&self) -> Result<Answer, PlanningError> {
        let Request { limits, question, prices, terms } = self.request;
        let budget = limits.budget_usd_micros.unwrap_or(u64::MAX) as f64;
        let mut best: Option<(f64, Split)> = None;
        let tasks = limits.tasks.or_else(|| self.suite());
        let numbers = match tasks {
            Some(tasks) => self.affordable(tasks, budget),
            None if self.has_dear_tasks() && limits.trials.is_none() => {
                let few = FEW_TASKS.into_iter().flat_map(|tasks| self.affordable(tasks, budget));
                self.candidates().into_iter().chain(few).collect()
            }
            None => self.candidates(),
        };
        for trials in numbers {
            let each = prices.usd_micros(question.sides(), Split { tasks: 1, trials }).unwrap_or(1.0);
            let affordable = (budget / each.max(1e-9)).floor() as u64;
            let tasks = tasks.unwrap_or_else(|| affordable.min(limits.most_tasks()));
            let split = Split { tasks, trials };
            if tasks > affordable {
                continue;
            }
            let Ok(achieved) = question.quick(self.assumptions, terms, split) else { continue };
            let badness = achieved.value.map_or(f64::INFINITY, |value| question.badness(value));
            if best.is_none_or(|(least, _)| badness < least) {
                best = Some((badness, split));
            }
        }
        let Some((_, split)) = best else {
            return Err(PlanningError::Missing(
                "the budget is too small for any design: raise it, or ask for fewer trials or tasks",
            ));
        };
        let row = self.row(split)?;
        let reached = self.enough(row.achieved);
        Ok(self.verdict(row, reached, Obstacle::Budget))
    }

    /// As many trials of given tasks as the budget holds.
    fn affordable(&self, tasks: u64, budget: f64) -> Vec<u64> {
        let Request { prices, question, limits, .. } = self.request;
        let Some(round) = prices.round_usd_micros(question.sides()) else { return Vec::new() };
        let left = budget / tasks.max(1) as f64 - prices.task_usd_micros;
        let most = (left / round.max(1e-9)).floor().clamp(0.0, MOST_TRIALS as f64) as u64;
        limits.trials.map_or_else(|| if most >= 1 { vec![most] } else { Vec::new() }, |trials| vec![trials])
    }

    /// Predicts everything of a design.
    pub(super) fn row(&self, split: Split) -> Result<Row, PlanningError> {
        let Request { question, terms, prices, .. } = self.request;
        let sides = question.sides();
        let achieved = question.achieved(self.assumptions, terms, split)?;
        let is_asked = matches!(question, Question::Detectable { .. });
        let detectable = match (is_asked, achieved.value) {
            (true, value) => value.map(|difference| Detectable { difference, found: achieved.found }),
            (false, _) => detectable(self.assumptions, terms, question.power(), split).unwrap_or_default(),
        };
        Ok(Row {
            split,
            achieved,
            half_width: half_width(self.assumptions, terms, split).ok(),
            detectable,
            trials: split.tasks.saturating_mul(split.trials).saturating_mul(sides),
            usd_micros: prices.usd_micros(sides, split),
            agent_ms: prices.agent_ms(sides, split),
        })
    }

    /// What is worth checking of the answer besides: the interval that will be shown, and what the gate makes of a drop.
    pub(super) fn checks(&self, split: Split) -> Checks {
        let Request { question, terms, .. } = self.request;
        let of_gate = |drop| chance(self.assumptions, terms, Outcome::GateFinds(drop), split).ok();
        Checks {
            shown_half_width: match question {
                Question::HalfWidth(_) | Question::Detectable { .. } => {
                    shown_half_width(self.assumptions, terms, split).ok()
                }
                _ => None,
            },
            gate_finds: match question {
                Question::Gate { margin, .. } => of_gate(margin),
                Question::Difference { difference, .. } if terms.target == Target::FixedSuite => {
                    of_gate(difference)
                }
                _ => None,
            },
        }
    }
}

/// Tasks that are looked at where nothing says how many.
const DEFAULT_TASKS: u64 = 50;
