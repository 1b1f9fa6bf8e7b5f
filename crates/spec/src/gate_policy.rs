//! `retrial-gate.toml`: by which rules a run may replace its baseline.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::toml_schema;
use crate::{Document, Severity, SpecError};

/// A gate's policy. Everything has a default, so that an empty file is a policy: success may fall by no more than 0.10.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatePolicy {
    /// How the gate decides.
    #[serde(default)]
    pub gate: GateTable,
    /// The largest worsening of each measure that is tolerated.
    #[serde(default)]
    pub margins: Margins,
}

/// How a gate decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GateTable {
    /// Whether the exit code follows the decision.
    pub mode: GateMode,
    /// The confidence of each one-sided bound. Shared among many measures, one near its maximum is more than draws of a posterior can show, and
    /// then pass^k and consistency cannot fail.
    #[schemars(extend("exclusiveMinimum" = 0.5, "maximum" = 0.9999))]
    pub confidence: f64,
    /// The probability with which the trials that are said to decide would.
    #[schemars(extend("exclusiveMinimum" = 0.5, "maximum" = 0.9999))]
    pub power: f64,
    /// The graded trials of each task that each side needs, and the planned trials of the baseline from which on a task counts.
    #[schemars(range(min = 2, max = 100_000))]
    pub minimum_trials: u32,
    /// The share of planned trials that must be graded, on each side. With less than 1 a run with holes can pass, where its answer holds
    /// however the lost trials would have ended.
    #[schemars(range(min = 0, max = 1))]
    pub minimum_coverage: f64,
    /// The share of planned trials of which a measure that does not follow from outcomes alone must be known, on each side.
    #[schemars(range(min = 0, max = 1))]
    pub minimum_known: f64,
    /// The file of tasks that inform and do not decide, relative to the policy's file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub quarantine: Option<String>,
    /// The largest share of the baseline's tasks that may be in quarantine.
    #[schemars(range(min = 0, max = 1))]
    pub quarantine_limit: f64,
}

impl Default for GateTable {
    fn default() -> Self {
        Self {
            mode: GateMode::Enforce,
            confidence: 0.95,
            power: 0.8,
            minimum_trials: 3,
            minimum_coverage: 1.0,
            minimum_known: 0.9,
            quarantine: None,
            quarantine_limit: 0.2,
        }
    }
}

/// What follows from a decision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateMode {
    /// It is written, and the exit code is 0 unless nothing could be decided about.
    Report,
    /// It is the exit code.
    #[default]
    Enforce,
}

/// The largest worsening that is tolerated. Only the measures that have one are judged.
///
/// Those of shares and scores are differences: 0.10 is ten points. Those of amounts are ratios: 0.25 is a quarter more. Those of spreads are
/// ratios of factors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Margins {
    /// Of the success rate.
    #[schemars(range(min = 0, max = 0.99))]
    pub success: f64,
    /// Of the probability that all of k trials pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pass_hat_k: Option<PassHatKMargin>,
    /// Of outcome consistency.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 0.99))]
    pub consistency: Option<f64>,
    /// Of the share of trials that failed and were claimed as done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 0.99))]
    pub invisible_failures: Option<f64>,
    /// Of the Brier score of stated confidences.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 0.99))]
    pub brier: Option<f64>,
    /// Of the spread of tokens between trials of a task: the ratio of the factors ×/÷, e to the standard deviation of logarithms. With 0.25,
    /// ×/÷1.06 may become ×/÷1.325.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub token_spread: Option<f64>,
    /// Of the spread of working time, as that of tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub time_spread: Option<f64>,
    /// Of the spread of cost, as that of tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub cost_spread: Option<f64>,
    /// Of the tokens of a trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub tokens: Option<f64>,
    /// Of the steps of a trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub steps: Option<f64>,
    /// Of the cost of a trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub cost: Option<f64>,
    /// Of the working time of a trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub time: Option<f64>,
}

