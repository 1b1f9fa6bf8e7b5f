//! The table of trials.

use retrial_metrics::RunFacts;
use retrial_spec::{
    CrashReason, Ending, Fact, FaultCount, Source, TrialRecord, UngradedReason, Usage, Verdict,
};

use super::{Cell, Column, Kind, Table};
use crate::CountsAs;

/// A record and what it counts as.
pub(super) struct TrialRow<'a> {
    pub(super) run: &'a RunFacts,
    pub(super) record: &'a TrialRecord,
    pub(super) counts_as: Option<CountsAs>,
}

impl TrialRow<'_> {
    fn usage(&self) -> Option<&Usage> {
        self.record.usage.value()
    }

    /// A time; the times of a replayed run measure nothing.
    fn time(&self, milliseconds: Option<u64>) -> Cell<'static> {
        if self.run.origin.is_replayed() { Cell::Missing } else { Cell::count(milliseconds) }
    }

    /// A sum over the kinds of faults; missing where the condition has none.
    fn faults(&self, count: fn(&FaultCount) -> u32) -> Cell<'static> {
        let faults = &self.record.faults;
        let sum = faults.iter().map(|fault| u64::from(count(fault))).sum();
        Cell::count((!faults.is_empty()).then_some(sum))
    }
}

/// The details of an ending that has any.
pub(crate) fn ending_detail(ending: &Ending) -> Option<String> {
    match ending {
        Ending::Crash { reason: CrashReason::Exit(code) } => Some(format!("exit {code}")),
        Ending::Crash { reason: CrashReason::Signal(signal) } => Some(format!("signal {signal}")),
        Ending::Crash { reason: CrashReason::Memory } => Some("memory".to_owned()),
        Ending::Crash { reason: CrashReason::Model(cause) } => Some(format!("model: {cause}")),
        Ending::Crash { reason: CrashReason::Stated(cause) } => Some(cause.clone()),
        Ending::Infrastructure { phase, cause } => Some(format!("{}: {cause}", phase.as_str())),
        Ending::Finished
        | Ending::Timeout
        | Ending::OverBudget
        | Ending::Refused
        | Ending::Revoked
        | Ending::NotRecorded => None,
    }
}

/// Why there is no verdict, where there is none.
pub(crate) fn ungraded_detail(verdict: &Verdict) -> Option<String> {
    let Verdict::Ungraded(reason) = verdict else { return None };
    Some(match reason {
        UngradedReason::Infrastructure => "infrastructure".to_owned(),
        UngradedReason::Revoked => "revoked".to_owned(),
        UngradedReason::NoReward => "no_reward".to_owned(),
        UngradedReason::RewardUnreadable(cause) => format!("reward_unreadable: {cause}"),
        UngradedReason::RewardOutOfRange => "reward_out_of_range".to_owned(),
        UngradedReason::VerifierTimeout => "verifier_timeout".to_owned(),
        UngradedReason::StateUnreadable(cause) => format!("state_unreadable: {cause}"),
        UngradedReason::VerifierFailed(cause) => format!("verifier_failed: {cause}"),
        UngradedReason::NotRecorded => "not_recorded".to_owned(),
    })
}

fn owned(text: Option<String>) -> Cell<'static> {
    text.map_or(Cell::Missing, |text| Cell::Text(text.into()))
}

fn source<T>(fact: &Fact<T>) -> Cell<'static> {
    let source: Option<Source> = match fact {
        Fact::Known { source, .. } => Some(*source),
        Fact::Missing(_) => None,
    };
    Cell::word(source)
}

fn missing<T>(fact: &Fact<T>) -> Cell<'static> {
    let reason = match fact {
        Fact::Known { .. } => None,
        Fact::Missing(reason) => Some(*reason),
    };
    Cell::word(reason)
}

/// The table of trials.
pub(super) struct Trials;

type Read = for<'r, 'a> fn(&'r TrialRow<'a>) -> Cell<'r>;

const fn text(name: &'static str, about: &'static str, cell: Read) -> Column<Trials> {
    Column { name, kind: Kind::Text, unit: "", about, cell }
}

const fn count(name: &'static str, unit: &'static str, about: &'static str, cell: Read) -> Column<Trials> {
    Column { name, kind: Kind::Count, unit, about, cell }
}

const fn number(name: &'static str, unit: &'static str, about: &'static str, cell: Read) -> Column<Trials> {
    Column { name, kind: Kind::Number, unit, about, cell }
}

