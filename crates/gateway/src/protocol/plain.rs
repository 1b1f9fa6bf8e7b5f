//! The events of which a stream has most: those that bring a piece of text and nothing else. They are read without being made a value
//! of; whatever is not plainly one of them is read as any other event is.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

/// A text, borrowed where it holds no escapes.
#[derive(Debug, Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A chunk of Chat Completions. What is read of other chunks has to be absent here.
#[derive(Debug, Deserialize)]
pub(super) struct ChatText<'a> {
    #[serde(borrow)]
    model: Option<Text<'a>>,
    #[serde(borrow)]
    choices: [ChatChoice<'a>; 1],
    usage: Option<IgnoredAny>,
    response: Option<IgnoredAny>,
    error: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct ChatChoice<'a> {
    #[serde(default)]
    index: u64,
    #[serde(borrow)]
    delta: ChatDelta<'a>,
    finish_reason: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct ChatDelta<'a> {
    #[serde(borrow)]
    content: Cow<'a, str>,
    reasoning_content: Option<IgnoredAny>,
    reasoning: Option<IgnoredAny>,
    refusal: Option<IgnoredAny>,
    tool_calls: Option<IgnoredAny>,
    function_call: Option<IgnoredAny>,
}

impl<'a> ChatText<'a> {
    /// Reads an event that is one.
    pub(super) fn of(data: &'a str) -> Option<Self> {
        let chunk: Self = serde_json::from_str(data).ok()?;
        let [choice] = &chunk.choices;
        let delta = &choice.delta;
        let parts = [&delta.reasoning_content, &delta.reasoning, &delta.refusal, &delta.tool_calls];
        let others =
            [&delta.function_call, &choice.finish_reason, &chunk.usage, &chunk.response, &chunk.error];
        let is_plain = choice.index == 0 && parts.into_iter().chain(others).all(Option::is_none);
        is_plain.then_some(chunk)
    }

    /// Returns the piece of text.
    pub(super) fn text(&self) -> &str {
        &self.choices[0].delta.content
    }

    /// Returns the model, where the chunk names it.
    pub(super) fn model(&self) -> Option<&str> {
        self.model.as_ref().map(|model| model.0.as_ref())
    }
}

/// An event of Messages.
#[derive(Debug, Deserialize)]
pub(super) struct MessagesText<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    pub(super) index: u64,
    #[serde(borrow)]
    delta: MessagesDelta<'a>,
    usage: Option<IgnoredAny>,
    response: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct MessagesDelta<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

impl<'a> MessagesText<'a> {
    /// Reads an event that is one.
    pub(super) fn of(data: &'a str) -> Option<Self> {
        let event: Self = serde_json::from_str(data).ok()?;
        let is_plain = event.kind == "content_block_delta" && event.delta.kind == "text_delta";
        (is_plain && event.usage.is_none() && event.response.is_none()).then_some(event)
    }

    /// Returns the piece of text.
    pub(super) fn text(&self) -> &str {
        &self.delta.text
    }
}

/// An event of Responses.
#[derive(Debug, Deserialize)]
pub(super) struct ResponsesText<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(rename = "output_index")]
    pub(super) place: u64,
    #[serde(borrow, rename = "delta")]
    pub(super) text: Cow<'a, str>,
    usage: Option<IgnoredAny>,
    response: Option<IgnoredAny>,
}

impl<'a> ResponsesText<'a> {
    /// Reads an event that is one.
    pub(super) fn of(data: &'a str) -> Option<Self> {
        let event: Self = serde_json::from_str(data).ok()?;
        let is_plain = event.kind == "response.output_text.delta";
        (is_plain && event.usage.is_none() && event.response.is_none()).then_some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_plain_if_it_brings_text_and_nothing_else() {
        let text = |delta: &str, rest: &str| {
            let chunk = format!(r#"{{"id": "c", "model": "m", "choices": [{{"delta": {delta}}}]{rest}}}"#);
            ChatText::of(&chunk).map(|chunk| chunk.text().to_owned())
        };
        assert_eq!(text(r#"{"content": "a\nb"}"#, "").as_deref(), Some("a\nb"));
        assert_eq!(text(r#"{"content": "a", "refusal": null}"#, r#", "usage": null"#).as_deref(), Some("a"));
        for (delta, rest) in [
            (r#"{"content": null}"#, ""),
            (r#"{"content": ["a"]}"#, ""),
            (r#"{"content": "a", "reasoning": "b"}"#, ""),
            (r#"{"content": "a", "tool_calls": []}"#, ""),
            (r#"{"content": "a", "content": "b"}"#, ""),
            (r#"{"content": "a"}"#, r#", "usage": {}"#),
            (r#"{"content": "a"}"#, r#", "error": "x""#),
            (r#"{"content": "a"}"#, r#", "model": "n""#),
            (r#"{"content": "a"}"#, " x"),
        ] {
            assert_eq!(text(delta, rest), None, "{delta}{rest}");
        }
    }

    #[test]
    fn an_event_is_plain_if_its_kind_is_that_of_text() {
        let event =
            r#"{"type": "content_block_delta", "index": 2, "delta": {"type": "text_delta", "text": "a"}}"#;
        let read = MessagesText::of(event).unwrap();
        assert_eq!((read.index, read.text()), (2, "a"));
        assert!(MessagesText::of(&event.replace("text_delta", "thinking_delta")).is_none());

        let event =
            r#"{"type": "response.output_text.delta", "output_index": 1, "delta": "a", "obfuscation": "x"}"#;
        let read = ResponsesText::of(event).unwrap();
        assert_eq!((read.place, read.text.as_ref()), (1, "a"));
        assert!(ResponsesText::of(&event.replace("output_text", "refusal")).is_none());
        assert!(ResponsesText::of(&event.replace(r#""x""#, r#""x", "response": {}"#)).is_none());
    }
}
