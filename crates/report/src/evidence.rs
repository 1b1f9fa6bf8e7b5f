//! The evidence of a trial, as far as reports show it: what its last attempt left in the run directory.

use std::io::Read;
use std::path::Path;

use fs_err::File;
use retrial_spec::TrialRecord;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Bytes that are read of the patch and of the verifier's output.
pub const MOST_TEXT: u64 = 64 * 1024;
/// The longest trajectory that is read.
const MOST_TRAJECTORY: u64 = 16 * 1024 * 1024;
/// Steps that are kept of a trajectory.
const MOST_STEPS: usize = 400;
/// Bytes that are kept of each text of a step.
const MOST_STEP_TEXT: usize = 1024;

/// What the last attempt at a trial left. What is not there, or cannot be read, is absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evidence {
    /// The attempt's directory within the run directory.
    pub place: String,
    /// The change from the starting files to the final workspace.
    pub patch: Option<EvidenceText>,
    /// What the verifier printed.
    pub verifier: Option<EvidenceText>,
    /// The conversation of agent and model, at most 400 steps.
    pub steps: Vec<EvidenceStep>,
    /// Steps that are not among them.
    pub steps_left: u64,
}

/// The beginning of a text file; bytes that are not UTF-8 are replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceText {
    /// At most [`MOST_TEXT`] bytes of it.
    pub text: String,
    /// The length of the file in bytes.
    pub bytes: u64,
}

/// One step of the conversation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EvidenceStep {
    /// Milliseconds since the first step.
    pub at_ms: Option<i64>,
    /// Who speaks: `system`, `user` or `agent`.
    pub source: String,
    /// The beginning of what it says.
    pub message: String,
    /// Its tool calls, as name and beginning of the arguments.
    pub calls: Vec<(String, String)>,
    /// The beginnings of what these came to.
    pub results: Vec<String>,
    /// Tokens of the request, where they are known.
    pub prompt_tokens: Option<u64>,
    /// Tokens of the reply, where they are known.
    pub completion_tokens: Option<u64>,
    /// The cost in US dollars, where it is known.
    pub cost_usd: Option<f64>,
}

impl Evidence {
    /// Reads the evidence of a trial from its run's directory. Files that are absent, too long or unreadable are absent in it.
    pub fn read(run: &Path, record: &TrialRecord) -> Self {
        let place = evidence_place(record);
        let directory = run.join(&place);
        let (steps, steps_left) = steps(&directory.join("trajectory.json")).unwrap_or_default();
        Self {
            patch: text(&directory.join("patch.diff")),
            verifier: text(&directory.join("verifier.log")),
            steps,
            steps_left,
            place,
        }
    }
}

/// Returns where the evidence of the last attempt at a trial is kept, within the run directory.
pub fn evidence_place(record: &TrialRecord) -> String {
    format!("trials/{}/attempt-{}", record.trial, record.attempts)
}

/// Reads the beginning of a regular file; a link is not followed, since it could lead out of the run directory.
fn beginning(path: &Path, most: u64) -> Option<(Vec<u8>, u64)> {
    let facts = fs_err::symlink_metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(most).read_to_end(&mut bytes).ok()?;
    Some((bytes, facts.len()))
}

fn text(path: &Path) -> Option<EvidenceText> {
    let (mut read, bytes) = beginning(path, MOST_TEXT)?;
    if read.len() as u64 == MOST_TEXT {
        // A character that the limit has cut in two is not a broken one.
        let incomplete = std::str::from_utf8(&read).err().filter(|error| error.error_len().is_none());
        if let Some(error) = incomplete {
            read.truncate(error.valid_up_to());
        }
    }
    Some(EvidenceText { text: String::from_utf8_lossy(&read).into_owned(), bytes })
}

/// A trajectory in ATIF, as far as it is shown.
#[derive(Deserialize)]
struct Trajectory {
    #[serde(default)]
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(default)]
    timestamp: Option<String>,
    #[serde(default)]
    source: String,
    #[serde(default)]
    message: Value,
    #[serde(default)]
    tool_calls: Vec<Call>,
    #[serde(default)]
    observation: Option<Observation>,
    #[serde(default)]
    metrics: Option<Metrics>,
}

#[derive(Deserialize)]
struct Call {
    #[serde(default)]
    function_name: String,
    #[serde(default)]
    arguments: Map<String, Value>,
}

#[derive(Deserialize)]
struct Observation {
    #[serde(default)]
    results: Vec<ObservationResult>,
}

#[derive(Deserialize)]
struct ObservationResult {
    #[serde(default)]
    content: Value,
}

#[derive(Deserialize)]
struct Metrics {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    cost_usd: Option<f64>,
}

/// Reads the steps of a trajectory, and how many are left out.
fn steps(path: &Path) -> Option<(Vec<EvidenceStep>, u64)> {
    let (bytes, length) = beginning(path, MOST_TRAJECTORY)?;
    if length > MOST_TRAJECTORY {
        return None;
    }
    let trajectory: Trajectory = serde_json::from_slice(&bytes).ok()?;
    let left = trajectory.steps.len().saturating_sub(MOST_STEPS) as u64;
    let start = trajectory.steps.first().and_then(time);
    Some((trajectory.steps.into_iter().take(MOST_STEPS).map(|step| shorten(step, start)).collect(), left))
}

