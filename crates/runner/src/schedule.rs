//! The order of trials: a seeded random block order, so that a bad hour of a provider hits every agent alike.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use retrial_spec::{AgentName, ConditionName, TaskName, TrialId};

/// Returns every trial of the grid once.
///
/// Block `n` holds trial `n` of every cell (agent × task × condition) in random order; blocks follow each other. The
/// order depends on the seed and the names alone.
pub fn schedule(
    tasks: &[TaskName],
    agents: &[AgentName],
    conditions: &[ConditionName],
    trials: u32,
    seed: u64,
) -> Vec<TrialId> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut order = Vec::new();
    for number in 1..=trials {
        let start = order.len();
        for task in tasks {
            for agent in agents {
                for condition in conditions {
                    let (task, agent, condition) = (task.clone(), agent.clone(), condition.clone());
                    order.push(TrialId { task, agent, condition, number });
                }
            }
        }
        order[start..].shuffle(&mut random);
    }
    order
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn names<T>(prefix: &str, count: usize, make: impl Fn(String) -> T) -> Vec<T> {
        (0..count).map(|index| make(format!("{prefix}{index}"))).collect()
    }

    proptest! {
        #[test]
        fn every_trial_is_planned_exactly_once_and_blocks_are_interleaved(
            tasks in 1usize..5, agents in 1usize..4, trials in 1u32..6, seed: u64,
        ) {
            let tasks = names("t", tasks, |name| TaskName::new(name).unwrap());
            let agents = names("a", agents, |name| AgentName::new(name).unwrap());
            let order = schedule(&tasks, &agents, &[ConditionName::baseline()], trials, seed);
            let distinct: BTreeSet<_> = order.iter().collect();
            prop_assert_eq!(distinct.len(), order.len());
            let block = tasks.len() * agents.len();
            prop_assert_eq!(order.len(), block * trials as usize);
            for (index, trial) in order.iter().enumerate() {
                prop_assert_eq!(trial.number as usize, index / block + 1);
            }
            prop_assert_eq!(&order, &schedule(&tasks, &agents, &[ConditionName::baseline()], trials, seed));
        }
    }
}
