//! The messages of a trajectory: replies with their actions and tokens, and what the actions came to.

use std::collections::VecDeque;

use jiff::Timestamp;
use retrial_agents::atif::Speaker;
use retrial_spec::{Ending, Fact, MissingReason, ToolCall, Usage};
use serde_json::{Value, json};

use crate::session::{Clock, text};
use crate::usage::{UsageSum, metrics, recorded_usage};
use crate::{ImportError, Place, Sink, TrajectoryBuilder};

/// The languages of the fenced blocks that are actions.
const BLOCKS: [&str; 2] = ["```bash", "```mswea_bash_command"];

/// What the messages so far come to.
pub(super) struct Messages {
    pub(super) trajectory: TrajectoryBuilder,
    pub(super) clock: Clock,
    usage: UsageSum,
    replies: u64,
    is_fenced: bool,
    /// Actions without ids, whose results come next.
    waiting: VecDeque<String>,
    unnamed: u64,
}

impl Messages {
    /// Nothing yet, of a format whose actions are fenced blocks or are not.
    pub(super) fn new(is_fenced: bool) -> Self {
        Self {
            trajectory: TrajectoryBuilder::default(),
            clock: Clock::default(),
            usage: UsageSum::default(),
            replies: 0,
            is_fenced,
            waiting: VecDeque::new(),
            unnamed: 0,
        }
    }

    /// Takes the next message.
    pub(super) fn add(
        &mut self,
        message: &Value,
        place: &Place,
        sink: &mut dyn Sink,
    ) -> Result<(), ImportError> {
        let at = moment(message, place)?;
        self.clock.note(at);
        let at = at.map(|at| at.to_string());
        let word = |member: &str| message.get(member).and_then(Value::as_str).unwrap_or_default();
        let content = message.get("content").unwrap_or(&Value::Null);
        match (word("role"), word("object"), word("type")) {
            ("assistant", ..) | (_, "response", _) => self.reply(message, at, place, sink)?,
            ("system", ..) => self.trajectory.say(Speaker::System, at, text(content)),
            ("tool", ..) => self.trajectory.result(word("tool_call_id"), at, text(content)),
            (_, _, "function_call_output") => {
                self.trajectory.result(
                    word("call_id"),
                    at,
                    text(message.get("output").unwrap_or(&Value::Null)),
                );
            }
            ("user", ..) => {
                // A reply that is not of the asked form is kept with the complaint about it.
                if message.pointer("/extra/response").is_some() {
                    self.reply(message, at.clone(), place, sink)?;
                }
                match self.waiting.pop_front() {
                    Some(call) => self.trajectory.result(&call, at, text(content)),
                    None => self.trajectory.say(Speaker::User, at, text(content)),
                }
            }
            ("exit", ..) => {}
            _ => return Err(place.error("has no known `role`; expected a message of mini-swe-agent")),
        }
        Ok(())
    }

    fn reply(
        &mut self,
        message: &Value,
        at: Option<String>,
        place: &Place,
        sink: &mut dyn Sink,
    ) -> Result<(), ImportError> {
        self.replies += 1;
        let response = message.pointer("/extra/response").unwrap_or(message);
        let usage = recorded_usage(response.get("usage"), place, sink)?;
        self.usage.add(&usage);
        let said = said(message, response);
        let step = self.trajectory.agent(at, said.clone());
        step.metrics = usage.value().map(metrics);
        for (command, id) in actions(message, self.is_fenced.then_some(said.as_str()), place)? {
            let id = id.unwrap_or_else(|| {
                self.unnamed += 1;
                let id = format!("action_{}", self.unnamed);
                self.waiting.push_back(id.clone());
                id
            });
            let arguments = json!({ "command": command }).to_string();
            self.trajectory.call(ToolCall::function(id, "bash", arguments));
        }
        Ok(())
    }

