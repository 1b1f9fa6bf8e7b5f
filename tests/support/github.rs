//! A composite action run as GitHub runs one: the steps of `action.yml` in order, in bash, with the variables and files that GitHub gives.
//! Expressions are the few that the action uses; any other one is a fault of the test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::support::Place;

/// `action.yml`. Unknown keys are errors, so that a misspelt one is found.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Action {
    #[allow(dead_code, reason = "it has to be there")]
    name: String,
    #[allow(dead_code, reason = "it has to be there")]
    description: String,
    #[serde(rename = "branding")]
    _branding: BTreeMap<String, String>,
    pub(crate) inputs: BTreeMap<String, Input>,
    pub(crate) outputs: BTreeMap<String, OutputOf>,
    pub(crate) runs: Runs,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    #[serde(rename = "description")]
    _description: String,
    default: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutputOf {
    #[serde(rename = "description")]
    _description: String,
    value: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Runs {
    pub(crate) using: String,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) name: String,
    id: Option<String>,
    #[serde(rename = "if")]
    condition: Option<String>,
    shell: Option<String>,
    pub(crate) run: Option<String>,
    pub(crate) uses: Option<String>,
    #[serde(default)]
    with: BTreeMap<String, String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
}

impl Action {
    /// Reads the action of a checkout.
    pub(crate) fn read(checkout: &Path) -> Self {
        let text = fs_err::read_to_string(checkout.join("action.yml")).expect("an action");
        serde_saphyr::from_str(&text).expect("a composite action")
    }
}

/// A fresh clone of what is committed, in this directory of the place.
pub(crate) fn clone(place: &Place, to: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the workspace");
    let to = place.join(to);
    let output = Command::new("git")
        .args(["-c", "safe.directory=*", "clone", "--quiet", "--no-local", "--depth", "1"])
        .arg(format!("file://{}", root.display()))
        .arg(&to)
        .output()
        .expect("git starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    to
}

/// One job that uses the action.
pub(crate) struct Job<'a> {
    pub(crate) place: &'a Place,
    pub(crate) checkout: &'a Path,
    pub(crate) workspace: &'a Path,
    pub(crate) inputs: Vec<(&'a str, String)>,
    pub(crate) env: Vec<(&'a str, String)>,
}

/// What came of a job.
#[derive(Debug)]
pub(crate) struct Done {
    /// The exit code of the first step that failed, or 0.
    pub(crate) code: i32,
    /// The names of the steps that ran.
    pub(crate) ran: Vec<String>,
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) summary: String,
    pub(crate) log: String,
}

impl Job<'_> {
    /// Runs every step.
    pub(crate) fn run(&self) -> Done {
        let action = Action::read(self.checkout);
        assert_eq!(action.runs.using, "composite");
        for (name, _) in &self.inputs {
            assert!(action.inputs.contains_key(*name), "the action has no input `{name}`");
        }
        let mut context = Context { values: self.values(&action), failed: 0 };
        let mut done = Done {
            code: 0,
            ran: Vec::new(),
            outputs: BTreeMap::new(),
            summary: String::new(),
            log: String::new(),
        };
        for step in action.runs.steps.iter().filter(|step| step.uses.is_none() || step.is_right()) {
            if !context.allows(step) {
                continue;
            }
            done.ran.push(step.name.clone());
            if step.run.is_some() {
                self.step(step, &mut context, &mut done);
            }
        }
        done.code = context.failed;
        done.outputs = action
            .outputs
            .iter()
            .map(|(name, output)| (name.clone(), context.resolved(&output.value)))
            .collect();
        done
    }

    fn values(&self, action: &Action) -> BTreeMap<String, String> {
        let mut values = BTreeMap::from([("github.token".to_owned(), "the-token-of-the-job".to_owned())]);
        for (name, input) in &action.inputs {
            let given = self.inputs.iter().find(|(given, _)| given == name).map(|(_, value)| value.clone());
            let value = given
                .unwrap_or_else(|| Context { values: values.clone(), failed: 0 }.resolved(&input.default));
            values.insert(format!("inputs.{name}"), value);
        }
        values
    }

    fn step(&self, step: &Step, context: &mut Context, done: &mut Done) {
        let (output, summary) = (self.place.join("github-output"), self.place.join("github-summary"));
        fs_err::write(&output, "").expect("a file");
        fs_err::write(&summary, "").expect("a file");
        let script = self.place.write("step.sh", step.run.as_deref().unwrap_or_default());
        let mut command = Command::new("bash");
        // As GitHub starts a step whose shell is `bash`.
        command.args(["--noprofile", "--norc", "-e", "-o", "pipefail"]).arg(script);
        command.current_dir(self.workspace).stdin(Stdio::null()).env_clear();
        for name in ["PATH", "HOME", "LANG"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.env("PATH", path_with_the_command());
        command.env("XDG_RUNTIME_DIR", self.place.join("runtime")).env("TMPDIR", self.place.join("runtime"));
        command.env("CI", "true").env("GITHUB_ACTIONS", "true").env("GITHUB_ACTION_PATH", self.checkout);
        command.env("GITHUB_OUTPUT", &output).env("GITHUB_STEP_SUMMARY", &summary);
        command.env("GITHUB_WORKSPACE", self.workspace).env("GITHUB_REPOSITORY", "me/service");
        command.env("RUNNER_TEMP", self.place.join("runtime"));
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.envs(step.env.iter().map(|(name, value)| (name, context.resolved(value))));
        let ran = command.output().expect("bash starts");
        done.log.extend(["== ", &step.name, "\n"]);
        done.log.extend([String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr)]);
        done.summary += &fs_err::read_to_string(&summary).expect("a summary");
        for line in fs_err::read_to_string(&output).expect("outputs").lines() {
            let (name, value) = line.split_once('=').expect("an output");
            let id = step.id.as_ref().expect("a step with outputs has an id");
            context.values.insert(format!("steps.{id}.outputs.{name}"), value.to_owned());
        }
        let code = ran.status.code().unwrap_or(-1);
        if context.failed == 0 {
            context.failed = code;
        }
    }
}

