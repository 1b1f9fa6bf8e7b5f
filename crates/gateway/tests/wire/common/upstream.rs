//! An upstream that says what it is told and keeps what it was sent, byte for byte.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

/// What to say to one request.
pub(crate) enum Script {
    /// These bytes, head included; then the connection is closed.
    Bytes(Vec<u8>),
    /// What comes through the channel, as it comes; then the connection is closed.
    Pieces(mpsc::Receiver<Vec<u8>>),
}

/// A server on loopback that takes one request per connection.
pub(crate) struct ScriptedUpstream {
    address: std::net::SocketAddr,
    received: Arc<Mutex<Vec<Vec<u8>>>>,
    server: JoinHandle<()>,
}

impl ScriptedUpstream {
    pub(crate) async fn start(scripts: impl IntoIterator<Item = Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let scripts: Vec<Script> = scripts.into_iter().collect();
        let kept = Arc::clone(&received);
        let server = tokio::spawn(async move {
            for script in scripts {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read_request(&mut stream).await;
                kept.lock().unwrap().push(request);
                say(&mut stream, script).await;
            }
        });
        Self { address, received, server }
    }

    /// Says one whole reply per body: status 200, this type, this body.
    pub(crate) async fn saying(content_type: &str, bodies: &[&[u8]]) -> Self {
        let reply = |body: &&[u8]| {
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            Script::Bytes([head.as_bytes(), body].concat())
        };
        Self::start(bodies.iter().map(reply)).await
    }

    pub(crate) fn base(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The requests so far, head and body.
    pub(crate) fn received(&self) -> Vec<(String, Vec<u8>)> {
        let split = |request: &Vec<u8>| {
            let end = head_end(request).unwrap();
            (String::from_utf8(request[..end].to_vec()).unwrap(), request[end..].to_vec())
        };
        self.received.lock().unwrap().iter().map(split).collect()
    }
}

impl Drop for ScriptedUpstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Decides on the whole reply, head included, to the so-manieth request, from 0, by its head.
type Decide = dyn Fn(usize, &str) -> Vec<u8> + Send + Sync;

/// A server on loopback that takes any number of connections with any number of requests, and decides on each by itself.
pub(crate) struct DecidingUpstream {
    address: std::net::SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    server: JoinHandle<()>,
}

impl DecidingUpstream {
    /// Starts it; every reply takes `pause`.
    pub(crate) async fn start(
        pause: Duration,
        decide: impl Fn(usize, &str) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let (kept, decide): (_, Arc<Decide>) = (Arc::clone(&heads), Arc::new(decide));
        let server = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (kept, decide) = (Arc::clone(&kept), Arc::clone(&decide));
                connections.spawn(async move {
                    loop {
                        let request = read_request(&mut stream).await;
                        let Some(end) = head_end(&request) else { return };
                        let head = String::from_utf8(request[..end].to_vec()).unwrap();
                        let number = {
                            let mut kept = kept.lock().unwrap();
                            kept.push(head.clone());
                            kept.len() - 1
                        };
                        tokio::time::sleep(pause).await;
                        let reply = decide(number, &head);
                        let is_last = reply.windows(17).any(|window| window == b"connection: close");
                        if stream.write_all(&reply).await.is_err() || is_last {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, heads, server }
    }

    pub(crate) fn base(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The heads of the requests so far, in the order of their arrival.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

impl Drop for DecidingUpstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A reply with JSON; every line of `headers` ends in CRLF.
pub(crate) fn reply(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n");
    [head.as_str(), headers, "\r\n", body].concat().into_bytes()
}

async fn say(stream: &mut TcpStream, script: Script) {
    // The gateway may have hung up, as some tests want it to.
    match script {
        Script::Bytes(bytes) => {
            let _ = stream.write_all(&bytes).await;
        }
        Script::Pieces(mut pieces) => {
            while let Some(piece) = pieces.recv().await {
                let _ = stream.write_all(&piece).await;
            }
        }
    }
    let _ = stream.shutdown().await;
}

fn head_end(request: &[u8]) -> Option<usize> {
    request.windows(4).position(|window| window == b"\r\n\r\n").map(|place| place + 4)
}

async fn read_request(stream: &mut TcpStream) -> Vec<u8> {
    let mut request = Vec::new();
    loop {
        if let Some(end) = head_end(&request) {
            let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if request.len() >= end + length.unwrap_or(0) {
                return request;
            }
        }
        if stream.read_buf(&mut request).await.unwrap() == 0 {
            return request;
        }
    }
}
