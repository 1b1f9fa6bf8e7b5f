//! The reference agent's loop: ask the model, run what it calls, until it calls nothing more.

use std::path::PathBuf;

use retrial_spec::ToolCall;
use serde_json::Value;

use super::client::Client;
use super::conversation::{Conversation, TOOL};
use super::shell::{Shell, ShellError};

/// What the reference agent works with.
#[derive(Clone)]
pub struct ReferenceSettings {
    /// The gateway's Unix socket.
    pub socket: PathBuf,
    /// The trial's token.
    pub token: String,
    /// The model's name on the wire.
    pub model: String,
    /// Replies of the model after which the agent stops, at least 1.
    pub max_turns: u32,
    /// Tries of a model call before the agent gives up, at least 1.
    pub tries: u32,
}

impl std::fmt::Debug for ReferenceSettings {
    /// Leaves the token out.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { socket, token: _, model, max_turns, tries } = self;
        let mut shown = formatter.debug_struct("ReferenceSettings");
        shown
            .field("socket", socket)
            .field("model", model)
            .field("max_turns", max_turns)
            .field("tries", tries)
            .finish_non_exhaustive()
    }
}

/// How the reference agent came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceOutcome {
    /// Why it stopped.
    pub end: ReferenceEnd,
    /// How many replies the model gave.
    pub turns: u32,
    /// The text of its last reply; none where no reply came or the last had no text.
    pub final_text: Option<String>,
}

/// Why the reference agent stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferenceEnd {
    /// The model replied without calling a tool.
    Finished,
    /// The model had used all its turns and wanted more.
    TurnLimit,
    /// A model call failed for good, in words.
    ModelError(String),
    /// The sandbox was lost, in words.
    ShellLost(String),
}

/// Works on an instruction to the end. Stopping is dropping the future; nothing then goes on in the background.
///
/// A turn is one reply of the model with the tool calls in it, which are run in order. Arguments that are not the JSON asked for
/// and tools that do not exist are answered with an error the model can read. Failures of model calls that may pass (429, 408,
/// 5xx, a cut connection) are tried again, unless the reply says `x-should-retry: false`: after 1, 2, 4, … seconds, or as long as
/// `Retry-After` says, up to a minute.
pub async fn run_reference<S: Shell + ?Sized>(
    settings: &ReferenceSettings,
    instruction: &str,
    shell: &mut S,
) -> ReferenceOutcome {
    let mut work = Work {
        client: Client::new(&settings.socket, &settings.token, settings.tries),
        conversation: Conversation::new(instruction),
        turns: 0,
        final_text: None,
    };
    let end = work.carry_on(settings, shell).await;
    ReferenceOutcome { end, turns: work.turns, final_text: work.final_text }
}

struct Work<'a> {
    client: Client<'a>,
    conversation: Conversation,
    turns: u32,
    final_text: Option<String>,
}

impl Work<'_> {
    /// Gives calls that came without an id one of their own, as every result has to name its call.
    fn name_calls(&self, calls: &mut [ToolCall]) {
        for (index, call) in calls.iter_mut().enumerate().filter(|(_, call)| call.id.is_empty()) {
            call.id = format!("call_{}_{index}", self.turns);
        }
    }

    async fn carry_on<S: Shell + ?Sized>(
        &mut self,
        settings: &ReferenceSettings,
        shell: &mut S,
    ) -> ReferenceEnd {
        loop {
            if self.turns >= settings.max_turns {
                return ReferenceEnd::TurnLimit;
            }
            let mut reply = match self.client.complete(&self.conversation.request(&settings.model)).await {
                Ok(reply) => reply,
                Err(error) => return ReferenceEnd::ModelError(error.to_string()),
            };
            self.turns += 1;
            self.name_calls(&mut reply.tool_calls);
            self.conversation.add_reply(&reply);
            self.final_text = Some(reply.text).filter(|text| !text.is_empty());
            if reply.tool_calls.is_empty() {
                return ReferenceEnd::Finished;
            }
            for call in &reply.tool_calls {
                match answer(call, shell).await {
                    Ok(text) => self.conversation.add_result(call, &text),
                    Err(error) => return ReferenceEnd::ShellLost(error.cause().to_owned()),
                }
            }
        }
    }
}

/// Runs one tool call; what is wrong with the call itself is told to the model.
async fn answer<S: Shell + ?Sized>(call: &ToolCall, shell: &mut S) -> Result<String, ShellError> {
    if call.name != TOOL {
        return Ok(format!("error: there is no tool `{}`; the only tool is `{TOOL}`", call.name));
    }
    let arguments: Value = match serde_json::from_str(&call.arguments) {
        Ok(arguments) => arguments,
        Err(error) => return Ok(format!("error: the arguments are not JSON: {error}")),
    };
    match arguments.get("command").and_then(Value::as_str) {
        Some(command) => shell.run(command).await.map(|output| output.message()),
        None => Ok("error: the arguments lack the text `command`".to_owned()),
    }
}
