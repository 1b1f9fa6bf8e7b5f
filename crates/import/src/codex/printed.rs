//! The trial whose events `codex exec --json` printed. They have no times, no model and no directory.

use std::collections::HashSet;
use std::path::Path;

use retrial_agents::atif::Speaker;
use retrial_spec::{Ending, Fact, MissingReason, ToolCall};
use serde_json::{Value, json};

use super::ending::failure;
use super::tokens::Tokens;
use super::{PROGRAM, word};
use crate::session::{Line, Lines, SessionLog, text};
use crate::{Found, ImportError, Place, SessionOptions, Sink};

/// Reads the events.
pub(super) fn read(path: &Path, options: &SessionOptions, sink: &mut dyn Sink) -> Result<Found, ImportError> {
    let mut printed = Printed {
        log: SessionLog::new(Place::file(path)),
        tokens: Tokens::default(),
        calls: HashSet::new(),
        is_open: false,
    };
    let mut lines = Lines::open(path)?;
    while let Some(line) = lines.next()? {
        sink.progress(line.bytes);
        printed.add(&line, sink)?;
    }
    let Printed { mut log, tokens, .. } = printed;
    let sum = match tokens.sum() {
        // Tokens are printed at the end of a turn only.
        Fact::Missing(MissingReason::NoCalls) => Fact::Missing(MissingReason::NoUsage),
        sum => sum,
    };
    log.usage.add(&sum);
    log.found(PROGRAM, options)
}

struct Printed {
    log: SessionLog,
    tokens: Tokens,
    /// The calls that were printed when they began.
    calls: HashSet<String>,
    /// Whether the last step may go on: replies are told apart by what their calls came to.
    is_open: bool,
}

impl Printed {
    fn add(&mut self, line: &Line, sink: &mut dyn Sink) -> Result<(), ImportError> {
        let Line { place, object, .. } = line;
        match word(object, "type") {
            Some("thread.started") => self.log.id = word(object, "thread_id").map(str::to_owned),
            Some("turn.started") => self.log.ended_as("no end of the turn", Ending::NotRecorded),
            Some("turn.completed") => {
                self.tokens.total(object.get("usage").unwrap_or(&Value::Null), place, sink)?;
                self.log.ended_as("turn.completed", Ending::Finished);
            }
            Some("turn.failed") => {
                let error = object.get("error").unwrap_or(&Value::Null);
                let words = word(error, "message").unwrap_or_default();
                self.log.ended(format!("turn.failed: {words}"), failure(error));
            }
            Some("error") => {
                let words = word(object, "message").unwrap_or_default();
                self.log.trajectory.say(Speaker::System, None, words);
            }
            Some(kind @ ("item.started" | "item.updated" | "item.completed")) => {
                let Some(item) = object.get("item").filter(|item| item.is_object()) else {
                    return Err(place.error("has no `item`; expected an object"));
                };
                self.item(item, kind == "item.completed");
            }
            Some(_) => {}
            None => return Err(place.error("has no `type`; expected an event of `codex exec --json`")),
        }
        Ok(())
    }

    fn item(&mut self, item: &Value, is_done: bool) {
        let said = || word(item, "text").or(word(item, "message")).unwrap_or_default();
        match word(item, "type").unwrap_or_default() {
            "agent_message" if is_done => {
                self.log.trajectory.agent(None, said());
                self.is_open = true;
            }
            "reasoning" if is_done => {
                self.open();
                if let Some(step) = self.log.trajectory.last_of_agent() {
                    step.reasoning_content.get_or_insert_default().push_str(said());
                }
            }
            "error" if is_done => self.log.trajectory.say(Speaker::System, None, said()),
            _ => self.call(item, is_done),
        }
    }

    fn open(&mut self) {
        if !self.is_open {
            self.log.trajectory.agent(None, "");
            self.is_open = true;
        }
    }

    /// Takes a call when it begins, and what it came to when it is done.
    fn call(&mut self, item: &Value, is_done: bool) {
        let id = word(item, "id").unwrap_or_default();
        let calls = calls(item, id);
        if calls.is_empty() {
            return;
        }
        if self.calls.insert(id.to_owned()) {
            self.open();
            for call in calls {
                self.log.trajectory.call(call);
            }
        }
        if is_done {
            let output = ["aggregated_output", "result", "error", "status"]
                .iter()
                .find_map(|member| item.get(*member).filter(|output| !output.is_null()));
            self.log.trajectory.result(id, None, text(output.unwrap_or(&Value::Null)));
            self.is_open = false;
        }
    }
}

/// Returns the calls that an item stands for; none for one that is no call.
///
/// | item | call |
/// |---|---|
/// | `command_execution` | `shell`, the command line |
/// | `file_change` | one `edit` for each changed path |
/// | `mcp_tool_call` | the tool, its arguments |
/// | `web_search` | `web_search`, the query |
/// | `todo_list` | `update_plan`, the items |
/// | any other | by its own name, without arguments |
fn calls(item: &Value, id: &str) -> Vec<ToolCall> {
    let own = |member: &str| item.get(member).cloned().unwrap_or(Value::Null);
    let call = |name: &str, arguments: Value| vec![ToolCall::function(id, name, arguments.to_string())];
    match word(item, "type").unwrap_or_default() {
        "" | "agent_message" | "reasoning" | "error" => Vec::new(),
        "command_execution" => call("shell", json!({ "command": own("command") })),
        "file_change" => {
            let changes = item.get("changes").and_then(Value::as_array).into_iter().flatten().enumerate();
            let edit = |(index, change): (usize, &Value)| {
                // The result belongs to the item: its id is the first edit's.
                let id = if index == 0 { id.to_owned() } else { format!("{id}-{}", index + 1) };
                ToolCall::function(
                    id,
                    "edit",
                    json!({ "path": change.get("path"), "kind": change.get("kind") }).to_string(),
                )
            };
            changes.map(edit).collect()
        }
        "mcp_tool_call" => call(word(item, "tool").unwrap_or("mcp_tool_call"), own("arguments")),
        "web_search" => call("web_search", json!({ "query": own("query") })),
        "todo_list" => call("update_plan", json!({ "items": own("items") })),
        other => call(other, json!({})),
    }
}
