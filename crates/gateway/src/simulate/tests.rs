//! Simulated models as their clients meet them: the same in every protocol, and true to their plans.

use http::{Method, StatusCode};
use proptest::prelude::*;
use retrial_spec::{Fact, Protocol, Simulation, Usage};
use serde_json::{Value, json};

use super::{Profile, SimulatedTrial};
use crate::protocol::{ReadReply, ReplyReader, continued};

const PROTOCOLS: [Protocol; 3] =
    [Protocol::OpenaiChat, Protocol::OpenaiResponses, Protocol::AnthropicMessages];

const QUESTION: &str = r#"How sure are you? Answer with {"confidence": 0.5, "claim": "done"}."#;

/// What a model said, as far as the protocols have it in common: text, calls, tokens.
type Said = (String, Vec<(String, Value)>, (u64, u64, u64));

fn trial(profile: &Profile, number: u32) -> SimulatedTrial {
    let text = "[[look]]\ncommand = 'ls'\n[[look]]\ncommand = 'cat a'\n\
        [[correct]]\n[[correct.edit]]\npath = 'new.py'\ncontent = '''\nprint(1)\n'''\n\
        [[correct]]\n[[correct.edit]]\npath = 'a'\nsearch = '''\nold\n'''\nreplace = '''\nnew\n'''\n\
        [[wrong]]\n[[wrong.edit]]\npath = 'new.py'\ncontent = '''\nprint(2)\n'''\n\
        [[wrong]]\n[[wrong.edit]]\npath = 'a'\nsearch = '''\nold\n'''\nreplace = '''\nbad\n'''\n";
    let simulation = Simulation::parse("simulation.toml", text, |_| None).unwrap();
    let id = format!("task~agent~baseline~{number}").parse().unwrap();
    SimulatedTrial::new(profile, &simulation, 7, &id)
}

fn path(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::OpenaiResponses => "/v1/responses",
        Protocol::AnthropicMessages => "/v1/messages",
        _ => "/v1/chat/completions",
    }
}