impl Step {
    /// Whether a step that is another action names its version and has what it needs.
    fn is_right(&self) -> bool {
        let uses = self.uses.as_deref().unwrap_or_default();
        let known = [
            ("actions/cache/restore@v4", vec!["key", "path"]),
            ("actions/cache/save@v4", vec!["key", "path"]),
            ("actions/upload-artifact@v4", vec!["if-no-files-found", "name", "path"]),
        ];
        let needed = known.iter().find(|(name, _)| *name == uses).map(|(_, needed)| needed);
        let given: Vec<&str> = self.with.keys().map(String::as_str).collect();
        assert_eq!(needed, Some(&given), "`{uses}`");
        assert!(self.run.is_none() && self.shell.is_none());
        true
    }
}

/// What expressions can name, and whether a step has failed.
struct Context {
    values: BTreeMap<String, String>,
    failed: i32,
}

impl Context {
    fn allows(&self, step: &Step) -> bool {
        match step.condition.as_deref() {
            None => self.failed == 0,
            Some("${{ !cancelled() }}" | "${{ always() }}") => true,
            // The cache of these jobs is empty.
            Some(
                "${{ inputs.retrial == '' }}"
                | "${{ inputs.retrial == '' && steps.cache.outputs.cache-hit != 'true' }}",
            ) => self.failed == 0 && self.values["inputs.retrial"].is_empty(),
            Some(other) => panic!("a condition that the test does not know: {other}"),
        }
    }

    /// Puts values in the place of expressions. An output that no step has set is empty, as on GitHub.
    fn resolved(&self, text: &str) -> String {
        let mut rest = text;
        let mut resolved = String::new();
        while let Some((before, after)) = rest.split_once("${{ ") {
            let (name, after) = after.split_once(" }}").expect("an expression ends");
            let is_output = name.starts_with("steps.") && name.contains(".outputs.");
            let value = self.values.get(name);
            assert!(value.is_some() || is_output, "an expression that the test does not know: {name}");
            resolved += before;
            resolved += value.map_or("", String::as_str);
            rest = after;
        }
        resolved + rest
    }
}

/// The path of programs with the command under test first.
pub(crate) fn path_with_the_command() -> std::ffi::OsString {
    let programs = Path::new(env!("CARGO_BIN_EXE_retrial")).parent().expect("a directory").to_owned();
    let path = std::env::var_os("PATH").expect("a path");
    std::env::join_paths([programs].into_iter().chain(std::env::split_paths(&path))).expect("a path")
}
