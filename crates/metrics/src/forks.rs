//! Which actions separate successes from failures at the point where the trials of a task part.
//!
//! Exploratory: many actions are tested at once, on trials that were not planned for it. Read a small adjusted p-value as a place
//! to look at, not as a finding.

use std::collections::BTreeMap;

use retrial_spec::{Action, ActionKind, TaskName};
use retrial_stats::compare::Pair;
use retrial_stats::compare::multiplicity::{Adjustment, adjust};
use retrial_stats::compare::stratified::StratifiedExact;
use retrial_stats::{Counts, Undefined, edit, moments};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Granularity;
use crate::estimators::Context;
use crate::profile::TaskProfile;
use crate::value::{Finite, Known, Reason};

/// Where the trials of tasks part, and how those fared that took each action there.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Forks {
    /// What counts as the same action.
    pub granularity: Granularity,
    /// How the p-values were made; always exploratory.
    pub test: ForkTest,
    /// Tasks with two graded trials or more that part somewhere.
    pub parted: u64,
    /// Tasks with two graded trials or more that all did the same.
    pub never_part: u64,
    /// What each action meant over all tasks at whose fork it was taken, the smallest p-value first.
    pub by_action: Vec<Branch>,
    /// The forks, by task.
    pub by_task: Vec<TaskFork>,
}

/// How the p-values of forks are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ForkTest {
    /// Fisher's exact test of one task, the exact stratified test of several; p-values adjusted for the false discovery rate
    /// (Benjamini and Hochberg) over the branches of all tasks, or over all actions. Exploratory.
    ExactExploratory,
}

/// The place where the trials of a task part.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TaskFork {
    /// The task.
    pub task: TaskName,
    /// The first place, from 1, at which not all graded trials did the same.
    pub place: u32,
    /// What was done there, by action; trials that had ended come first.
    pub branches: Vec<Branch>,
}

/// The trials that took one action at the fork, beside those that took another.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Branch {
    /// The action; none where the trial had ended.
    pub action: Option<BranchAction>,
    /// Tasks at whose fork it was taken.
    pub tasks: u64,
    /// Graded trials that took it.
    pub trials: u64,
    /// Those of them that passed.
    pub passed: u64,
    /// Graded trials of the same tasks that took another.
    pub other_trials: u64,
    /// Those of them that passed.
    pub other_passed: u64,
    /// The share that passed less that of the others, averaged over tasks.
    pub difference: Finite,
    /// Whether chance alone would part them so.
    pub test: Known<BranchTest>,
}

/// An action at the chosen granularity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct BranchAction {
    /// The kind.
    pub kind: ActionKind,
    /// The fine name, where fine names are compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl std::fmt::Display for BranchAction {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.name {
            Some(name) => formatter.pad(&format!("{} {name}", self.kind.as_str())),
            None => formatter.pad(self.kind.as_str()),
        }
    }
}

/// The p-values of a branch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct BranchTest {
    /// The two-sided exact p-value of "the action goes with no other outcome".
    pub p: Finite,
    /// The same, adjusted for the false discovery rate.
    pub p_adjusted: Finite,
}

/// Returns the forks at both granularities, fine names first.
pub(crate) fn forks(profiles: &[TaskProfile<'_>], context: &Context<'_>) -> Vec<Forks> {
    [Granularity::Name, Granularity::Kind]
        .map(|granularity| of_granularity(profiles, granularity, context))
        .into()
}

/// A code of an action, or none where the trial had ended.
type Code = Option<u32>;

/// The trials of one task at its fork.
struct Fork<'a> {
    task: &'a TaskName,
    place: usize,
    /// By what was done there.
    branches: BTreeMap<Code, Counts>,
    all: Counts,
}

/// A branch with its strata: those who took the action and the others, by task.
struct Strata {
    code: Code,
    pairs: Vec<Pair<Counts>>,
}

