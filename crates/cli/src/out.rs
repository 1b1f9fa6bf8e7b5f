//! Stdout and stderr: data goes to one, messages to the other. The only place that prints.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

/// Prints data.
pub(crate) fn data(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    may_be_closed(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
}

/// Prints a value as JSON with a line feed, as it is written: that of a large run does not fit into memory twice.
pub(crate) fn json(value: &impl Serialize) -> io::Result<()> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    let written = serde_json::to_writer_pretty(&mut stdout, value).map_err(io::Error::from);
    may_be_closed(written.and_then(|()| writeln!(stdout)).and_then(|()| stdout.flush()))
}

/// A reader that closed the pipe is no error.
fn may_be_closed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Prints a message line. A closed stderr is nobody's concern.
pub(crate) fn message(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints a warning line.
pub(crate) fn warning(text: &str) {
    message(&format!("warning: {text}"));
}
