//! The measuring process: opens the ways, gives orders to the peer, and reads what its own part of the work cost.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use retrial_gateway::{HttpUpstream, TrialGateway, Upstream};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::order::{Door, Extent, Order, Report, Way};
use super::peer::PEER;
use super::{proxy, trials};
use crate::Failure;

/// The most streams at a time.
const STREAMS: usize = 64;

/// The ways to a provider, open and ready for requests.
pub struct WireBench {
    peer: Peer,
    proxy: (PathBuf, JoinHandle<()>),
    trials: Vec<TrialGateway>,
    // Sockets and wire logs; removed last.
    _files: TempDir,
}

/// One way's measurement.
#[derive(Debug, Clone, Copy)]
pub struct WireReading {
    /// What the clients saw.
    pub report: Report,
    /// Milliseconds of processor time that this process spent on each request.
    pub cpu_ms: f64,
}

impl WireBench {
    /// Starts the peer, which is this very program, and opens the ways.
    ///
    /// # Errors
    /// Those of processes, sockets and the gateway.
    pub async fn open() -> Result<Self, Failure> {
        let peer = Peer::start()?;
        let files = tempfile::tempdir()?;
        let socket = files.path().join("proxy");
        let proxy = proxy::start(&socket, peer.provider)?;
        let gateway = trials::gateway();
        let mut open = Vec::new();
        for number in 0..STREAMS {
            let upstream = HttpUpstream::new(&format!("http://{}/v1", peer.provider), None, None)?;
            let (socket, log) =
                (files.path().join(format!("trial-{number}")), files.path().join(format!("{number}.zst")));
            open.push(trials::open_at(&gateway, socket, log, Upstream::Http(upstream)).await?);
        }
        Ok(Self { peer, proxy: (socket, proxy), trials: open, _files: files })
    }

    /// Lets this many clients work at once. `streams ≤ 64`. Blocks the thread until they are done, so
    /// it is not for a worker of the runtime.
    ///
    /// # Errors
    /// Where a request fails.
    pub fn measure(&mut self, way: Way, streams: usize, extent: Extent) -> Result<WireReading, Failure> {
        let doors = (0..streams).map(|number| self.door(way, number)).collect();
        let before = cpu_ms()?;
        let order = Order { doors, extent };
        let report = self.peer.carry_out(&order)?;
        let requests = f64::from(extent.requests) * streams as f64;
        Ok(WireReading { report, cpu_ms: (cpu_ms()? - before) / requests })
    }

    fn door(&self, way: Way, number: usize) -> Door {
        match way {
            Way::Straight => Door { socket: None, token: String::new() },
            Way::Proxy => Door { socket: Some(self.proxy.0.clone()), token: String::new() },
            Way::Gateway => {
                let trial = &self.trials[number];
                Door { socket: Some(trial.socket().to_owned()), token: trial.token().reveal().to_owned() }
            }
        }
    }

    /// Closes everything.
    ///
    /// # Errors
    /// Where an exchange could not be recorded.
    pub async fn close(self) -> Result<(), Failure> {
        self.proxy.1.abort();
        for trial in self.trials {
            trial.finish().await?;
        }
        Ok(())
    }
}

/// The peer, as this process sees it. It ends when its input does.
struct Peer {
    child: Child,
    orders: ChildStdin,
    reports: Lines<BufReader<ChildStdout>>,
    provider: std::net::SocketAddr,
}

impl Peer {
    fn start() -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.arg(PEER).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let orders = child.stdin.take().ok_or("the peer has no input")?;
        let mut reports = BufReader::new(child.stdout.take().ok_or("the peer has no output")?).lines();
        let provider = reports.next().ok_or("the peer said nothing")??.parse()?;
        Ok(Self { child, orders, reports, provider })
    }

    fn carry_out(&mut self, order: &Order) -> Result<Report, Failure> {
        writeln!(self.orders, "{}", serde_json::to_string(order)?)?;
        self.orders.flush()?;
        let line = self.reports.next().ok_or("the peer has ended")??;
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // One that has ended already needs no more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The processor time of this process so far.
fn cpu_ms() -> Result<f64, Failure> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let spent = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(spent as f64 / 1e3)
}
