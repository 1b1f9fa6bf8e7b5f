//! The command as a process: how long it takes from start to exit, and how much memory it holds at most.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use retrial_testkit::SyntheticRun;
use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::sitting::median;

/// The first argument of the program that meters one process: the system tells the memory of ended children only for all of
/// them together, so each gets a parent of its own.
pub const METER: &str = "meter";

/// What one kind of process took.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Process {
    seconds: f64,
    /// Most resident memory, in bytes.
    peak: u64,
}

impl Process {
    /// Writes the run, has the command work on it so many times and takes the run away. The run's directory is the last argument.
    ///
    /// # Errors
    /// Where the run cannot be written, or the command fails.
    pub(crate) fn measure(
        program: &Path,
        run: &SyntheticRun,
        scratch: &Path,
        (rounds, args): (u32, &[&str]),
    ) -> Result<Self, Failure> {
        let directory = tempfile::tempdir_in(scratch)?;
        run.write(directory.path())?;
        let args: Vec<&OsStr> = args.iter().map(OsStr::new).chain([directory.path().as_os_str()]).collect();
        Self::rounds(rounds, || Self::once(program, &args))
    }

    /// Takes so many rounds: the median time, and the most memory of all.
    ///
    /// # Errors
    /// Where a round fails.
    pub(crate) fn rounds(
        rounds: u32,
        mut once: impl FnMut() -> Result<Self, Failure>,
    ) -> Result<Self, Failure> {
        let mut readings = Vec::new();
        for _ in 0..rounds.max(1) {
            readings.push(once()?);
        }
        let seconds: Vec<f64> = readings.iter().map(|reading| reading.seconds).collect();
        let peak = readings.iter().map(|reading| reading.peak).max().unwrap_or(0);
        Ok(Self { seconds: median(&seconds).ok_or("nothing was timed")?, peak })
    }

    /// Returns the time from start to exit.
    pub(crate) fn time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    /// Returns the most resident memory, in megabytes.
    pub(crate) fn peak_mb(&self) -> f64 {
        self.peak as f64 / 1e6
    }

    /// Runs the command once.
    ///
    /// # Errors
    /// Where it fails.
    pub(crate) fn once(program: &Path, args: &[&OsStr]) -> Result<Self, Failure> {
        let mut meter = Command::new(std::env::current_exe()?);
        let output = meter.arg(METER).arg(program).args(args).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

/// Runs the command of the further arguments and prints what it took.
#[allow(clippy::print_stdout, clippy::print_stderr, reason = "the parent process reads it")]
pub fn meter_main() -> ExitCode {
    match meter() {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn meter() -> Result<String, Failure> {
    let mut words = std::env::args_os().skip(2);
    let program = words.next().ok_or("no command to meter")?;
    let begin = Instant::now();
    let status = Command::new(&program).args(words).stdout(Stdio::null()).status()?;
    let seconds = begin.elapsed().as_secs_f64();
    if !status.success() {
        return Err(format!("`{}` ended with {status}", program.display()).into());
    }
    // The system counts in kibibytes.
    let peak = u64::try_from(getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss())? << 10;
    Ok(serde_json::to_string(&Process { seconds, peak })?)
}
