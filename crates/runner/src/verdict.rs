//! From the verifier's reward files to rewards and a verdict. Pure; the verifier's exit code plays no part.

use std::collections::BTreeMap;

use retrial_sandbox::TreeArchive;
use retrial_spec::{UngradedReason, Verdict};
use serde_json::Value;

/// Reward files are tiny; more is refused.
const REWARD_BYTES: u64 = 1 << 20;

/// What a verifier wrote: finite numbers by name.
pub(crate) type Rewards = BTreeMap<String, f64>;

/// The name of the reward that counts, and of the number in `reward.txt`.
const REWARD: &str = "reward";

/// Reads the verdict from the directory that the verifier writes to.
///
/// `reward.json`, an object of finite numbers, comes before `reward.txt`, one number. With several keys the one named
/// `reward` counts; without it the file says no single reward.
///
/// | `reward.json` | `reward.txt` | verdict |
/// |---|---|---|
/// | object of numbers (true is 1, false is 0) with `reward`, or of one key | any | by that number |
/// | anything else | any | ungraded: unreadable |
/// | absent | one number | by that number |
/// | absent | anything else, or empty | ungraded: unreadable |
/// | absent | absent | ungraded: no reward |
pub fn verdict_from(logs: &TreeArchive) -> Verdict {
    rewards_from(logs).map_or_else(Verdict::Ungraded, |rewards| verdict_of(&rewards))
}

/// Reads the rewards by their names, or why there are none.
pub(crate) fn rewards_from(logs: &TreeArchive) -> Result<Rewards, UngradedReason> {
    let read = |name: &str| logs.read(name, REWARD_BYTES);
    let rewards = match (read("reward.json"), read("reward.txt")) {
        (Err(error), _) | (Ok(None), Err(error)) => Err(error.to_string()),
        (Ok(Some(json)), _) => from_json(&json),
        (Ok(None), Ok(Some(text))) => from_text(&text),
        (Ok(None), Ok(None)) => return Err(UngradedReason::NoReward),
    };
    rewards.map_err(UngradedReason::RewardUnreadable)
}

/// Returns the verdict of rewards: by the single reward, where they say one.
pub(crate) fn verdict_of(rewards: &Rewards) -> Verdict {
    if let Some(reward) = single_reward(rewards) {
        return Verdict::from_reward(reward);
    }
    let keys: Vec<String> = rewards.keys().take(8).map(|key| format!("`{}`", shortened(key))).collect();
    let keys = if keys.is_empty() { "no key".to_owned() } else { keys.join(", ") };
    let reason = format!("the rewards have no key `{REWARD}` to judge by, but {keys}");
    Verdict::Ungraded(UngradedReason::RewardUnreadable(reason))
}

/// Returns the reward that counts: that of the key `reward`, or the only one.
pub(crate) fn single_reward(rewards: &Rewards) -> Option<f64> {
    let only = || rewards.values().next().filter(|_| rewards.len() == 1);
    rewards.get(REWARD).or_else(only).copied()
}

fn from_json(bytes: &[u8]) -> Result<Rewards, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| format!("reward.json: {error}"))?;
    let object = value.as_object().ok_or("reward.json is not an object")?;
    let number = |(key, value): (&String, &Value)| {
        let number = match value {
            Value::Bool(passed) => Some(f64::from(u8::from(*passed))),
            Value::Number(number) => number.as_f64(),
            _ => None,
        };
        let number = number.filter(|number| number.is_finite());
        let found = || {
            format!(
                "reward.json: `{}` is {}, which is no number",
                shortened(key),
                shortened(&value.to_string())
            )
        };
        number.map(|number| (key.clone(), number)).ok_or_else(found)
    };
    object.iter().map(number).collect()
}

fn from_text(bytes: &[u8]) -> Result<Rewards, String> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim();
    match text.parse::<f64>() {
        Ok(reward) if reward.is_finite() => Ok([(REWARD.to_owned(), reward)].into()),
        _ if text.is_empty() => Err("reward.txt is empty".to_owned()),
        _ => Err(format!("reward.txt: `{}` is no number", shortened(text))),
    }
}

/// The beginning of a text that the verifier chose, for a message.
fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use retrial_sandbox::{TreeBuilder, TreeCaps};

    use super::*;

    fn logs(files: &[(&str, &str)]) -> TreeArchive {
        let mut builder = TreeBuilder::new(TreeCaps::default());
        for (path, content) in files {
            builder.file(*path, 0o644, content.as_bytes()).unwrap();
        }
        builder.finish()
    }

    fn json(text: &str) -> Verdict {
        verdict_from(&logs(&[("reward.json", text)]))
    }

    fn unreadable(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Ungraded(UngradedReason::RewardUnreadable(_)))
    }

    #[test]
    fn every_row_of_the_truth_table_holds() {
        assert_eq!(verdict_from(&logs(&[])), Verdict::Ungraded(UngradedReason::NoReward));
        assert_eq!(verdict_from(&logs(&[("reward.txt", "1\n")])), Verdict::Passed);
        assert_eq!(verdict_from(&logs(&[("reward.txt", " 0.0 ")])), Verdict::Failed);
        assert_eq!(verdict_from(&logs(&[("reward.txt", "0.5")])), Verdict::Reward(0.5));
        assert_eq!(
            verdict_from(&logs(&[("reward.json", "{\"reward\": 1}"), ("reward.txt", "0")])),
            Verdict::Passed
        );
        assert_eq!(json("{\"only\": true}"), Verdict::Passed);
        assert_eq!(json("{\"reward\": 0.25, \"style\": 7}"), Verdict::Reward(0.25));
        for bad in ["", "abc", "nan", "inf", "1e309", "1 2"] {
            assert!(unreadable(&verdict_from(&logs(&[("reward.txt", bad)]))), "{bad}");
        }
        for bad in [
            "",
            "{",
            "1",
            "[1]",
            "null",
            "{}",
            "{\"reward\": \"1\"}",
            "{\"reward\": 1, \"style\": \"good\"}",
            "{\"reward\": 1, \"style\": null}",
            "{\"a\": 1, \"b\": 0}",
            "{\"reward\": NaN}",
            "{\"reward\": Infinity}",
            "{\"reward\": 1e309}",
        ] {
            assert!(unreadable(&json(bad)), "{bad}");
        }
        assert_eq!(
            verdict_from(&logs(&[("reward.txt", "2")])),
            Verdict::Ungraded(UngradedReason::RewardOutOfRange)
        );
    }

    #[test]
    fn rewards_without_a_single_one_are_named() {
        let Verdict::Ungraded(UngradedReason::RewardUnreadable(reason)) =
            json("{\"tests\": 1, \"style\": 0}")
        else {
            panic!("two keys are no single reward");
        };
        assert_eq!(reason, "the rewards have no key `reward` to judge by, but `style`, `tests`");
    }

    proptest! {
        #[test]
        fn any_object_of_finite_numbers_is_read_as_it_was_written(
            rewards in proptest::collection::btree_map(".{0,8}", -1e300_f64..1e300, 0..5),
        ) {
            let text = serde_json::to_string(&rewards).unwrap();
            prop_assert_eq!(rewards_from(&logs(&[("reward.json", &text)])), Ok(rewards));
        }

        #[test]
        fn no_bytes_make_it_panic_and_none_give_a_reward_outside_0_and_1(text in ".{0,20}") {
            for name in ["reward.json", "reward.txt"] {
                if let Verdict::Reward(reward) = verdict_from(&logs(&[(name, &text)])) {
                    prop_assert!(reward > 0.0 && reward < 1.0);
                }
            }
        }
    }
}
