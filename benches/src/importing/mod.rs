//! The cost of importing: `retrial import` as a process, on synthetic sources of known size.

mod sources;

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use fs_err::File;
use retrial_spec::TRIALS_FILE;

use retrial_testkit::SyntheticLog;

use crate::Failure;
use crate::process::Process;
use crate::report::{line, row};

use sources::{eval_log, harbor_job, table};

/// The trials of a public leaderboard: 13 agents, 80 tasks, 5 trials.
const LEADERBOARD: (u32, u32, u32) = (13, 80, 5);
/// Most seconds for them.
const LEADERBOARD_S: f64 = 1.0;
/// A million trials.
const MILLION: (u32, u32, u32) = (100, 500, 20);
/// Most seconds and megabytes for them.
const MILLION_AIM: (f64, f64) = (10.0, 500.0);
/// About 4 GB, unpacked.
const LARGE_LOG: SyntheticLog = SyntheticLog { samples: 200, epochs: 5, calls: 128, result_bytes: 16 << 10 };
/// Trials of the large job, and the bytes of each one's trajectory.
const LARGE_JOB: (u32, usize) = (1000, 5 << 20);

/// Everything that was measured of importing.
#[derive(Debug)]
pub struct ImportReadings {
    rows: Vec<(String, Process, String)>,
}

/// Makes a source in a directory and returns its format.
type Source = fn(&Path) -> Result<&'static str, Failure>;

/// What is measured: its name, its source, how many trials it has, how many rounds there are, and what is aimed at.
type Measured<'a> = (&'static str, Source, u64, u32, &'a str);

impl ImportReadings {
    /// Measures `program`, the command. `scratch` holds sources and runs.
    ///
    /// # Errors
    /// Where a source cannot be written or read.
    pub fn take(program: &Path, scratch: &Path, rounds: u32, say: &dyn Fn(&str)) -> Result<Self, Failure> {
        let leaderboard = format!("< {LEADERBOARD_S} s");
        let million = format!("< {} s, < {} MB", MILLION_AIM.0, MILLION_AIM.1);
        let measured: [Measured<'_>; 5] = [
            ("5,200 trials, a table", |place| table(place, LEADERBOARD), 5200, rounds, &leaderboard),
            ("5,200 trials, a job of Harbor", |place| harbor_job(place, 5200, 0), 5200, rounds, &leaderboard),
            ("1,000,000 trials, a table", |place| table(place, MILLION), 1_000_000, rounds, &million),
            ("4 GB of samples in a log of Inspect", |place| eval_log(place, &LARGE_LOG), 1000, 1, "–"),
            (
                "5 GB of trajectories in a job of Harbor",
                |place| harbor_job(place, LARGE_JOB.0, LARGE_JOB.1),
                1000,
                1,
                "–",
            ),
        ];
        let mut rows = Vec::new();
        for (what, source, trials, rounds, aim) in measured {
            say(&format!("importing {what}"));
            let place = tempfile::tempdir_in(scratch)?;
            let format = source(place.path())?;
            let process = import(program, format, place.path(), (trials, rounds))?;
            rows.push((what.to_owned(), process, aim.to_owned()));
        }
        Ok(Self { rows })
    }
}

/// Imports what is in `place` so many times, each time anew, and makes sure that every trial was.
fn import(
    program: &Path,
    format: &str,
    place: &Path,
    (trials, rounds): (u64, u32),
) -> Result<Process, Failure> {
    let (source, out) = (place.join("source"), place.join("run"));
    let source = fs_err::read_dir(&source)?.next().ok_or("no source")??.path();
    Process::rounds(rounds, || {
        let args = ["import", format].map(OsStr::new);
        let paths = [source.as_os_str(), OsStr::new("--out"), out.as_os_str(), OsStr::new("--json")];
        let process = Process::once(program, &[&args[..], &paths[..]].concat())?;
        let records = BufReader::new(File::open(out.join(TRIALS_FILE))?).split(b'\n').count() as u64;
        if records != trials {
            return Err(format!("{records} of {trials} trials were imported").into());
        }
        fs_err::remove_dir_all(&out)?;
        Ok(process)
    })
}

/// Writes the section.
pub fn import_section(readings: &ImportReadings) -> String {
    let mut page = String::new();
    line(&mut page, "\n## Importing\n");
    line(
        &mut page,
        "`retrial import` of synthetic sources, from start to exit, with the run directory written and synced to disk.\n",
    );
    line(&mut page, "| what | time | most memory | aim |");
    line(&mut page, "|---|---|---|---|");
    for (what, process, aim) in &readings.rows {
        let time = format!("{:.2} s", process.time().as_secs_f64());
        row(&mut page, &[what.clone(), time, format!("{:.0} MB", process.peak_mb()), aim.clone()]);
    }
    page
}
