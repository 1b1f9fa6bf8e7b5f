//! The cheapest design that answers a question, or what can be reached instead.

use schemars::JsonSchema;
use serde::Serialize;

use super::power::{Chance, Detectable, Outcome, Width, chance, detectable, half_width};
use super::question::shown_half_width;
use super::{Achieved, Assumptions, PlanningError, Prices, Question, Split, Terms};
use crate::Target;

/// Trials of each task that are considered, besides the best number.
const TRIALS: [u64; 14] = [1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 80, 120];

/// Most trials of a task.
const MOST_TRIALS: u64 = 10_000;

/// Most tasks, where nobody says how many there are.
const MOST_TASKS: u64 = 1_000_000;

/// Trials of a task where a fixed suite's number of tasks is asked for: consistency needs five.
const SUITE_TRIALS: u64 = 5;

/// What may be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Limits {
    /// This many tasks, no other number.
    pub tasks: Option<u64>,
    /// This many trials of each task, no other number.
    pub trials: Option<u64>,
    /// No more tasks than there are.
    pub tasks_available: Option<u64>,
    /// No more money, in millionths of a dollar.
    pub budget_usd_micros: Option<u64>,
    /// At least so many trials of each task where the number is free: with fewer than 3 a task's own spread cannot be seen, and
    /// consistency wants 5.
    pub least_trials: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { tasks: None, trials: None, tasks_available: None, budget_usd_micros: None, least_trials: 3 }
    }
}

impl Limits {
    fn most_tasks(&self) -> u64 {
        self.tasks_available.unwrap_or(MOST_TASKS)
    }
}

/// A question with everything that its answer depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Request {
    /// What is asked.
    pub question: Question,
    /// Of which target and how surely.
    pub terms: Terms,
    /// What may be chosen.
    pub limits: Limits,
    /// What it costs.
    pub prices: Prices,
}

/// A design with everything that is predicted of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Row {
    /// Tasks and trials.
    pub split: Split,
    /// How well it answers the question.
    pub achieved: Achieved,
    /// Half width of the success rate's interval; none for one task and the population.
    pub half_width: Option<Width>,
    /// The smallest difference shown with the power asked for; none where there is none.
    pub detectable: Option<Detectable>,
    /// Trials of all agents together.
    pub trials: u64,
    /// What it costs, in millionths of a dollar; none without a price.
    pub usd_micros: Option<f64>,
    /// How long agents work in all, in milliseconds; none where that is not known of a trial.
    pub agent_ms: Option<f64>,
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// This design answers it; of those that do, the cheapest that was considered.
    Reached(Row),
    /// Nothing that may be chosen answers it.
    OutOfReach(OutOfReach),
}

/// What can be had instead.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct OutOfReach {
    /// The best that may be chosen.
    pub best: Row,
    /// What no number of trials can better with so many tasks; none where more trials always help.
    pub bound: Option<f64>,
    /// What stands in the way.
    pub because: Obstacle,
}

/// What stands in the way of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// There are too few tasks, and more trials of each do not replace them.
    Tasks,
    /// The number of trials was given, and is too low.
    Trials,
    /// The budget.
    Budget,
    /// Both numbers were given.
    Given,
}

impl Answer {
    /// Returns the design to look at.
    pub fn row(&self) -> &Row {
        match self {
            Self::Reached(row) => row,
            Self::OutOfReach(out) => &out.best,
        }
    }
}

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
        for trials in self.candidates() {
            let tasks = smallest(self.least_tasks(), (self.least_tasks(), most), |tasks| {
                self.quick(Split { tasks, trials })
            })?;
            let Some(tasks) = tasks else { continue };
            let split = Split { tasks, trials };
            let weight = prices.weight(question.sides(), split);
            if found.is_none_or(|(least, _)| weight < least) {
                found = Some((weight, split));
            }
        }
        let start = found.map(|(_, split)| split);
        if let Some(Split { tasks, trials }) = start {
            let exact =
                smallest(tasks, (self.least_tasks(), most), |tasks| self.exact(Split { tasks, trials }))?;
            if let Some(tasks) = exact {
                return Ok(Ok(Split { tasks, trials }));
            }
        }
        match limits.trials {
            Some(trials) => Ok(Err((Split { tasks: most, trials }, Obstacle::Trials))),
            None => self.of_tasks(most),
        }
    }

    fn least_tasks(&self) -> u64 {
        if self.suite_alone() { 1 } else { 2 }
    }

    fn suite_alone(&self) -> bool {
        self.request.terms.target == Target::FixedSuite
            || matches!(self.request.question, Question::ZeroFailures(_))
    }

    /// The numbers of trials to try.
    fn candidates(&self) -> Vec<u64> {
        let Limits { trials, least_trials, .. } = self.request.limits;
        if let Some(trials) = trials {
            return vec![trials];
        }
        if self.suite_alone() {
            return vec![SUITE_TRIALS.max(least_trials)];
        }
        let best = self.best_trials();
        let mut all: Vec<u64> = TRIALS.into_iter().chain([best]).filter(|n| *n >= least_trials).collect();
        all.push(least_trials);
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
        let numbers = if tasks.is_some() { self.affordable(tasks, budget) } else { self.candidates() };
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
    fn affordable(&self, tasks: Option<u64>, budget: f64) -> Vec<u64> {
        let Request { prices, question, limits, .. } = self.request;
        let (Some(tasks), Some(trial)) = (tasks, prices.trial_usd_micros) else { return Vec::new() };
        let left = budget / tasks as f64 - prices.task_usd_micros;
        let most = (left / (trial * question.sides() as f64).max(1e-9)).floor().clamp(0.0, MOST_TRIALS as f64)
            as u64;
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

/// What is known of the answer besides.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Checks {
    /// The mean half width of the interval that scorecards show, over 200 simulated runs.
    pub shown_half_width: Option<f64>,
    /// How probable it is that the gate calls a drop of the margin, or of the difference, a regression.
    pub gate_finds: Option<Chance>,
}

/// Returns the smallest number in a range for which something holds, which is taken to go on holding; none where it does not hold at the
/// range's end. Starts where it is expected.
fn smallest(
    start: u64,
    (least, most): (u64, u64),
    holds: impl Fn(u64) -> Result<bool, PlanningError>,
) -> Result<Option<u64>, PlanningError> {
    let start = start.clamp(least, most.max(least));
    let (mut fails, mut succeeds) = (least.saturating_sub(1), start);
    if holds(start)? {
        let mut step = (start / 20).max(1);
        while succeeds > least {
            let lower = succeeds.saturating_sub(step).max(least);
            if !holds(lower)? {
                fails = lower;
                break;
            }
            (succeeds, step) = (lower, step * 2);
        }
    } else {
        (fails, succeeds) = (start, start);
        let mut step = (start / 20).max(1);
        loop {
            if succeeds >= most {
                return Ok(None);
            }
            succeeds = succeeds.saturating_add(step).min(most);
            if holds(succeeds)? {
                break;
            }
            (fails, step) = (succeeds, step * 2);
        }
    }
    while succeeds - fails > 1 {
        let middle = u64::midpoint(fails, succeeds);
        if holds(middle)? { succeeds = middle } else { fails = middle }
    }
    Ok(Some(succeeds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_number_is_found_from_wherever_the_search_starts() {
        for (threshold, found) in [(1, Some(1)), (7, Some(7)), (80, Some(80)), (101, None)] {
            for start in [1, 3, 50, 100] {
                let smallest = smallest(start, (1, 100), |n| Ok(n >= threshold)).unwrap();
                assert_eq!(smallest, found, "{threshold} from {start}");
            }
        }
    }
}
