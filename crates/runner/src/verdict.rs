//! From the verifier's reward files to a verdict. Pure; the verifier's exit code plays no part.

use retrial_sandbox::TreeArchive;
use retrial_spec::{UngradedReason, Verdict};
use serde_json::Value;

/// Reward files are tiny; more is refused.
const REWARD_BYTES: u64 = 1 << 20;

/// Reads the verdict from the directory that the verifier writes to.
///
/// `reward.json`, an object of finite numbers, comes before `reward.txt`, one number. With several keys the one named
/// `reward` counts; without it the file says no single reward.
///
/// | `reward.json` | `reward.txt` | verdict |
/// |---|---|---|
/// | object with `reward`, or of one key | any | by that number |
/// | anything else | any | ungraded: unreadable |
/// | absent | one number | by that number |
/// | absent | anything else, or empty | ungraded: unreadable |
/// | absent | absent | ungraded: no reward |
pub fn verdict_from(logs: &TreeArchive) -> Verdict {
    let read = |name: &str| logs.read(name, REWARD_BYTES);
    let reward = match (read("reward.json"), read("reward.txt")) {
        (Err(error), _) | (Ok(None), Err(error)) => Err(error.to_string()),
        (Ok(Some(json)), _) => from_json(&json),
        (Ok(None), Ok(Some(text))) => from_text(&text),
        (Ok(None), Ok(None)) => return Verdict::Ungraded(UngradedReason::NoReward),
    };
    match reward {
        Ok(reward) => Verdict::from_reward(reward),
        Err(reason) => Verdict::Ungraded(UngradedReason::RewardUnreadable(reason)),
    }
}

fn from_json(bytes: &[u8]) -> Result<f64, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| format!("reward.json: {error}"))?;
    let object = value.as_object().ok_or("reward.json is not an object")?;
    let chosen = match object.get("reward") {
        Some(reward) => Some(reward),
        None if object.len() == 1 => object.values().next(),
        None => None,
    };
    match chosen {
        Some(Value::Bool(passed)) => Ok(f64::from(u8::from(*passed))),
        Some(Value::Number(number)) => {
            number.as_f64().ok_or_else(|| format!("reward.json: `{number}` is no number"))
        }
        Some(other) => Err(format!("reward.json: `{other}` is no number")),
        None => Err("reward.json has no key `reward`".to_owned()),
    }
}

fn from_text(bytes: &[u8]) -> Result<f64, String> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim();
    match text.parse::<f64>() {
        Ok(reward) if reward.is_finite() => Ok(reward),
        _ if text.is_empty() => Err("reward.txt is empty".to_owned()),
        _ => Err(format!("reward.txt: `{}` is no number", text.chars().take(40).collect::<String>())),
    }
}

#[cfg(test)]
mod tests {
    use retrial_sandbox::{TreeBuilder, TreeCaps};

    use super::*;

    fn logs(files: &[(&str, &str)]) -> TreeArchive {
        let mut builder = TreeBuilder::new(TreeCaps::default());
        for (path, content) in files {
            builder.file(*path, 0o644, content.as_bytes()).unwrap();
        }
        builder.finish()
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
        assert_eq!(verdict_from(&logs(&[("reward.json", "{\"only\": true}")])), Verdict::Passed);
        for bad in ["", "abc", "nan", "inf", "1 2"] {
            assert!(unreadable(&verdict_from(&logs(&[("reward.txt", bad)]))), "{bad}");
        }
        for bad in [
            "",
            "1",
            "[1]",
            "{\"reward\": \"1\"}",
            "{\"a\": 1, \"b\": 0}",
            "{\"reward\": NaN}",
            "{\"reward\": 1e309}",
        ] {
            assert!(unreadable(&verdict_from(&logs(&[("reward.json", bad)]))), "{bad}");
        }
        assert_eq!(
            verdict_from(&logs(&[("reward.txt", "2")])),
            Verdict::Ungraded(UngradedReason::RewardOutOfRange)
        );
    }
}
