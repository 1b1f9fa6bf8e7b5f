//! From the rewards of steps to those of the trial. Pure.

use retrial_spec::{MinReward, RewardStrategy};

use crate::verdict::{Rewards, single_reward};

/// Puts together the rewards of the steps that were begun, in order; `None` stands for a step whose verifier gave none.
///
/// | strategy | rewards |
/// |---|---|
/// | mean | by key, over the steps with rewards, a missing key counting as 0; none where no step has rewards |
/// | final | those of the last step that was begun |
pub(crate) fn put_together(strategy: RewardStrategy, steps: &[Option<Rewards>]) -> Option<Rewards> {
    match strategy {
        RewardStrategy::Final => steps.last().cloned().flatten(),
        RewardStrategy::Mean => mean(&steps.iter().flatten().collect::<Vec<_>>()),
    }
}

fn mean(steps: &[&Rewards]) -> Option<Rewards> {
    if steps.is_empty() {
        return None;
    }
    let mut keys: Vec<&String> = steps.iter().flat_map(|rewards| rewards.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let count = steps.len() as f64;
    // Each part is divided first, so that no sum of finite numbers leaves the finite ones; equal rewards stay what they are.
    let of = |key: &String| {
        let rewards: Vec<f64> =
            steps.iter().map(|rewards| rewards.get(key).copied().unwrap_or(0.0)).collect();
        match rewards.split_first() {
            Some((first, rest)) if rest.iter().all(|other| other.to_bits() == first.to_bits()) => *first,
            _ => rewards.iter().map(|reward| reward / count).sum(),
        }
    };
    Some(keys.into_iter().map(|key| (key.clone(), of(key))).collect())
}

/// Returns whether a step's rewards allow the next step; a missing reward is less than any.
pub(crate) fn goes_on(min_reward: Option<&MinReward>, rewards: Option<&Rewards>) -> bool {
    let reaches = |reward: Option<f64>, least: f64| reward.is_some_and(|reward| reward >= least);
    match min_reward {
        None => true,
        Some(MinReward::Single(least)) => reaches(rewards.and_then(single_reward), *least),
        Some(MinReward::ByKey(least)) => least
            .iter()
            .all(|(key, least)| reaches(rewards.and_then(|rewards| rewards.get(key).copied()), *least)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rewards(pairs: &[(&str, f64)]) -> Rewards {
        pairs.iter().map(|(key, reward)| ((*key).to_owned(), *reward)).collect()
    }

    #[test]
    fn the_mean_counts_missing_keys_as_0_and_leaves_out_steps_without_rewards() {
        let steps =
            [Some(rewards(&[("reward", 1.0), ("style", 0.5)])), None, Some(rewards(&[("reward", 0.0)]))];
        let mean = put_together(RewardStrategy::Mean, &steps);
        assert_eq!(mean, Some(rewards(&[("reward", 0.5), ("style", 0.25)])));
        assert_eq!(put_together(RewardStrategy::Mean, &[None, None]), None);
        assert_eq!(put_together(RewardStrategy::Mean, &[]), None);
    }

    #[test]
    fn the_final_rewards_are_those_of_the_last_step_that_was_begun() {
        let (one, two) = (rewards(&[("reward", 1.0)]), rewards(&[("reward", 0.25)]));
        assert_eq!(put_together(RewardStrategy::Final, &[Some(one.clone()), Some(two.clone())]), Some(two));
        assert_eq!(put_together(RewardStrategy::Final, &[Some(one), None]), None);
    }

    #[test]
    fn a_step_that_does_not_reach_its_least_reward_is_the_last() {
        let both = rewards(&[("reward", 0.5), ("style", 1.0)]);
        let by_key = |pairs: &[(&str, f64)]| MinReward::ByKey(rewards(pairs));
        for (least, given, expected) in [
            (None, None, true),
            (Some(MinReward::Single(0.5)), Some(&both), true),
            (Some(MinReward::Single(0.6)), Some(&both), false),
            (Some(MinReward::Single(-1.0)), None, false),
            (Some(MinReward::Single(0.0)), Some(&rewards(&[("a", 1.0), ("b", 1.0)])), false),
            (Some(by_key(&[("style", 1.0)])), Some(&both), true),
            (Some(by_key(&[("style", 1.0), ("speed", 0.0)])), Some(&both), false),
            (Some(by_key(&[])), None, true),
        ] {
            assert_eq!(goes_on(least.as_ref(), given), expected, "{least:?} {given:?}");
        }
    }

    proptest! {
        #[test]
        fn the_mean_lies_between_the_least_and_the_greatest_and_equal_rewards_stay(
            values in proptest::collection::vec(0.0_f64..=1.0, 1..9),
        ) {
            let steps: Vec<_> = values.iter().map(|value| Some(rewards(&[("reward", *value)]))).collect();
            let mean = put_together(RewardStrategy::Mean, &steps).unwrap()["reward"];
            let (low, high) = values.iter().fold((1.0_f64, 0.0_f64), |(low, high), v| (low.min(*v), high.max(*v)));
            prop_assert!(mean >= low - 1e-12 && mean <= high + 1e-12);
            let same = vec![Some(rewards(&[("reward", values[0])])); values.len()];
            prop_assert_eq!(put_together(RewardStrategy::Mean, &same), same[0].clone());
        }
    }
}
