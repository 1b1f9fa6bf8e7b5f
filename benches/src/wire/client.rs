//! A client: sends requests one after the other over one connection and times what comes back.

use std::time::Instant;

use bytes::Bytes;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::order::{Door, Extent};
use super::provider::{EVENTS, GAP};
use crate::Failure;

/// What one client saw, in milliseconds.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) first_bytes: Vec<f64>,
    pub(super) events: Vec<f64>,
}

/// A connected client.
pub(super) struct Client {
    sender: SendRequest<Full<Bytes>>,
    token: String,
    /// Tells its requests from those of others.
    number: usize,
}

impl Client {
    /// Connects to a door, or to the provider where the door has no socket.
    pub(super) async fn connect(
        door: &Door,
        number: usize,
        provider: std::net::SocketAddr,
    ) -> Result<Self, Failure> {
        let sender = if let Some(socket) = &door.socket {
            speak(UnixStream::connect(socket).await?).await?
        } else {
            let stream = TcpStream::connect(provider).await?;
            stream.set_nodelay(true)?;
            speak(stream).await?
        };
        Ok(Self { sender, token: door.token.clone(), number })
    }

    /// Sends its requests; times of events count from `epoch`.
    pub(super) async fn work(mut self, extent: Extent, epoch: Instant) -> Result<Seen, Failure> {
        let mut seen = Seen::default();
        for turn in 0..extent.requests {
            self.exchange(extent, turn, epoch, &mut seen).await?;
        }
        Ok(seen)
    }

    async fn exchange(
        &mut self,
        extent: Extent,
        turn: u32,
        epoch: Instant,
        seen: &mut Seen,
    ) -> Result<(), Failure> {
        let text = "x".repeat(extent.text);
        let body = format!(
            r#"{{"model":"m","stream":true,"stream_options":{{"include_usage":true}},"messages":[{{"role":"user","content":"{} {turn} {text}"}}]}}"#,
            self.number
        );
        let request = Request::post("/v1/chat/completions")
            .header(HOST, "provider")
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .header(CONTENT_TYPE, "application/json")
            .header(EVENTS, extent.events)
            .header(GAP, extent.gap_us)
            .body(Full::from(body))?;
        self.sender.ready().await?;
        let begin = Instant::now();
        let response = self.sender.send_request(request).await?;
        if !response.status().is_success() {
            return Err(format!("the answer was {}", response.status()).into());
        }
        let mut body = response.into_body();
        let mut is_first = true;
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            if std::mem::take(&mut is_first) {
                seen.first_bytes.push(begin.elapsed().as_secs_f64() * 1e3);
            }
            if extent.gap_us > 0 {
                let now = epoch.elapsed().as_nanos() as f64;
                seen.events.extend(made_at(&data).map(|made| (now - made) / 1e6));
            }
        }
        Ok(())
    }
}

async fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<SendRequest<Full<Bytes>>, Failure> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// The time at which the event in a piece was made, in nanoseconds; none for one of the last events, which hold no time. With time
/// between them, events come in pieces of their own.
fn made_at(piece: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(piece).ok()?;
    let (_, rest) = text.split_once(r#""content":""#)?;
    rest.split_once(' ')?.0.parse().ok()
}
