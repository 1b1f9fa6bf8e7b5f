//! One trial of `tb`.

use std::path::{Component, Path};

use jiff::Timestamp;
use retrial_spec::{Ending, Fact, MissingReason, Source, Times, UngradedReason, Usage, Verdict};

use super::Noticed;
use crate::counted::evidence;
use crate::ended::crashed;
use crate::pointed::Pointed;
use crate::table::instant_of;
use crate::{Found, FoundAgent, ImportError, Sink};

/// Reads what a result says of its trial.
pub(super) fn read_trial(
    row: &Pointed<'_>,
    agent: FoundAgent,
    noticed: &mut Noticed,
    sink: &mut dyn Sink,
) -> Result<Found, ImportError> {
    let mut found = Found::new(row.place(), agent, row.need("task_id")?.name()?);
    let mode = row.member("failure_mode").map(|mode| mode.text()).transpose()?.unwrap_or("unset");
    let is_resolved = row.member("is_resolved").map(|resolved| resolved.flag()).transpose()?;
    found.status = status(mode, is_resolved, row)?;
    found.ending = ending(mode).unwrap_or_else(|| {
        sink.doubt(
            &row.place(),
            &format!("the failure mode `{mode}` is not known; how the agent stopped is missing"),
        );
        Ending::NotRecorded
    });
    found.verdict = verdict(mode, is_resolved);
    found.usage = usage(row)?;
    let mut when = |name: &str| -> Result<Option<Timestamp>, ImportError> {
        let Some(text) = row.member(name) else { return Ok(None) };
        let instant = instant_of(text.text()?).ok_or_else(|| text.unlike("a time in ISO 8601"))?;
        if instant.is_naive && !noticed.has_said_naive {
            noticed.has_said_naive = true;
            sink.doubt(
                &text.place(),
                "times state no time zone here and perhaps below; they are read as UTC",
            );
        }
        Ok(Some(instant.at))
    };
    let (trial_start, agent_start) = (when("trial_started_at")?, when("agent_started_at")?);
    let (agent_end, test_start, test_end) =
        (when("agent_ended_at")?, when("test_started_at")?, when("test_ended_at")?);
    found.started_at = trial_start;
    let mut between = |from: Option<Timestamp>, to: Option<Timestamp>, what: &str| -> Option<u64> {
        let elapsed = u64::try_from(to?.duration_since(from?).as_millis()).ok();
        if elapsed.is_none() {
            sink.doubt(&row.place(), &format!("the {what} ends before it starts; its time is missing"));
        }
        elapsed
    };
    found.times = Times {
        setup_ms: between(trial_start, agent_start, "set-up"),
        agent_ms: between(agent_start, agent_end, "agent"),
        verify_ms: between(test_start, test_end, "verifier"),
        ..Times::default()
    };
    Ok(found)
}

/// The harness's own words, with how many of the checks passed.
fn status(mode: &str, is_resolved: Option<bool>, row: &Pointed<'_>) -> Result<String, ImportError> {
    let resolved = match is_resolved {
        Some(true) => "resolved",
        Some(false) => "not resolved",
        None => "resolved null",
    };
    let Some(checks) = row.member("parser_results") else { return Ok(format!("{mode}, {resolved}")) };
    let checks = checks.members()?;
    let passed = checks.iter().filter(|(_, check)| check.value() == "passed").count();
    Ok(format!("{mode}, {resolved}, {passed} of {} checks", checks.len()))
}

/// How the agent stopped. A failure of the tests stands in the same place and hides it.
fn ending(mode: &str) -> Option<Ending> {
    Some(match mode {
        "unset" | "none" => Ending::Finished,
        "agent_timeout" => Ending::Timeout,
        "unknown" | "test_timeout" | "parse_error" => Ending::NotRecorded,
        "unknown_agent_error"
        | "agent_installation_failed"
        | "fatal_llm_parse_error"
        | "context_length_exceeded"
        | "output_length_exceeded" => crashed(mode),
        _ => return None,
    })
}

fn verdict(mode: &str, is_resolved: Option<bool>) -> Verdict {
    match (is_resolved, mode) {
        (Some(true), _) => Verdict::Passed,
        (Some(false), _) => Verdict::Failed,
        (None, "test_timeout") => Verdict::Ungraded(UngradedReason::VerifierTimeout),
        (None, "parse_error") => Verdict::Ungraded(UngradedReason::VerifierFailed(mode.to_owned())),
        (None, _) => Verdict::Ungraded(UngradedReason::NotRecorded),
    }
}

/// Tokens; 0 stands for unknown here.
fn usage(row: &Pointed<'_>) -> Result<Fact<Usage>, ImportError> {
    let count = |name: &str| -> Result<Option<u64>, ImportError> {
        let count = row.member(name).map(|count| count.count()).transpose()?;
        Ok(count.filter(|count| *count > 0))
    };
    Ok(match (count("total_input_tokens")?, count("total_output_tokens")?) {
        (Some(uncached_input), Some(output)) => {
            Fact::known(Usage { uncached_input, output, ..Usage::default() }, Source::Imported)
        }
        _ => Fact::Missing(MissingReason::NoUsage),
    })
}

/// The number in a trial's name: 2 of `task.2-of-5.run`.
pub(super) fn number_of(name: &str) -> Option<u32> {
    let part = name.split('.').rev().find(|part| part.contains("-of-"))?;
    let (number, count) = part.split_once("-of-")?;
    let (number, count): (u32, u32) = (number.parse().ok()?, count.parse().ok()?);
    (1..=count).contains(&number).then_some(number)
}

/// The files beside a trial.
#[derive(Debug)]
pub(super) struct Beside<'a> {
    pub(super) run: &'a Path,
    pub(super) trial: &'a Path,
}

impl Beside<'_> {
    /// Returns what the terminal showed after the tests.
    pub(super) fn verifier_log(&self, sink: &mut dyn Sink) -> Result<Option<Vec<u8>>, ImportError> {
        // Task and name come from the file: they must not lead out of the run.
        let below = self.trial.strip_prefix(self.run).unwrap_or(self.trial);
        if !below.components().all(|part| matches!(part, Component::Normal(_))) {
            return Ok(None);
        }
        evidence(&self.trial.join("panes").join("post-test.txt"), sink)
    }
}
