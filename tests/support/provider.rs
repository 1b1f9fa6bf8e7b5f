//! A provider on loopback that gives every request the same answer, after it has refused some where that is wanted.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What is told of each request before it is answered: how many came before.
type OnRequest = Arc<dyn Fn(usize) + Send + Sync>;

/// The provider.
pub(crate) struct Provider {
    pub(crate) base_url: String,
    pub(crate) keys: Arc<Mutex<Vec<String>>>,
}

/// What it says.
#[derive(Clone)]
struct Script {
    /// To how many requests it says something else at first.
    at_first: usize,
    first: Said,
    then: Said,
    on_request: OnRequest,
}

/// A status, headers each with its line end, and a body.
#[derive(Clone, Default)]
struct Said {
    status: &'static str,
    headers: String,
    body: String,
}

impl Provider {
    pub(crate) fn start(status: &'static str, body: &str) -> Self {
        Self::with(status, "", body, |_| {})
    }

    /// Starts one that sends more headers, each with its line end, and does something at every request.
    pub(crate) fn with(
        status: &'static str,
        headers: &str,
        body: &str,
        on_request: impl Fn(usize) + Send + Sync + 'static,
    ) -> Self {
        let then = Said { status, headers: headers.to_owned(), body: body.to_owned() };
        Self::of(Script { at_first: 0, first: Said::default(), then, on_request: Arc::new(on_request) })
    }

    /// Starts one that refuses its first request for its rate limit and asks for so many seconds of patience.
    pub(crate) fn asking_for_patience(seconds: u32, body: &str) -> Self {
        let refusal = Said {
            status: "429 Too Many Requests",
            headers: format!("Retry-After: {seconds}\r\n"),
            body: "{\"error\":{\"message\":\"slow down\"}}".to_owned(),
        };
        let then = Said { status: "200 OK", body: body.to_owned(), ..Said::default() };
        Self::of(Script { at_first: 1, first: refusal, then, on_request: Arc::new(|_| {}) })
    }

    fn of(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base_url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let keys: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&keys);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, script) = (Arc::clone(&seen), script.clone());
                std::thread::spawn(move || serve(stream, &script, &seen));
            }
        });
        Self { base_url, keys }
    }

    /// How many requests came.
    pub(crate) fn requests(&self) -> usize {
        self.keys.lock().expect("a lock").len()
    }
}

fn serve(stream: TcpStream, script: &Script, keys: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut length, mut key) = (0, String::new());
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|read| read > 0) && line != "\r\n" {
            let lower = line.to_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            if lower.starts_with("authorization:") {
                line["authorization:".len()..].trim().clone_into(&mut key);
            }
            line.clear();
        }
        if line.is_empty() {
            return;
        }
        let mut request = vec![0; length];
        if reader.read_exact(&mut request).is_err() {
            return;
        }
        let before = {
            let mut keys = keys.lock().expect("a lock");
            keys.push(key);
            keys.len() - 1
        };
        (script.on_request)(before);
        let Said { status, headers, body } =
            if before < script.at_first { &script.first } else { &script.then };
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// An answer that says this text and states its tokens.
pub(crate) fn answer(text: &str, tokens: (u64, u64)) -> String {
    serde_json::json!({
        "model": "m-1",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": tokens.0, "completion_tokens": tokens.1},
    })
    .to_string()
}

/// An answer that calls the reference agent's shell tool.
pub(crate) fn calls(command: &str) -> String {
    let arguments = serde_json::json!({ "command": command }).to_string();
    let call = serde_json::json!({"id": "c1", "type": "function", "function": {"name": "bash", "arguments": arguments}});
    serde_json::json!({
        "model": "m-1",
        "choices": [{"index": 0, "finish_reason": "tool_calls",
            "message": {"role": "assistant", "content": "", "tool_calls": [call]}}],
        "usage": {"prompt_tokens": 9000, "completion_tokens": 1000},
    })
    .to_string()
}
