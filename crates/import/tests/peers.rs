//! Whether other tools read what is exported, with their own readers. Runs where `RETRIAL_PEERS=1`, because they are installed first.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on should stop at once, and say why"
)]

#[path = "peers/harbor.rs"]
mod harbor;
#[path = "peers/inspect.rs"]
mod inspect;
#[path = "peers/otlp.rs"]
mod otlp;

use std::path::{Path, PathBuf};
use std::process::Command;

/// Whether the peers are asked.
fn are_peers_asked() -> bool {
    let is_asked = std::env::var_os("RETRIAL_PEERS").is_some_and(|value| value == "1");
    if !is_asked {
        println!("skipped: `RETRIAL_PEERS=1` asks the peers' own readers");
    }
    is_asked
}

/// Returns the Python of an environment that holds a package, made where it is not there yet.
fn python_with(package: &str, version: &str) -> PathBuf {
    let home = std::env::temp_dir().join(format!("retrial-peers-{package}-{version}"));
    let python = home.join("bin/python");
    if !home.join("made").exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&home));
        run(Command::new(&python).args(["-m", "pip", "install", "-q", &format!("{package}=={version}")]));
        fs_err::write(home.join("made"), "").unwrap();
    }
    python
}

/// Runs a command and returns what it printed.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The script of a peer. It may be named as a module that the peer needs, so that its directory must not be searched (`-P`).
fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(name)
}
