//! What holds of every reply in every protocol: streamed or whole, in whatever pieces, it reads the same, and nothing stops a reader.

use proptest::prelude::*;
use retrial_spec::{Protocol, Reply, ToolCall};
use serde_json::{Value, json};

use super::kept::KEPT_LIMIT;
use super::{ReadReply, ReplyReader};

const PROTOCOLS: [Protocol; 3] =
    [Protocol::OpenaiChat, Protocol::OpenaiResponses, Protocol::AnthropicMessages];

/// What a model says, whatever the protocol.
#[derive(Debug, Clone)]
struct Saying {
    text: String,
    reasoning: String,
    calls: Vec<(String, String, String)>,
}

fn sayings() -> impl Strategy<Value = Saying> {
    let argument = "[a-zé\"\\\\\n\u{1f600} ]{0,30}".prop_map(|text| json!({"command": text}).to_string());
    let call = ("[a-z0-9_]{1,8}", "[a-z_]{1,8}", argument);
    let calls = proptest::collection::vec(call, 0..4).prop_map(|mut calls| {
        for (place, call) in calls.iter_mut().enumerate() {
            call.0 = format!("{}-{place}", call.0);
        }
        calls
    });
    let text = "[a-zé\u{1f600}\n ]{1,60}";
    (text, text, calls).prop_map(|(text, reasoning, calls)| Saying { text, reasoning, calls })
}

fn pieces(text: &str, length: usize) -> Vec<String> {
    text.chars().collect::<Vec<_>>().chunks(length).map(|piece| piece.iter().collect()).collect()
}

impl Saying {
    fn calls(&self) -> Vec<ToolCall> {
        self.calls.iter().map(|(id, name, arguments)| ToolCall::function(id, name, arguments)).collect()
    }

    fn whole(&self, protocol: Protocol) -> Value {
        match protocol {
            Protocol::OpenaiChat => {
                let call = |(id, name, arguments): &(String, String, String)| json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
                let calls: Vec<Value> = self.calls.iter().map(call).collect();
                json!({"model": "m", "choices": [{"index": 0, "finish_reason": "stop", "message":
                    {"role": "assistant", "content": self.text, "reasoning_content": self.reasoning, "tool_calls": calls}}],
                    "usage": {"prompt_tokens": 5, "completion_tokens": 3}})
            }
            Protocol::OpenaiResponses => {
                json!({"model": "m", "status": "completed", "output": self.items(),
                    "usage": {"input_tokens": 5, "output_tokens": 3}})
            }
            _ => {
                let mut content = vec![
                    json!({"type": "thinking", "thinking": self.reasoning, "signature": "s"}),
                    json!({"type": "text", "text": self.text}),
                ];
                content.extend(self.calls.iter().map(|(id, name, arguments)| {
                    let input: Value = serde_json::from_str(arguments).unwrap();
                    json!({"type": "tool_use", "id": id, "name": name, "input": input})
                }));
                json!({"model": "m", "content": content, "stop_reason": "end_turn",
                    "usage": {"input_tokens": 5, "output_tokens": 3}})
            }
        }
    }

