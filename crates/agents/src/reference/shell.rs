//! The reference agent's hands: the trait through which it runs commands, and how it shows their output to the model.

use async_trait::async_trait;

/// Bytes of output shown to the model from the start, and as many from the end.
const SHOWN_BYTES: usize = 8 << 10;

/// Runs commands in a sandbox.
#[async_trait]
pub trait Shell: Send {
    /// Runs a command line with `bash -c` in the workspace and waits for its end.
    ///
    /// # Errors
    /// [`ShellError`] where the sandbox can no longer be used. A command that fails is an output with its exit code.
    async fn run(&mut self, command: &str) -> Result<ShellOutput, ShellError>;
}

/// What a command printed and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShellOutput {
    /// Standard output and standard error, as they came.
    pub text: String,
    /// The exit code; 128 and the signal's number where a signal ended it.
    pub exit_code: i32,
    /// Whether some of the output was dropped.
    pub truncated: bool,
}

/// The sandbox can no longer be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the shell was lost: {cause}")]
pub struct ShellError {
    cause: String,
}

impl ShellError {
    /// Returns the error for a cause.
    pub fn new(cause: impl Into<String>) -> Self {
        Self { cause: cause.into() }
    }

    /// Returns the cause.
    pub fn cause(&self) -> &str {
        &self.cause
    }
}

impl ShellOutput {
    /// Returns the output as the model sees it: the exit code, then the text, of which a part in the middle is left out where it
    /// has more than 16 KiB.
    pub(super) fn message(&self) -> String {
        let mut text = format!("exit code: {}\n", self.exit_code);
        let shown = &self.text;
        if shown.len() <= 2 * SHOWN_BYTES {
            text.push_str(shown);
        } else {
            let mut head = SHOWN_BYTES;
            while !shown.is_char_boundary(head) {
                head -= 1;
            }
            let mut tail = shown.len() - SHOWN_BYTES;
            while !shown.is_char_boundary(tail) {
                tail += 1;
            }
            text.push_str(&shown[..head]);
            text.push_str("\n[");
            text.push_str(&(tail - head).to_string());
            text.push_str(" bytes left out]\n");
            text.push_str(&shown[tail..]);
        }
        if self.truncated {
            text.push_str("\n[more output was dropped]\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn output(text: String) -> ShellOutput {
        ShellOutput { text, exit_code: 3, truncated: false }
    }

    #[test]
    fn short_output_is_shown_whole() {
        assert_eq!(output("a\nb\n".to_owned()).message(), "exit code: 3\na\nb\n");
    }

    #[test]
    fn of_long_output_start_and_end_are_shown() {
        let message = output(format!("first{}last", "x".repeat(100_000))).message();
        assert!(message.starts_with("exit code: 3\nfirst"), "the start is there");
        assert!(message.ends_with("last"), "the end is there");
        assert!(message.contains("\n[83625 bytes left out]\n"), "{}", &message[8000..8300]);
    }

    proptest! {
        #[test]
        fn cutting_never_splits_a_character(shift in 0_usize..4, length in 0_usize..20_000) {
            let text = format!("{}{}", "a".repeat(shift), "€".repeat(length));
            prop_assert!(output(text).message().len() <= 2 * SHOWN_BYTES + 60);
        }
    }
}
