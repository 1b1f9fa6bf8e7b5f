//! The reference agent against a scripted model that speaks HTTP over a real Unix socket.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use retrial_agents::{
    ReferenceEnd, ReferenceOutcome, ReferenceSettings, Shell, ShellError, ShellOutput, run_reference,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::Instant;

/// What the model does with a request.
#[derive(Debug, Clone)]
enum Reply {
    /// Streams these events and ends as the protocol says.
    Stream(Vec<Value>),
    /// Streams these events and cuts the connection.
    Cut(Vec<Value>),
    /// Streams these events and then ends cleanly, without the last event.
    NoDone(Vec<Value>),
    /// Answers with a status, further headers and a body.
    Status(u16, &'static str, &'static str),
    /// Answers with a reply that is not streamed.
    Whole(Value),
    /// Closes the connection.
    Close,
    /// Says nothing until the client is gone.
    Stall,
}

/// A request as the model saw it.
#[derive(Debug, Clone)]
struct Seen {
    head: String,
    body: Value,
    at: Instant,
}

struct Model {
    directory: TempDir,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Model {
    /// Starts a model that gives these replies, and the last one for ever.
    fn start(replies: Vec<Reply>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join("model.sock")).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        tokio::spawn(async move {
            let mut replies: VecDeque<Reply> = replies.into();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let reply = replies.pop_front().unwrap();
                if replies.is_empty() {
                    replies.push_back(reply.clone());
                }
                serve(stream, reply, &log).await;
            }
        });
        Self { directory, seen }
    }

    async fn run(&self, shell: &mut Script, max_turns: u32) -> ReferenceOutcome {
        run_reference(&ReferenceSettings { max_turns, ..self.settings() }, "Do it.", shell).await
    }

    fn settings(&self) -> ReferenceSettings {
        ReferenceSettings {
            socket: self.directory.path().join("model.sock"),
            token: "secret-token".to_owned(),
            model: "m".to_owned(),
            max_turns: 50,
            tries: 5,
        }
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The messages of the last request.
    fn messages(&self) -> Vec<Value> {
        self.seen().last().unwrap().body["messages"].as_array().unwrap().clone()
    }
}

async fn serve(mut stream: UnixStream, reply: Reply, log: &Mutex<Vec<Seen>>) {
    let mut bytes = Vec::new();
    let body_at = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the request was cut off");
    };
    let head = String::from_utf8(bytes[..body_at].to_vec()).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let length: usize = length.parse().unwrap();
    while bytes.len() < body_at + length {
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the request was cut off");
    }
    let body = serde_json::from_slice(&bytes[body_at..]).unwrap();
    log.lock().unwrap().push(Seen { head, body, at: Instant::now() });
    if matches!(reply, Reply::Stall) {
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0, "the client sent more");
        log.lock().unwrap().clear();
        return;
    }
    let _ = stream.write_all(&answer(reply)).await;
}

