//! What a log says of its samples together: means over epochs and tasks, and tokens.

use std::collections::BTreeMap;

use retrial_spec::{Cost, TrialRecord, Usage};
use serde_json::{Value, json};

use super::SCORER;
use super::sample::model_usage;

/// The sums over the samples of a log.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// How many samples there are.
    pub(super) samples: u64,
    /// How many of them ended without an error.
    completed: u64,
    /// Rewards and how many, by task.
    rewards: BTreeMap<String, (f64, u64)>,
    usage: Option<Usage>,
    /// The cost of all; none where one is not known.
    cost: Option<Cost>,
}

impl Sums {
    pub(super) fn add(&mut self, record: &TrialRecord, task: &str) {
        let entry = self.rewards.entry(task.to_owned()).or_default();
        if let Some(reward) = record.verdict.reward() {
            *entry = (entry.0 + reward, entry.1 + 1);
        }
        let cost = record.cost.value().copied();
        self.cost = match (self.samples, self.cost, cost) {
            (0, _, cost) => cost,
            (_, Some(sum), Some(cost)) => {
                Some(Cost { usd_micros: sum.usd_micros.saturating_add(cost.usd_micros), priced_on: None })
            }
            _ => None,
        };
        if let Some(usage) = record.usage.value() {
            self.usage = Some(self.usage.map_or(*usage, |sum| sum.plus(usage)));
        }
        self.samples += 1;
        self.completed += u64::from(!matches!(record.ending, retrial_spec::Ending::Infrastructure { .. }));
    }

    /// The means over epochs, by task.
    fn means(&self) -> impl Iterator<Item = (&str, f64)> {
        let graded = self.rewards.iter().filter(|(_, (_, count))| *count > 0);
        graded.map(|(task, (sum, count))| (task.as_str(), sum / *count as f64))
    }

    /// Returns the content of `reductions.json`.
    pub(super) fn reductions(&self) -> Value {
        let samples: Vec<Value> =
            self.means().map(|(task, mean)| json!({"value": mean, "sample_id": task})).collect();
        json!([{"scorer": SCORER, "reducer": "mean", "samples": samples}])
    }

    /// Returns the `results` of a log that planned so many samples.
    pub(super) fn results(&self, planned: u64) -> Value {
        let means: Vec<f64> = self.means().map(|(_, mean)| mean).collect();
        let mut metrics = json!({});
        if !means.is_empty() {
            let mean = means.iter().sum::<f64>() / means.len() as f64;
            metrics["mean"] = json!({"name": "mean", "value": mean, "params": {}});
        }
        json!({
            "total_samples": planned,
            "completed_samples": self.completed,
            "scores": [{
                "name": SCORER, "scorer": SCORER, "reducer": "mean", "params": {}, "metrics": metrics,
                "scored_samples": means.len(), "unscored_samples": self.rewards.len() - means.len(),
            }],
        })
    }

    /// Returns the usage by model.
    pub(super) fn model_usage(&self, model: &str) -> Value {
        match &self.usage {
            Some(usage) => json!({ model: model_usage(usage, self.cost.as_ref()) }),
            None => json!({}),
        }
    }
}
