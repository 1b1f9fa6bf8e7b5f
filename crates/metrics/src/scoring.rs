//! Scoring: takes trial records, keeps what measures need, and makes the scorecards at the end.

use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::Arc;

use retrial_spec::{
    Action, ActionKind, AgentName, ConditionKind, ConditionName, ConditionSpec, LineChunk, RecordError,
    RunManifest, TaskName, TrialRecord,
};
use retrial_stats::{Level, agreement};

use crate::books::{Books, Tally, books_of_run};
use crate::entrant::{Entrant, EntrantTask};
use crate::estimators::Context;
use crate::groups::{GroupCard, Groups};
use crate::plan::{Entry, Plan};
use crate::profile::{Profile, TaskProfile};
use crate::robustness::{Comparison, Robustness};
use crate::safety::Safety;
use crate::scorecard::{RunFacts, SCHEMA_VERSION, Scorecard, Scorecards, TaskRow, Warning};
use crate::solved::SolvedTasks;
use crate::trials::{ROOM, TaskTrials, Trial, Vocabulary};
use crate::value::Number;
use crate::{
    LineError, MeasureId, MetricsError, Settings, difficulty, forks, in_order, repeats, stopping, success,
};

/// Makes the scorecards of a run from its records, in any order.
///
/// Records that are read from a file are better added with [`Scoring::add_chunks`], so that an error can name the line.
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
/// Memory grows with trials and their actions (one byte each where a run knows few), not with the records' other content.
#[derive(Debug)]
pub struct Scoring<'a> {
    plan: Plan<'a>,
    level: Level,
    groups: Vec<Group>,
    vocabulary: Vocabulary,
    threads: NonZeroUsize,
}

/// The trials of one agent under one condition.
#[derive(Debug, Clone)]
struct Group {
    tally: Tally,
    /// By task, in the order of [`Plan::tasks`].
    cells: Vec<Cell>,
}

/// The trials of one task by one agent under one condition.
#[derive(Debug, Clone, Default)]
struct Cell {
    trials: Vec<Trial>,
    /// A bit for each trial number less one: whether there is a record.
    seen: Vec<u64>,
}

impl<'a> Scoring<'a> {
    /// Prepares scoring of the run that the manifest plans.
    ///
    /// # Errors
    /// [`MetricsError::Level`], [`MetricsError::NamedTwice`].
    pub fn new(manifest: &'a RunManifest, settings: &'a Settings) -> Result<Self, MetricsError> {
        let level = Level::new(settings.level).map_err(|_| MetricsError::Level(settings.level))?;
        let plan = Plan::new(manifest, settings)?;
        let group = Group { tally: Tally::default(), cells: vec![Cell::default(); plan.tasks().len()] };
        let groups = vec![group; plan.groups().count()];
        Ok(Self { plan, level, groups, vocabulary: Vocabulary::default(), threads: NonZeroUsize::MIN })
    }

    /// Works in so many threads, of which one is the default. The scorecards do not depend on it.
    pub fn in_threads(self, threads: NonZeroUsize) -> Self {
        Self { threads, ..self }
    }

    /// Adds one record.
    ///
    /// # Errors
    /// [`MetricsError::Unplanned`] and [`MetricsError::Duplicate`] where the books cannot balance;
    /// [`MetricsError::Confidence`], [`MetricsError::Reward`] and [`MetricsError::Contradiction`] for values that cannot be.
    pub fn add(&mut self, record: &TrialRecord) -> Result<(), MetricsError> {
        let entry = self.plan.read(record, &self.vocabulary)?;
        enter(entry, &self.plan, &mut self.groups)
    }

