//! The sums of a job as Harbor computes them: what has no reward counts as reward 0 there, in the mean and in pass@k alike.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::json::{field, text};

/// The sums of a job so far.
#[derive(Debug, Default)]
pub(super) struct Stats {
    completed: u64,
    errored: u64,
    cancelled: u64,
    evals: BTreeMap<String, Eval>,
    tokens: [Option<u64>; 3],
    cost: Option<f64>,
}

/// The sums of an agent with its model on a data set.
#[derive(Debug, Default)]
struct Eval {
    /// Of all trials.
    trials: u64,
    graded: u64,
    rewards: BTreeMap<String, Vec<String>>,
    exceptions: BTreeMap<String, Vec<String>>,
    sum: f64,
    is_partial: bool,
    /// How many trials a task has, and how many of them passed.
    tasks: BTreeMap<String, (u64, u64)>,
}

impl Stats {
    /// Takes a trial by its result.
    pub(super) fn take(&mut self, result: &Value) {
        let name = text(result, "trial_name").unwrap_or_default().to_owned();
        self.completed += 1;
        let eval = self.evals.entry(key(result)).or_default();
        eval.trials += 1;
        let reward = result.pointer("/verifier_result/rewards/reward").and_then(Value::as_f64);
        let task = text(result, "task_name").unwrap_or_default().to_owned();
        let (trials, passed) = eval.tasks.entry(task).or_default();
        *trials += 1;
        if let Some(reward) = reward {
            *passed += u64::from(reward >= 1.0);
            eval.graded += 1;
            eval.sum += reward;
            eval.is_partial |= reward > 0.0 && reward < 1.0;
            eval.rewards.entry(format!("{reward:?}")).or_default().push(name.clone());
        }
        if let Some(exception) = field(result, "exception_info") {
            let kind = text(exception, "exception_type").unwrap_or_default();
            self.errored += 1;
            self.cancelled += u64::from(kind == "CancelledError");
            eval.exceptions.entry(kind.to_owned()).or_default().push(name);
        }
        let used = result.get("agent_result").cloned().unwrap_or_default();
        let names = ["n_input_tokens", "n_cache_tokens", "n_output_tokens"];
        for (sum, name) in self.tokens.iter_mut().zip(names) {
            if let Some(tokens) = used.get(name).and_then(Value::as_u64) {
                *sum = Some(sum.unwrap_or(0).saturating_add(tokens));
            }
        }
        if let Some(cost) = used.get("cost_usd").and_then(Value::as_f64) {
            self.cost = Some(self.cost.unwrap_or(0.0) + cost);
        }
    }

    pub(super) fn to_value(&self, planned: u64) -> Value {
        let evals: Map<String, Value> =
            self.evals.iter().map(|(key, eval)| (key.clone(), eval.to_value())).collect();
        let [input, cache, output] = self.tokens;
        json!({
            "n_completed_trials": self.completed,
            "n_errored_trials": self.errored,
            "n_running_trials": 0,
            "n_pending_trials": planned.saturating_sub(self.completed),
            "n_cancelled_trials": self.cancelled,
            "n_retries": 0,
            "evals": evals,
            "n_input_tokens": input,
            "n_cache_tokens": cache,
            "n_output_tokens": output,
            "cost_usd": self.cost,
        })
    }
}

impl Eval {
    fn to_value(&self) -> Value {
        let errors: usize = self.exceptions.values().map(Vec::len).sum();
        let rewards = if self.rewards.is_empty() { json!({}) } else { json!({"reward": self.rewards}) };
        json!({
            "n_trials": self.graded,
            "n_errors": errors,
            "metrics": [{"mean": self.sum / self.trials as f64}],
            "pass_at_k": self.pass_at_k(),
            "reward_stats": rewards,
            "exception_stats": self.exceptions,
        })
    }

    /// Pass@k, the mean over the tasks, for 2, 4, 8 … and 5, 10, 15 … up to the trials of the task with fewest; nothing where a
    /// reward is neither 0 nor 1.
    fn pass_at_k(&self) -> Map<String, Value> {
        let most = self.tasks.values().map(|&(trials, _)| trials).min().unwrap_or(0);
        let doubles = std::iter::successors(Some(2_u64), |k| k.checked_mul(2)).take_while(|&k| k <= most);
        let mut ks: Vec<u64> = doubles.chain((5..=most).step_by(5)).collect();
        ks.sort_unstable();
        ks.dedup();
        if self.is_partial {
            ks.clear();
        }
        let mean = |k| {
            let of_tasks = self.tasks.values().map(|&(trials, passed)| pass_at(trials, passed, k));
            of_tasks.sum::<f64>() / self.tasks.len() as f64
        };
        ks.into_iter().map(|k| (k.to_string(), json!(mean(k)))).collect()
    }
}

/// The chance that of `k` of the trials, drawn without putting back, at least one passed.
fn pass_at(trials: u64, passed: u64, k: u64) -> f64 {
    if trials - passed < k {
        return 1.0;
    }
    let none = (0..k).map(|drawn| (trials - passed - drawn) as f64 / (trials - drawn) as f64);
    1.0 - none.product::<f64>()
}

fn key(result: &Value) -> String {
    let part = |pointer: &str| result.pointer(pointer).and_then(Value::as_str);
    let parts =
        [part("/agent_info/name"), part("/agent_info/model_info/name"), part("/source").or(Some("adhoc"))];
    parts.into_iter().flatten().collect::<Vec<_>>().join("__")
}
