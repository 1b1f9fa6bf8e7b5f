//! Scoring: takes trial records one by one, keeps what measures need, and makes the scorecards at the end.

use std::collections::HashMap;
use std::hash::Hash;

use retrial_spec::{
    AgentName, ConditionKind, ConditionName, ConditionSpec, Ending, Fact, RunManifest, TaskName, TrialId,
    TrialRecord, Verdict,
};
use retrial_stats::{Level, agreement};

use crate::books::{Tally, books_of_run};
use crate::estimators::Context;
use crate::groups::Groups;
use crate::outcome::outcome;
use crate::profile::{Profile, TaskProfile};
use crate::robustness::{Comparison, Robustness};
use crate::safety::Safety;
use crate::scorecard::{RunFacts, SCHEMA_VERSION, Scorecard, Scorecards, TaskRow, Warning};
use crate::solved::SolvedTasks;
use crate::trials::{TaskTrials, Trial, Vocabulary};
use crate::value::Number;
use crate::{MeasureId, MetricsError, Settings, difficulty, forks, repeats, success};

/// Makes the scorecards of a run from its records, in any order.
///
/// Records that are read from a file are better added one by one with [`Scoring::add`], so that an error can name the line.
///
/// # Errors
/// [`MetricsError`] as of [`Scoring::new`] and [`Scoring::add`].
pub fn scorecard(
    manifest: &RunManifest,
    trials: impl IntoIterator<Item = TrialRecord>,
    settings: &Settings,
) -> Result<Scorecards, MetricsError> {
    let mut scoring = Scoring::new(manifest, settings)?;
    for record in trials {
        scoring.add(&record)?;
    }
    Ok(scoring.finish())
}

/// Scorecards in the making.
///
/// Memory grows with trials and their actions (four bytes each), not with the records' other content.
#[derive(Debug)]
pub struct Scoring<'a> {
    manifest: &'a RunManifest,
    settings: &'a Settings,
    level: Level,
    agents: Names<'a, AgentName>,
    conditions: Names<'a, ConditionName>,
    tasks: Names<'a, TaskName>,
    groups: Vec<Group>,
    vocabulary: Vocabulary,
}

/// The trials of one agent under one condition.
#[derive(Debug, Clone)]
struct Group {
    tally: Tally,
    /// By task, in the order of [`Scoring::tasks`].
    cells: Vec<Cell>,
}

/// The trials of one task by one agent under one condition.
#[derive(Debug, Clone, Default)]
struct Cell {
    trials: Vec<Trial>,
    /// By trial number less one: whether there is a record.
    seen: Vec<bool>,
}

impl<'a> Scoring<'a> {
    /// Prepares scoring of the run that the manifest plans.
    ///
    /// # Errors
    /// [`MetricsError::Level`], [`MetricsError::NamedTwice`].
    pub fn new(manifest: &'a RunManifest, settings: &'a Settings) -> Result<Self, MetricsError> {
        let level = Level::new(settings.level).map_err(|_| MetricsError::Level(settings.level))?;
        let agents = Names::new("agent", manifest.agents.iter().map(|agent| &agent.name).collect())?;
        let conditions = manifest.experiment.conditions.iter().map(|condition| &condition.name).collect();
        let conditions = Names::new("condition", conditions)?;
        let mut tasks: Vec<&TaskName> = manifest.tasks.iter().map(|task| &task.name).collect();
        tasks.sort_unstable();
        let group = Group { tally: Tally::default(), cells: vec![Cell::default(); tasks.len()] };
        let groups = vec![group; agents.order.len() * conditions.order.len()];
        let tasks = Names::new("task", tasks)?;
        let vocabulary = Vocabulary::default();
        Ok(Self { manifest, settings, level, agents, conditions, tasks, groups, vocabulary })
    }

    /// Adds one record.
    ///
    /// # Errors
    /// [`MetricsError::Unplanned`] and [`MetricsError::Duplicate`] where the books cannot balance;
    /// [`MetricsError::Confidence`], [`MetricsError::Reward`] and [`MetricsError::Contradiction`] for values that cannot be.
    pub fn add(&mut self, record: &TrialRecord) -> Result<(), MetricsError> {
        check(record)?;
        let (group, task) = self.place(&record.trial)?;
        let group = &mut self.groups[group];
        let cell = &mut group.cells[task];
        cell.mark(&record.trial)?;
        let outcome = outcome(&record.ending, &record.verdict, self.settings);
        group.tally.add(record, outcome);
        cell.trials.push(Trial::new(record, outcome, &mut self.vocabulary));
        Ok(())
    }