    /// Adds the records of a file's chunks, and stops at the first line that cannot be read or added.
    ///
    /// # Errors
    /// [`LineError::Record`] for a line that is no record, and for a chunk that could not be read; [`LineError::Unfit`] as of
    /// [`Self::add`].
    pub fn add_chunks(
        &mut self,
        chunks: impl Iterator<Item = Result<LineChunk, RecordError>>,
    ) -> Result<(), LineError> {
        let Self { plan, groups, vocabulary, threads, .. } = self;
        let read = |chunk| Batch::read(chunk, plan, vocabulary);
        let mut lines = 0;
        in_order::for_each(chunks, *threads, read, |batch| batch.enter(plan, groups, &mut lines))
    }

    /// Makes the scorecards.
    pub fn finish(self) -> Scorecards {
        self.finished(Keep::Nothing).0
    }

    /// Makes the scorecards, and keeps the trials of each agent and condition, in the same order, so that they can be compared.
    pub fn finish_with_entrants(self) -> (Scorecards, Vec<Entrant>) {
        self.finished(Keep::Entrants)
    }

    fn finished(self, keep: Keep) -> (Scorecards, Vec<Entrant>) {
        let Self { plan, level, mut groups, vocabulary, threads } = self;
        let (actions, renamed) = vocabulary.into_order();
        let kinds: Vec<ActionKind> = actions.iter().map(|action| action.kind).collect();
        let is_replayed = plan.manifest.is_replayed();
        // Threads that groups do not keep busy work within a group.
        let threads_each =
            NonZeroUsize::new(threads.get() / groups.len().max(1)).unwrap_or(NonZeroUsize::MIN);
        let context = Context {
            settings: plan.settings,
            level,
            actions: &actions,
            kinds: &kinds,
            is_replayed,
            may_stop: plan.manifest.may_stop(),
            threads: threads_each,
        };
        for group in &mut groups {
            group.settle(&renamed);
        }
        let robustness = robustness(&plan, &groups, &context);
        let subjects = plan.groups().map(|(agent, condition)| Subject::of(&plan, agent, condition));
        let division = Groups::new(plan.settings.groups, plan.tasks(), &plan.manifest.tasks);
        let (mut scorecards, mut group_cards, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
        // A group's trials go when it has been scored, unless they are asked for.
        let mut entrants = Vec::new();
        let known: Arc<[Action]> = actions.iter().cloned().collect();
        let scored = |(subject, group): (Subject<'_>, Group)| {
            let scored = subject.scored(&group, &division, &context);
            let entrant = (keep == Keep::Entrants).then(|| Entrant {
                run: plan.manifest.run.clone(),
                agent: subject.agent.clone(),
                condition: subject.condition.clone(),
                records: None,
                tasks: EntrantTask::all(subject.planned_trials(group), &scored.scorecard),
                actions: Arc::clone(&known),
                is_replayed,
            });
            (scored, entrant)
        };
        let kept = |(scored, entrant): (Scored, Option<Entrant>)| {
            entrants.extend(entrant);
            scorecards.push(scored.scorecard);
            group_cards.extend(scored.group_cards);
            warnings.extend(scored.warnings);
            Ok::<(), Infallible>(())
        };
        let Ok(()) = in_order::for_each(subjects.zip(groups), threads, scored, kept);
        let parts = scorecards.iter().map(|scorecard| &scorecard.denominators.books);
        let books = books_of_run(plan.manifest.planned(), parts);
        warnings.splice(0..0, warnings_of_run(&plan, &books));
        let scorecards = Scorecards {
            schema: SCHEMA_VERSION,
            run: RunFacts::from(plan.manifest),
            settings: *plan.settings,
            books,
            scorecards,
            groups: group_cards,
            robustness,
            warnings,
        };
        (scorecards, entrants)
    }
}

/// What is to be known of the run as a whole.
fn warnings_of_run(plan: &Plan<'_>, books: &Books) -> Vec<Warning> {
    let may_stop = plan.manifest.may_stop().then_some(Warning::MayStop { target: plan.settings.target });
    let missing = (!books.complete())
        .then_some(Warning::MissingTrials { trials: books.missing, planned: books.planned });
    may_stop.into_iter().chain(missing).collect()
}

/// Whether trials are kept when they have been scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    Nothing,
    Entrants,
}