/// A request in which the user says something to a model with a shell.
fn asked(protocol: Protocol, instruction: &str, streams: bool) -> Value {
    let schema =
        json!({"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]});
    let user = json!([{"role": "user", "content": instruction}]);
    match protocol {
        Protocol::OpenaiResponses => json!({"model": "m", "stream": streams, "input": user, "tools": [
            {"type": "web_search"},
            {"type": "namespace", "name": "bash", "tools": [{"type": "function", "name": "bash", "parameters": schema}]},
            {"type": "function", "name": "bash", "parameters": schema},
        ]}),
        Protocol::AnthropicMessages => {
            json!({"model": "m", "stream": streams, "max_tokens": 100, "messages": user, "tools": [
                {"name": "bash", "input_schema": schema},
                {"type": "DeferredToolPlaceholder", "name": "Bash"},
            ]})
        }
        _ => {
            json!({"model": "m", "stream": streams, "stream_options": {"include_usage": true}, "messages": user,
            "tools": [{"type": "function", "function": {"name": "bash", "parameters": schema}}]})
        }
    }
}

/// Sends a request; its answer must be the same when it is sent again.
fn send(trial: &SimulatedTrial, protocol: Protocol, body: &Value) -> ReadReply {
    let bytes = body.to_string();
    let reply = trial.answer(&Method::POST, path(protocol), bytes.as_bytes(), 1_800_000_000);
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(trial.answer(&Method::POST, path(protocol), bytes.as_bytes(), 1_800_000_000), reply);
    let text = String::from_utf8(reply.pieces.concat()).unwrap();
    let mut reader = ReplyReader::new(protocol).unwrap();
    if body["stream"] == json!(true) {
        text.lines().filter_map(|line| line.strip_prefix("data: ")).for_each(|data| reader.event(data));
    } else {
        reader.whole(text.as_bytes());
    }
    assert!(reader.is_done());
    let read = reader.finish();
    assert_eq!(read.fault, None);
    read
}

/// Continues a request with a reply and the results of its calls.
fn go_on(protocol: Protocol, body: &mut Value, read: &ReadReply) {
    let calls = &read.reply.tool_calls;
    match protocol {
        Protocol::OpenaiResponses => {
            let input = body["input"].as_array_mut().unwrap();
            input.extend(read.said.as_array().unwrap().iter().cloned());
            input.extend(
                calls
                    .iter()
                    .map(|call| json!({"type": "function_call_output", "call_id": call.id, "output": "ok"})),
            );
        }
        Protocol::AnthropicMessages => {
            let messages = body["messages"].as_array_mut().unwrap();
            messages.push(json!({"role": "assistant", "content": read.said}));
            let results: Vec<Value> = calls
                .iter()
                .map(|call| json!({"type": "tool_result", "tool_use_id": call.id, "content": "ok"}))
                .collect();
            messages.push(json!({"role": "user", "content": results}));
        }
        _ => {
            let messages = body["messages"].as_array_mut().unwrap();
            messages.push(read.said.clone());
            messages.extend(
                calls.iter().map(|call| json!({"role": "tool", "tool_call_id": call.id, "content": "ok"})),
            );
        }
    }
}

fn said(read: &ReadReply) -> Said {
    let arguments =
        |call: &retrial_spec::ToolCall| (call.name.clone(), serde_json::from_str(&call.arguments).unwrap());
    let Fact::Known { value, .. } = &read.reply.usage else { panic!("no usage: {read:?}") };
    let Usage { uncached_input, cache_read, output, .. } = *value;
    assert!(value.cache_write.unwrap_or(0) == 0 && value.reasoning.unwrap_or(0) == 0);
    let calls = read.reply.tool_calls.iter().map(arguments).collect();
    (read.reply.text.clone(), calls, (uncached_input, cache_read.unwrap(), output))
}

/// Plays a whole trial and asks the question at its end.
fn play(trial: &SimulatedTrial, protocol: Protocol, instruction: &str, streams: bool) -> Vec<Said> {
    let mut body = asked(protocol, instruction, streams);
    let mut all = Vec::new();
    loop {
        let read = send(trial, protocol, &body);
        all.push(said(&read));
        if read.reply.tool_calls.is_empty() {
            let body = continued(protocol, body, (&read.reply, &read.said), QUESTION).unwrap();
            all.push(said(&send(trial, protocol, &body)));
            return all;
        }
        go_on(protocol, &mut body, &read);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_protocol_says_the_same_and_what_was_planned(
        profile in 0_usize..4,
        number in 1_u32..1000,
        streams in any::<bool>(),
        asks in any::<bool>(),
    ) {
        let trial = trial(&Profile::all()[profile], number);
        let instruction = if asks { format!("Do it. {QUESTION}") } else { "Do it.".to_owned() };
        let chat = play(&trial, Protocol::OpenaiChat, &instruction, streams);
        for protocol in PROTOCOLS {
            prop_assert_eq!(&play(&trial, protocol, &instruction, streams), &chat);
            prop_assert_eq!(&play(&trial, protocol, &instruction, !streams), &chat);
        }
        let commands: Vec<&str> = chat
            .iter()
            .flat_map(|(_, calls, _)| calls)
            .map(|(name, arguments)| {
                assert_eq!(name, "bash");
                arguments["command"].as_str().unwrap()
            })
            .collect();
        prop_assert_eq!(commands, trial.plan().commands().collect::<Vec<_>>());
        let sum = chat[..chat.len() - 1].iter().fold((0, 0, 0), |sum, (_, _, one)| {
            (sum.0 + one.0, sum.1 + one.1, sum.2 + one.2)
        });
        let planned = trial.plan().usage();
        prop_assert_eq!(sum, (planned.uncached_input, planned.cache_read.unwrap(), planned.output));
        let last = &chat[chat.len() - 2].0;
        prop_assert_eq!(last.contains("confidence"), asks);
        let answers = chat[chat.len() - 1].0.starts_with("{\"confidence\"");
        prop_assert!(answers);
    }
}

#[test]
fn the_last_step_is_the_command_that_the_agent_asks_for_at_the_end() {
    let trial = trial(&Profile::steady(), 1);
    for (told, expected) in [
        (
            "6. Finish by issuing the following command: `echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT`.\n   Alone.",
            "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT",
        ),
        (
            "Then submit:\n\n    echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && cat patch.txt\n",
            "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && cat patch.txt",
        ),
    ] {
        for protocol in PROTOCOLS {
            let mut body = asked(protocol, told, false);
            for _ in 1..trial.plan().turns.len() {
                let read = send(&trial, protocol, &body);
                go_on(protocol, &mut body, &read);
            }
            let (text, calls, _) = said(&send(&trial, protocol, &body));
            assert_eq!(calls, [("bash".to_owned(), json!({"command": expected}))]);
            assert!(!text.is_empty());
        }
    }
}

/// The instructions of an agent that edits by text, with an example that it puts into the model's mouth.
fn by_text(protocol: Protocol, system: &str, last: &str) -> Value {
    let mut turns = vec![
        json!({"role": "user", "content": "Rename it"}),
        json!({"role": "assistant", "content": "Here are the blocks:\n\nb.py\n```python\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n```"}),
        json!({"role": "user", "content": last}),
    ];
    match protocol {
        Protocol::OpenaiResponses => {
            turns.insert(0, json!({"role": "system", "content": system}));
            json!({"model": "m", "input": turns})
        }
        Protocol::AnthropicMessages => {
            json!({"model": "m", "max_tokens": 9, "system": [{"type": "text", "text": system}], "messages": turns})
        }
        _ => {
            turns.insert(0, json!({"role": "system", "content": system}));
            json!({"model": "m", "messages": turns})
        }
    }
}

const BLOCKS: &str = "Describe each change with a *SEARCH/REPLACE block* per the examples below.";

/// Adds a reply and what the user says to it.
fn answer_back(protocol: Protocol, body: &mut Value, read: &ReadReply, user: &str) {
    let key = if protocol == Protocol::OpenaiResponses { "input" } else { "messages" };
    let turns = body[key].as_array_mut().unwrap();
    turns.push(json!({"role": "assistant", "content": read.reply.text}));
    turns.push(json!({"role": "user", "content": user}));
}

#[test]
fn an_agent_that_edits_by_text_gets_all_edits_in_one_reply() {
    for protocol in PROTOCOLS {
        let trial = trial(&Profile::steady(), 1);
        assert!(trial.plan().success);
        let mut body = by_text(protocol, BLOCKS, "Do it.");
        let first = send(&trial, protocol, &body);
        let (text, calls, tokens) = said(&first);
        assert!(
            text.contains("\n\nnew.py\n```python\n<<<<<<< SEARCH\n=======\nprint(1)\n>>>>>>> REPLACE\n```\n")
        );
        assert!(text.contains("\n\na\n```\n<<<<<<< SEARCH\nold\n=======\nnew\n>>>>>>> REPLACE\n```\n"));
        let planned = trial.plan().usage();
        assert_eq!((calls.len(), tokens.0), (0, planned.uncached_input));

        // The agent shows a file instead of applying the edits: they are made again, the next time without those that it shows.
        answer_back(protocol, &mut body, &first, "I added these files to the chat: a\n\na\n```\nold\n```");
        let again = send(&trial, protocol, &body);
        assert!(again.reply.text.contains("print(1)") && again.reply.text.contains("<<<<<<< SEARCH\nold\n"));
        assert!(said(&again).2.0 < planned.uncached_input);
        answer_back(protocol, &mut body, &again, "new.py\n```\nprint(1)\n```");
        let body_of_files = body.clone();
        let rest = send(&trial, protocol, &body_of_files);
        assert!(!rest.reply.text.contains("print(1)") && rest.reply.text.contains("<<<<<<< SEARCH\nold\n"));

        let question = continued(protocol, body, (&rest.reply, &rest.said), QUESTION).unwrap();
        assert!(send(&trial, protocol, &question).reply.text.starts_with("{\"confidence\""));
    }
}

#[test]
fn edits_that_the_agent_shows_as_made_are_followed_by_the_closing_message() {
    let trial = trial(&Profile::steady(), 1);
    let protocol = Protocol::OpenaiChat;
    let mut body = by_text(protocol, BLOCKS, &format!("Do it. {QUESTION}"));
    let first = send(&trial, protocol, &body);
    // The examples are not the model's own words, so this is the instruction and not the question after the end.
    assert!(first.reply.text.contains("print(1)") && first.reply.text.ends_with('}'));
    answer_back(
        protocol,
        &mut body,
        &first,
        "new.py\n```\nprint(1)\n```\na\n```\nnew\n```\nFix the lint errors.",
    );
    let closing = send(&trial, protocol, &body).reply.text;
    assert!(!closing.contains("SEARCH") && closing.len() < 200);
}

#[test]
fn without_tools_only_instructions_for_edit_blocks_make_it_work() {
    let trial = trial(&Profile::steady(), 1);
    for protocol in PROTOCOLS {
        // The message of a commit is asked for with the conversation quoted, blocks and all.
        let quoted = "# USER: use a SEARCH/REPLACE block\n# ASSISTANT: <<<<<<< SEARCH";
        let commit = send(&trial, protocol, &by_text(protocol, "Write a one-line commit message.", quoted));
        assert!(commit.reply.text.len() < 40 && !commit.reply.text.contains('\n'));
    }
}

#[test]
fn tokens_are_counted_and_what_is_no_request_is_refused_in_the_protocols_own_shape() {
    let trial = trial(&Profile::steady(), 1);
    let answer = |path: &str, body: &str| {
        let reply = trial.answer(&Method::POST, path, body.as_bytes(), 0);
        (reply.status.as_u16(), serde_json::from_slice::<Value>(&reply.pieces.concat()).unwrap())
    };
    let body = asked(Protocol::AnthropicMessages, "Do it.", false).to_string();
    let (status, count) = answer("/v1/messages/count_tokens", &body);
    assert_eq!((status, count["input_tokens"].as_u64()), (200, Some(body.len() as u64 / 4)));
    let (status, error) = answer("/v1/messages", "{\"model\": \"m\", \"messages\": [{}]}");
    let expected = json!({"type": "error", "error": {"type": "invalid_request_error", "message": "max_tokens: Field required"}});
    assert_eq!((status, error), (400, expected));
    for (path, body) in [
        ("/v1/chat/completions", ""),
        ("/v1/chat/completions", "[]"),
        ("/v1/chat/completions", "{\"model\": \"m\", \"messages\": []}"),
        ("/v1/responses", "{\"model\": \"m\", \"input\": []}"),
        ("/v1/responses", "{\"input\": \"x\"}"),
    ] {
        let (status, error) = answer(path, body);
        assert_eq!(
            (status, &error["error"]["type"]),
            (400, &json!("invalid_request_error")),
            "{path} {body}"
        );
    }
    let odd = r#"{"model": "m", "messages": [3, null, {"role": 7, "content": {}}], "tools": 4}"#;
    assert_eq!(answer("/v1/chat/completions", odd).0, 200);
    assert_eq!(answer("/v1/embeddings", "{}").0, 404);
}