    /// The positions of the trial's group and cell.
    fn place(&self, trial: &TrialId) -> Result<(usize, usize), MetricsError> {
        let unplanned = |what| MetricsError::Unplanned { trial: trial.clone(), what };
        let agent = self.agents.place(&trial.agent).ok_or_else(|| unplanned("agent"))?;
        let condition = self.conditions.place(&trial.condition).ok_or_else(|| unplanned("condition"))?;
        let task = self.tasks.place(&trial.task).ok_or_else(|| unplanned("task"))?;
        if trial.number == 0 || trial.number > self.manifest.experiment.trials {
            return Err(unplanned("trial number"));
        }
        Ok((agent * self.conditions.order.len() + condition, task))
    }

    /// Makes the scorecards.
    pub fn finish(mut self) -> Scorecards {
        let renamed = self.vocabulary.sort();
        let kinds = self.vocabulary.kinds();
        let is_replayed = self.manifest.replay_of.is_some();
        let context = Context {
            settings: self.settings,
            level: self.level,
            actions: self.vocabulary.actions(),
            kinds: &kinds,
            is_replayed,
        };
        let planned_each = u64::from(self.manifest.experiment.trials) * self.tasks.order.len() as u64;
        let (mut scorecards, mut warnings) = (Vec::with_capacity(self.groups.len()), Vec::new());
        let division = Groups::new(self.settings.groups, &self.tasks.order, &self.manifest.tasks);
        let mut group_cards = Vec::new();
        let mut groups = std::mem::take(&mut self.groups);
        for group in &mut groups {
            group.settle(&renamed);
        }
        let robustness = self.robustness(&groups, &context);
        let mut groups = groups.into_iter();
        for &agent in &self.agents.order {
            for &condition in &self.conditions.order {
                let Some(group) = groups.next() else { continue };
                let subject = Subject { agent, condition, tasks: &self.tasks.order, planned: planned_each };
                let profiles = subject.profiles(&group, &context);
                group_cards.extend(division.cards((agent, condition), &profiles, &context));
                scorecards.push(subject.scorecard(&group, &profiles, &context));
                subject.warn(&profiles, &mut warnings);
            }
        }
        let parts = scorecards.iter().map(|scorecard| &scorecard.denominators.books);
        let books = books_of_run(self.manifest.planned(), parts);
        if !books.complete() {
            warnings.insert(0, Warning::MissingTrials { trials: books.missing, planned: books.planned });
        }
        Scorecards {
            schema: SCHEMA_VERSION,
            run: RunFacts::from(self.manifest),
            settings: *self.settings,
            books,
            scorecards,
            groups: group_cards,
            robustness,
            warnings,
        }
    }

    /// Compares every agent's trials under every fault condition with those under the baseline.
    fn robustness(&self, groups: &[Group], context: &Context<'_>) -> Vec<Robustness> {
        let conditions = &self.manifest.experiment.conditions;
        let is_baseline = |condition: &ConditionSpec| condition.kind == ConditionKind::Baseline;
        let Some(baseline) = conditions.iter().position(is_baseline) else { return Vec::new() };
        let mut found = Vec::new();
        for (agent, of_agent) in self.agents.order.iter().zip(groups.chunks(conditions.len())) {
            for (condition, group) in conditions.iter().zip(of_agent) {
                let Some(settings) = &condition.fault else { continue };
                let comparison = Comparison {
                    agent,
                    condition: &condition.name,
                    baseline: &conditions[baseline].name,
                    fault: settings.what,
                    tasks: self.of_tasks(group).zip(self.of_tasks(&of_agent[baseline])).collect(),
                };
                found.push(comparison.robustness(context));
            }
        }
        found
    }

    fn of_tasks<'g>(&'g self, group: &'g Group) -> impl Iterator<Item = TaskTrials<'g>> {
        let cells = self.tasks.order.iter().zip(&group.cells);
        cells.map(|(task, cell)| TaskTrials { task, trials: &cell.trials })
    }
}

impl Cell {
    /// Marks the trial as recorded; its number is within the plan.
    fn mark(&mut self, trial: &TrialId) -> Result<(), MetricsError> {
        let place = trial.number as usize - 1;
        if self.seen.len() <= place {
            self.seen.resize(place + 1, false);
        }
        if std::mem::replace(&mut self.seen[place], true) {
            return Err(MetricsError::Duplicate { trial: trial.clone() });
        }
        Ok(())
    }
}

impl Group {
    /// Makes everything independent of the order in which records came.
    fn settle(&mut self, renamed: &[u32]) {
        for cell in &mut self.cells {
            cell.trials.sort_unstable_by_key(|trial| trial.number);
            for trial in &mut cell.trials {
                for code in &mut trial.actions {
                    *code = renamed[*code as usize];
                }
            }
        }
    }
}

