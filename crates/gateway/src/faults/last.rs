//! Which event of a stream says that the model has stopped.

use retrial_spec::Protocol;
use serde_json::Value;

/// Returns whether the data of an event says that the model has stopped. This event and all behind it are the stream's end: the
/// reason, usage, and what the protocol closes with.
pub(super) fn says_stopped(protocol: Protocol, data: &str) -> bool {
    if data.trim() == "[DONE]" {
        return true;
    }
    let Ok(event) = serde_json::from_str::<Value>(data) else { return false };
    let is = |pointer: &str| event.pointer(pointer).is_some_and(|value| !value.is_null());
    let kind = event.get("type").and_then(Value::as_str).unwrap_or("");
    match protocol {
        Protocol::OpenaiChat => is("/choices/0/finish_reason") || is("/error"),
        Protocol::OpenaiResponses => {
            matches!(kind, "response.completed" | "response.incomplete" | "response.failed" | "error")
        }
        Protocol::AnthropicMessages => {
            matches!(kind, "message_stop" | "error") || (kind == "message_delta" && is("/delta/stop_reason"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_has_its_own_last_word() {
        let stops = [
            (Protocol::OpenaiChat, r#"{"choices": [{"delta": {}, "finish_reason": "stop"}]}"#),
            (Protocol::OpenaiChat, "[DONE]"),
            (Protocol::OpenaiResponses, r#"{"type": "response.completed", "response": {}}"#),
            (
                Protocol::AnthropicMessages,
                r#"{"type": "message_delta", "delta": {"stop_reason": "end_turn"}}"#,
            ),
            (Protocol::AnthropicMessages, r#"{"type": "message_stop"}"#),
        ];
        for (protocol, data) in stops {
            assert!(says_stopped(protocol, data), "{data}");
        }
        let others = [
            (Protocol::OpenaiChat, r#"{"choices": [{"delta": {"content": "x"}, "finish_reason": null}]}"#),
            (Protocol::OpenaiResponses, r#"{"type": "response.output_item.done"}"#),
            (Protocol::AnthropicMessages, r#"{"type": "content_block_stop"}"#),
            (Protocol::AnthropicMessages, r#"{"type": "message_delta", "delta": {"stop_reason": null}}"#),
            (Protocol::OpenaiChat, "{"),
        ];
        for (protocol, data) in others {
            assert!(!says_stopped(protocol, data), "{data}");
        }
    }
}
