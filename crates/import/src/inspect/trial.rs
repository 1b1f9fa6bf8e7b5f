//! The trial that a sample is.

use std::collections::BTreeMap;

use jiff::Timestamp;
use retrial_spec::{Ending, Fact, MissingReason, Phase, Source, Times, UngradedReason, Verdict};
use serde_json::Value;

use super::context::{InLog, first_line};
use super::events::Events;
use super::fields::Amount;
use super::judge::{Said, judge};
use super::sample::{Sample, SampleError, Score};
use super::score::{self, Chosen};
use super::spent::spent;
use super::talk::{Talk, calls};
use crate::export::inspect::{LOG_KEY, PATCH_KEY};
use crate::own::{KEY, OwnTrial};
use crate::{Found, ImportError, Place, Sink};

/// Returns the trial of a sample.
pub(super) fn found(
    log: &mut InLog,
    place: Place,
    sample: Sample,
    sink: &mut dyn Sink,
) -> Result<Found, ImportError> {
    let mut sample = sample;
    let scores = scores(&mut sample, &log.log.scorer);
    let events = events(&mut sample);
    let own = own(&sample, &place, sink);
    // An export has one score, whatever is asked for.
    let chosen = match &own {
        Some(_) => scores.values().next().map(Chosen::of),
        None => log.choice.choose(&scores, &place)?,
    };
    let mut found = Found::new(place, log.log.agent(), log.log.task_of(&sample.id));
    found.condition = log.log.condition();
    found.number = if log.is_first { number(&sample, &found.place, sink) } else { None };
    found.started_at = started_at(&sample, &events, &found.place, sink);
    found.failed_attempts = sample.error_retries.iter().flatten().map(SampleError::failure).collect();
    let unscored = if log.log.has_no_scorer { UngradedReason::NotRecorded } else { UngradedReason::NoReward };
    let score = chosen.as_ref().map_or(Verdict::Ungraded(unscored), |chosen| score::verdict(chosen.value));
    if score == Verdict::Ungraded(UngradedReason::RewardOutOfRange) {
        sink.doubt(&found.place, "has a score outside of 0 to 1, which is no verdict");
    }
    decide(&mut found, &sample, &events, chosen.as_ref(), score);
    if sample.error.is_some() && found.ending == Ending::NotRecorded {
        sink.doubt(
            &found.place,
            "ended with an error and was scored all the same; how the agent stopped is not known",
        );
    }
    spend(&mut found, &sample, &events, sink);
    found.times = times(&sample, &events);
    converse(&mut found, &mut sample, &events);
    found.evidence.verifier_log =
        chosen.and_then(|chosen| chosen.explanation).map(|explanation| explanation.as_bytes().to_vec());
    if let Some(own) = own {
        restore(&mut found, &sample, own, sink);
    }
    Ok(found)
}

/// The scores by scorer, that of an old log under the name of its scorer.
fn scores(sample: &mut Sample, scorer: &str) -> BTreeMap<String, Score> {
    let mut scores = sample.scores.take().unwrap_or_default();
    if let Some(score) = sample.score.take() {
        scores.entry(scorer.to_owned()).or_insert(score);
    }
    scores
}

fn events(sample: &mut Sample) -> Events {
    let mut events = sample.events.take().unwrap_or_default();
    if let Some(transcript) = sample.transcript.take() {
        if events.is_empty() {
            events = transcript.events.unwrap_or_default();
        }
        sample.attachments.get_or_insert_default().extend(transcript.content.unwrap_or_default());
    }
    events
}

/// What an export of a run keeps in the sample.
fn own(sample: &Sample, place: &Place, sink: &mut dyn Sink) -> Option<OwnTrial> {
    let own = OwnTrial::read(sample.metadata.as_ref()?.get(KEY)?);
    own.map_err(|why| sink.doubt(place, &why)).ok()
}

/// Puts what an export keeps in its places.
fn restore(found: &mut Found, sample: &Sample, own: OwnTrial, sink: &mut dyn Sink) {
    let kept = |key: &str| Some(sample.store.as_ref()?.get(key)?.as_str()?.as_bytes().to_vec());
    found.evidence.patch = kept(PATCH_KEY);
    found.evidence.verifier_log = found.evidence.verifier_log.take().or_else(|| kept(LOG_KEY));
    let final_metrics = own.final_metrics.clone();
    match own.restore(found) {
        Ok(()) => {
            if let (Some(trajectory), Some(metrics)) = (&mut found.evidence.trajectory, final_metrics) {
                trajectory["final_metrics"] = metrics;
            }
        }
        Err(why) => sink.doubt(&found.place, &why),
    }
}

fn number(sample: &Sample, place: &Place, sink: &mut dyn Sink) -> Option<u32> {
    let number = u32::try_from(sample.epoch.0).ok().filter(|number| *number > 0);
    if number.is_none() {
        sink.doubt(place, &format!("is in epoch {}, which numbers no trial", sample.epoch.0));
    }
    number
}

fn started_at(sample: &Sample, events: &Events, place: &Place, sink: &mut dyn Sink) -> Option<Timestamp> {
    let text = sample.started_at.as_ref().or(events.first_at.as_ref())?;
    let time = text.parse().ok();
    if time.is_none() {
        sink.doubt(place, &format!("started at `{text}`, which is no point in time"));
    }
    time
}

