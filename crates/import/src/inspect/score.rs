//! Which score of a sample gives its verdict, and what its value means.

use std::collections::{BTreeMap, BTreeSet};

use retrial_spec::{UngradedReason, Verdict};
use serde_json::Value;

use super::sample::Score;
use crate::{ImportError, Place};

/// The score of a sample that was chosen.
#[derive(Debug)]
pub(super) struct Chosen<'s> {
    /// Its value, of one key where the scorer gives several.
    pub(super) value: &'s Value,
    /// What the scorer says of it.
    pub(super) explanation: Option<&'s str>,
}

impl<'s> Chosen<'s> {
    /// Returns the score of a scorer that gives one.
    pub(super) fn of(score: &'s Score) -> Self {
        Self { value: &score.value, explanation: score.explanation.as_deref() }
    }
}

/// The choice of a score, made with the first sample of a log and held for the others.
#[derive(Debug, Default)]
pub(super) struct Choice {
    asked: Option<String>,
    /// The only score, where none was asked for.
    only: Option<String>,
    /// Whether a sample had the score that was asked for.
    was_found: bool,
    seen: BTreeSet<String>,
}

impl Choice {
    /// Returns the choice that was asked for, or that of the only score.
    pub(super) fn new(asked: Option<&str>) -> Self {
        Self { asked: asked.map(str::to_owned), ..Self::default() }
    }

    /// Chooses among the scores of a sample; none where it lacks the one that counts.
    pub(super) fn choose<'s>(
        &mut self,
        scores: &'s BTreeMap<String, Score>,
        place: &Place,
    ) -> Result<Option<Chosen<'s>>, ImportError> {
        let streams: Vec<(String, Chosen<'s>)> =
            scores.iter().flat_map(|(name, score)| streams(name, score)).collect();
        self.seen.extend(streams.iter().map(|(name, _)| name.clone()));
        if self.asked.is_none() {
            if let [name] = self.seen.iter().collect::<Vec<_>>().as_slice() {
                self.only.get_or_insert_with(|| (*name).clone());
            } else if self.seen.len() > 1 {
                return Err(place.error(format!(
                    "has several scores; choose the one that gives the verdict with `--score`, one of {}",
                    self.listed()
                )));
            }
        }
        let wanted = self.asked.as_ref().or(self.only.as_ref());
        let chosen = streams.into_iter().find(|(name, _)| Some(name) == wanted);
        self.was_found |= chosen.is_some();
        Ok(chosen.map(|(_, chosen)| chosen))
    }

    /// Checks, after the last sample, that the score that was asked for exists.
    pub(super) fn check(&self, log: &Place) -> Result<(), ImportError> {
        match &self.asked {
            Some(asked) if !self.was_found && !self.seen.is_empty() => {
                Err(log.error(format!("has no score `{asked}`; expected one of {}", self.listed())))
            }
            _ => Ok(()),
        }
    }

    fn listed(&self) -> String {
        let names: Vec<String> = self.seen.iter().map(|name| format!("`{name}`")).collect();
        names.join(", ")
    }
}

/// The scores that a scorer gives: one, or one for each key.
fn streams<'s>(name: &str, score: &'s Score) -> Vec<(String, Chosen<'s>)> {
    let explanation = score.explanation.as_deref();
    match &score.value {
        Value::Object(values) => values
            .iter()
            .map(|(key, value)| (format!("{name}/{key}"), Chosen { value, explanation }))
            .collect(),
        _ => vec![(name.to_owned(), Chosen::of(score))],
    }
}

/// Returns the verdict of a score's value.
pub(super) fn verdict(value: &Value) -> Verdict {
    let unreadable = || {
        let text = value.to_string();
        let shown: String = text.chars().take(80).collect();
        Verdict::Ungraded(UngradedReason::RewardUnreadable(format!("the score {shown} stands for no number")))
    };
    match value {
        Value::Null => Verdict::Ungraded(UngradedReason::NoReward),
        Value::Bool(passed) => Verdict::from_reward(f64::from(*passed)),
        Value::Number(number) => number.as_f64().map_or_else(unreadable, Verdict::from_reward),
        Value::String(text) => of_text(text).unwrap_or_else(unreadable),
        Value::Array(_) | Value::Object(_) => unreadable(),
    }
}

fn of_text(text: &str) -> Option<Verdict> {
    let reward = match text {
        "C" => 1.0,
        "P" => 0.5,
        "I" | "N" => 0.0,
        "NaN" => return Some(Verdict::Ungraded(UngradedReason::NoReward)),
        "Infinity" | "-Infinity" => return Some(Verdict::Ungraded(UngradedReason::RewardOutOfRange)),
        _ => match text.to_lowercase().as_str() {
            "yes" | "true" => 1.0,
            "no" | "false" => 0.0,
            number => number.trim().parse::<f64>().ok().filter(|number| number.is_finite())?,
        },
    };
    Some(Verdict::from_reward(reward))
}

/// Returns the value's word for a table of statuses; numbers between 0 and 1 share one.
pub(super) fn word(value: &Value) -> String {
    match value {
        Value::String(text) if text.chars().count() <= 16 && text.parse::<f64>().is_err() => {
            format!("scored {text}")
        }
        Value::Null => "not scored".to_owned(),
        Value::Bool(passed) => format!("scored {passed}"),
        other => match verdict(other) {
            Verdict::Passed => "scored 1".to_owned(),
            Verdict::Failed => "scored 0".to_owned(),
            Verdict::Reward(_) => "scored between 0 and 1".to_owned(),
            Verdict::Ungraded(UngradedReason::NoReward) => "scored NaN".to_owned(),
            Verdict::Ungraded(UngradedReason::RewardOutOfRange) => "scored outside of 0 to 1".to_owned(),
            Verdict::Ungraded(_) => "scored with no number".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_mean_what_inspect_takes_them_for() {
        let passed =
            [json!("C"), json!("yes"), json!("True"), json!(true), json!(1), json!(1.0), json!("1.0")];
        let failed =
            [json!("I"), json!("N"), json!("no"), json!("FALSE"), json!(false), json!(0), json!("0")];
        assert!(passed.iter().all(|value| verdict(value) == Verdict::Passed));
        assert!(failed.iter().all(|value| verdict(value) == Verdict::Failed));
        assert_eq!(
            [verdict(&json!("P")), verdict(&json!("0.25"))],
            [Verdict::Reward(0.5), Verdict::Reward(0.25)]
        );
    }

    #[test]
    fn what_stands_for_no_number_is_ungraded_with_its_reason() {
        let unscored = Verdict::Ungraded(UngradedReason::NoReward);
        let outside = Verdict::Ungraded(UngradedReason::RewardOutOfRange);
        assert_eq!([verdict(&json!(null)), verdict(&json!("NaN"))], [unscored.clone(), unscored]);
        for value in [json!(3), json!(-1), json!("-0.5"), json!("Infinity")] {
            assert_eq!(verdict(&value), outside, "{value}");
        }
        for value in [json!("maybe"), json!([1]), json!("inf"), json!("c"), json!("")] {
            let is_unreadable = matches!(verdict(&value), Verdict::Ungraded(UngradedReason::RewardUnreadable(why)) if why.contains(&value.to_string()));
            assert!(is_unreadable, "{value}");
        }
    }
}
