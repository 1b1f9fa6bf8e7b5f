//! What an export keeps of a trial where the foreign format has no field for it, so that it comes back as it was.

use retrial_spec::{AgentFacts, AttemptFailure, ContentDigest, TaskFacts, TrialRecord, Usage, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Found, FoundAgent};

/// The key under which exports keep it.
pub(crate) const KEY: &str = "retrial";

/// The version of [`OwnTrial`] that this build writes and reads.
const VERSION: u32 = 1;

/// A trial as Retrial itself knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnTrial {
    version: u32,
    record: TrialRecord,
    /// The digest of the table that gave its actions their kinds and names.
    table: ContentDigest,
    agent: FoundAgent,
    /// The task's own title.
    task_title: Option<String>,
    task_digest: Option<ContentDigest>,
    /// Whether there was a trajectory; where not, one stands in the export for want of any.
    pub(crate) has_trajectory: bool,
    /// The trajectory's own `final_metrics`, which the export writes from the record.
    pub(crate) final_metrics: Option<Value>,
    /// The attempts that failed before the one that counts, oldest first, where the format has no place for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) failed_attempts: Vec<AttemptFailure>,
}

impl OwnTrial {
    pub(crate) fn new(
        record: &TrialRecord,
        agent: &AgentFacts,
        task: &TaskFacts,
        table: &ContentDigest,
    ) -> Self {
        Self {
            version: VERSION,
            record: record.clone(),
            table: table.clone(),
            agent: agent_of(agent),
            task_title: task.title.clone(),
            task_digest: task.digest.clone(),
            has_trajectory: false,
            final_metrics: None,
            failed_attempts: Vec::new(),
        }
    }

    pub(crate) fn to_value(&self) -> Value {
        json!(self)
    }

    /// Reads it back; in the error, why it cannot be used.
    pub(crate) fn read(value: &Value) -> Result<Self, String> {
        match value.get("version").and_then(Value::as_u64) {
            Some(version) if version == u64::from(VERSION) => {}
            version => {
                return Err(format!(
                    "what Retrial kept of the trial has version {version:?}, and this build reads {VERSION}; the format's own fields are used"
                ));
            }
        }
        serde_json::from_value(value.clone()).map_err(|error| {
            format!(
                "what Retrial kept of the trial cannot be read ({error}); the format's own fields are used"
            )
        })
    }

    /// Checks the tokens that the export wrote into the format's own fields.
    ///
    /// In the error, what they are instead.
    pub(crate) fn check_tokens(&self, input: Option<u64>, output: Option<u64>) -> Result<(), String> {
        let Some(usage) = self.record.usage.value() else { return Ok(()) };
        let written = (Some(input_of(usage)), Some(usage.output));
        if (input, output) == written {
            Ok(())
        } else {
            Err(contradiction("the tokens", &(input, output), &written))
        }
    }

    /// Puts what was kept in the place of what the format's own fields tell.
    ///
    /// In the error, why not: the two contradict each other, so that somebody has changed one of them.
    pub(crate) fn restore(self, found: &mut Found) -> Result<(), String> {
        let Self { record, table, agent, task_title, task_digest, failed_attempts, .. } = self;
        let is_graded = |verdict: &Verdict| !matches!(verdict, Verdict::Ungraded(_));
        if is_graded(&found.verdict) && found.verdict != record.verdict {
            return Err(contradiction("the verdict", &found.verdict, &record.verdict));
        }
        if let (Some(here), Some(there)) = (found.usage.value(), record.usage.value())
            && here.total() != there.total()
        {
            return Err(contradiction("the tokens", here, there));
        }
        found.agent = agent;
        record.trial.task.as_str().clone_into(&mut found.task);
        found.task_title = task_title;
        found.task_digest = task_digest;
        let condition = record.trial.condition.as_str();
        let is_baseline = record.trial.condition == retrial_spec::ConditionName::baseline();
        found.condition = (!is_baseline).then(|| condition.to_owned());
        found.number = Some(record.trial.number);
        found.started_at = record.started_at.value().copied();
        found.ending = record.ending.clone();
        found.verdict = record.verdict.clone();
        found.requests = record.requests;
        found.usage = record.usage;
        found.cost = record.cost;
        found.confidence = record.confidence;
        found.claim = record.claim;
        found.times = record.times;
        if !failed_attempts.is_empty() {
            found.failed_attempts = failed_attempts;
        }
        found.own = Some(Box::new(record));
        found.own_table = Some(table);
        Ok(())
    }
}

fn contradiction(what: &str, here: &impl std::fmt::Debug, there: &impl std::fmt::Debug) -> String {
    format!(
        "{what} of the format's own fields ({here:?}) is not what Retrial kept ({there:?}); the format's own fields are used"
    )
}

/// The agent of a run in the words of importers.
pub(crate) fn agent_of(facts: &AgentFacts) -> FoundAgent {
    FoundAgent {
        name: facts.name.as_str().to_owned(),
        version: facts.version.clone(),
        model: facts.model.clone(),
    }
}

/// The task's own title, or its name.
pub(crate) fn title_of(facts: &TaskFacts) -> &str {
    facts.title.as_deref().unwrap_or(facts.name.as_str())
}

/// All input tokens, those of the cache among them.
pub(crate) fn input_of(usage: &Usage) -> u64 {
    usage.total().saturating_sub(usage.output)
}
