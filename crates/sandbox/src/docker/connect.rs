//! Finding a local engine. A remote one is refused: sockets and kits are shared with containers as files.

use std::path::{Path, PathBuf};

use bollard::{API_DEFAULT_VERSION, Docker};

use crate::capability::BackendKind;
use crate::error::ProbeError;

/// Seconds an answer of the engine may take.
const ANSWER_LIMIT_S: u64 = 120;

/// The oldest usable API: Docker 20.10.
const OLDEST: (usize, usize) = (1, 41);

fn problem(reason: impl Into<String>, hint: impl Into<String>) -> ProbeError {
    ProbeError { kind: BackendKind::Docker, reason: reason.into(), hint: hint.into() }
}

/// Connects to the engine at `address`, or at the first known socket that exists.
pub(super) async fn connect(address: Option<&str>) -> Result<Docker, ProbeError> {
    let socket = match address {
        Some(address) => local_socket(address)?,
        None => known_sockets().into_iter().find(|path| path.exists()).ok_or_else(|| {
            problem(
                "no engine's socket was found",
                "Install Docker or Podman, or set DOCKER_HOST to a local socket.",
            )
        })?,
    };
    check_socket(&socket).await?;
    let shown = socket.display().to_string();
    let docker = Docker::connect_with_unix(&shown, ANSWER_LIMIT_S, API_DEFAULT_VERSION)
        .map_err(|error| problem(error.to_string(), "Check DOCKER_HOST."))?;
    let docker = docker.negotiate_version().await.map_err(|error| {
        problem(format!("`{shown}` does not answer: {error}"), "Check that the engine is running.")
    })?;
    let version = docker.client_version();
    if (version.major_version, version.minor_version) < OLDEST {
        let reason = format!("its API is {}.{}", version.major_version, version.minor_version);
        return Err(problem(reason, "Update the engine: API 1.41 (Docker 20.10) or later is needed."));
    }
    Ok(docker)
}

/// Returns the path of a local socket's address.
fn local_socket(address: &str) -> Result<PathBuf, ProbeError> {
    let path = address.strip_prefix("unix://").unwrap_or(address);
    if path.starts_with('/') {
        return Ok(path.into());
    }
    Err(problem(
        format!("the engine at `{address}` is remote, and a sandbox shares files with this host"),
        "Run on the engine's host, or unset DOCKER_HOST to use the local engine.",
    ))
}

fn known_sockets() -> Vec<PathBuf> {
    let mut sockets = vec![PathBuf::from("/var/run/docker.sock")];
    if let Some(runtime) = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from) {
        sockets.push(runtime.join("docker.sock"));
        sockets.push(runtime.join("podman/podman.sock"));
    }
    sockets.push("/run/podman/podman.sock".into());
    sockets
}

/// Tells apart the usual reasons why nobody answers.
async fn check_socket(path: &Path) -> Result<(), ProbeError> {
    let shown = path.display();
    match tokio::net::UnixStream::connect(path).await {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err(problem(
            format!("`{shown}` may not be used by this user"),
            "Add the user to the group `docker` and log in again.",
        )),
        Err(error) => Err(problem(
            format!("`{shown}` does not answer: {error}"),
            "Start the engine, for example with `systemctl start docker`.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remote_engines_are_refused_with_a_reason() {
        for address in ["tcp://10.0.0.1:2375", "ssh://host", "http://localhost:2375"] {
            let refused = local_socket(address).unwrap_err();
            assert!(refused.reason.contains("remote"), "{}", refused.reason);
        }
        assert_eq!(local_socket("unix:///run/x.sock").unwrap(), Path::new("/run/x.sock"));
    }

    #[tokio::test]
    async fn an_engine_that_is_not_there_is_reported_with_its_socket() {
        let refused = connect(Some("unix:///nonexistent/docker.sock")).await.unwrap_err();
        assert!(refused.reason.contains("/nonexistent/docker.sock"), "{}", refused.reason);
    }
}
