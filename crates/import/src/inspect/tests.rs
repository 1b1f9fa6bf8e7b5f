//! The reader on whole logs: the shared fixtures, and small logs made here.

mod fixtures;
mod hostile;
mod made;

use std::path::{Path, PathBuf};

use retrial_spec::{Ending, Verdict};

use super::{Options, read};
use crate::collected::Collected;
use crate::{Found, ImportError};

fn collect(paths: &[PathBuf], score: Option<&str>) -> Result<Collected, ImportError> {
    let mut sink = Collected::default();
    let options = Options { score: score.map(str::to_owned) };
    read(paths, &options, &mut sink).map(|()| sink)
}

fn collect_one(path: &Path, score: Option<&str>) -> Collected {
    collect(&[path.to_owned()], score).unwrap()
}

/// One line for a trial.
fn line(found: &Found) -> String {
    let usage = found.usage.value().map_or("no tokens".to_owned(), |usage| {
        let cache = |count: Option<u64>| count.map_or("?".to_owned(), |count| count.to_string());
        format!(
            "{}+{}r+{}w>{}",
            usage.uncached_input,
            cache(usage.cache_read),
            cache(usage.cache_write),
            usage.output
        )
    });
    let number = found.number.map_or("-".to_owned(), |number| number.to_string());
    let calls = found.calls.value().map_or("no calls".to_owned(), |calls| format!("{} calls", calls.len()));
    let requests =
        found.requests.value().map_or("no requests".to_owned(), |count| format!("{count} requests"));
    let cost = found.cost.value().map_or("no cost".to_owned(), |cost| format!("{} micros", cost.usd_micros));
    let ending = match &found.ending {
        Ending::Infrastructure { phase, cause } => format!("infrastructure in {} ({cause})", phase.as_str()),
        ending => ending.as_str().to_owned(),
    };
    let verdict = match &found.verdict {
        Verdict::Reward(reward) => format!("reward {reward}"),
        Verdict::Ungraded(reason) => format!("ungraded {reason:?}"),
        verdict => verdict.as_str().to_owned(),
    };
    format!(
        "{} {} #{number} [{}] {ending} {verdict} | {usage}, {cost}, {requests}, {calls}, {} failed attempts",
        found.task,
        found.agent.name,
        found.status,
        found.failed_attempts.len()
    )
}

fn lines(sink: &Collected) -> String {
    let mut lines: Vec<String> = sink.trials.iter().map(line).collect();
    lines.extend(sink.unfinished.iter().map(|unfinished| format!("unfinished {}", unfinished.task)));
    lines.join("\n")
}

/// Checks what holds of every trial.
fn check(sink: &Collected) {
    for found in &sink.trials {
        let is_unjudged = matches!(found.ending, Ending::Infrastructure { .. } | Ending::Revoked);
        assert!(!is_unjudged || found.verdict.passed().is_none(), "{}", line(found));
        if let Some(trajectory) = &found.evidence.trajectory {
            assert_eq!(retrial_agents::validate_trajectory(trajectory), [], "{}", found.place);
        }
    }
}