/// Whose scorecard is made.
struct Subject<'a> {
    agent: &'a AgentName,
    condition: &'a ConditionName,
    tasks: &'a [&'a TaskName],
    planned: u64,
}

impl Subject<'_> {
    fn profiles<'g>(&'g self, group: &'g Group, context: &Context<'_>) -> Vec<TaskProfile<'g>> {
        let cells = self.tasks.iter().zip(&group.cells);
        let of_task = cells.map(|(task, cell)| TaskTrials { task, trials: &cell.trials });
        of_task.map(|trials| TaskProfile::new(trials, context)).collect()
    }

    fn scorecard(&self, group: &Group, profiles: &[TaskProfile<'_>], context: &Context<'_>) -> Scorecard {
        let tasks: Vec<TaskTrials<'_>> = profiles.iter().map(|profile| profile.trials).collect();
        let all = Profile::of(&profiles.iter().collect::<Vec<_>>(), context);
        Scorecard {
            agent: self.agent.clone(),
            condition: self.condition.clone(),
            worst_case: success::worst_case(&tasks),
            measures: all.measures,
            tasks: profiles.iter().map(row).collect(),
            solved: SolvedTasks::of(&tasks),
            clustered_errors: difficulty::clustered_errors(&success::outcome_counts(&tasks)),
            prefix_agreement: all.prefix_agreement,
            forks: forks::forks(profiles, context),
            calibration: all.calibration,
            safety: Safety::WITHOUT_CONSTRAINTS,
            denominators: group.tally.clone().denominators(self.planned),
        }
    }

    fn warn(&self, profiles: &[TaskProfile<'_>], warnings: &mut Vec<Warning>) {
        let (agent, condition) = (self.agent, self.condition);
        let tasks: Vec<TaskTrials<'_>> = profiles.iter().map(|profile| profile.trials).collect();
        let ungraded: Vec<TaskName> = tasks
            .iter()
            .filter(|task| task.graded().next().is_none())
            .map(|task| task.task.clone())
            .collect();
        if !ungraded.is_empty() {
            let (agent, condition) = (agent.clone(), condition.clone());
            warnings.push(Warning::UngradedTasks { agent, condition, tasks: ungraded });
        }
        for task in &tasks {
            warnings.extend(repeats::identical(task).into_iter().map(|trials| Warning::IdenticalRepeats {
                agent: agent.clone(),
                condition: condition.clone(),
                task: task.task.clone(),
                trials,
            }));
        }
    }
}

fn row(profile: &TaskProfile<'_>) -> TaskRow {
    let TaskProfile { trials: task, similarity, openings, .. } = profile;
    let counts = success::task_counts(task);
    TaskRow {
        task: task.task.clone(),
        finished: task.trials.len() as u64,
        graded: counts.total(),
        passed: counts.successes(),
        outcome_consistency: Number::of(agreement::outcome_consistency(counts)),
        action_mix_consistency: similarity.headline(MeasureId::ActionMixConsistency),
        action_order_consistency: similarity.headline(MeasureId::ActionOrderConsistency),
        first_divergence: openings.first_divergence(),
    }
}

/// Refuses values that cannot be, whoever wrote them.
fn check(record: &TrialRecord) -> Result<(), MetricsError> {
    let trial = || record.trial.clone();
    if let Fact::Known { value, .. } = record.confidence
        && !(0.0..=1.0).contains(&value)
    {
        return Err(MetricsError::Confidence { trial: trial(), value });
    }
    if let Verdict::Reward(value) = record.verdict
        && !(value > 0.0 && value < 1.0)
    {
        return Err(MetricsError::Reward { trial: trial(), value });
    }
    let unfinished = matches!(record.ending, Ending::Infrastructure { .. } | Ending::Revoked);
    if unfinished && record.verdict.passed().is_some() {
        return Err(MetricsError::Contradiction { trial: trial() });
    }
    Ok(())
}

/// Names with their positions.
#[derive(Debug)]
struct Names<'a, T> {
    order: Vec<&'a T>,
    places: HashMap<&'a T, usize>,
}

impl<'a, T: Hash + Eq + ToString> Names<'a, T> {
    fn new(what: &'static str, order: Vec<&'a T>) -> Result<Self, MetricsError> {
        let mut places = HashMap::with_capacity(order.len());
        for (place, &name) in order.iter().enumerate() {
            if places.insert(name, place).is_some() {
                return Err(MetricsError::NamedTwice { what, name: name.to_string() });
            }
        }
        Ok(Self { order, places })
    }

    fn place(&self, name: &T) -> Option<usize> {
        self.places.get(name).copied()
    }
}
