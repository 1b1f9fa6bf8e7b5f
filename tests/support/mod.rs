//! What whole-program tests share: the real binary, private directories, small experiments.
#![allow(
    dead_code,
    clippy::print_stderr,
    reason = "each test file uses its own part, and skipped tests say so"
)]

pub(crate) mod provider;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use retrial_spec::TrialRecord;
use tempfile::TempDir;

/// A private place for one test: a working directory, a cache and a runtime directory.
pub(crate) struct Place {
    directory: TempDir,
}

/// What a command printed and how it ended.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    /// Makes an empty place. Its path is short, for sockets live below it.
    pub(crate) fn new() -> Self {
        let directory =
            tempfile::Builder::new().prefix("rt").rand_bytes(6).tempdir_in("/tmp").expect("a directory");
        // Namespace sandboxes are launched by an unprivileged user, who has to reach what is inside.
        let place = Self { directory };
        open_to_all(place.path());
        fs_err::create_dir(place.path().join("runtime")).expect("a directory");
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn join(&self, path: &str) -> PathBuf {
        self.path().join(path)
    }

    /// Writes a file, with the directories it needs.
    pub(crate) fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.join(path);
        fs_err::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs_err::write(&path, text).expect("a file");
        path
    }

    /// The command under test, in this place.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.prepared(Command::new(env!("CARGO_BIN_EXE_retrial")), args)
    }

    /// The command under test in this place, on a terminal of 30 lines and 100 columns. What it shows is on stdout.
    pub(crate) fn command_in_terminal(&self, args: &[&str]) -> Command {
        let quoted: Vec<String> = args.iter().map(|arg| format!("'{arg}'")).collect();
        let program = env!("CARGO_BIN_EXE_retrial");
        let line = format!("stty rows 30 cols 100; exec '{program}' {}", quoted.join(" "));
        // Of util-linux; it runs a command on a terminal of its own and ends as it does.
        self.prepared(Command::new("script"), &["-q", "-e", "-f", "-c", &line, "/dev/null"])
    }

    fn prepared(&self, mut command: Command, args: &[&str]) -> Command {
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        command.env("XDG_RUNTIME_DIR", self.join("runtime")).env("TMPDIR", self.join("runtime"));
        command.env("NO_COLOR", "1").env("COLUMNS", "100");
        command
    }

    /// Runs the command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::from(self.command(args).output().expect("the command starts"))
    }

    /// Starts the command and lets it work.
    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the command starts")
    }

    /// What is in the runtime directory: nothing, once everything has ended.
    pub(crate) fn leftovers(&self) -> Vec<PathBuf> {
        let mut left = Vec::new();
        collect_files(&self.join("runtime"), &mut left);
        left
    }
}

fn collect_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs_err::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            collect_files(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn open_to_all(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("permissions");
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ran {
    /// Exit code, stdout and stderr as one text for a snapshot, without what differs from place to place.
    pub(crate) fn snapshot(&self, place: &Place) -> String {
        let code = self.code.map_or_else(|| "signal".to_owned(), |code| code.to_string());
        let text = format!("exit: {code}\n--- stdout\n{}--- stderr\n{}", self.stdout, self.stderr);
        text.replace(&place.path().display().to_string(), "[place]")
            .replace(&tasks_dir().display().to_string(), "[tasks]")
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

/// The directory of the tasks that come with the project.
pub(crate) fn tasks_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the workspace").join("tasks")
}

/// A small experiment with simulated models on the project's own tasks.
pub(crate) fn experiment(sandbox: &str, trials: u32, models: &[&str]) -> String {
    let mut text = format!(
        "name = \"small\"\nseed = 11\ntrials = {trials}\ntasks = [\"{}/*\"]\nsandbox = \"{sandbox}\"\n",
        tasks_dir().display()
    );
    for model in models {
        let agent = format!("\n[[agents]]\nname = \"{model}\"\nmodel = \"simulated/{model}\"\n");
        text.push_str(&agent);
    }
    text
}

/// The records of a run, by trial.
pub(crate) fn records(run: &Path) -> Vec<TrialRecord> {
    let text = fs_err::read(run.join("trials.jsonl")).expect("records");
    let mut records: Vec<TrialRecord> =
        retrial_spec::read_trials(text.as_slice()).collect::<Result<_, _>>().expect("readable records");
    records.sort_by(|a, b| a.trial.cmp(&b.trial));
    records
}

/// Says that a test could not run here, and why.
pub(crate) fn skipped(test: &str, why: &str) {
    eprintln!("skipped `{test}`: {}", why.trim());
}

/// Whether Docker tests run. They must where `RETRIAL_REQUIRE_DOCKER=1`; elsewhere, without an engine, they say that they do not.
pub(crate) fn docker_or_skip(test: &str) -> bool {
    let answers =
        Command::new("docker").args(["version"]).output().is_ok_and(|output| output.status.success());
    if !answers {
        assert_ne!(std::env::var("RETRIAL_REQUIRE_DOCKER").as_deref(), Ok("1"), "no Docker engine answers");
        eprintln!("skipped `{test}`: no Docker engine answers");
    }
    answers
}
