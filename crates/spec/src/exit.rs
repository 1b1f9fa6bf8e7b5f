//! Exit codes of the `retrial` command, as documented public facts.

/// How a command ended; the number is the process's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, and the decision asked for is positive.
    Done = 0,
    /// A negative decision: gate failed, scorecard does not verify, task not admitted.
    Negative = 1,
    /// Usage or input error.
    Input = 2,
    /// Not enough evidence.
    Inconclusive = 3,
    /// Nothing evaluated, books do not balance, or not comparable.
    Invalid = 4,
    /// The run could not be completed for reasons of infrastructure.
    Infrastructure = 5,
    /// Interrupted by the user.
    Interrupted = 130,
}

impl Exit {
    /// Returns the process's exit code.
    pub fn code(self) -> u8 {
        self as u8
    }
}
