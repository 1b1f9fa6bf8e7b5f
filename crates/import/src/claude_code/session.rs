//! The trial that a session is.

use retrial_agents::atif::Speaker;
use retrial_spec::{Ending, Fact, MissingReason, ToolCall};
use serde_json::{Value, json};

use super::PROGRAM;
use super::events::{Event, Events, Reply, What, word};
use super::printed::{Results, api_failure};
use super::survey::{Form, Survey};
use crate::session::{SessionLog, text};
use crate::usage::{cost_fact, dollars_at, metrics, recorded_usage};
use crate::{ImportError, Place, SessionOptions, Sink};

/// What Claude Code puts into the conversation where its user stops it.
const INTERRUPTED: &str = "[Request interrupted by user";

/// Gives the session to the sink, unless it is only a copy of another.
pub(super) fn read(
    survey: &Survey,
    events: Events,
    options: &SessionOptions,
    sink: &mut dyn Sink,
) -> Result<(), ImportError> {
    let place = Place::file(&survey.path);
    let copied = events.copied;
    let is_left = events.all.iter().any(|event| matches!(event.what, What::Reply(_) | What::GaveUp { .. }));
    if copied > 0 {
        if !is_left {
            sink.left_out(&place, "holds nothing but a copy of another session");
            return Ok(());
        }
        sink.doubt(
            &place,
            &format!("begins with {copied} replies copied from another session, which do not count here"),
        );
    }
    let mut session = Session {
        log: SessionLog::new(place),
        results: Results::default(),
        cost: None,
        is_printed: survey.form == Form::Printed,
    };
    session.log.id = survey.sessions.first().cloned();
    session.log.directory = events.directory;
    session.log.version = events.version;
    for event in events.all {
        session.add(event, sink)?;
    }
    if session.is_printed {
        session.results.finish(&mut session.log, sink)?;
    } else {
        session.log.cost = match session.cost {
            // The total goes on from that of the session that was copied.
            Some(_) if copied > 0 => Fact::Missing(MissingReason::MixedSources),
            Some((place, state)) if state.get("hasUnknownModelCost") != Some(&Value::Bool(true)) => {
                cost_fact(dollars_at(&state, "/totalCostUSD", &place)?, &session.log.usage.fact())
            }
            Some(_) => Fact::Missing(MissingReason::NoPrice),
            None => Fact::Missing(MissingReason::NotRecorded),
        };
    }
    sink.trial(session.log.found(PROGRAM, options)?)
}

/// A session in the making.
struct Session {
    log: SessionLog,
    results: Results,
    cost: Option<(Place, Value)>,
    is_printed: bool,
}

impl Session {
    fn add(&mut self, event: Event, sink: &mut dyn Sink) -> Result<(), ImportError> {
        let Event { place, at, is_aside, what, .. } = event;
        if !matches!(what, What::Message { is_instruction: true, .. } | What::Other(_)) {
            self.log.clock.note(at);
        }
        let time = at.map(|at| at.to_string());
        match what {
            What::Reply(reply) => self.reply(&reply, (&place, time, is_aside), sink)?,
            What::GaveUp { status, words } => {
                self.log.trajectory.say(Speaker::System, time, words.clone());
                self.log.ended(format!("gave up: {words}"), api_failure(status, &words));
            }
            What::Message { content, is_instruction } => {
                if is_instruction {
                    self.log.clock.begin_turn(at);
                    self.log.ended_as("an unanswered instruction", Ending::NotRecorded);
                }
                self.message(&content, time, is_instruction);
            }
            What::Other(object) => self.other(object, place, time),
        }
        Ok(())
    }

    fn reply(
        &mut self,
        reply: &Reply,
        (place, time, is_aside): (&Place, Option<String>, bool),
        sink: &mut dyn Sink,
    ) -> Result<(), ImportError> {
        let of_kind =
            |kind: &'static str| reply.parts.iter().filter(move |part| word(part, "type") == Some(kind));
        let joined = |kind: &'static str, member: &'static str| {
            of_kind(kind).filter_map(|part| word(part, member)).collect::<Vec<_>>().join("\n")
        };
        let step = self.log.trajectory.agent(time, joined("text", "text"));
        let thought = joined("thinking", "thinking");
        step.reasoning_content = (!thought.is_empty()).then_some(thought);
        step.model_name.clone_from(&reply.model);
        if is_aside {
            step.extra.insert("sub_agent".to_owned(), json!(true));
        }
        // Printed events have the tokens of a reply's beginning only.
        if !self.is_printed {
            let usage = recorded_usage(reply.usage.as_ref(), place, sink)?;
            step.metrics = usage.value().map(metrics);
            self.log.usage.add(&usage);
        }
        let mut has_calls = false;
        for part in of_kind("tool_use") {
            has_calls = true;
            let (Some(id), Some(name)) = (word(part, "id"), word(part, "name")) else {
                return Err(place.error("has a tool call without `id` or `name`"));
            };
            let arguments = part.get("input").unwrap_or(&Value::Null).to_string();
            self.log.trajectory.call(ToolCall::function(id, name, arguments));
        }
        if !is_aside {
            if let Some(model) = &reply.model {
                self.log.answered_by(model);
            }
            let stopped =
                reply.stop_reason.as_deref().unwrap_or(if has_calls { "tool_use" } else { "end_turn" });
            let ending = match stopped {
                "tool_use" | "pause_turn" => Ending::NotRecorded,
                "refusal" => Ending::Refused,
                "model_context_window_exceeded" => crate::ended::crashed(stopped),
                _ => Ending::Finished,
            };
            self.log.ended_as(stopped, ending);
        }
        Ok(())
    }

    fn message(&mut self, content: &Value, time: Option<String>, is_instruction: bool) {
        let mut said = Vec::new();
        let parts = content.as_array().map_or(std::slice::from_ref(content), Vec::as_slice);
        for part in parts {
            match word(part, "tool_use_id") {
                Some(call) => {
                    let result = text(part.get("content").unwrap_or(&Value::Null));
                    self.log.trajectory.result(call, time.clone(), result);
                }
                None if part.is_string() => said.push(text(part)),
                None => said.push(text(&Value::Array(vec![part.clone()]))),
            }
        }
        let said = said.join("\n");
        if said.starts_with(INTERRUPTED) {
            self.log.ended_as("interrupted by its user", Ending::NotRecorded);
        }
        if !said.is_empty() {
            let speaker = if is_instruction { Speaker::User } else { Speaker::System };
            self.log.trajectory.say(speaker, time, said);
        }
    }

    fn other(&mut self, object: Value, place: Place, time: Option<String>) {
        match (word(&object, "type"), word(&object, "subtype")) {
            (Some("system"), Some("compact_boundary")) => {
                self.log.trajectory.say(Speaker::System, time, "The conversation was compacted.");
            }
            (Some("cost-state"), _) => self.cost = Some((place, object)),
            (Some("result"), _) => self.results.add(place, object),
            _ => {}
        }
    }
}
