//! Child processes whose output is passed on line by line: package managers and interpreters.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, ExitStatus, Stdio};

/// Lines of output that an error shows.
const TAIL_LINES: usize = 15;

/// How a child ended.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    /// The last lines of what it printed.
    pub(super) tail: String,
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
