//! The trial that a rollout is.

use jiff::Timestamp;
use retrial_agents::atif::Speaker;
use retrial_spec::{Ending, Fact, MissingReason, ToolCall, ToolKind};
use serde_json::{Value, json};

use super::ending::failure;
use super::survey::Survey;
use super::tokens::Tokens;
use super::{PROGRAM, word};
use crate::session::{Line, Lines, SessionLog, moment, text};
use crate::usage::metrics;
use crate::{Found, ImportError, Place, SessionOptions, Sink};

/// Reads a session, and then its sub-agents one after the other: what they did at the same time is not put in one order.
pub(super) fn read<'s>(
    survey: &'s Survey,
    helpers: impl Iterator<Item = &'s Survey>,
    options: &SessionOptions,
    sink: &mut dyn Sink,
) -> Result<Found, ImportError> {
    let mut log = SessionLog::new(Place::file(&survey.path));
    log.id.clone_from(&survey.id);
    let mut is_by_reply = true;
    for (index, file) in std::iter::once(survey).chain(helpers).enumerate() {
        let mut thread = Thread { id: file.id.clone(), is_aside: index > 0, ..Thread::default() };
        let mut lines = Lines::open(&file.path)?;
        while let Some(line) = lines.next()? {
            sink.progress(line.bytes);
            thread.add(&line, &mut log, sink)?;
        }
        is_by_reply &= thread.tokens.is_by_reply();
        log.usage.add(&thread.sum());
    }
    let mut found = log.found(PROGRAM, options)?;
    if let Some(origin) = &survey.forked_from {
        let what =
            format!("begins as a copy of session {origin}, and does not say where its own part begins");
        sink.doubt(&found.place, &what);
        found.calls = Fact::Missing(MissingReason::MixedSources);
        found.started_at = None;
        found.times.agent_ms = None;
        if !is_by_reply {
            found.usage = Fact::Missing(MissingReason::MixedSources);
        }
    }
    Ok(found)
}

/// Whether the last reply of a thread may go on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum LastReply {
    #[default]
    None,
    Open,
    Done,
}

/// One thread of a session: the agent itself, or a sub-agent.
#[derive(Debug, Default)]
struct Thread {
    id: Option<String>,
    is_aside: bool,
    provider: Option<String>,
    tokens: Tokens,
    reply: LastReply,
    /// Whether this turn had an error that it did not get over.
    has_failed: bool,
}

impl Thread {
    fn sum(self) -> Fact<retrial_spec::Usage> {
        match self.tokens.sum() {
            Fact::Missing(MissingReason::NoCalls) if self.reply != LastReply::None => {
                Fact::Missing(MissingReason::NoUsage)
            }
            sum => sum,
        }
    }

    fn add(&mut self, line: &Line, log: &mut SessionLog, sink: &mut dyn Sink) -> Result<(), ImportError> {
        let Line { place, object, .. } = line;
        let at = moment(object, "timestamp", place)?;
        let payload = object.get("payload").unwrap_or(&Value::Null);
        let time = at.map(|at| at.to_string());
        match word(object, "type") {
            Some("session_meta") => self.meta(payload, log),
            Some("turn_context") => {
                log.directory = log.directory.take().or(word(payload, "cwd").map(str::to_owned));
                if let Some(model) = word(payload, "model")
                    && !self.is_aside
                {
                    let model =
                        self.provider.as_ref().map_or(model.to_owned(), |name| format!("{name}/{model}"));
                    log.answered_by(&model);
                }
            }
            Some("response_item") => {
                log.clock.note(at);
                self.item(payload, time, place, log)?;
            }
            Some("token_usage_record") => {
                self.end_reply();
                if word(payload, "thread_id").is_none_or(|id| Some(id) == self.id.as_deref())
                    && let Some(usage) = self.tokens.reply(payload, place, sink)?
                    && let Some(step) = log.trajectory.last_of_agent()
                {
                    step.metrics = usage.value().map(metrics);
                }
            }
            Some("event_msg") => self.event(payload, (at, place), log, sink)?,
            Some("compacted") => log.trajectory.say(Speaker::System, time, "The conversation was compacted."),
            Some(_) => {}
            None => return Err(place.error("has no `type`; expected a line of a rollout")),
        }
        Ok(())
    }

    fn meta(&mut self, payload: &Value, log: &mut SessionLog) {
        let own = |member: &str| word(payload, member).map(str::to_owned);
        self.provider = self.provider.take().or(own("model_provider"));
        log.directory = log.directory.take().or(own("cwd"));
        log.version = log.version.take().or(own("cli_version"));
    }