impl Table for Trials {
    type Row<'a> = TrialRow<'a>;
    const NAME: &'static str = "trials";
    const COLUMNS: &'static [Column<Self>] = &[
        text("run", "id of the run", |row| Cell::text(row.run.run.as_str())),
        text("task", "the task", |row| Cell::text(row.record.trial.task.as_str())),
        text("agent", "the agent", |row| Cell::text(row.record.trial.agent.as_str())),
        text("condition", "the condition", |row| Cell::text(row.record.trial.condition.as_str())),
        count("number", "", "the trial's number, from 1", |row| Cell::Count(row.record.trial.number.into())),
        count("attempts", "attempts", "attempts it took", |row| Cell::Count(row.record.attempts.into())),
        text("ending", "how the agent stopped", |row| Cell::text(row.record.ending.as_str())),
        text("ending_detail", "exit code, signal or cause; missing where the ending has none", |row| {
            owned(ending_detail(&row.record.ending))
        }),
        text("verdict", "what the verifier said", |row| Cell::text(row.record.verdict.as_str())),
        text("verdict_detail", "why there is no verdict; missing where there is one", |row| {
            owned(ungraded_detail(&row.record.verdict))
        }),
        number(
            "reward",
            "",
            "1 for passed, 0 for failed, the partial reward between; missing without verdict",
            |row| Cell::number(row.record.verdict.reward()),
        ),
        text("counts_as", "`passed`, `failed` or `excluded` under the report's policies", |row| {
            Cell::maybe(row.counts_as.map(CountsAs::as_str))
        }),
        count("actions", "actions", "the agent's actions", |row| {
            Cell::count(row.record.actions.value().map(|actions| actions.len() as u64))
        }),
        count("requests", "requests", "requests that reached the model, without the elicitation's", |row| {
            Cell::count(row.record.requests.copied())
        }),
        count(
            "uncached_input_tokens",
            "tokens",
            "input neither read from a cache nor written to one",
            |row| Cell::count(row.usage().map(|usage| usage.uncached_input)),
        ),
        count(
            "cache_read_tokens",
            "tokens",
            "input read from a cache; missing where the protocol does not state it",
            |row| Cell::count(row.usage().and_then(|usage| usage.cache_read)),
        ),
        count(
            "cache_write_tokens",
            "tokens",
            "input written to a cache; missing where the protocol does not state it",
            |row| Cell::count(row.usage().and_then(|usage| usage.cache_write)),
        ),
        count("output_tokens", "tokens", "output, with reasoning", |row| {
            Cell::count(row.usage().map(|usage| usage.output))
        }),
        count(
            "reasoning_tokens",
            "tokens",
            "the part of the output that is reasoning; missing where it is not stated",
            |row| Cell::count(row.usage().and_then(|usage| usage.reasoning)),
        ),
        count(
            "total_tokens",
            "tokens",
            "the stated ones of the four counters before reasoning, added",
            |row| Cell::count(row.usage().map(Usage::total)),
        ),
        text("tokens_source", "where the tokens come from", |row| source(&row.record.usage)),
        text("tokens_missing", "why there are none", |row| missing(&row.record.usage)),
        count("cost_usd_micros", "millionths of a US dollar", "money for the requests", |row| {
            Cell::count(row.record.cost.value().map(|cost| cost.usd_micros))
        }),
        Column {
            name: "priced_on",
            kind: Kind::Day,
            unit: "",
            about: "the day of the prices; missing where the provider stated the cost",
            cell: |row| {
                let day = row.record.cost.value().and_then(|cost| cost.priced_on);
                day.map_or(Cell::Missing, Cell::Day)
            },
        },
        text("cost_source", "where the cost comes from", |row| source(&row.record.cost)),
        text("cost_missing", "why there is none", |row| missing(&row.record.cost)),
        count(
            "elicitation_cost_usd_micros",
            "millionths of a US dollar",
            "money for the question after the end",
            |row| Cell::count(row.record.elicitation_cost.value().map(|cost| cost.usd_micros)),
        ),
        text("elicitation_cost_missing", "why there is none", |row| missing(&row.record.elicitation_cost)),
        number("confidence", "0 to 1", "the agent's own probability that it succeeded", |row| {
            Cell::number(row.record.confidence.copied())
        }),
        text("confidence_source", "where the confidence comes from", |row| source(&row.record.confidence)),
        text("confidence_missing", "why there is none", |row| missing(&row.record.confidence)),
        text("claim", "`done`, `not_done` or `needs_human`: what the agent said of its result", |row| {
            Cell::word(row.record.claim.copied())
        }),
        text("claim_source", "where the claim comes from", |row| source(&row.record.claim)),
        text("claim_missing", "why there is none", |row| missing(&row.record.claim)),
        count("files_changed", "files", "files the agent added, changed or removed", |row| {
            Cell::count(row.record.state.value().map(|state| state.changed.len() as u64))
        }),
        text("patch", "digest of the change, the same for the same change", |row| {
            Cell::maybe(row.record.state.value().map(|state| state.patch.as_str()))
        }),
        text("state_missing", "why files and patch are unknown", |row| missing(&row.record.state)),
        count(
            "faults_landed",
            "faults",
            "faults on the wire that reached the agent; missing where the record has none",
            |row| row.faults(|fault| fault.landed),
        ),
        count("faults_not_landed", "faults", "faults that did not", |row| {
            row.faults(|fault| fault.not_landed)
        }),
        count(
            "faults_went_on",
            "faults",
            "landed faults after which the agent sent a further request",
            |row| row.faults(|fault| fault.went_on),
        ),
        count(
            "faults_recovered",
            "faults",
            "landed faults after which the same request was answered",
            |row| row.faults(|fault| fault.recovered),
        ),
        Column {
            name: "started_at",
            kind: Kind::Moment,
            unit: "UTC",
            about: "when the last attempt started",
            cell: |row| Cell::moment(row.record.started_at.copied()),
        },
        count("setup_ms", "ms", "from asking for the sandbox until the agent could start", |row| {
            row.time(row.record.times.setup_ms)
        }),
        count("agent_ms", "ms", "from the agent's start to its end", |row| {
            row.time(row.record.times.agent_ms)
        }),
        count("working_ms", "ms", "the agent's time without waiting", |row| {
            row.time(row.record.times.working_ms())
        }),
        count("model_ms", "ms", "the part of the agent's time in model calls", |row| {
            row.time(row.record.times.model_ms)
        }),
        count("waiting_ms", "ms", "the part of the agent's time waiting for rate limits and queues", |row| {
            row.time(row.record.times.waiting_ms)
        }),
        count("verify_ms", "ms", "from the agent's end to the verdict", |row| {
            row.time(row.record.times.verify_ms)
        }),
    ];
}
