//! `retrial view` of a live run: how long after a trial its page tells of it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use retrial_testkit::SyntheticRun;
use serde_json::Value;

use crate::Failure;
use crate::sitting::median;

/// The run that is viewed.
pub(crate) const LIVE_RUN: SyntheticRun =
    SyntheticRun { agents: 1, tasks: 50, trials: 10, actions: 50, with_faults: false, seed: 1 };

/// How many trials end in a second.
pub(crate) const PACE: u32 = 100;

/// How far a page was behind.
#[derive(Debug)]
pub(crate) struct Viewing {
    /// From the end of the newest trial of a page to the page, median over pages.
    pub(crate) usual: Duration,
    /// The longest of them.
    pub(crate) longest: Duration,
    /// How many pages there were.
    pub(crate) pages: usize,
}

/// Ends the server, however the measurement went.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Viewing {
    /// Writes a run's records one after the other and follows its page.
    ///
    /// # Errors
    /// Where the run cannot be written or viewed.
    pub(crate) fn measure(program: &Path, scratch: &Path) -> Result<Self, Failure> {
        let directory = tempfile::tempdir_in(scratch)?;
        LIVE_RUN.write(directory.path())?;
        let path = directory.path().join("trials.jsonl");
        let text = fs_err::read_to_string(&path)?;
        fs_err::write(&path, "")?;
        let mut child = Command::new(program)
            .arg("view")
            .arg(directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = child.stdout.take().ok_or("no output")?;
        let _server = Server(child);
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let host = line.trim().trim_start_matches("http://").trim_end_matches('/').to_owned();
        let written = Arc::new(Mutex::new(Vec::new()));
        let writer = std::thread::spawn({
            let written = Arc::clone(&written);
            move || write_slowly(&path, &text, &written)
        });
        let lags = follow(&host, text_lines(&LIVE_RUN), &written)?;
        writer.join().map_err(|_| "the writer stopped")??;
        let seconds: Vec<f64> = lags.iter().map(Duration::as_secs_f64).collect();
        let usual = median(&seconds).map(Duration::from_secs_f64).ok_or("no page was made")?;
        let longest = lags.iter().max().copied().unwrap_or_default();
        Ok(Self { usual, longest, pages: lags.len() })
    }
}

fn text_lines(run: &SyntheticRun) -> u64 {
    u64::from(run.tasks) * u64::from(run.trials)
}

/// Appends one line after the other, and notes when each was there.
fn write_slowly(path: &Path, text: &str, written: &Mutex<Vec<Instant>>) -> Result<(), std::io::Error> {
    let mut file = fs_err::OpenOptions::new().append(true).open(path)?;
    for line in text.lines() {
        file.write_all(format!("{line}\n").as_bytes())?;
        written.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
        std::thread::sleep(Duration::from_secs(1) / PACE);
    }
    Ok(())
}

/// Follows the changes until every trial is shown; returns how far behind each page was.
fn follow(host: &str, trials: u64, written: &Mutex<Vec<Instant>>) -> Result<Vec<Duration>, Failure> {
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_mins(1)))?;
    write!(stream, "GET /changes HTTP/1.1\r\nHost: {host}\r\n\r\n")?;
    let mut lags = Vec::new();
    for line in BufReader::new(stream).lines() {
        let line = line?;
        let Some(data) = line.strip_prefix("data: ") else { continue };
        let shown = serde_json::from_str::<Value>(data)?["finished"].as_u64().ok_or("no count")?;
        let written = written.lock().unwrap_or_else(PoisonError::into_inner);
        // The first trial that is not shown says since when the page is behind; of a page that shows all, the last.
        let since = written.get(shown as usize).or_else(|| written.last().filter(|_| shown > 0));
        lags.extend(since.filter(|_| shown > 0).map(Instant::elapsed));
        if shown >= trials {
            return Ok(lags);
        }
    }
    Err("the stream ended".into())
}
