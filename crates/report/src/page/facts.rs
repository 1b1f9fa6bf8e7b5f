//! The facts of one trial, in words.

use retrial_metrics::Unit;
use retrial_spec::{CrashReason, Ending, Fact, TrialRecord, UngradedReason, Usage, Verdict};

use super::number::{grouped, many, number, word};
use super::plain::{cut, plain};

/// Changed files that are named before the rest is only counted.
const SHOWN_FILES: usize = 12;
/// Bytes that are shown of what others have written, such as the cause of a failure.
const MOST_WORDS: usize = 600;

/// Returns what is known of a trial, and why the rest is not, each under its name.
pub(super) fn facts(record: &TrialRecord) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("Ending", ending(&record.ending)),
        ("Verdict", verdict(&record.verdict)),
        ("Claim", known(&record.claim, word)),
        ("Confidence", known(&record.confidence, |confidence| format!("{confidence:.2}"))),
        ("Actions", known(&record.actions, |actions| grouped(actions.len() as u64))),
        ("Requests", known(&record.requests, |requests| grouped(*requests))),
        ("Tokens", known(&record.usage, usage)),
        ("Cost", known(&record.cost, |cost| number(cost.usd_micros as f64, Unit::UsdMicros))),
        (
            "Cost of the question",
            known(&record.elicitation_cost, |cost| number(cost.usd_micros as f64, Unit::UsdMicros)),
        ),
        ("Working time", time(record.times.working_ms())),
        ("Time in model calls", time(record.times.model_ms)),
        ("Waiting", time(record.times.waiting_ms)),
        ("Set-up", time(record.times.setup_ms)),
        ("Verification", time(record.times.verify_ms)),
        ("Files changed", known(&record.state, |state| files(&state.changed))),
        ("Attempts", grouped(u64::from(record.attempts))),
        ("Started", known(&record.started_at, ToString::to_string)),
    ];
    for fault in &record.faults {
        let counts = format!(
            "{}: {} landed, {} did not; recovered from {}",
            fault.what.as_str().replace('_', " "),
            fault.landed,
            fault.not_landed,
            fault.recovered
        );
        facts.push(("Faults", counts));
    }
    facts
}

fn ending(ending: &Ending) -> String {
    let details = match ending {
        Ending::Crash { reason } => match reason {
            CrashReason::Exit(code) => format!("exit code {code}"),
            CrashReason::Signal(signal) => format!("signal {signal}"),
            CrashReason::Memory => "out of memory".to_owned(),
            CrashReason::Model(cause) | CrashReason::Stated(cause) => foreign(cause),
        },
        Ending::Infrastructure { phase, cause } => format!("{}: {}", phase.as_str(), foreign(cause)),
        _ => String::new(),
    };
    let what = ending.as_str().replace('_', " ");
    if details.is_empty() { what } else { format!("{what}: {details}") }
}

fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Reward(reward) => format!("reward {reward:.2}, which is not a pass"),
        Verdict::Ungraded(reason) => format!("none: {}", ungraded(reason)),
        Verdict::Passed | Verdict::Failed => verdict.as_str().to_owned(),
    }
}

fn ungraded(reason: &UngradedReason) -> String {
    match reason {
        UngradedReason::RewardUnreadable(cause) => format!("the reward cannot be read: {}", foreign(cause)),
        UngradedReason::StateUnreadable(cause) => {
            format!("the final state cannot be read: {}", foreign(cause))
        }
        UngradedReason::VerifierFailed(cause) => format!("the verifier failed: {}", foreign(cause)),
        other => word(other),
    }
}

fn usage(usage: &Usage) -> String {
    let mut parts = vec![format!("{} uncached input", grouped(usage.uncached_input))];
    let read = usage.cache_read.map(|count| format!("{} read from cache", grouped(count)));
    let written = usage.cache_write.map(|count| format!("{} written to cache", grouped(count)));
    parts.extend(read.into_iter().chain(written));
    parts.push(format!("{} output", grouped(usage.output)));
    format!("{} ({})", grouped(usage.total()), parts.join(", "))
}

fn files(changed: &[String]) -> String {
    let names: Vec<String> = changed.iter().take(SHOWN_FILES).map(|name| foreign(name)).collect();
    let left = changed.len().saturating_sub(SHOWN_FILES);
    let more = if left > 0 { format!(" … and {left} more") } else { String::new() };
    match changed.len() as u64 {
        0 => "none".to_owned(),
        count => format!("{}: {}{more}", many(count, "file", "files"), names.join(", ")),
    }
}

fn time(milliseconds: Option<u64>) -> String {
    let shown = |time| number(time as f64, Unit::Milliseconds);
    milliseconds.map_or_else(|| "unknown".to_owned(), shown)
}

/// A fact with its source, or why there is none.
fn known<T>(fact: &Fact<T>, show: impl FnOnce(&T) -> String) -> String {
    match fact {
        Fact::Known { value, source } => format!("{} · {}", show(value), word(source)),
        Fact::Missing(reason) => format!("unknown: {}", word(reason)),
    }
}

/// The beginning of what others have written.
fn foreign(text: &str) -> String {
    let (start, is_cut) = cut(text, MOST_WORDS);
    if is_cut { format!("{}…", plain(start)) } else { plain(start) }
}