fn answer(reply: Reply) -> Vec<u8> {
    let stream = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunks = |events: Vec<Value>, done: &str| {
        let mut text = stream.to_owned();
        for event in events.iter().map(|event| format!("data: {event}\n\n")).chain([done.to_owned()]) {
            // Cut in the middle, so that no event comes in one piece.
            let (first, second) = event.split_at(event.len() / 2);
            for piece in [first, second].into_iter().filter(|piece| !piece.is_empty()) {
                write!(text, "{:x}\r\n{piece}\r\n", piece.len()).unwrap();
            }
        }
        text
    };
    let text = match reply {
        Reply::Stream(events) => chunks(events, "data: [DONE]\n\n") + "0\r\n\r\n",
        Reply::NoDone(events) => chunks(events, "") + "0\r\n\r\n",
        Reply::Cut(events) => chunks(events, ""),
        Reply::Whole(value) => {
            let body = value.to_string();
            format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
        }
        Reply::Status(status, headers, body) => {
            format!("HTTP/1.1 {status} Some Reason\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
        }
        Reply::Close | Reply::Stall => String::new(),
    };
    text.into_bytes()
}

fn delta(delta: &Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn stop(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

/// A tool call in three pieces.
fn call_pieces(index: u32, id: &str, name: &str, arguments: &str) -> Vec<Value> {
    let (first, second) = arguments.split_at(arguments.len() / 2);
    vec![
        delta(
            &json!({"tool_calls": [{"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": ""}}]}),
        ),
        delta(&json!({"tool_calls": [{"index": index, "function": {"arguments": first}}]})),
        delta(&json!({"tool_calls": [{"index": index, "function": {"arguments": second}}]})),
    ]
}

fn calls(calls: &[(&str, &str)]) -> Reply {
    let mut events = vec![delta(&json!({"role": "assistant", "content": "Let me see."}))];
    for (index, (name, arguments)) in calls.iter().enumerate() {
        events.extend(call_pieces(index as u32, &format!("call-{index}"), name, arguments));
    }
    events.push(stop("tool_calls"));
    events.push(json!({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}));
    Reply::Stream(events)
}

fn text_events(text: &str) -> Vec<Value> {
    vec![delta(&json!({"role": "assistant", "content": text})), stop("stop")]
}

fn says(text: &str) -> Reply {
    Reply::Stream(text_events(text))
}

fn bash(command: &str) -> Reply {
    calls(&[("bash", &json!({"command": command}).to_string())])
}

/// A shell that keeps what it is asked to run, and can be lost.
#[derive(Default)]
struct Script {
    ran: Vec<String>,
    lost: bool,
}

#[async_trait]
impl Shell for Script {
    async fn run(&mut self, command: &str) -> Result<ShellOutput, ShellError> {
        if self.lost {
            return Err(ShellError::new("the sandbox is gone"));
        }
        self.ran.push(command.to_owned());
        Ok(ShellOutput { text: format!("ran {command}\n"), exit_code: 3, truncated: false })
    }
}

#[tokio::test]
async fn tool_calls_in_pieces_are_run_in_order_and_answered() {
    let two = calls(&[("bash", r#"{"command": "ls -l"}"#), ("bash", r#"{"command": "cat ü"}"#)]);
    let model = Model::start(vec![two, says("All done.")]);
    let mut shell = Script::default();
    let outcome = model.run(&mut shell, 50).await;
    assert_eq!(outcome.end, ReferenceEnd::Finished);
    assert_eq!((outcome.turns, outcome.final_text.as_deref()), (2, Some("All done.")));
    assert_eq!(shell.ran, ["ls -l", "cat ü"]);
    let messages = model.messages();
    assert_eq!(messages[1], json!({"role": "user", "content": "Do it."}));
    assert_eq!(messages[2]["content"], "Let me see.");
    assert_eq!(
        messages[2]["tool_calls"][1]["function"],
        json!({"name": "bash", "arguments": r#"{"command": "cat ü"}"#})
    );
    assert_eq!(
        messages[3],
        json!({"role": "tool", "tool_call_id": "call-0", "content": "exit code: 3\nran ls -l\n"})
    );
    assert_eq!(messages[4]["tool_call_id"], "call-1");
    assert_eq!(messages.len(), 5);
}

#[tokio::test]
async fn requests_carry_the_token_and_ask_for_a_stream_with_usage() {
    let model = Model::start(vec![says("ok")]);
    model.run(&mut Script::default(), 50).await;
    let seen = model.seen();
    assert!(seen[0].head.starts_with("post /v1/chat/completions http/1.1\r\n"), "{}", seen[0].head);
    assert!(seen[0].head.contains("authorization: bearer secret-token\r\n"), "{}", seen[0].head);
    assert_eq!(seen[0].body["stream_options"], json!({"include_usage": true}));
    assert_eq!(seen[0].body["tools"][0]["function"]["name"], "bash");
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_is_waited_for_as_long_as_it_says() {
    let limit = Reply::Status(429, "retry-after: 7\r\n", r#"{"error":{"message":"slow down"}}"#);
    let model = Model::start(vec![limit, says("ok")]);
    let outcome = model.run(&mut Script::default(), 50).await;
    assert_eq!(outcome.end, ReferenceEnd::Finished);
    let seen = model.seen();
    let waited = seen[1].at - seen[0].at;
    assert!((Duration::from_secs(7)..Duration::from_secs(8)).contains(&waited), "{waited:?}");
    assert_eq!(seen[0].body, seen[1].body, "the same request is sent again");
}

#[tokio::test(start_paused = true)]
async fn an_error_that_stays_is_given_up_after_five_tries() {
    let model = Model::start(vec![Reply::Status(500, "", "oops")]);
    let outcome = model.run(&mut Script::default(), 50).await;
    let ReferenceEnd::ModelError(cause) = outcome.end else { panic!("{outcome:?}") };
    assert_eq!(cause, "the model answered 500 Internal Server Error: oops");
    let seen = model.seen();
    let waits: Vec<u64> = seen.windows(2).map(|pair| (pair[1].at - pair[0].at).as_secs()).collect();
    assert_eq!(waits, [1, 2, 4, 8]);
    assert_eq!((outcome.turns, outcome.final_text), (0, None));
}

#[tokio::test(start_paused = true)]
async fn an_agent_with_one_try_gives_up_at_the_first_error() {
    let model = Model::start(vec![Reply::Status(500, "", "oops"), says("ok")]);
    let settings = ReferenceSettings { tries: 1, ..model.settings() };
    let outcome = run_reference(&settings, "Do it.", &mut Script::default()).await;
    assert!(matches!(outcome.end, ReferenceEnd::ModelError(_)), "{outcome:?}");
    assert_eq!(model.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_says_whether_to_try_again_is_believed() {
    let spent = Reply::Status(429, "x-should-retry: false\r\n", r#"{"error":{"message":"spent"}}"#);
    let model = Model::start(vec![spent, says("ok")]);
    let started = Instant::now();
    let outcome = model.run(&mut Script::default(), 50).await;
    let cause = "the model answered 429 Too Many Requests: spent".to_owned();
    assert_eq!(outcome.end, ReferenceEnd::ModelError(cause));
    assert_eq!((model.seen().len(), started.elapsed().as_secs()), (1, 0));
    let model = Model::start(vec![Reply::Status(409, "x-should-retry: true\r\n", "busy"), says("ok")]);
    assert_eq!(model.run(&mut Script::default(), 50).await.end, ReferenceEnd::Finished);
    assert_eq!(model.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_is_not_sent_again() {
    let model = Model::start(vec![Reply::Status(400, "", r#"{"error":{"message":"too many tokens"}}"#)]);
    let outcome = model.run(&mut Script::default(), 50).await;
    assert_eq!(
        outcome.end,
        ReferenceEnd::ModelError("the model answered 400 Bad Request: too many tokens".to_owned())
    );
    assert_eq!(model.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn replies_cut_off_or_never_begun_are_asked_for_again() {
    let half = vec![delta(&json!({"content": "Half of"}))];
    let error = vec![json!({"error": {"message": "overloaded"}})];
    let model = Model::start(vec![
        Reply::Cut(half.clone()),
        Reply::NoDone(half),
        Reply::Close,
        Reply::Stream(error),
        says("whole"),
    ]);
    let outcome = model.run(&mut Script::default(), 50).await;
    assert_eq!((outcome.end, outcome.final_text.as_deref()), (ReferenceEnd::Finished, Some("whole")));
    assert_eq!((model.seen().len(), outcome.turns), (5, 1));
}

#[tokio::test(start_paused = true)]
async fn a_tool_call_cut_off_is_not_run() {
    let mut events = call_pieces(0, "a", "bash", r#"{"command": "rm x"}"#);
    events.pop();
    let model = Model::start(vec![Reply::Cut(events), says("ok")]);
    let mut shell = Script::default();
    assert_eq!(model.run(&mut shell, 50).await.end, ReferenceEnd::Finished);
    assert!(shell.ran.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_stopped_counts_without_its_last_event() {
    let model = Model::start(vec![Reply::NoDone(text_events("ok"))]);
    assert_eq!(model.run(&mut Script::default(), 50).await.end, ReferenceEnd::Finished);
    assert_eq!(model.seen().len(), 1);
}

#[tokio::test]
async fn a_reply_that_is_not_streamed_is_understood() {
    let message = json!({"role": "assistant", "content": "ok"});
    let model =
        Model::start(vec![Reply::Whole(json!({"choices": [{"message": message, "finish_reason": "stop"}]}))]);
    assert_eq!(model.run(&mut Script::default(), 50).await.final_text.as_deref(), Some("ok"));
}

#[tokio::test]
async fn wrong_calls_are_answered_with_errors_the_model_can_read() {
    let wrong = calls(&[
        ("bash", r#"{"command": "#),
        ("bash", r#"{"cmd": "ls"}"#),
        ("edit", "{}"),
        ("bash", r#"{"command":"ls"}"#),
    ]);
    let model = Model::start(vec![wrong, says("ok")]);
    let mut shell = Script::default();
    assert_eq!(model.run(&mut shell, 50).await.end, ReferenceEnd::Finished);
    assert_eq!(shell.ran, ["ls"]);
    let messages = model.messages();
    let text = |index: usize| messages[index]["content"].as_str().unwrap().to_owned();
    assert!(text(3).starts_with("error: the arguments are not JSON"), "{}", text(3));
    assert_eq!(text(4), "error: the arguments lack the text `command`");
    assert_eq!(text(5), "error: there is no tool `edit`; the only tool is `bash`");
    assert!(text(6).starts_with("exit code: 3"), "{}", text(6));
}

#[tokio::test]
async fn the_turns_are_limited() {
    let model = Model::start(vec![bash("ls")]);
    let mut shell = Script::default();
    let outcome = model.run(&mut shell, 3).await;
    assert_eq!((outcome.end, outcome.turns), (ReferenceEnd::TurnLimit, 3));
    assert_eq!((shell.ran.len(), model.seen().len()), (3, 3));
}

#[tokio::test]
async fn calls_without_an_id_get_one() {
    let call =
        json!({"type": "function", "function": {"name": "bash", "arguments": "{\"command\": \"ls\"}"}});
    let message = json!({"role": "assistant", "content": null, "tool_calls": [call]});
    let model = Model::start(vec![Reply::Whole(json!({"choices": [{"message": message}]})), says("ok")]);
    model.run(&mut Script::default(), 50).await;
    let messages = model.messages();
    assert_eq!(messages[2]["tool_calls"][0]["id"], "call_1_0");
    assert_eq!(messages[3]["tool_call_id"], "call_1_0");
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_is_dropped_hangs_up() {
    let model = Model::start(vec![Reply::Stall]);
    let stopped = tokio::time::timeout(Duration::from_secs(5), model.run(&mut Script::default(), 50)).await;
    assert!(stopped.is_err(), "the model said nothing");
    // The model forgets the request when the connection closes.
    while !model.seen().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_lost_shell_ends_the_work() {
    let model = Model::start(vec![bash("ls")]);
    let outcome = model.run(&mut Script { lost: true, ..Script::default() }, 50).await;
    assert_eq!(outcome.end, ReferenceEnd::ShellLost("the sandbox is gone".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_not_there_is_an_error() {
    let model = Model::start(vec![says("ok")]);
    let settings =
        ReferenceSettings { socket: model.directory.path().join("absent.sock"), ..model.settings() };
    let outcome = run_reference(&settings, "Do it.", &mut Script::default()).await;
    assert!(matches!(outcome.end, ReferenceEnd::ModelError(_)), "{outcome:?}");
    assert!(!format!("{settings:?}").contains("secret-token"), "a token is never printed");
}
