//! Runs a command against a simulated model, as an agent meets it in a sandbox, and says what the wire says.
//!
//! ```text
//! cargo run -p retrial-gateway --example bridge -- TASK_DIR PROFILE SEED PORT COMMAND…
//! ```
//!
//! The model answers on `127.0.0.1:PORT`; the key is `sk-trial`. For trying agents by hand: there is no sandbox.

use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use retrial_gateway::simulate::{Profile, SimulatedTrial};
use retrial_gateway::{Gateway, PriceTable, Revocation, Token, TrialAccess, Upstream};
use retrial_spec::{Budget, Simulation, TrialId};
use tokio::net::{TcpListener, TcpStream, UnixStream};

const QUESTION: &str =
    r#"How sure are you that the task is done? Answer with {"confidence": 0.5, "claim": "done"}."#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [task, profile, seed, port, program, rest @ ..] = arguments.as_slice() else {
        return Err("give TASK_DIR PROFILE SEED PORT COMMAND".into());
    };
    let directory = tempfile::tempdir()?;
    let simulated = simulated(Path::new(task), profile, seed.parse()?)?;
    let access = TrialAccess {
        run: "bridge".parse()?,
        attempt: 1,
        trial: trial(Path::new(task))?,
        socket: directory.path().join("s"),
        socket_owner: None,
        token: Token::new("sk-trial"),
        model: "m-1".to_owned(),
        upstream: Upstream::Simulated(simulated.clone()),
        budget: Budget::default(),
        faults: None,
        reservation: None,
        revocation: Revocation::default(),
        wire_log: directory.path().join("wire.jsonl.zst"),
        audit_log: directory.path().join("audit.jsonl"),
        recording: None,
    };
    let gateway = Gateway::new(PriceTable::builtin()).open(access).await?;
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    tokio::spawn(forward(listener, gateway.socket().to_owned()));
    let status = tokio::process::Command::new(program).args(rest).status().await?;

    let answer = gateway.ask(QUESTION).await;
    let wire = gateway.finish().await?;
    let plan = simulated.plan();
    let mut out = std::io::stdout().lock();
    writeln!(out, "command: {status}")?;
    writeln!(out, "planned: success {}, {} turns, usage {:?}", plan.success, plan.turns.len(), plan.usage())?;
    writeln!(out, "answer: {answer:?}")?;
    writeln!(out, "wire: {} exchanges, usage {:?}, fault {:?}", wire.exchanges, wire.usage, wire.last_fault)?;
    Ok(())
}

fn trial(task: &Path) -> Result<TrialId, Box<dyn Error>> {
    let name = task.file_name().and_then(|name| name.to_str()).ok_or("the task has no name")?;
    Ok(format!("{name}~agent~baseline~1").parse()?)
}

fn simulated(task: &Path, profile: &str, seed: u64) -> Result<SimulatedTrial, Box<dyn Error>> {
    let profile = Profile::named(profile).ok_or("no such profile")?;
    let text = fs_err::read_to_string(task.join("simulation.toml"))?;
    let workspace = task.join("environment/workspace");
    let starting = |path: &str| fs_err::read_to_string(workspace.join(path)).ok();
    let simulation = Simulation::parse("simulation.toml", &text, starting)?;
    Ok(SimulatedTrial::new(&profile, &simulation, seed, &trial(task)?))
}

/// Connects every connection to the trial's socket.
async fn forward(listener: TcpListener, socket: PathBuf) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(join(stream, socket.clone()));
    }
}

async fn join(mut stream: TcpStream, socket: PathBuf) -> std::io::Result<()> {
    let mut inner = UnixStream::connect(socket).await?;
    tokio::io::copy_bidirectional(&mut stream, &mut inner).await?;
    Ok(())
}
