//! The traces of a run, one after the other.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use fs_err::File;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{TracedTrial, trace};
use crate::export::{ExportRun, Failures, trial_of};
use crate::{ImportError, Place};

/// The log of a trial's exchanges with the model.
const WIRE_LOG: &str = "wire.jsonl.zst";

/// What was written of a run, and what was not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traces {
    /// Trials with a trace.
    pub written: u64,
    /// Trials of which no time is known, and which therefore have no trace.
    pub without_trace: u64,
    /// Replies without a time of their own; their spans have their trial's.
    pub replies_without_time: u64,
}

/// What a line of the log says of time.
#[derive(Deserialize)]
struct Timed {
    number: u64,
    started_at: Timestamp,
    waited_ms: u64,
    total_ms: u64,
}

/// Writes the traces of a run, a request of OTLP in each line.
///
/// # Errors
/// [`ImportError`] where the run cannot be read or `out`, whose place is `place`, cannot be written.
pub fn write(run: &ExportRun<'_>, out: &mut dyn Write, place: &Place) -> Result<Traces, ImportError> {
    let mut traces = Traces::default();
    // A trace is that of the attempt that counts.
    let failures = Failures::new();
    for record in run.records()? {
        let record = record?;
        let evidence = run.evidence(&record);
        let trial = trial_of(run, &record, (&evidence, &failures))?;
        let trajectory = trial.trajectory()?;
        let made = trace(&TracedTrial {
            run: &run.manifest.run,
            record: &record,
            started_at: record.started_at.value().copied(),
            version: trial.agent.version.as_deref(),
            model: trial.agent.model.as_deref(),
            trajectory: trajectory.as_ref(),
            exchanges: &exchanges(&evidence.join(WIRE_LOG)),
        });
        match made {
            Some(made) => {
                traces.written += 1;
                traces.replies_without_time += made.without_time;
                writeln!(out, "{}", made.request)
                    .map_err(|error| place.caused("cannot be written", error))?;
            }
            None => traces.without_trace += 1,
        }
    }
    Ok(traces)
}

/// When exchanges began and ended, by number, as far as the log can be read: an attempt that was cut off leaves it without an end,
/// and spans say how their time is known.
fn exchanges(log: &Path) -> BTreeMap<u64, (Timestamp, Timestamp)> {
    let Some(reader) = File::open(log).ok().and_then(|file| zstd::Decoder::new(file).ok()) else {
        return BTreeMap::new();
    };
    let timed = |line: std::io::Result<String>| -> Option<(u64, (Timestamp, Timestamp))> {
        let exchange: Timed = serde_json::from_str(&line.ok()?).ok()?;
        let taken = i64::try_from(exchange.waited_ms.saturating_add(exchange.total_ms)).ok()?;
        let end = exchange.started_at.checked_add(SignedDuration::from_millis(taken)).ok()?;
        Some((exchange.number, (exchange.started_at, end)))
    };
    BufReader::new(reader).lines().map_while(timed).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_times_of_exchanges_come_from_the_log_as_far_as_it_goes() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join(WIRE_LOG);
        assert_eq!(exchanges(&log), BTreeMap::new());
        let line = json!({"number": 3, "started_at": "2026-01-02T03:04:05Z", "waited_ms": 500, "total_ms": 1000, "path": "/v1"});
        let text = format!("{line}\n{{\"number\": 4, \"star");
        fs_err::write(&log, zstd::encode_all(text.as_bytes(), 0).unwrap()).unwrap();
        let at = |text: &str| text.parse().unwrap();
        let expected = (at("2026-01-02T03:04:05Z"), at("2026-01-02T03:04:06.5Z"));
        assert_eq!(exchanges(&log), BTreeMap::from([(3, expected)]));
    }
}