/// Puts an entry where it belongs.
fn enter(entry: Entry, plan: &Plan<'_>, groups: &mut [Group]) -> Result<(), MetricsError> {
    let group = &mut groups[entry.group];
    let cell = &mut group.cells[entry.task];
    if !cell.mark(entry.trial.number) {
        return Err(MetricsError::Duplicate { trial: plan.trial_of(&entry) });
    }
    if cell.trials.is_empty() {
        cell.trials.reserve_exact(plan.manifest.trials().min(ROOM) as usize);
    }
    group.tally.add(entry.book);
    cell.trials.push(entry.trial);
    Ok(())
}

/// What a chunk of a file holds, up to the first line that cannot be read or added.
struct Batch {
    entries: Vec<Entry>,
    end: Result<(), BatchEnd>,
}

/// Why a batch ends before its chunk does.
enum BatchEnd {
    Unreadable(RecordError),
    Unfit(MetricsError),
}

impl Batch {
    fn read(chunk: Result<LineChunk, RecordError>, plan: &Plan<'_>, vocabulary: &Vocabulary) -> Self {
        let mut entries = Vec::new();
        let end = chunk.map_err(BatchEnd::Unreadable).and_then(|chunk| {
            for record in chunk.trials() {
                let record = record.map_err(BatchEnd::Unreadable)?;
                entries.push(plan.read(&record, vocabulary).map_err(BatchEnd::Unfit)?);
            }
            Ok(())
        });
        Self { entries, end }
    }

    /// Puts the entries where they belong; `lines` counts those of all batches.
    fn enter(self, plan: &Plan<'_>, groups: &mut [Group], lines: &mut u64) -> Result<(), LineError> {
        for entry in self.entries {
            *lines += 1;
            enter(entry, plan, groups).map_err(|source| LineError::Unfit { line: *lines, source })?;
        }
        self.end.map_err(|end| match end {
            BatchEnd::Unreadable(source) => LineError::Record(source),
            BatchEnd::Unfit(source) => LineError::Unfit { line: *lines + 1, source },
        })
    }
}

/// Compares every agent's trials under every fault condition with those under the baseline.
fn robustness(plan: &Plan<'_>, groups: &[Group], context: &Context<'_>) -> Vec<Robustness> {
    let conditions = plan.manifest.conditions();
    let is_baseline = |condition: &ConditionSpec| condition.kind == ConditionKind::Baseline;
    let Some(baseline) = conditions.iter().position(is_baseline) else { return Vec::new() };
    let mut found = Vec::new();
    for (agent, of_agent) in plan.agents().iter().zip(groups.chunks(conditions.len())) {
        for (condition, group) in conditions.iter().zip(of_agent) {
            let Some(settings) = &condition.fault else { continue };
            let plain = of_agent[baseline].tasks(plan.tasks());
            let comparison = Comparison {
                agent,
                condition: &condition.name,
                baseline: &conditions[baseline].name,
                fault: settings.what,
                tasks: group.tasks(plan.tasks()).zip(plain).collect(),
            };
            let mut robustness = comparison.robustness(context);
            robustness.measures.iter_mut().for_each(|measure| stopping::caution(measure, context));
            found.push(robustness);
        }
    }
    found
}

impl Cell {
    /// Marks the trial as recorded; its number is within the plan. Returns whether it was not before.
    fn mark(&mut self, number: u32) -> bool {
        let (word, bit) = ((number as usize - 1) / 64, (number - 1) % 64);
        if self.seen.len() <= word {
            self.seen.resize(word + 1, 0);
        }
        let is_new = self.seen[word] & (1 << bit) == 0;
        self.seen[word] |= 1 << bit;
        is_new
    }
}

impl Group {
    /// Makes everything independent of the order in which records came.
    fn settle(&mut self, renamed: &[u32]) {
        for cell in &mut self.cells {
            cell.trials.sort_unstable_by_key(|trial| trial.number);
            for actions in cell.trials.iter_mut().filter_map(|trial| trial.actions.as_mut()) {
                actions.rename(renamed);
            }
        }
    }

