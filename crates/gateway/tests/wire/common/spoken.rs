//! The three protocols as a table: what their clients ask and what their providers stream.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{CHAT, MESSAGES, RESPONSES, bash, user};

/// How a protocol is spoken. Parts of a stream are the data of its events.
pub(crate) struct Spoken {
    pub(crate) path: &'static str,
    /// The type of the error that somebody without the token gets.
    pub(crate) stranger: &'static str,
    /// A small request, streamed and with a tool.
    pub(crate) request: fn() -> Value,
    /// What a stream begins with.
    pub(crate) start: fn() -> Vec<String>,
    /// A piece of text.
    pub(crate) text: fn(&str) -> String,
    /// The so-manieth call of a tool, from 0.
    pub(crate) call: fn(usize) -> Vec<String>,
    /// What a stream ends with, 13 tokens in all.
    pub(crate) end: fn() -> Vec<String>,
}

/// The three protocols.
pub(crate) const SPOKEN: [Spoken; 3] = [
    Spoken {
        path: CHAT,
        stranger: "invalid_request_error",
        request: || json!({"model": "m-1", "stream": true, "messages": [user("fix it")], "tools": bash()}),
        start: || vec![chat(&json!({"role": "assistant", "content": ""}))],
        text: |piece| chat(&json!({"content": piece})),
        call: |number| {
            let function = json!({"name": "bash", "arguments": format!("{{\"command\":\"{number}\"}}")});
            vec![chat(
                &json!({"tool_calls": [{"index": number, "id": format!("c{number}"), "function": function}]}),
            )]
        },
        end: || {
            let stop = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
            let usage = json!({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4}});
            vec![stop.to_string(), usage.to_string(), "[DONE]".to_owned()]
        },
    },
    Spoken {
        path: RESPONSES,
        stranger: "invalid_request_error",
        request: || {
            let tool = json!({"type": "function", "name": "bash", "parameters": bash()[0]["function"]["parameters"]});
            json!({"model": "m-1", "stream": true, "input": "fix it", "tools": [tool]})
        },
        start: || vec![json!({"type": "response.created", "response": {"model": "m-1"}}).to_string()],
        text: |piece| {
            json!({"type": "response.output_text.delta", "output_index": 0, "delta": piece}).to_string()
        },
        call: |number| {
            let item = json!({"type": "function_call", "call_id": format!("c{number}"), "name": "bash",
                "arguments": format!("{{\"command\":\"{number}\"}}")});
            let event =
                json!({"type": "response.output_item.done", "output_index": number + 1, "item": item});
            vec![event.to_string()]
        },
        end: || {
            let usage = json!({"input_tokens": 9, "output_tokens": 4});
            let response = json!({"status": "completed", "usage": usage});
            vec![json!({"type": "response.completed", "response": response}).to_string()]
        },
    },
    Spoken {
        path: MESSAGES,
        stranger: "authentication_error",
        request: || {
            let tool = json!({"name": "bash", "input_schema": bash()[0]["function"]["parameters"]});
            json!({"model": "m-1", "max_tokens": 99, "stream": true, "messages": [user("fix it")], "tools": [tool]})
        },
        start: || {
            let usage = json!({"input_tokens": 9, "output_tokens": 1});
            let block = json!({"type": "text", "text": ""});
            vec![
                json!({"type": "message_start", "message": {"model": "m-1", "usage": usage}}).to_string(),
                json!({"type": "content_block_start", "index": 0, "content_block": block}).to_string(),
            ]
        },
        text: |piece| delta(0, &json!({"type": "text_delta", "text": piece})),
        call: |number| {
            let block = json!({"type": "tool_use", "id": format!("c{number}"), "name": "bash", "input": {}});
            let input = format!("{{\"command\":\"{number}\"}}");
            vec![
                json!({"type": "content_block_start", "index": number + 1, "content_block": block})
                    .to_string(),
                delta(number + 1, &json!({"type": "input_json_delta", "partial_json": input})),
                json!({"type": "content_block_stop", "index": number + 1}).to_string(),
            ]
        },
        end: || {
            let (delta, usage) = (json!({"stop_reason": "end_turn"}), json!({"output_tokens": 4}));
            vec![
                json!({"type": "message_delta", "delta": delta, "usage": usage}).to_string(),
                json!({"type": "message_stop"}).to_string(),
            ]
        },
    },
];

fn chat(delta: &Value) -> String {
    json!({"choices": [{"index": 0, "delta": delta}]}).to_string()
}

fn delta(index: usize, delta: &Value) -> String {
    json!({"type": "content_block_delta", "index": index, "delta": delta}).to_string()
}

/// The bytes of a stream with these events.
pub(crate) fn stream(events: impl IntoIterator<Item = String>) -> Vec<u8> {
    let mut text = String::new();
    for event in events {
        write!(text, "data: {event}\n\n").unwrap();
    }
    text.into_bytes()
}