    fn items(&self) -> Vec<Value> {
        let mut items = vec![
            json!({"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": self.reasoning}]}),
            json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": self.text}]}),
        ];
        items.extend(self.calls.iter().map(|(id, name, arguments)| {
            json!({"type": "function_call", "call_id": id, "name": name, "arguments": arguments})
        }));
        items
    }

    /// The events of a stream in pieces of so many characters.
    fn streamed(&self, protocol: Protocol, length: usize) -> Vec<String> {
        let events = match protocol {
            Protocol::OpenaiChat => self.chunks(length),
            Protocol::OpenaiResponses => self.response_events(length),
            _ => self.message_events(length),
        };
        let done = (protocol == Protocol::OpenaiChat).then(|| "[DONE]".to_owned());
        events.iter().map(Value::to_string).chain(done).collect()
    }

    fn chunks(&self, length: usize) -> Vec<Value> {
        let chunk = |delta: Value| json!({"model": "m", "choices": [{"index": 0, "delta": delta}]});
        let mut chunks = Vec::new();
        chunks.extend(
            pieces(&self.reasoning, length).iter().map(|piece| chunk(json!({"reasoning_content": piece}))),
        );
        chunks.extend(pieces(&self.text, length).iter().map(|piece| chunk(json!({"content": piece}))));
        for (index, (id, name, arguments)) in self.calls.iter().enumerate() {
            let call = |call: Value| chunk(json!({"tool_calls": [call]}));
            chunks.push(call(json!({"index": index, "id": id, "function": {"name": name, "arguments": ""}})));
            let arguments = pieces(arguments, length);
            chunks.extend(
                arguments.iter().map(|piece| call(json!({"index": index, "function": {"arguments": piece}}))),
            );
        }
        chunks.push(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}));
        chunks.push(json!({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 3}}));
        chunks
    }

    /// The events without the end, in which all items are said again.
    fn item_events(&self, length: usize) -> Vec<Value> {
        let mut events = vec![json!({"type": "response.created", "response": {"model": "m", "output": []}})];
        for (place, item) in self.items().into_iter().enumerate() {
            let (kind, text, empty) = match place {
                0 => (
                    "reasoning_summary_text",
                    &self.reasoning,
                    json!({"type": "reasoning", "id": "r", "summary": []}),
                ),
                1 => (
                    "output_text",
                    &self.text,
                    json!({"type": "message", "role": "assistant", "content": []}),
                ),
                _ => {
                    let (id, name, arguments) = &self.calls[place - 2];
                    let empty =
                        json!({"type": "function_call", "call_id": id, "name": name, "arguments": ""});
                    ("function_call_arguments", arguments, empty)
                }
            };
            events.push(json!({"type": "response.output_item.added", "output_index": place, "item": empty}));
            let kind = format!("response.{kind}.delta");
            let delta = |piece: &String| json!({"type": kind, "output_index": place, "delta": piece});
            events.extend(pieces(text, length).iter().map(delta));
            events.push(json!({"type": "response.output_item.done", "output_index": place, "item": item}));
        }
        events
    }

    fn response_events(&self, length: usize) -> Vec<Value> {
        let mut events = self.item_events(length);
        let response = self.whole(Protocol::OpenaiResponses);
        events.push(json!({"type": "response.completed", "response": response}));
        events
    }

    fn message_events(&self, length: usize) -> Vec<Value> {
        let start = json!({"model": "m", "content": [], "usage": {"input_tokens": 5, "output_tokens": 1}});
        let mut events = vec![json!({"type": "message_start", "message": start}), json!({"type": "ping"})];
        let delta = |place: usize, delta: Value| json!({"type": "content_block_delta", "index": place, "delta": delta});
        let begin = |place: usize, block: Value| json!({"type": "content_block_start", "index": place, "content_block": block});
        events.push(begin(0, json!({"type": "thinking", "thinking": "", "signature": ""})));
        let thinking = pieces(&self.reasoning, length);
        events.extend(
            thinking.iter().map(|piece| delta(0, json!({"type": "thinking_delta", "thinking": piece}))),
        );
        events.push(delta(0, json!({"type": "signature_delta", "signature": "s"})));
        events.push(begin(1, json!({"type": "text", "text": ""})));
        events.extend(
            pieces(&self.text, length)
                .iter()
                .map(|piece| delta(1, json!({"type": "text_delta", "text": piece}))),
        );
        for (place, (id, name, arguments)) in (2..).zip(&self.calls) {
            events.push(begin(place, json!({"type": "tool_use", "id": id, "name": name, "input": {}})));
            let arguments = pieces(arguments, length);
            events.extend(
                arguments
                    .iter()
                    .map(|piece| delta(place, json!({"type": "input_json_delta", "partial_json": piece}))),
            );
        }
        events.push(json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}}));
        events.push(json!({"type": "message_stop"}));
        events
    }
}

fn read(protocol: Protocol, events: &[String]) -> (bool, ReadReply) {
    let mut reader = ReplyReader::new(protocol).unwrap();
    for event in events {
        reader.event(event);
    }
    (reader.is_done(), reader.finish())
}

fn read_whole(protocol: Protocol, body: &[u8]) -> ReadReply {
    let mut reader = ReplyReader::new(protocol).unwrap();
    reader.whole(body);
    reader.finish()
}

/// Names and texts that the protocols give meaning to.
const WORDS: &str = "type choices delta message content tool_calls function arguments index id output item output_index response \
    error usage status content_block text response.completed response.output_item.added response.output_text.delta \
    message_start content_block_start content_block_delta message_delta text_delta input_json_delta partial_json \
    tool_use input summary reasoning refusal prompt_tokens input_tokens output_tokens name call_id \
    custom_tool_call web_search_call incomplete_details reason";

