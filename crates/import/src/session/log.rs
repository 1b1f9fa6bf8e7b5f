//! What is gathered of a session while its log is read.

use std::path::Path;

use retrial_spec::{Cost, Ending, Fact, MissingReason, Times, UngradedReason, Verdict};
use serde_json::Value;

use super::{Clock, SessionOptions};
use crate::usage::UsageSum;
use crate::{Found, FoundAgent, FoundEvidence, ImportError, Place, TrajectoryBuilder};

/// What is known of a session so far.
#[derive(Debug)]
pub(crate) struct SessionLog {
    /// The file that begins it.
    pub(crate) place: Place,
    /// Its id, where the log states one.
    pub(crate) id: Option<String>,
    /// The directory that the agent worked in.
    pub(crate) directory: Option<String>,
    /// The agent's version.
    pub(crate) version: Option<String>,
    /// The models that answered the agent itself, in the order in which they appear.
    pub(crate) models: Vec<String>,
    /// What was said and done.
    pub(crate) trajectory: TrajectoryBuilder,
    /// Tokens.
    pub(crate) usage: UsageSum,
    /// Money.
    pub(crate) cost: Fact<Cost>,
    /// When.
    pub(crate) clock: Clock,
    /// How many milliseconds the agent worked, where the log states it.
    pub(crate) stated_ms: Option<u64>,
    /// How it ended, in the log's words.
    pub(crate) status: String,
    /// How it ended.
    pub(crate) ending: Ending,
    /// Why nobody graded it.
    pub(crate) verdict: Verdict,
}

impl SessionLog {
    /// Returns a session of which nothing is known but where it stands.
    pub(crate) fn new(place: Place) -> Self {
        Self {
            place,
            id: None,
            directory: None,
            version: None,
            models: Vec::new(),
            trajectory: TrajectoryBuilder::default(),
            usage: UsageSum::default(),
            cost: Fact::Missing(MissingReason::NotRecorded),
            clock: Clock::default(),
            stated_ms: None,
            status: "no end".to_owned(),
            ending: Ending::NotRecorded,
            verdict: Verdict::Ungraded(UngradedReason::NotRecorded),
        }
    }

    /// Notes how the session ended so far; what comes later counts.
    pub(crate) fn ended(&mut self, status: impl Into<String>, (ending, verdict): (Ending, Verdict)) {
        self.status = status.into();
        self.ending = ending;
        self.verdict = verdict;
    }

    /// Notes how the session ended so far, where nothing went wrong that is not the agent's.
    pub(crate) fn ended_as(&mut self, status: impl Into<String>, ending: Ending) {
        self.ended(status, (ending, Verdict::Ungraded(UngradedReason::NotRecorded)));
    }

    /// Notes a model that answered the agent itself.
    pub(crate) fn answered_by(&mut self, model: &str) {
        if !self.models.iter().any(|known| known == model) {
            self.models.push(model.to_owned());
        }
    }

    /// Returns the trial that the session is.
    ///
    /// # Errors
    /// [`ImportError`] where neither the options nor the log tell the task.
    pub(crate) fn found(self, program: &str, options: &SessionOptions) -> Result<Found, ImportError> {
        let directory = self.directory.as_deref().map(Path::new).and_then(Path::file_name);
        let task = options.task.clone().or_else(|| Some(directory?.to_string_lossy().into_owned()));
        let Some(task) = task else {
            return Err(self
                .place
                .error("names no directory that the agent worked in; expected a task to be given"));
        };
        let agent = FoundAgent {
            name: options.agent.clone().unwrap_or_else(|| program.to_owned()),
            version: self.version,
            // A session that changed its model is the work of them all, and of another agent than one that kept it.
            model: (!self.models.is_empty()).then(|| self.models.join(" + ")),
        };
        let calls = self.trajectory.calls();
        let trajectory = self.trajectory.finish(&agent, self.id.as_deref().unwrap_or(program));
        Ok(Found {
            status: self.status,
            started_at: self.clock.started_at(),
            ending: self.ending,
            verdict: self.verdict,
            calls,
            usage: self.usage.fact(),
            cost: self.cost,
            times: Times { agent_ms: self.stated_ms.or(self.clock.worked_ms()), ..Times::default() },
            evidence: FoundEvidence { trajectory, ..FoundEvidence::default() },
            ..Found::new(self.place, agent, task)
        })
    }
}

/// Returns the text of a message's content: a text, or the texts of its parts in lines; a part of another kind stands as its type.
pub(crate) fn text(content: &Value) -> String {
    let part = |part: &Value| match part.get("text").and_then(Value::as_str) {
        Some(text) => Some(text.to_owned()),
        None => part.get("type").and_then(Value::as_str).map(|kind| format!("[{kind}]")),
    };
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(part).collect::<Vec<_>>().join("\n"),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