    /// Returns the tokens of all calls to the model; missing where a reply is not kept. Of a call that failed there is none.
    pub(super) fn usage(&self, requests: Option<u64>, ending: &Ending) -> Fact<Usage> {
        let failed = u64::from(matches!(ending, Ending::Crash { .. } | Ending::Infrastructure { .. }));
        if requests
            .is_some_and(|requests| requests > self.replies + failed || requests > 0 && self.replies == 0)
        {
            return Fact::Missing(MissingReason::NoUsage);
        }
        self.usage.fact()
    }
}

/// What the model said: the message's content, or that of the reply it was made of.
fn said(message: &Value, response: &Value) -> String {
    let is_complaint = message.get("role").and_then(Value::as_str) == Some("user");
    let content = if is_complaint { None } else { message.get("content") };
    if let Some(content) = content.or_else(|| response.pointer("/choices/0/message/content")) {
        return text(content);
    }
    let items = response.get("output").and_then(Value::as_array).into_iter().flatten();
    let messages = items.filter(|item| item.get("type").and_then(Value::as_str) == Some("message"));
    messages.filter_map(|item| Some(text(item.get("content")?))).collect::<Vec<_>>().join("\n")
}

/// The commands of a reply with the ids of their calls: as they are listed, or in formats without a list, the one fenced block.
fn actions(
    message: &Value,
    fenced: Option<&str>,
    place: &Place,
) -> Result<Vec<(String, Option<String>)>, ImportError> {
    let Some(listed) = message.pointer("/extra/actions") else {
        return Ok(fenced
            .and_then(only_block)
            .map(|command| (command.to_owned(), None))
            .into_iter()
            .collect());
    };
    let Some(listed) = listed.as_array() else {
        return Err(place.error("has `extra.actions` that are no list"));
    };
    let action = |action: &Value| {
        let word = |member: &str| action.get(member).and_then(Value::as_str).map(str::to_owned);
        let command = word("command").or_else(|| action.as_str().map(str::to_owned));
        let command =
            command.ok_or_else(|| place.error("has an action without a `command`; expected a text"))?;
        Ok((command, word("tool_call_id")))
    };
    listed.iter().map(action).collect()
}

/// Returns the command of the only block of a reply; the agent carries out none of several.
fn only_block(said: &str) -> Option<&str> {
    let mut found = None;
    let mut rest = said;
    while let Some(start) = BLOCKS.iter().filter_map(|fence| Some(rest.find(fence)? + fence.len())).min() {
        rest = rest.get(start..)?;
        let Some((language, body)) = rest.split_once('\n') else { break };
        if !language.trim().is_empty() {
            continue;
        }
        let Some((command, after)) = body.split_once("\n```") else { break };
        if found.replace(command.trim()).is_some() {
            return None;
        }
        rest = after;
    }
    found
}

/// The moment of a message, in seconds since 1970 with their fractions.
fn moment(message: &Value, place: &Place) -> Result<Option<Timestamp>, ImportError> {
    let Some(stated) = message.pointer("/extra/timestamp").filter(|stated| !stated.is_null()) else {
        return Ok(None);
    };
    let micros = stated.as_f64().map(|seconds| (seconds * 1e6).round() as i64);
    let read = micros.and_then(|micros| Timestamp::from_microsecond(micros).ok());
    read.map(Some)
        .ok_or_else(|| place.error(format!("has the timestamp {stated}; expected seconds since 1970")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_blocks_none_is_an_action() {
        assert_eq!(only_block("I will.\n```bash\nls -l\n```\nDone"), Some("ls -l"));
        assert_eq!(only_block("```mswea_bash_command\ncat <<'E'\nx\nE\n```"), Some("cat <<'E'\nx\nE"));
        assert_eq!(only_block("```bash\nls\n```\n```bash\npwd\n```"), None);
        for none in ["", "```python\nls\n```", "```bash\nls", "```bash", "```bashful\nls\n```"] {
            assert_eq!(only_block(none), None, "{none}");
        }
    }
}
