//! A plain HTTP client on a Unix socket.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::TOKEN;

/// One kept connection.
pub(crate) struct Client {
    sender: SendRequest<Full<Bytes>>,
}

/// A reply as it was received.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(socket: &Path) -> Self {
        let stream = TokioIo::new(UnixStream::connect(socket).await.unwrap());
        let (sender, connection) = handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Self { sender }
    }

    /// Sends JSON with the trial's token.
    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> Received {
        self.send(post(path, body.to_string())).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Received {
        let mut request = post(path, "");
        *request.method_mut() = Method::GET;
        self.send(request).await
    }

    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> Received {
        let response = self.start(request).await;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        Received { status, headers, body: response.into_body().collect().await.unwrap().to_bytes().to_vec() }
    }

    /// Sends a request and returns the reply with its body to come.
    pub(crate) async fn start(&mut self, request: Request<Full<Bytes>>) -> http::Response<Incoming> {
        self.sender.ready().await.unwrap();
        self.sender.send_request(request).await.unwrap()
    }
}

/// Long enough for anything here; a test that reaches it fails.
const LIMIT: Duration = Duration::from_mins(1);

/// Writes bytes, says no more, and returns what comes back.
pub(crate) async fn raw(socket: &Path, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    // The gateway may close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    heard(stream).await
}

/// As [`raw`], of a client that goes on listening, to which an answer comes however long it takes.
pub(crate) async fn raw_and_wait(socket: &Path, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    let _ = stream.write_all(bytes).await;
    heard(stream).await
}

async fn heard(mut stream: UnixStream) -> String {
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(LIMIT, stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// A request with the trial's token.
pub(crate) fn post(path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post(path)
        .header("host", "127.0.0.1:8099")
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("content-type", "application/json")
        .body(Full::new(body.into()))
        .unwrap()
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The data of a stream's events.
    pub(crate) fn events(&self) -> Vec<Value> {
        let datas = self.text().split("\n\n").filter_map(|event| event.strip_prefix("data: "));
        datas.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
    }

    /// The model's message, whichever way it came. Put together independently of the gateway's own parser.
    pub(crate) fn message(&self) -> Value {
        if !self.headers["content-type"].to_str().unwrap().starts_with("text/event-stream") {
            return self.json()["choices"][0]["message"].clone();
        }
        assert!(self.text().ends_with("data: [DONE]\n\n"), "{}", self.text());
        let (mut text, mut call) = (String::new(), None);
        for event in self.events() {
            let delta = &event["choices"][0]["delta"];
            text.push_str(delta["content"].as_str().unwrap_or(""));
            if let Some(piece) = delta["tool_calls"].get(0) {
                let whole = call.get_or_insert_with(|| piece.clone());
                if whole != piece {
                    let arguments = whole["function"]["arguments"].as_str().unwrap().to_owned();
                    whole["function"]["arguments"] =
                        json!(arguments + piece["function"]["arguments"].as_str().unwrap());
                }
            }
        }
        let mut message = json!({"role": "assistant", "content": text});
        if let Some(call) = call {
            message["tool_calls"] = json!([call]);
        }
        message
    }
}
