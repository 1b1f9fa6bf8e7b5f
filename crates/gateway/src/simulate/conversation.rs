//! What a request wants of a simulated model: the next step, a title, or the question after the end.

use serde_json::Value;

use super::tools::ShellTool;

/// A request that is not a chat completion request; the text goes back to the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotAChat(pub(super) &'static str);

/// A chat completion request as far as a simulated model reads it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Request {
    /// The model that it names, which the reply repeats.
    pub(super) model: String,
    /// Whether the reply is streamed.
    pub(super) streams: bool,
    /// Whether the stream ends with the usage.
    pub(super) wants_usage: bool,
    /// What it wants.
    pub(super) wants: Wants,
    /// Whether a message of the user, such as the task's instruction, asks for confidence and claim.
    pub(super) asked_in_prompt: bool,
}

/// What a request wants.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wants {
    /// The turn of this number, from 0, by way of this tool.
    Step(usize, ShellTool),
    /// A message without a tool call, although the conversation is the agent's work.
    Message,
    /// A short text beside the work, such as a title.
    Aside,
    /// Confidence and claim.
    Question,
}

impl Request {
    /// Reads a request body.
    pub(super) fn parse(body: &[u8]) -> Result<Self, NotAChat> {
        let body: Value = serde_json::from_slice(body)
            .map_err(|_| NotAChat("We could not parse the JSON body of your request."))?;
        let model = body
            .get("model")
            .and_then(Value::as_str)
            .ok_or(NotAChat("you must provide a model parameter"))?
            .to_owned();
        let messages = body
            .get("messages")
            .and_then(Value::as_array)
            .filter(|messages| !messages.is_empty())
            .ok_or(NotAChat("Missing required parameter: 'messages'."))?;
        let is_true = |pointer| body.pointer(pointer).and_then(Value::as_bool).unwrap_or(false);
        Ok(Self {
            model,
            streams: is_true("/stream"),
            wants_usage: is_true("/stream_options/include_usage"),
            wants: wants(&body, messages),
            asked_in_prompt: messages.iter().any(|message| is_from(message, "user") && asks(message)),
        })
    }
}

fn wants(body: &Value, messages: &[Value]) -> Wants {
    let turns = messages.iter().filter(|message| is_from(message, "assistant")).count();
    let last = messages.last();
    if turns > 0 && last.is_some_and(|message| is_from(message, "user") && asks(message)) {
        return Wants::Question;
    }
    let tools = body.get("tools").and_then(Value::as_array).filter(|tools| !tools.is_empty());
    let may_call = body.get("tool_choice").and_then(Value::as_str) != Some("none");
    match (tools, tools.and_then(|tools| ShellTool::find(tools))) {
        (None, _) => Wants::Aside,
        (Some(_), Some(tool)) if may_call => Wants::Step(turns, tool),
        (Some(_), _) => Wants::Message,
    }
}

fn is_from(message: &Value, role: &str) -> bool {
    message.get("role").and_then(Value::as_str) == Some(role)
}

/// Whether a message asks for confidence and claim: it names both keys of the answer.
fn asks(message: &Value) -> bool {
    let names_both = |text: &str| text.contains("\"confidence\"") && text.contains("\"claim\"");
    match message.get("content") {
        Some(Value::String(text)) => names_both(text),
        Some(Value::Array(parts)) => {
            let texts = parts.iter().filter_map(|part| part.get("text")?.as_str());
            names_both(&texts.collect::<Vec<_>>().join("\n"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const QUESTION: &str = r#"Answer with {"confidence": 0.5, "claim": "done"}."#;

    fn bash() -> Value {
        json!([{"type": "function", "function": {"name": "bash", "parameters":
            {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}}}])
    }

    fn parse(messages: &Value, tools: &Value) -> Request {
        let body = json!({"model": "m", "messages": messages, "tools": tools});
        Request::parse(body.to_string().as_bytes()).unwrap()
    }

    fn turn(request: &Request) -> Option<usize> {
        if let Wants::Step(turn, _) = request.wants { Some(turn) } else { None }
    }

    #[test]
    fn the_turn_is_the_number_of_the_models_own_messages() {
        let user = json!({"role": "user", "content": "do it"});
        let own = json!({"role": "assistant", "content": "ok"});
        let result = json!({"role": "tool", "content": "x"});
        assert_eq!(turn(&parse(&json!([user]), &bash())), Some(0));
        assert_eq!(turn(&parse(&json!([user, own, result, own, result]), &bash())), Some(2));
    }

    #[test]
    fn a_request_without_tools_is_an_aside() {
        assert_eq!(parse(&json!([{"role": "user", "content": "title?"}]), &json!(null)).wants, Wants::Aside);
        assert_eq!(parse(&json!([{"role": "user", "content": "title?"}]), &json!([])).wants, Wants::Aside);
    }

    #[test]
    fn the_question_is_told_from_an_instruction_that_asks() {
        let asks = json!({"role": "user", "content": [{"type": "text", "text": QUESTION}]});
        let own = json!({"role": "assistant", "content": "ok"});
        let instruction = parse(&json!([asks]), &bash());
        assert_eq!((turn(&instruction), instruction.asked_in_prompt), (Some(0), true));
        let plain = json!({"role": "user", "content": "do it"});
        let question = parse(&json!([plain, own, asks]), &bash());
        assert_eq!(question.wants, Wants::Question);
        let unasked = parse(&json!([plain]), &bash());
        assert_eq!((turn(&unasked), unasked.asked_in_prompt), (Some(0), false));
    }

    #[test]
    fn what_is_no_chat_request_is_refused() {
        for body in [
            "",
            "[]",
            "{\"model\": \"m\"}",
            "{\"messages\": [{}]}",
            "{\"model\": \"m\", \"messages\": []}",
            "\u{fffd}",
        ] {
            assert!(Request::parse(body.as_bytes()).is_err(), "{body:?}");
        }
        let odd = br#"{"model": "m", "messages": [3, null, {"role": 7, "content": {}}], "tools": 4}"#;
        assert_eq!(Request::parse(odd).unwrap().wants, Wants::Aside);
    }
}
