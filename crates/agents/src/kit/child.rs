//! Child processes whose output is passed on line by line: package managers and interpreters.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, ExitStatus, Stdio};

/// Lines of output that an error shows.
const TAIL_LINES: usize = 15;

/// What a child sees of the environment, besides [`PREFIXES`]: where things are, and how the network is reached. Not a provider's
/// key, which may stand beside them.
const VARIABLES: [&str; 24] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "TZ",
    "TMPDIR",
    "TMP",
    "TEMP",
    "LD_LIBRARY_PATH",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NETRC",
];

/// Beginnings of the names of package managers' own settings.
const PREFIXES: [&str; 6] = ["npm_config_", "NPM_CONFIG_", "PIP_", "UV_", "XDG_", "LC_"];

/// How a child ended.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    /// The last lines of what it printed.
    pub(super) tail: String,
}

/// Returns a command that sees of the environment only what it needs.
pub(super) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    let seen = std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_seen));
    command.env_clear().envs(seen);
    command
}

fn is_seen(name: &str) -> bool {
    VARIABLES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Runs a command to its end, without input; `progress` gets every line it prints.
pub(super) fn run(mut command: Command, progress: &dyn Fn(&str)) -> std::io::Result<Ended> {
    // One pipe for both outputs keeps their lines in order.
    let (reader, writer) = std::io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn()?;
    // The command holds our ends of the pipe, without which the reading would not end.
    drop(command);
    let tail = follow(reader, progress);
    let status = child.wait()?;
    Ok(Ended { status, tail: tail.into_iter().collect::<Vec<_>>().join("\n") })
}

/// Passes output on line by line until it ends, and returns the last lines.
fn follow(output: impl Read, progress: &dyn Fn(&str)) -> VecDeque<String> {
    let mut tail = VecDeque::new();
    for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        if line.is_empty() {
            continue;
        }
        progress(&line);
        if tail.len() == TAIL_LINES {
            tail.pop_front();
        }
        tail.push_back(line);
    }
    tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_sees_paths_and_settings_of_package_managers_and_no_key() {
        for seen in ["PATH", "HOME", "npm_config_registry", "PIP_INDEX_URL", "https_proxy"] {
            assert!(is_seen(seen), "{seen}");
        }
        for hidden in ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "THE_KEY", "AWS_SECRET_ACCESS_KEY", "PATHS"] {
            assert!(!is_seen(hidden), "{hidden}");
        }
    }
}