fn of_granularity(profiles: &[TaskProfile<'_>], granularity: Granularity, context: &Context<'_>) -> Forks {
    let (mut found, mut never_part) = (Vec::new(), 0);
    let compared =
        |profile: &&TaskProfile<'_>| profile.trials.graded().filter(|trial| trial.acted()).count() > 1;
    for profile in profiles.iter().filter(compared) {
        match Fork::of(profile, granularity, context) {
            Some(fork) => found.push(fork),
            None => never_part += 1,
        }
    }
    let of_tasks: Vec<Strata> = found.iter().flat_map(Fork::strata).collect();
    let mut across: BTreeMap<Code, Vec<Pair<Counts>>> = BTreeMap::new();
    for strata in &of_tasks {
        across.entry(strata.code).or_default().extend(&strata.pairs);
    }
    let across: Vec<Strata> = across.into_iter().map(|(code, pairs)| Strata { code, pairs }).collect();
    let named = |code| name(code, granularity, context);
    let mut by_action = tested(&across, named);
    let p = |branch: &Branch| branch.test.known().map_or(f64::INFINITY, |test| test.p.value());
    by_action.sort_by(|a, b| p(a).total_cmp(&p(b)));
    let mut branches = tested(&of_tasks, named).into_iter();
    let by_task = found.iter().map(|fork| TaskFork {
        task: fork.task.clone(),
        place: fork.place as u32 + 1,
        branches: branches.by_ref().take(fork.branches.len()).collect(),
    });
    Forks {
        granularity,
        test: ForkTest::ExactExploratory,
        parted: found.len() as u64,
        never_part,
        by_task: by_task.collect(),
        by_action,
    }
}

fn name(code: Code, granularity: Granularity, context: &Context<'_>) -> Option<BranchAction> {
    let code = code? as usize;
    Some(match granularity {
        Granularity::Kind => BranchAction { kind: *ActionKind::ALL.get(code)?, name: None },
        Granularity::Name => {
            let Action { kind, name } = context.actions.get(code)?;
            BranchAction { kind: *kind, name: Some(name.clone()) }
        }
    })
}

impl<'a> Fork<'a> {
    /// None where all graded trials did the same.
    fn of(profile: &TaskProfile<'a>, granularity: Granularity, context: &Context<'_>) -> Option<Self> {
        let trials: Vec<_> = profile.trials.graded().filter(|trial| trial.acted()).collect();
        let code = |code: u32| match granularity {
            Granularity::Name => code,
            Granularity::Kind => context.kinds[code as usize] as u32,
        };
        let sequence = |codes: Vec<u32>| codes.into_iter().map(code).collect();
        let sequences: Vec<Vec<u32>> = trials.iter().map(|trial| sequence(trial.action_codes())).collect();
        let place = edit::first_divergence_of_all(&sequences)?;
        let mut outcomes: BTreeMap<Code, Vec<bool>> = BTreeMap::new();
        for (sequence, trial) in sequences.iter().zip(&trials) {
            outcomes.entry(sequence.get(place).copied()).or_default().push(trial.is_passed());
        }
        let branches = outcomes.into_iter().map(|(code, outcomes)| (code, Counts::of(&outcomes))).collect();
        let all = Counts::of(&trials.iter().map(|trial| trial.is_passed()).collect::<Vec<bool>>());
        Some(Self { task: profile.trials.task, place, branches, all })
    }

    /// Each branch beside the others.
    fn strata(&self) -> impl Iterator<Item = Strata> {
        self.branches.iter().filter_map(|(&code, &first)| {
            let others = self.all.successes() - first.successes();
            let second = Counts::new(others, self.all.total() - first.total()).ok()?;
            Some(Strata { code, pairs: vec![Pair { first, second }] })
        })
    }
}

/// Makes branches of strata, with p-values adjusted over all of them.
fn tested(strata: &[Strata], name: impl Fn(Code) -> Option<BranchAction>) -> Vec<Branch> {
    let p: Vec<Result<f64, Reason>> = strata.iter().map(|strata| p_value(&strata.pairs)).collect();
    let known: Vec<f64> = p.iter().filter_map(|p| p.as_ref().ok().copied()).collect();
    let mut adjusted = adjust(&known, Adjustment::BenjaminiHochberg).unwrap_or_default().into_iter();
    let tests = p.into_iter().map(|p| {
        let p = p?;
        let p_adjusted = adjusted.next().ok_or(Undefined::OutOfDomain)?;
        Ok(BranchTest { p: Finite::new(p)?, p_adjusted: Finite::new(p_adjusted)? })
    });
    let branches = strata.iter().zip(tests);
    branches.filter_map(|(strata, test)| branch(strata, name(strata.code), test).ok()).collect()
}

/// Trials of tasks with one outcome say nothing of what separates outcomes.
fn p_value(pairs: &[Pair<Counts>]) -> Result<f64, Reason> {
    let is_mixed = |pair: &Pair<Counts>| {
        let passed = pair.first.successes() + pair.second.successes();
        passed > 0 && passed < pair.first.total() + pair.second.total()
    };
    let telling: Vec<Pair<Counts>> = pairs.iter().copied().filter(is_mixed).collect();
    if telling.is_empty() {
        return Err(Undefined::OneClass.into());
    }
    Ok(StratifiedExact::new(&telling)?.p_two_sided_by_probability())
}

fn branch(
    strata: &Strata,
    action: Option<BranchAction>,
    test: Result<BranchTest, Reason>,
) -> Result<Branch, Reason> {
    let sum = |count: fn(&Pair<Counts>) -> u64| strata.pairs.iter().map(count).sum();
    let differences = strata.pairs.iter().map(|pair| Ok(pair.first.rate()? - pair.second.rate()?));
    let differences = differences.collect::<Result<Vec<f64>, Undefined>>()?;
    Ok(Branch {
        action,
        tasks: strata.pairs.len() as u64,
        trials: sum(|pair| pair.first.total()),
        passed: sum(|pair| pair.first.successes()),
        other_trials: sum(|pair| pair.second.total()),
        other_passed: sum(|pair| pair.second.successes()),
        difference: Finite::new(moments::mean(&differences)?)?,
        test: test.into(),
    })
}
