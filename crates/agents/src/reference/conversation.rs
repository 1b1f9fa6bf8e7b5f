//! The reference agent's conversation in the shape of Chat Completions: what is said first, and how turns are added.

use retrial_spec::ToolCall;
use serde_json::{Value, json};

use super::stream::ModelReply;

/// The name of the only tool.
pub(super) const TOOL: &str = "bash";

const SYSTEM: &str = "You are a coding agent. You work on a task in a workspace on a Linux machine. The tool `bash` runs a \
command line in the workspace's directory; every call starts a new shell, so a change of directory or a variable does not last. \
Nobody can answer questions while you work. When you have ended your work, reply without calling a tool.";

/// The messages so far.
#[derive(Debug, Clone)]
pub(super) struct Conversation {
    messages: Vec<Value>,
}

impl Conversation {
    pub(super) fn new(instruction: &str) -> Self {
        let system = json!({"role": "system", "content": SYSTEM});
        Self { messages: vec![system, json!({"role": "user", "content": instruction})] }
    }

    /// Returns the body of the next request.
    pub(super) fn request(&self, model: &str) -> String {
        let body = json!({
            "model": model,
            "messages": self.messages,
            "tools": [{"type": "function", "function": {
                "name": TOOL,
                "description": "Runs a command line with bash in the workspace; returns its exit code and output.",
                "parameters": {
                    "type": "object",
                    "properties": {"command": {"type": "string", "description": "the command line"}},
                    "required": ["command"],
                    "additionalProperties": false,
                },
            }}],
            "stream": true,
            "stream_options": {"include_usage": true},
        });
        body.to_string()
    }

    pub(super) fn add_reply(&mut self, reply: &ModelReply) {
        let content = if reply.text.is_empty() { Value::Null } else { Value::from(reply.text.as_str()) };
        let mut message = json!({"role": "assistant", "content": content});
        if !reply.tool_calls.is_empty() {
            let call = |call: &ToolCall| json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}});
            message["tool_calls"] = reply.tool_calls.iter().map(call).collect();
        }
        self.messages.push(message);
    }

    pub(super) fn add_result(&mut self, call: &ToolCall, text: &str) {
        self.messages.push(json!({"role": "tool", "tool_call_id": call.id, "content": text}));
    }
}
