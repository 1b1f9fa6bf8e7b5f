//! The other process: provider and clients.

use std::io::{BufRead as _, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Instant;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::client::{Client, Seen};
use super::order::{Order, Report};
use super::provider;
use crate::Failure;
use crate::sitting::median;

/// The argument that makes a program of this crate the peer.
pub const PEER: &str = "__wire-peer";

/// Serves as provider, and carries out orders from standard input until it ends. The first line on standard output is the provider's
/// address; then comes one report for each order.
pub fn peer_main() -> ExitCode {
    let worked =
        tokio::runtime::Runtime::new().map_err(Failure::from).and_then(|runtime| runtime.block_on(work()));
    match worked {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn work() -> Result<(), Failure> {
    let epoch = Instant::now();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(provider::serve(listener, epoch));
    say(&address.to_string())?;
    for line in std::io::stdin().lock().lines() {
        let order: Order = serde_json::from_str(&line?)?;
        let report = carry_out(order, address, epoch).await?;
        say(&serde_json::to_string(&report)?)?;
    }
    Ok(())
}

fn say(line: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

async fn carry_out(order: Order, provider: SocketAddr, epoch: Instant) -> Result<Report, Failure> {
    let mut clients = Vec::new();
    for (number, door) in order.doors.iter().enumerate() {
        clients.push(Client::connect(door, number, provider).await?);
    }
    let begin = Instant::now();
    let mut working = JoinSet::new();
    let requests = order.extent.requests * clients.len() as u32;
    for client in clients {
        working.spawn(client.work(order.extent, epoch));
    }
    let mut all = Seen::default();
    while let Some(seen) = working.join_next().await {
        let Seen { first_bytes, events } = seen??;
        all.first_bytes.extend(first_bytes);
        all.events.extend(events);
    }
    Ok(Report {
        per_second: f64::from(requests) / begin.elapsed().as_secs_f64(),
        first_byte_ms: median(&all.first_bytes).ok_or("no reply came")?,
        // Without time between them, events come together and have no delay of their own.
        event_ms: median(&all.events).unwrap_or(0.0),
    })
}