fn time(step: &Step) -> Option<jiff::Timestamp> {
    step.timestamp.as_ref()?.parse().ok()
}

fn shorten(step: Step, start: Option<jiff::Timestamp>) -> EvidenceStep {
    let at_ms =
        time(&step).zip(start).map(|(at, start)| at.as_millisecond().saturating_sub(start.as_millisecond()));
    let calls = step.tool_calls.into_iter().map(|call| (call.function_name, arguments(&call.arguments)));
    let results = step.observation.map_or_else(Vec::new, |observation| observation.results);
    let metrics = step.metrics;
    EvidenceStep {
        at_ms,
        source: step.source,
        message: words(&step.message),
        calls: calls.collect(),
        results: results.iter().map(|result| words(&result.content)).collect(),
        prompt_tokens: metrics.as_ref().and_then(|metrics| metrics.prompt_tokens),
        completion_tokens: metrics.as_ref().and_then(|metrics| metrics.completion_tokens),
        cost_usd: metrics.and_then(|metrics| metrics.cost_usd),
    }
}

/// The arguments of a call: the one text where there is only one, such as a command, and JSON otherwise.
fn arguments(arguments: &Map<String, Value>) -> String {
    let mut values = arguments.values();
    match (values.next(), values.next()) {
        (Some(only), None) => words(only),
        _ => words(&Value::Object(arguments.clone())),
    }
}

/// The beginning of a text, or of the JSON of anything else.
fn words(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.get(..text.floor_char_boundary(MOST_STEP_TEXT)).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use retrial_testkit::trial;
    use tempfile::TempDir;

    use super::*;

    /// A run directory with the evidence of one trial.
    fn left(files: &[(&str, &[u8])]) -> (TempDir, TrialRecord) {
        let (run, record) = (TempDir::new().unwrap(), trial("t", "a", 1));
        let place = run.path().join(evidence_place(&record));
        fs_err::create_dir_all(&place).unwrap();
        for (name, bytes) in files {
            fs_err::write(place.join(name), bytes).unwrap();
        }
        (run, record)
    }

    #[test]
    fn a_trial_without_evidence_has_none() {
        let evidence = Evidence::read(Path::new("/nonexistent"), &trial("t", "a", 3));
        assert_eq!(
            evidence,
            Evidence { place: "trials/t~a~baseline~3/attempt-1".to_owned(), ..Evidence::default() }
        );
    }

    #[test]
    fn a_long_text_is_read_up_to_the_limit_and_a_character_there_is_not_broken() {
        let (run, record) =
            left(&[("patch.diff", "é".repeat(50_000).as_bytes()), ("verifier.log", b"a\xffb")]);
        let long = "xé".repeat(30_000);
        let evidence = Evidence::read(run.path(), &record);
        assert_eq!(evidence.verifier.unwrap().text, "a\u{fffd}b");
        let patch = evidence.patch.unwrap();
        assert_eq!((patch.text.len() as u64, patch.bytes), (MOST_TEXT, 100_000));
        let (run, record) = left(&[("patch.diff", long.as_bytes())]);
        let patch = Evidence::read(run.path(), &record).patch.unwrap();
        assert!(long.starts_with(&patch.text) && patch.text.len() as u64 > MOST_TEXT - 2);
    }

    #[test]
    fn a_link_is_not_followed_and_what_is_no_trajectory_has_no_steps() {
        let (run, record) = left(&[("trajectory.json", b"{\"steps\": 7}")]);
        let place = run.path().join(evidence_place(&record));
        fs_err::write(run.path().join("secret"), "secret").unwrap();
        fs_err::os::unix::fs::symlink(run.path().join("secret"), place.join("patch.diff")).unwrap();
        let evidence = Evidence::read(run.path(), &record);
        assert_eq!((evidence.patch, evidence.steps), (None, Vec::new()));
    }

    #[test]
    fn a_step_has_its_time_since_the_first_its_calls_and_what_they_came_to() {
        let (run, record) = left(&[(
            "trajectory.json",
            br#"{"steps": [
                {"timestamp": "2026-01-02T03:04:05Z", "source": "user", "message": "Do it."},
                {"timestamp": "2026-01-02T03:04:06.5Z", "source": "agent", "message": "",
                 "tool_calls": [{"function_name": "bash", "arguments": {"command": "ls"}}],
                 "observation": {"results": [{"content": "a.py"}]}, "metrics": {"prompt_tokens": 5}}
            ]}"#,
        )]);
        let evidence = Evidence::read(run.path(), &record);
        let step = EvidenceStep {
            at_ms: Some(1500),
            source: "agent".to_owned(),
            calls: vec![("bash".to_owned(), "ls".to_owned())],
            results: vec!["a.py".to_owned()],
            prompt_tokens: Some(5),
            ..EvidenceStep::default()
        };
        assert_eq!(evidence.steps[1], step);
    }
}
