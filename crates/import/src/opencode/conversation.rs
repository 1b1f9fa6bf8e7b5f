//! The parts of a session, in order.

use retrial_agents::atif::Speaker;
use retrial_spec::{Ending, Fact, MissingReason, ToolCall, Usage};
use serde_json::{Value, json};

use super::ending::{failure, stopped};
use super::word;
use crate::session::{SessionLog, moment_from_millis};
use crate::usage::{StatedUsage, cost_fact, count_at, dollars_at, metrics};
use crate::{ImportError, Place, Sink};

/// A session in the making.
pub(super) struct Conversation {
    pub(super) log: SessionLog,
    /// Whether the last step may go on.
    is_open: bool,
    /// Money of all steps, rounded once.
    dollars: Option<f64>,
}

impl Conversation {
    /// Nothing yet.
    pub(super) fn new(place: Place) -> Self {
        Self { log: SessionLog::new(place), is_open: false, dollars: None }
    }

    /// Takes a part of a reply; `is_aside` where a session gave it that this one started.
    pub(super) fn part(
        &mut self,
        part: &Value,
        is_aside: bool,
        place: &Place,
        sink: &mut dyn Sink,
    ) -> Result<(), ImportError> {
        let at = moment_from_millis(part, "/time/start", place)?.or(moment_from_millis(
            part,
            "/state/time/start",
            place,
        )?);
        self.log.clock.note(at);
        let time = at.map(|at| at.to_string());
        let text = || word(part, "/text").unwrap_or_default();
        match word(part, "/type") {
            Some("step-start") => self.is_open = false,
            Some("text") => self.open(time, is_aside, |step| {
                if !step.message.is_empty() {
                    step.message.push('\n');
                }
                step.message.push_str(text());
            }),
            Some("reasoning") => self.open(time, is_aside, |step| {
                step.reasoning_content.get_or_insert_default().push_str(text());
            }),
            Some("tool") => {
                self.open(time, is_aside, |_| {});
                self.tool(part, place)?;
            }
            Some("step-finish") => {
                self.open(time, is_aside, |_| {});
                self.finish_step(part, is_aside, place, sink)?;
            }
            Some("compaction") => {
                self.log.trajectory.say(Speaker::System, time, "The conversation was compacted.");
            }
            Some(_) => {}
            None => return Err(place.error("has a part without `type`")),
        }
        Ok(())
    }

    fn open(
        &mut self,
        time: Option<String>,
        is_aside: bool,
        add: impl FnOnce(&mut retrial_agents::atif::Step),
    ) {
        if !self.is_open {
            let step = self.log.trajectory.agent(time, "");
            if is_aside {
                step.extra.insert("sub_agent".to_owned(), json!(true));
            }
            self.is_open = true;
        }
        if let Some(step) = self.log.trajectory.last_of_agent() {
            add(step);
        }
    }

    fn tool(&mut self, part: &Value, place: &Place) -> Result<(), ImportError> {
        let (Some(id), Some(name)) = (word(part, "/callID"), word(part, "/tool")) else {
            return Err(place.error("has a tool call without `callID` or `tool`"));
        };
        let arguments = part.pointer("/state/input").unwrap_or(&Value::Null).to_string();
        self.log.trajectory.call(ToolCall::function(id, name, arguments));
        if let Some(result) = word(part, "/state/output").or(word(part, "/state/error")) {
            self.log.trajectory.result(id, None, result);
        }
        self.log.clock.note(moment_from_millis(part, "/state/time/end", place)?);
        Ok(())
    }

    fn finish_step(
        &mut self,
        part: &Value,
        is_aside: bool,
        place: &Place,
        sink: &mut dyn Sink,
    ) -> Result<(), ImportError> {
        let usage = usage(part, place, sink)?;
        if let Some(step) = self.log.trajectory.last_of_agent() {
            step.metrics = usage.value().map(metrics);
        }
        self.log.usage.add(&usage);
        if dollars_at(part, "/cost", place)?.is_some() {
            let dollars = part.get("cost").and_then(Value::as_f64).unwrap_or(0.0);
            self.dollars = Some(self.dollars.unwrap_or(0.0) + dollars);
        }
        self.is_open = false;
        if !is_aside {
            let reason = word(part, "/reason").unwrap_or("no reason");
            self.log.ended_as(reason, stopped(reason));
        }
        Ok(())
    }

    /// Notes an error that ended the session, as far as it does not go on.
    pub(super) fn failed(&mut self, error: &Value) {
        let (words, ended) = failure(error);
        self.log.trajectory.say(Speaker::System, None, words.clone());
        self.log.ended(words, ended);
    }

    /// Notes an instruction of the user.
    pub(super) fn instructed(&mut self, at: Option<jiff::Timestamp>, said: String) {
        self.is_open = false;
        self.log.clock.begin_turn(at);
        self.log.ended_as("an unanswered instruction", Ending::NotRecorded);
        self.log.trajectory.say(Speaker::User, at.map(|at| at.to_string()), said);
    }

    /// Returns the session with the money of its steps.
    pub(super) fn finish(mut self) -> Result<SessionLog, ImportError> {
        let dollars = self.dollars.map_or(Value::Null, Value::from);
        let cost = dollars_at(&dollars, "", &self.log.place)?;
        let usage = self.log.usage.fact();
        self.log.cost = match usage {
            // A step without tokens has no cost either, and the sum lacks it.
            Fact::Missing(MissingReason::NoUsage) => Fact::Missing(MissingReason::NoUsage),
            _ => cost_fact(cost, &usage),
        };
        Ok(self.log)
    }
}

/// The tokens of a step; all 0 where the provider stated none.
fn usage(part: &Value, place: &Place, sink: &mut dyn Sink) -> Result<Fact<Usage>, ImportError> {
    let count = |pointer| count_at(part, pointer, place);
    let stated = StatedUsage {
        input: count("/tokens/input")?,
        cache_read: count("/tokens/cache/read")?,
        cache_write: count("/tokens/cache/write")?,
        output: count("/tokens/output")?,
        reasoning: count("/tokens/reasoning")?,
        input_holds_cache: false,
        output_holds_reasoning: false,
    };
    Ok(match stated.fact(place, sink) {
        Fact::Known { value, .. } if value.total() == 0 => Fact::Missing(MissingReason::NoUsage),
        fact => fact,
    })
}