/// Says how the sample ended, and what of it counts.
fn decide(found: &mut Found, sample: &Sample, events: &Events, chosen: Option<&Chosen<'_>>, score: Verdict) {
    let invalidated = sample.invalidation.as_ref().filter(|value| !value.is_null()).map(reason);
    let last = sample.output.as_ref().and_then(|output| output.choices.as_ref()?.first());
    let said = Said {
        invalidated: invalidated.as_deref(),
        error: sample.error.as_ref().map(|error| error.message.as_str()),
        phase: events.error_phase.or(events.phase).unwrap_or(Phase::Agent),
        limit: sample.limit.as_ref().map(|limit| limit.kind.as_str()),
        stop_reason: last.and_then(|choice| choice.stop_reason.as_deref()),
        is_scored: chosen.is_some(),
    };
    found.status = status(&said, chosen);
    (found.ending, found.verdict) = judge(&said, score);
}

/// Who invalidated a sample, and why, in words.
fn reason(invalidation: &Value) -> String {
    let part = |name| invalidation.get(name).and_then(Value::as_str);
    match (part("reason"), part("author")) {
        (Some(reason), Some(author)) => format!("{reason} ({author})"),
        (Some(text), None) | (None, Some(text)) => text.to_owned(),
        (None, None) => "no reason given".to_owned(),
    }
}

/// What a sample says of how it went, in the log's words.
fn status(said: &Said<'_>, chosen: Option<&Chosen<'_>>) -> String {
    let error = said.error.map(|error| format!("error {}", class(error)));
    let limit = said.limit.map(|limit| format!("limit {limit}"));
    let filtered = said.stop_reason.filter(|reason| *reason == "content_filter").map(str::to_owned);
    let invalidated = said.invalidated.map(|_| "invalidated".to_owned());
    let score = chosen.map_or_else(|| "not scored".to_owned(), |chosen| score::word(chosen.value));
    let parts: Vec<String> =
        [invalidated, error, limit, filtered, Some(score)].into_iter().flatten().collect();
    parts.join(", ")
}

/// The class of an exception, of the text that shows it: `ValueError('boom')`.
fn class(error: &str) -> String {
    let name = error.split(['(', ':', '\n']).next().unwrap_or_default().trim();
    let is_name = !name.is_empty()
        && name.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | '.'));
    if is_name { name.to_owned() } else { "of another kind".to_owned() }
}

impl SampleError {
    fn failure(&self) -> retrial_spec::AttemptFailure {
        let events = self.events.as_ref();
        let phase = events.and_then(|events| events.error_phase.or(events.phase)).unwrap_or(Phase::Agent);
        retrial_spec::AttemptFailure { phase, cause: first_line(&self.message) }
    }
}

fn spend(found: &mut Found, sample: &Sample, events: &Events, sink: &mut dyn Sink) {
    let none = BTreeMap::new();
    let spent = spent(sample.model_usage.as_ref().unwrap_or(&none), events);
    for doubt in &spent.doubts {
        sink.doubt(&found.place, doubt);
    }
    // Tokens without a call of a model: the calls were not recorded.
    let lacks_calls = events.model_calls.is_empty() && spent.usage.value().is_some();
    let is_known = !events.is_empty() && !lacks_calls;
    found.requests = if is_known {
        Fact::known(events.model_calls.len() as u64, Source::Computed)
    } else {
        Fact::Missing(MissingReason::NotRecorded)
    };
    (found.usage, found.cost) = (spent.usage, spent.cost);
}

/// Times. The sample's time holds that of scoring; what is not working time is waiting.
fn times(sample: &Sample, events: &Events) -> Times {
    let milliseconds = |amount: Option<Amount>| amount.and_then(Amount::thousandths);
    let (total, working) = (milliseconds(sample.total_time), milliseconds(sample.working_time));
    let verify_ms = events.scoring_ms.filter(|scoring| total.is_none_or(|total| *scoring <= total));
    let agent_ms = total.map(|total| total - verify_ms.unwrap_or(0));
    let waiting = total.zip(working).and_then(|(total, working)| total.checked_sub(working));
    let calls = || events.model_calls.iter().map(|call| call.working_ms);
    let model_ms = calls().sum::<Option<u64>>().filter(|_| calls().next().is_some());
    Times {
        setup_ms: None,
        agent_ms,
        // Calls of several agents at once take longer together than the agent's time, which then says nothing.
        model_ms: model_ms.filter(|model| agent_ms.is_none_or(|agent| *model <= agent)),
        waiting_ms: waiting.filter(|waiting| agent_ms.is_none_or(|agent| *waiting <= agent)),
        verify_ms,
    }
}

fn converse(found: &mut Found, sample: &mut Sample, events: &Events) {
    let attachments = sample.attachments.take().unwrap_or_default();
    let messages = sample.messages.take();
    found.calls = calls(messages.as_deref(), events, &attachments);
    let talk = Talk::new(&attachments, events);
    let session = sample.uuid.clone().unwrap_or_else(|| format!("{}-{}", sample.id.0, sample.epoch.0));
    found.evidence.trajectory =
        talk.trajectory(messages.as_deref().unwrap_or_default(), &found.agent, &session);
}