/// Any JSON of these words.
fn odd_json() -> impl Strategy<Value = Value> {
    let word = proptest::sample::select(WORDS.split(' ').collect::<Vec<_>>());
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((word.clone(), inner), 0..6).prop_map(|fields| {
                Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn a_reply_reads_the_same_streamed_in_any_pieces_and_whole(saying in sayings(), length in 1usize..20) {
        for protocol in PROTOCOLS {
            let whole = read_whole(protocol, saying.whole(protocol).to_string().as_bytes());
            let (is_done, streamed) = read(protocol, &saying.streamed(protocol, length));
            prop_assert!(is_done);
            prop_assert_eq!((&streamed.fault, &whole.fault), (&None, &None));
            prop_assert_eq!(&streamed.reply, &whole.reply);
            prop_assert_eq!(&streamed.said, &whole.said);
            let Reply { text, reasoning, tool_calls, usage, .. } = streamed.reply;
            prop_assert_eq!((&text, reasoning.as_ref()), (&saying.text, Some(&saying.reasoning)));
            prop_assert_eq!(tool_calls, saying.calls());
            prop_assert_eq!(usage.value().unwrap().total(), 8);
        }
    }

    #[test]
    fn pieces_of_text_read_the_same_as_any_event(saying in sayings(), length in 1usize..20) {
        for protocol in PROTOCOLS {
            let plain = saying.streamed(protocol, length);
            // A field that is there twice keeps an event from being read as plain text, and one that is null says nothing.
            let odd: Vec<String> = plain.iter().map(|event| match event.strip_suffix('}') {
                Some(start) if !event.contains("usage") => format!("{start},\"usage\":null,\"usage\":null}}"),
                _ => event.clone(),
            }).collect();
            let ((_, plain), (_, odd)) = (read(protocol, &plain), read(protocol, &odd));
            prop_assert_eq!((plain.reply, plain.said, plain.fault), (odd.reply, odd.said, odd.fault));
        }
    }

    #[test]
    fn a_stream_that_stops_early_is_never_done_and_says_no_more_than_it_said(saying in sayings(), part in 0.0f64..1.0) {
        for protocol in PROTOCOLS {
            let events = saying.streamed(protocol, 3);
            let (is_done, read) = read(protocol, &events[..(events.len() as f64 * part) as usize]);
            prop_assert!(!is_done);
            prop_assert!(saying.text.starts_with(&read.reply.text));
            prop_assert!(saying.reasoning.starts_with(read.reply.reasoning.as_deref().unwrap_or("")));
            prop_assert!(read.reply.tool_calls.len() <= saying.calls.len());
        }
    }

    #[test]
    fn items_are_read_where_the_end_does_not_repeat_them(saying in sayings()) {
        let mut events: Vec<String> = saying.item_events(4).iter().map(Value::to_string).collect();
        let end = json!({"type": "response.completed", "response": {"status": "completed", "output": [],
            "usage": {"input_tokens": 1, "output_tokens": 1}}});
        events.push(end.to_string());
        let (is_done, read) = read(Protocol::OpenaiResponses, &events);
        prop_assert!(is_done && read.fault.is_none());
        prop_assert_eq!(read.reply.tool_calls, saying.calls());
        prop_assert_eq!(read.reply.text, saying.text);
    }

    #[test]
    fn no_json_stops_a_reader_or_a_conversation(events in proptest::collection::vec(odd_json(), 1..12)) {
        for protocol in PROTOCOLS {
            let datas: Vec<String> = events.iter().map(Value::to_string).collect();
            read(protocol, &datas);
            let whole = read_whole(protocol, datas[0].as_bytes());
            for request in &events {
                super::conversation(protocol, request);
                let _ = super::continued(protocol, request.clone(), (&whole.reply, &whole.said), "?");
            }
        }
    }

    #[test]
    fn no_bytes_stop_a_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for protocol in PROTOCOLS {
            read(protocol, &[String::from_utf8_lossy(&bytes).into_owned()]);
            read_whole(protocol, &bytes);
        }
    }
}

#[test]
fn however_long_a_reply_is_what_is_kept_of_it_is_bounded_and_its_end_is_read() {
    let text = "x".repeat(1 << 20);
    for protocol in PROTOCOLS {
        let saying = Saying { text: text.repeat(20), reasoning: "r".to_owned(), calls: Vec::new() };
        let (is_done, read) = read(protocol, &saying.streamed(protocol, 1 << 20));
        assert!(is_done, "{protocol:?}");
        assert!(read.fault.unwrap().contains("in part"), "{protocol:?}");
        assert!(read.reply.text.len() <= KEPT_LIMIT, "{protocol:?}");
        assert_eq!(read.reply.usage.value().unwrap().total(), 8, "{protocol:?}");
        assert!(read.said.to_string().len() <= KEPT_LIMIT + 1024, "{protocol:?}");
    }
}
