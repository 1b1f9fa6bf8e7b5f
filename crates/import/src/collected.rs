//! A sink that keeps what readers give it, for tests.

use std::path::{Path, PathBuf};

use crate::{Found, ImportError, Place, Sink, Unfinished};

/// What a reader gave, in order.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Collected {
    /// The trials.
    pub(crate) trials: Vec<Found>,
    /// The trials without a result.
    pub(crate) unfinished: Vec<Unfinished>,
    /// What is left out, as `place: why`.
    pub(crate) left_out: Vec<String>,
    /// What is doubtful, as `place: what`.
    pub(crate) doubts: Vec<String>,
    /// The bytes that were read.
    pub(crate) bytes: u64,
}

impl Sink for Collected {
    fn trial(&mut self, found: Found) -> Result<(), ImportError> {
        self.trials.push(found);
        Ok(())
    }

    fn unfinished(&mut self, unfinished: Unfinished) -> Result<(), ImportError> {
        self.unfinished.push(unfinished);
        Ok(())
    }

    fn left_out(&mut self, place: &Place, why: &str) {
        self.left_out.push(format!("{place}: {why}"));
    }

    fn doubt(&mut self, place: &Place, what: &str) {
        self.doubts.push(format!("{place}: {what}"));
    }

    fn progress(&mut self, bytes: u64) {
        self.bytes += bytes;
    }
}

impl Collected {
    /// Returns a line for every trial and every note, for snapshots. `root` is left out of the places.
    pub(crate) fn lines(&self, root: &Path) -> Vec<String> {
        let root = format!("{}/", root.display());
        let trials = self.trials.iter().map(line);
        let unfinished =
            self.unfinished.iter().map(|trial| format!("unfinished {} {}", trial.agent.name, trial.task));
        let left_out = self.left_out.iter().map(|note| format!("left out {note}"));
        let doubts = self.doubts.iter().map(|note| format!("doubt {note}"));
        let lines = trials.chain(unfinished).chain(left_out).chain(doubts);
        lines.map(|line| line.replace(&root, "")).collect()
    }
}

fn line(found: &Found) -> String {
    let Found { task, agent, status, number, place, .. } = found;
    let number = number.map_or("-".to_owned(), |number| number.to_string());
    let start = found.started_at.map_or("-".to_owned(), |start| start.to_string());
    let model = agent.model.as_deref().unwrap_or("-");
    let version = agent.version.as_deref().unwrap_or("-");
    let usage = found.usage.value().map_or("-".to_owned(), |usage| {
        let cache = |count: Option<u64>| count.map_or("-".to_owned(), |count| count.to_string());
        format!(
            "{}+{}+{}>{}",
            usage.uncached_input,
            cache(usage.cache_read),
            cache(usage.cache_write),
            usage.output
        )
    });
    let cost = found.cost.value().map_or("-".to_owned(), |cost| cost.usd_micros.to_string());
    let calls = found.calls.value().map_or("-".to_owned(), |calls| calls.len().to_string());
    let condition = found.condition.as_deref().unwrap_or("baseline");
    let times = found.times;
    let times = [times.setup_ms, times.agent_ms, times.model_ms, times.waiting_ms, times.verify_ms]
        .map(|time| time.map_or("-".to_owned(), |time| time.to_string()))
        .join(" ");
    let kept = [
        found.evidence.trajectory.as_ref().map(|_| "trajectory"),
        found.evidence.patch.as_ref().map(|_| "patch"),
        found.evidence.verifier_log.as_ref().map(|_| "log"),
    ];
    let kept = kept.into_iter().flatten().collect::<Vec<_>>().join("+");
    format!(
        "{task}/{number} of {} {version} {model}, {condition}, {start}: `{status}` = {:?} {:?}; tokens {usage}, cost {cost}, calls {calls}, times {times}, kept {kept} [{place}]",
        agent.name, found.ending, found.verdict
    )
}

/// Where a fixture of our own lies.
pub(crate) fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path)
}