    fn event(
        &mut self,
        payload: &Value,
        (at, place): (Option<Timestamp>, &Place),
        log: &mut SessionLog,
        sink: &mut dyn Sink,
    ) -> Result<(), ImportError> {
        let kind = word(payload, "type").unwrap_or_default();
        if kind == "token_count" {
            self.end_reply();
            let total = payload.pointer("/info/total_token_usage").filter(|total| total.is_object());
            return total.map_or(Ok(()), |total| self.tokens.total(total, place, sink));
        }
        if self.is_aside {
            return Ok(());
        }
        match kind {
            "task_started" | "turn_started" => {
                log.clock.begin_turn(at);
                self.has_failed = false;
                log.ended_as("no end of the turn", Ending::NotRecorded);
            }
            "error" => {
                self.has_failed = true;
                log.ended(
                    format!("error: {}", word(payload, "message").unwrap_or_default()),
                    failure(payload),
                );
            }
            "task_complete" | "turn_complete" => {
                log.clock.note(at);
                match payload.get("error").filter(|error| !error.is_null()) {
                    Some(error) => {
                        let words = word(error, "message").unwrap_or_default();
                        log.ended(format!("{kind} with error: {words}"), failure(error));
                    }
                    None if self.has_failed => {}
                    None => log.ended_as(kind, Ending::Finished),
                }
            }
            "turn_aborted" => {
                log.clock.note(at);
                let reason = word(payload, "reason").unwrap_or("no reason");
                let ending =
                    if reason == "budget_limited" { Ending::OverBudget } else { Ending::NotRecorded };
                log.ended_as(format!("{kind}: {reason}"), ending);
            }
            _ => {}
        }
        Ok(())
    }

    fn item(
        &mut self,
        item: &Value,
        time: Option<String>,
        place: &Place,
        log: &mut SessionLog,
    ) -> Result<(), ImportError> {
        let content = item.get("content").unwrap_or(&Value::Null);
        match (word(item, "type").unwrap_or_default(), word(item, "role")) {
            ("message", Some("assistant")) => self.say(&text(content), time, log),
            ("message", role) => {
                self.end_reply();
                let speaker = if role == Some("user") { Speaker::User } else { Speaker::System };
                log.trajectory.say(speaker, time, text(content));
            }
            ("reasoning", _) => {
                self.say("", time, log);
                let summary = text(item.get("summary").unwrap_or(&Value::Null));
                if let Some(step) = log.trajectory.last_of_agent().filter(|_| !summary.is_empty()) {
                    step.reasoning_content.get_or_insert_default().push_str(&summary);
                }
            }
            (kind, _) if kind.ends_with("_output") => {
                self.end_reply();
                let output = item.get("output").unwrap_or(&Value::Null);
                let output = output.get("content").filter(|_| output.is_object()).unwrap_or(output);
                log.trajectory.result(word(item, "call_id").unwrap_or_default(), time, text(output));
            }
            (kind, _) if kind.ends_with("_call") => {
                self.say("", time, log);
                log.trajectory.call(call(kind, item, place)?);
            }
            _ => {}
        }
        Ok(())
    }

    fn end_reply(&mut self) {
        if self.reply == LastReply::Open {
            self.reply = LastReply::Done;
        }
    }

    /// Adds words to the reply, which begins with them where none is open.
    fn say(&mut self, words: &str, time: Option<String>, log: &mut SessionLog) {
        if self.reply != LastReply::Open {
            log.trajectory.agent(time, "");
        }
        let Some(step) = log.trajectory.last_of_agent() else { return };
        if !step.message.is_empty() && !words.is_empty() {
            step.message.push('\n');
        }
        step.message.push_str(words);
        if self.is_aside {
            step.extra.insert("sub_agent".to_owned(), json!(true));
        }
        self.reply = LastReply::Open;
    }
}

/// Returns a tool call: of a function, of a tool with free text, or of a tool that the provider defined.
fn call(kind: &str, item: &Value, place: &Place) -> Result<ToolCall, ImportError> {
    let id = word(item, "call_id").or(word(item, "id")).unwrap_or_default().to_owned();
    let named =
        || word(item, "name").map(str::to_owned).ok_or_else(|| place.error("has a tool call without `name`"));
    Ok(match kind {
        "function_call" => ToolCall::function(id, named()?, word(item, "arguments").unwrap_or_default()),
        "custom_tool_call" => {
            let arguments = word(item, "input").unwrap_or_default().to_owned();
            ToolCall { id, name: named()?, kind: ToolKind::Custom, arguments }
        }
        other => {
            let arguments = item.get("action").unwrap_or(&Value::Null).to_string();
            let kind = if other == "local_shell_call" { ToolKind::Builtin } else { ToolKind::Server };
            ToolCall { id, name: other.to_owned(), kind, arguments }
        }
    })
}