impl Default for Margins {
    fn default() -> Self {
        Self {
            success: 0.10,
            pass_hat_k: None,
            consistency: None,
            invisible_failures: None,
            brier: None,
            token_spread: None,
            time_spread: None,
            cost_spread: None,
            tokens: None,
            steps: None,
            cost: None,
            time: None,
        }
    }
}

/// The margin of pass^k.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PassHatKMargin {
    /// How many trials have to pass.
    #[schemars(range(min = 2, max = 1000))]
    pub k: u32,
    /// The margin.
    #[schemars(range(min = 0, max = 0.99))]
    pub margin: f64,
}

impl GatePolicy {
    /// Reads a policy; `file` is the name that errors show.
    ///
    /// # Errors
    /// [`SpecError`] with all faults.
    pub fn parse(file: &str, text: &str) -> Result<Self, SpecError> {
        let document = Document::parse(file, text)?;
        let faults = document.check(&toml_schema::<Self>(), |_| Some(Severity::Error));
        let (policy, _) = document.read::<Self>(faults)?;
        let fewest = policy.gate.minimum_trials;
        match policy.margins.pass_hat_k {
            Some(pass) if pass.k > fewest => {
                let message =
                    format!("`margins.pass_hat_k.k` is {}, and tasks may have only {fewest} trials", pass.k);
                let hint = format!("set `gate.minimum_trials` to {} or more", pass.k);
                Err(document.error(vec![document.fault("/margins/pass_hat_k/k", message, Some(hint))]))
            }
            _ => Ok(policy),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let error = GatePolicy::parse("retrial-gate.toml", text).unwrap_err();
        error.faults().iter().map(|fault| format!("{}: {fault}", fault.line())).collect()
    }

    #[test]
    fn an_empty_file_is_the_default_policy_and_judges_success_alone() {
        let policy = GatePolicy::parse("retrial-gate.toml", "").unwrap();
        assert_eq!(policy, GatePolicy::default());
        assert_eq!((policy.margins.success, policy.gate.minimum_trials), (0.10, 3));
    }

    #[test]
    fn every_key_is_read() {
        let text = "[gate]\nmode = 'report'\nconfidence = 0.9\npower = 0.9\nminimum_trials = 5\nminimum_coverage = 1\nminimum_known = 0.8\n\
                    quarantine = 'q.toml'\nquarantine_limit = 0.5\n[margins]\nsuccess = 0\npass_hat_k = { k = 5, margin = 0.2 }\n\
                    consistency = 0.15\ninvisible_failures = 0.05\nbrier = 0.05\ntoken_spread = 0.25\ntime_spread = 0.25\n\
                    cost_spread = 0.25\ntokens = 0.2\nsteps = 0.2\ncost = 0.2\ntime = 0.3\n";
        let policy = GatePolicy::parse("retrial-gate.toml", text).unwrap();
        assert_eq!(policy.gate.mode, GateMode::Report);
        assert_eq!(policy.margins.pass_hat_k, Some(PassHatKMargin { k: 5, margin: 0.2 }));
        let again = toml::to_string(&policy).unwrap();
        assert_eq!(GatePolicy::parse("again.toml", &again).unwrap(), policy);
    }

    #[test]
    fn a_wrong_key_and_a_wrong_value_are_named_with_their_lines() {
        let found =
            faults("[gate]\nconfidence = 0.5\nmode = 'enforced'\n[margins]\nsucess = 0.1\ncost = -1\n");
        assert_eq!(
            found,
            [
                "2: `gate.confidence` is 0.5; it must be greater than 0.5",
                "3: `gate.mode` is \"enforced\"; allowed: `report`, `enforce`",
                "5: unknown key `margins.sucess`",
                "6: `margins.cost` is -1; the least allowed is 0",
            ]
        );
    }

    #[test]
    fn more_draws_than_the_fewest_trials_are_refused() {
        let found = faults("[margins]\npass_hat_k = { k = 5, margin = 0.1 }\n");
        assert_eq!(found, ["2: `margins.pass_hat_k.k` is 5, and tasks may have only 3 trials"]);
    }
}