    fn tasks<'g>(&'g self, names: &'g [&'g TaskName]) -> impl Iterator<Item = TaskTrials<'g>> {
        let cells = names.iter().zip(&self.cells);
        cells.map(|(task, cell)| TaskTrials { task, trials: &cell.trials })
    }
}

/// Whose scorecard is made.
struct Subject<'a> {
    agent: &'a AgentName,
    condition: &'a ConditionName,
    tasks: &'a [&'a TaskName],
    /// How many trials are planned, by task.
    planned: Vec<u32>,
}

/// What is said of one subject.
struct Scored {
    scorecard: Scorecard,
    group_cards: Vec<GroupCard>,
    warnings: Vec<Warning>,
}

impl<'a> Subject<'a> {
    fn of(plan: &'a Plan<'_>, agent: &'a AgentName, condition: &'a ConditionName) -> Self {
        let planned = |task: &&TaskName| plan.manifest.planned_for(task, agent, condition);
        Self { agent, condition, tasks: plan.tasks(), planned: plan.tasks().iter().map(planned).collect() }
    }

    /// The trials of each task, with how many are planned.
    fn planned_trials(&self, group: Group) -> impl Iterator<Item = (TaskName, u32, Vec<Trial>)> {
        let cells = self.tasks.iter().zip(&self.planned).zip(group.cells);
        cells.map(|((task, &planned), cell)| ((*task).clone(), planned, cell.trials))
    }

    /// Scores the trials. A task that was never planned for the agent, as an imported run may have it, is none of its tasks.
    fn scored(&self, group: &Group, division: &Groups, context: &Context<'_>) -> Scored {
        let planned = group.tasks(self.tasks).zip(&self.planned).filter(|(_, planned)| **planned > 0);
        let tasks: Vec<TaskTrials<'_>> = planned.map(|(task, _)| task).collect();
        let profiles = TaskProfile::of_all(&tasks, context);
        Scored {
            scorecard: self.scorecard(&group.tally, &tasks, &profiles, context),
            group_cards: division.cards((self.agent, self.condition), &profiles, context).collect(),
            warnings: self.warnings(&tasks),
        }
    }

    fn scorecard(
        &self,
        tally: &Tally,
        tasks: &[TaskTrials<'_>],
        profiles: &[TaskProfile<'_>],
        context: &Context<'_>,
    ) -> Scorecard {
        let all = Profile::of(&profiles.iter().collect::<Vec<_>>(), context);
        Scorecard {
            agent: self.agent.clone(),
            condition: self.condition.clone(),
            worst_case: success::worst_case(tasks),
            measures: all.measures,
            tasks: profiles.iter().map(row).collect(),
            solved: SolvedTasks::of(tasks),
            clustered_errors: difficulty::clustered_errors(&success::outcome_counts(tasks)),
            prefix_agreement: all.prefix_agreement,
            forks: forks::forks(profiles, context),
            calibration: all.calibration,
            safety: Safety::WITHOUT_CONSTRAINTS,
            denominators: tally
                .clone()
                .denominators(self.planned.iter().map(|&trials| u64::from(trials)).sum()),
        }
    }

    fn warnings(&self, tasks: &[TaskTrials<'_>]) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let (agent, condition) = (self.agent, self.condition);
        let ungraded: Vec<TaskName> = tasks
            .iter()
            .filter(|task| task.graded().next().is_none())
            .map(|task| task.task.clone())
            .collect();
        if !ungraded.is_empty() {
            let (agent, condition) = (agent.clone(), condition.clone());
            warnings.push(Warning::UngradedTasks { agent, condition, tasks: ungraded });
        }
        for task in tasks {
            warnings.extend(repeats::identical(task).into_iter().map(|trials| Warning::IdenticalRepeats {
                agent: agent.clone(),
                condition: condition.clone(),
                task: task.task.clone(),
                trials,
            }));
        }
        warnings
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
