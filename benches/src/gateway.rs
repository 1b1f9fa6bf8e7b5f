//! A request's way through the gateway, beside the same request sent straight to the provider: a server of this process that
//! always gives the same small answer.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use retrial_gateway::{
    Budget, Gateway, HttpUpstream, PriceTable, Token, TrialAccess, TrialGateway, Upstream,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinHandle;

use crate::Failure;

const REQUEST: &str =
    r#"{"model":"m","messages":[{"role":"user","content":"Say nothing."}],"temperature":0}"#;

const REPLY: &str = r#"{"id":"1","object":"chat.completion","created":0,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Nothing."},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}"#;

/// An open gateway with a connection to it, and one past it.
pub struct OpenGateway {
    gateway: TrialGateway,
    through: UnixStream,
    past: TcpStream,
    server: JoinHandle<()>,
}

impl OpenGateway {
    /// Starts a provider and opens a gateway to it; its files lie in `directory`.
    ///
    /// # Errors
    /// Those of sockets and of [`Gateway::open`].
    pub async fn open(directory: &Path) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(provide(listener));
        let upstream = HttpUpstream::new(&format!("http://{address}/v1"), None, None)?;
        let gateway = open(directory, Upstream::Http(upstream)).await?;
        let through = UnixStream::connect(gateway.socket()).await?;
        let past = TcpStream::connect(address).await?;
        past.set_nodelay(true)?;
        Ok(Self { gateway, through, past, server })
    }

    /// Sends one request through the gateway and returns how long its answer took.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn through(&mut self) -> Result<Duration, Failure> {
        let token = self.gateway.token().reveal().to_owned();
        exchange(&mut self.through, &token).await
    }

    /// Sends the same request straight to the provider.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn past(&mut self) -> Result<Duration, Failure> {
        let token = self.gateway.token().reveal().to_owned();
        exchange(&mut self.past, &token).await
    }

    /// Closes everything.
    ///
    /// # Errors
    /// Where an exchange could not be recorded.
    pub async fn close(self) -> Result<(), Failure> {
        self.server.abort();
        self.gateway.finish().await?;
        Ok(())
    }
}

async fn open(directory: &Path, upstream: Upstream) -> Result<TrialGateway, Failure> {
    open_at(directory.join("gateway"), directory.join("wire.jsonl.zst"), upstream).await
}

/// Opens a gateway without a limit on requests.
pub(crate) async fn open_at(
    socket: PathBuf,
    wire_log: PathBuf,
    upstream: Upstream,
) -> Result<TrialGateway, Failure> {
    let access = TrialAccess {
        trial: "noop~noop~baseline~1".parse()?,
        socket,
        socket_owner: None,
        token: Token::generate(),
        model: "m".to_owned(),
        upstream,
        budget: Budget::default(),
        wire_log,
    };
    Ok(Gateway::new(PriceTable::builtin()).open(access).await?)
}

async fn exchange(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    token: &str,
) -> Result<Duration, Failure> {
    let begin = Instant::now();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{REQUEST}",
        REQUEST.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let head = read_message(stream).await?.ok_or("the connection was closed")?;
    if !head.starts_with("HTTP/1.1 200") {
        return Err(format!("the answer was `{}`", head.lines().next().unwrap_or_default()).into());
    }
    Ok(begin.elapsed())
}

async fn provide(listener: TcpListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        tokio::spawn(async move {
            let reply = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{REPLY}",
                REPLY.len()
            );
            while let Ok(Some(_)) = read_message(&mut stream).await {
                if stream.write_all(reply.as_bytes()).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// Reads one message with a stated length and returns its head; `None` where the connection has ended.
async fn read_message(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<String>, Failure> {
    let mut message = Vec::new();
    loop {
        if let Some(end) = message.windows(4).position(|window| window == b"\r\n\r\n") {
            let head =
                String::from_utf8_lossy(&message[..end]).to_ascii_lowercase().replacen("http", "HTTP", 1);
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.ok_or("a message without a length")?.trim().parse()?;
            if message.len() >= end + 4 + length {
                return Ok(Some(head));
            }
        }
        if stream.read_buf(&mut message).await? == 0 {
            return Ok(None);
        }
    }
}
