//! How the trials of a task part, action by action.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, VecDeque};

use super::{ActionNames, NODES, TREES, TaskTree, TreeNode};
use crate::actions;
use crate::forks::BranchAction;
use crate::trials::{TaskTrials, Trial};

/// Returns the trees of the tasks whose outcome changes from trial to trial; none where nobody recorded actions.
pub(super) fn trees(tasks: &[TaskTrials<'_>], names: &ActionNames<'_>) -> Vec<TaskTree> {
    if actions::recorded(tasks).is_err() {
        return Vec::new();
    }
    let mut mixed: Vec<Outcomes<'_>> = tasks.iter().map(Outcomes::of).filter(Outcomes::are_mixed).collect();
    // Tasks come in the order of their names, which a stable sort keeps among equals.
    mixed.sort_by(Outcomes::nearer_to_half);
    mixed.iter().take(TREES).map(|outcomes| outcomes.tree(names)).collect()
}

/// The graded trials of a task in which the agent ran, as forks compare them.
struct Outcomes<'a> {
    task: TaskTrials<'a>,
    trials: u64,
    passed: u64,
}

impl<'a> Outcomes<'a> {
    fn of(task: &TaskTrials<'a>) -> Self {
        let compared = || compared(task);
        let passed = compared().filter(|trial| trial.is_passed()).count() as u64;
        Self { task: *task, trials: compared().count() as u64, passed }
    }

    fn are_mixed(&self) -> bool {
        0 < self.passed && self.passed < self.trials
    }

    /// Compares |passed/trials − 1/2| in whole numbers, so that equal shares of different numbers of trials are equal.
    fn nearer_to_half(&self, other: &Self) -> Ordering {
        let off = |outcomes: &Self| u128::from((2 * outcomes.passed).abs_diff(outcomes.trials));
        (off(self) * u128::from(other.trials)).cmp(&(off(other) * u128::from(self.trials)))
    }

    fn tree(&self, names: &ActionNames<'_>) -> TaskTree {
        let walks: Vec<Walk> = compared(&self.task).map(|trial| Walk::of(trial, names)).collect();
        let (nodes, is_cut) = nodes(&walks, names);
        TaskTree { task: self.task.task.clone(), trials: self.trials, passed: self.passed, nodes, is_cut }
    }
}

fn compared<'a>(task: &TaskTrials<'a>) -> impl Iterator<Item = &'a Trial> + use<'a> {
    task.graded().filter(|trial| trial.acted())
}

/// The actions of a trial, by their places in the order of all actions.
struct Walk {
    actions: Vec<u32>,
    has_passed: bool,
}

impl Walk {
    fn of(trial: &Trial, names: &ActionNames<'_>) -> Self {
        let codes = trial.action_codes().into_iter();
        let actions = codes.map(|code| names.places[code as usize]).collect();
        Self { actions, has_passed: trial.is_passed() }
    }
}

/// Trials that did the same so far, and may part now.
struct Together<'a> {
    /// Their last node; none before the first action.
    node: Option<u32>,
    /// How many actions they have in common.
    shared: usize,
    walks: Vec<&'a Walk>,
}

impl<'a> Together<'a> {
    /// The trials by what they do next, those with the most trials first, then by action; those that end are left out.
    fn parted(&self) -> Vec<(u32, Vec<&'a Walk>)> {
        let mut next: BTreeMap<u32, Vec<&Walk>> = BTreeMap::new();
        for &walk in &self.walks {
            if let Some(&action) = walk.actions.get(self.shared) {
                next.entry(action).or_default().push(walk);
            }
        }
        let mut next: Vec<_> = next.into_iter().collect();
        next.sort_by_key(|(_, walks)| Reverse(walks.len()));
        next
    }
}

/// The nodes, place by place, and whether some had to be left out.
fn nodes(walks: &[Walk], names: &ActionNames<'_>) -> (Vec<TreeNode>, bool) {
    let mut nodes = Vec::new();
    let mut waiting = VecDeque::from([Together { node: None, shared: 0, walks: walks.iter().collect() }]);
    while let Some(together) = waiting.pop_front() {
        for (action, walks) in together.parted() {
            if nodes.len() == NODES {
                return (nodes, true);
            }
            let shared = together.shared + 1;
            let action = &names.actions[action as usize];
            nodes.push(TreeNode {
                parent: together.node,
                action: BranchAction { kind: action.kind, name: Some(action.name.clone()) },
                trials: walks.len() as u64,
                passed: walks.iter().filter(|walk| walk.has_passed).count() as u64,
                ended: walks.iter().filter(|walk| walk.actions.len() == shared).count() as u64,
            });
            if walks.len() > 1 {
                waiting.push_back(Together { node: Some(nodes.len() as u32 - 1), shared, walks });
            }
        }
    }
    (nodes, false)
}
