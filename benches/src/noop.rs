//! The work that is measured: one file, an agent that is `true`, a verifier that writes a reward. All that is left of a trial's
//! time is the harness's.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use retrial_runner::{Overrides, Plan};
use retrial_spec::SandboxChoice;

use crate::Failure;

/// Where the verifier works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verifier {
    /// In the agent's own sandbox.
    Shared,
    /// In a fresh sandbox, as the project's own tasks have it.
    Separate,
}

impl Verifier {
    /// Both, in the order of the report.
    pub const ALL: [Self; 2] = [Self::Shared, Self::Separate];

    /// Returns the word of task files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Separate => "separate",
        }
    }
}

/// A task, an agent and an experiment, written to a directory.
#[derive(Debug, Clone)]
pub struct NoopTask {
    experiment: PathBuf,
}

impl NoopTask {
    /// Writes the files below `directory`, which exists.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(directory: &Path, verifier: Verifier) -> Result<Self, Failure> {
        let word = verifier.as_str();
        let root = directory.join(word);
        let put = |path: &str, text: &str| {
            let path = root.join(path);
            fs_err::create_dir_all(path.parent().unwrap_or(&root))?;
            fs_err::write(path, text)
        };
        put("noop/instruction.md", "Do nothing.\n")?;
        put("noop/task.toml", &TASK.replace("MODE", word))?;
        put(
            "noop/environment/Dockerfile",
            "FROM retrial/base:bookworm\nCOPY workspace/ /app/\nWORKDIR /app\n",
        )?;
        put("noop/environment/workspace/file.txt", "one file\n")?;
        put("noop/simulation.toml", SIMULATION)?;
        put("noop/tests/test.sh", "#!/bin/sh\necho 1 >/logs/verifier/reward.txt\n")?;
        fs_err::set_permissions(root.join("noop/tests/test.sh"), PermissionsExt::from_mode(0o755))?;
        put("noop.toml", RECIPE)?;
        put("experiment.toml", EXPERIMENT)?;
        Ok(Self { experiment: root.join("experiment.toml") })
    }

    /// Reads the experiment with this many trials, this many at a time.
    ///
    /// # Errors
    /// Those of [`Plan::read`].
    pub fn plan(&self, sandbox: SandboxChoice, trials: u32, concurrency: u32) -> Result<Plan, Failure> {
        let overrides = Overrides {
            trials: Some(trials),
            concurrency: Some(concurrency),
            sandbox: Some(sandbox),
            ..Overrides::default()
        };
        Ok(Plan::read(&self.experiment, &overrides)?)
    }
}

const TASK: &str = r#"schema_version = "1.4"

[task]
name = "retrial/noop"
version = "1.0.0"
description = "Nothing to do."

[agent]
timeout_sec = 60.0
user = "1000"

[verifier]
timeout_sec = 60.0
environment_mode = "MODE"

[environment]
cpus = 1
memory_mb = 2048
network_mode = "no-network"
"#;

/// Never used: the agent asks no model.
const SIMULATION: &str = r#"look = [{ command = "true" }]
correct = [{ command = "true" }]
wrong = [{ command = "true" }]
"#;

const RECIPE: &str = r#"name = "noop"
description = "Does nothing."
licence = "MIT"
protocols = ["openai_chat"]

[launch]
argv = ["true", "{instruction}"]
cwd = "{workspace}"
"#;

const EXPERIMENT: &str = r#"name = "noop"
seed = 1
trials = 1
tasks = ["noop"]

[elicit]
mode = "off"

[[agents]]
name = "noop"
recipe = "noop.toml"
model = "simulated/steady"
"#;
