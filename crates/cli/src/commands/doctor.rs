//! `retrial doctor`: what this machine can run, why not, and what to do.

use std::path::Path;
use std::process::{Command, Stdio};

use retrial_sandbox::{Capabilities, Enforcement};
use retrial_spec::Exit;
use serde::Serialize;

use crate::args::DoctorArgs;
use crate::backend::Opened;
use crate::failure::Failure;
use crate::{backend, out, places};

/// One thing that was looked at. The JSON form has schema version 1.
#[derive(Debug, Serialize)]
struct Finding {
    what: String,
    usable: bool,
    detail: String,
    limits: Vec<String>,
    hints: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Report {
    schema: u32,
    findings: Vec<Finding>,
}

/// Looks and prints. The exit code is 5 where no back end works.
pub(crate) async fn doctor(args: &DoctorArgs) -> Result<Exit, Failure> {
    let docker = sandbox("docker sandboxes", backend::docker().await);
    let namespace = sandbox("namespace sandboxes", backend::namespace().await);
    let usable = docker.usable || namespace.usable;
    let findings = vec![docker, namespace, host_tools(), npm(), cache()];
    if args.json {
        out::json(&Report { schema: 1, findings })?;
    } else {
        out::data(&findings.iter().map(Finding::render).collect::<Vec<_>>().join("\n"))?;
    }
    if usable { Ok(Exit::Done) } else { Err(Failure::NoBackend) }
}

fn sandbox(what: &str, opened: Result<Opened, Failure>) -> Finding {
    match opened {
        Ok(opened) => Finding {
            what: what.to_owned(),
            usable: true,
            detail: opened.capabilities.version.clone(),
            limits: limits(&opened.capabilities),
            hints: opened.capabilities.hints,
        },
        Err(Failure::Probe(error)) => Finding::missing(what, error.reason, error.hint),
        Err(other) => Finding::missing(what, other.to_string(), "see the message".to_owned()),
    }
}

fn limits(capabilities: &Capabilities) -> Vec<String> {
    let line = |limit, enforcement: &Enforcement| match enforcement {
        Enforcement::Enforced => format!("{limit}: enforced"),
        Enforcement::Partly(why) => format!("{limit}: enforced in part, {why}"),
        Enforcement::NotEnforced(why) => format!("{limit}: not enforced, {why}"),
    };
    capabilities.limits.iter().map(|(limit, enforcement)| line(limit, enforcement)).collect()
}

/// The programs that tasks use in namespace sandboxes, which see the host's own.
fn host_tools() -> Finding {
    let places = ["/usr/bin", "/bin", "/usr/local/bin"];
    let missing: Vec<&str> = ["bash", "python3", "git", "patch"]
        .into_iter()
        .filter(|tool| !places.iter().any(|place| Path::new(place).join(tool).exists()))
        .collect();
    let what = "the host's tools for namespace sandboxes";
    if missing.is_empty() {
        return Finding::usable(what, "bash, python3, git and patch are there".to_owned());
    }
    let detail = format!("missing: {}", missing.join(", "));
    Finding::missing(what, detail, "install them with the system's packages, or use docker".to_owned())
}

fn npm() -> Finding {
    let what = "npm, for the kits of agents that come from it";
    let output = Command::new("npm").arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => {
            Finding::usable(what, String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        _ => Finding::missing(
            what,
            "not found".to_owned(),
            "install Node.js with npm; only kits need it".to_owned(),
        ),
    }
}

fn cache() -> Finding {
    let what = "the cache directory";
    let tried = places::cache_dir().and_then(|cache| {
        fs_err::create_dir_all(&cache)?;
        tempfile::tempfile_in(&cache)?;
        Ok(cache)
    });
    match tried {
        Ok(cache) => Finding::usable(what, cache.display().to_string()),
        Err(error) => {
            let hint = format!("set `{}` to a directory that can be written", crate::env_vars::CACHE_DIR);
            Finding::missing(what, error.to_string(), hint)
        }
    }
}

impl Finding {
    fn usable(what: &str, detail: String) -> Self {
        Self { what: what.to_owned(), usable: true, detail, limits: Vec::new(), hints: Vec::new() }
    }

    fn missing(what: &str, detail: String, hint: String) -> Self {
        Self { what: what.to_owned(), usable: false, detail, limits: Vec::new(), hints: vec![hint] }
    }

    fn render(&self) -> String {
        let sign = if self.usable { "✓" } else { "✗" };
        let mut lines = vec![format!("{sign} {}: {}", self.what, self.detail)];
        lines.extend(self.limits.iter().map(|limit| format!("    {limit}")));
        lines.extend(self.hints.iter().map(|hint| format!("    hint: {hint}")));
        lines.push(String::new());
        lines.join("\n")
    }
}
