//! Stdout and stderr: data goes to one, messages to the other. The only place that prints.

use std::io::{self, Write};

use serde::Serialize;

/// Prints data. A reader that closed the pipe is no error.
pub(crate) fn data(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Prints a value as JSON with a line feed.
pub(crate) fn json(value: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    data(&text)
}

/// Prints a message line. A closed stderr is nobody's concern.
pub(crate) fn message(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints a warning line.
pub(crate) fn warning(text: &str) {
    message(&format!("warning: {text}"));
}
