//! `retrial doctor`: what this machine can run, why not, and what to do.

use std::path::Path;
use std::process::{Command, Stdio};

use retrial_sandbox::{Capabilities, Enforcement};
use retrial_spec::{DoctorFinding, DoctorOutput, Exit, OUTPUT_SCHEMA};

use crate::args::DoctorArgs;
use crate::backend::Opened;
use crate::failure::Failure;
use crate::{backend, out, places};

/// Looks and prints. The exit code is 5 where no back end works.
pub(crate) async fn doctor(args: &DoctorArgs) -> Result<Exit, Failure> {
    let docker = sandbox("docker sandboxes", backend::docker().await);
    let namespace = sandbox("namespace sandboxes", backend::namespace().await);
    let usable = docker.usable || namespace.usable;
    let findings = vec![docker, namespace, host_tools(), npm(), cache()];
    if args.json {
        out::json(&DoctorOutput { schema: OUTPUT_SCHEMA, findings })?;
    } else {
        out::data(&findings.iter().map(render).collect::<Vec<_>>().join("\n"))?;
    }
    if usable { Ok(Exit::Done) } else { Err(Failure::NoBackend) }
}

fn sandbox(what: &str, opened: Result<Opened, Failure>) -> DoctorFinding {
    match opened {
        Ok(opened) => DoctorFinding {
            what: what.to_owned(),
            usable: true,
            detail: opened.capabilities.version.clone(),
            limits: limits(&opened.capabilities),
            hints: opened.capabilities.hints,
        },
        Err(Failure::Probe(error)) => missing(what, error.reason, error.hint),
        Err(other) => missing(what, other.to_string(), "see the message".to_owned()),
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
fn host_tools() -> DoctorFinding {
    let places = ["/usr/bin", "/bin", "/usr/local/bin"];
    let absent: Vec<&str> = ["bash", "python3", "git", "patch"]
        .into_iter()
        .filter(|tool| !places.iter().any(|place| Path::new(place).join(tool).exists()))
        .collect();
    let what = "the host's tools for namespace sandboxes";
    if absent.is_empty() {
        return usable(what, "bash, python3, git and patch are there".to_owned());
    }
    let detail = format!("missing: {}", absent.join(", "));
    missing(what, detail, "install them with the system's packages, or use docker".to_owned())
}

fn npm() -> DoctorFinding {
    let what = "npm, for the kits of agents that come from it";
    let output = Command::new("npm").arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => {
            usable(what, String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        _ => missing(what, "not found".to_owned(), "install Node.js with npm; only kits need it".to_owned()),
    }
}

fn cache() -> DoctorFinding {
    let what = "the cache directory";
    let tried = places::cache_dir().and_then(|cache| {
        fs_err::create_dir_all(&cache)?;
        tempfile::tempfile_in(&cache)?;
        Ok(cache)
    });
    match tried {
        Ok(cache) => usable(what, cache.display().to_string()),
        Err(error) => {
            let hint = format!("set `{}` to a directory that can be written", crate::env_vars::CACHE_DIR);
            missing(what, error.to_string(), hint)
        }
    }
}

fn usable(what: &str, detail: String) -> DoctorFinding {
    DoctorFinding { what: what.to_owned(), usable: true, detail, limits: Vec::new(), hints: Vec::new() }
}

fn missing(what: &str, detail: String, hint: String) -> DoctorFinding {
    DoctorFinding { what: what.to_owned(), usable: false, detail, limits: Vec::new(), hints: vec![hint] }
}

fn render(finding: &DoctorFinding) -> String {
    let sign = if finding.usable { "✓" } else { "✗" };
    let mut lines = vec![format!("{sign} {}: {}", finding.what, finding.detail)];
    lines.extend(finding.limits.iter().map(|limit| format!("    {limit}")));
    lines.extend(finding.hints.iter().map(|hint| format!("    hint: {hint}")));
    lines.push(String::new());
    lines.join("\n")
}
