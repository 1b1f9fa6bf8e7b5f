//! What the relay tells the host.

use super::codec::{Malformed, Reader, Writer};
use super::tree::{TreeFailure, TreePart};

/// Which output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With this code.
    Exited(u8),
    /// By this signal.
    Signaled(u8),
}

/// What the relay sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// First of all: the relay is ready.
    Hello {
        /// Its [`VERSION`](super::VERSION).
        version: u32,
        /// Its user id inside the sandbox.
        uid: u32,
    },
    /// Instead of `Hello`: it cannot work here, and exits.
    Broken(String),
    /// Output of a command, within its cap.
    Output {
        /// The command.
        id: u32,
        /// Which output.
        stream: Stream,
        /// The next bytes, at most [`MAX_CHUNK`](super::MAX_CHUNK).
        bytes: Vec<u8>,
    },
    /// A command has ended; nothing more comes from it.
    Exited {
        /// The command.
        id: u32,
        /// How.
        ending: Ending,
        /// Bytes it wrote to standard output.
        stdout_bytes: u64,
        /// Bytes it wrote to standard error.
        stderr_bytes: u64,
        /// Processes the kernel ended for lack of memory meanwhile.
        oom_kills: u64,
    },
    /// A command could not be started.
    NotStarted {
        /// The command.
        id: u32,
        /// Why.
        reason: String,
    },
    /// `KillAll` is done.
    Killed {
        /// Processes that remain.
        left: u32,
    },
    /// A part of the tree being read.
    Part(TreePart),
    /// A tree is written or read, or a directory made.
    Done,
    /// It could not be.
    TreeFailed(TreeFailure),
}

impl Report {
    /// Returns the whole frame with its length.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Hello { version, uid } => Writer::new(1).u32(*version).u32(*uid).finish(),
            Self::Broken(reason) => Writer::new(2).bytes(reason.as_bytes()).finish(),
            Self::Output { id, stream, bytes } => {
                let stream = u8::from(*stream == Stream::Stderr);
                Writer::new(3).u32(*id).u8(stream).bytes(bytes).finish()
            }
            Self::Exited { id, ending, stdout_bytes, stderr_bytes, oom_kills } => {
                let (kind, value) = match ending {
                    Ending::Exited(code) => (0, *code),
                    Ending::Signaled(signal) => (1, *signal),
                };
                let frame = Writer::new(4).u32(*id).u8(kind).u8(value);
                frame.u64(*stdout_bytes).u64(*stderr_bytes).u64(*oom_kills).finish()
            }
            Self::NotStarted { id, reason } => Writer::new(5).u32(*id).bytes(reason.as_bytes()).finish(),
            Self::Killed { left } => Writer::new(6).u32(*left).finish(),
            Self::Part(part) => part.encode(7),
            Self::Done => Writer::new(8).finish(),
            Self::TreeFailed(failure) => failure.encode(9),
        }
    }

    /// Reads a frame without its length.
    ///
    /// # Errors
    /// [`Malformed`] for anything `encode` does not write.
    pub fn decode(frame: &[u8]) -> Result<Self, Malformed> {
        let mut frame = Reader::new(frame);
        let report = match frame.u8()? {
            1 => Self::Hello { version: frame.u32()?, uid: frame.u32()? },
            2 => Self::Broken(frame.text()?),
            3 => Self::Output { id: frame.u32()?, stream: stream(&mut frame)?, bytes: frame.bytes()? },
            4 => Self::Exited {
                id: frame.u32()?,
                ending: ending(&mut frame)?,
                stdout_bytes: frame.u64()?,
                stderr_bytes: frame.u64()?,
                oom_kills: frame.u64()?,
            },
            5 => Self::NotStarted { id: frame.u32()?, reason: frame.text()? },
            6 => Self::Killed { left: frame.u32()? },
            7 => Self::Part(TreePart::decode(&mut frame)?),
            8 => Self::Done,
            9 => Self::TreeFailed(TreeFailure::decode(&mut frame)?),
            _ => return Err(Malformed("an unknown report")),
        };
        frame.finish()?;
        Ok(report)
    }
}

fn stream(frame: &mut Reader<'_>) -> Result<Stream, Malformed> {
    match frame.u8()? {
        0 => Ok(Stream::Stdout),
        1 => Ok(Stream::Stderr),
        _ => Err(Malformed("an unknown stream")),
    }
}

fn ending(frame: &mut Reader<'_>) -> Result<Ending, Malformed> {
    match (frame.u8()?, frame.u8()?) {
        (0, code) => Ok(Ending::Exited(code)),
        (1, signal) => Ok(Ending::Signaled(signal)),
        _ => Err(Malformed("an unknown ending")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(any::<u8>(), 0..20)
    }

    fn failure() -> impl Strategy<Value = TreeFailure> {
        prop_oneof![
            Just(TreeFailure::Missing),
            Just(TreeFailure::TooLarge),
            Just(TreeFailure::TooManyEntries),
            Just(TreeFailure::PathTooLong),
            ".{0,20}".prop_map(TreeFailure::Other),
        ]
    }

    fn report() -> impl Strategy<Value = Report> {
        let ending =
            prop_oneof![any::<u8>().prop_map(Ending::Exited), any::<u8>().prop_map(Ending::Signaled)];
        let stream = prop_oneof![Just(Stream::Stdout), Just(Stream::Stderr)];
        prop_oneof![
            (any::<u32>(), any::<u32>()).prop_map(|(version, uid)| Report::Hello { version, uid }),
            ".{0,20}".prop_map(Report::Broken),
            (any::<u32>(), stream, bytes()).prop_map(|(id, stream, bytes)| Report::Output {
                id,
                stream,
                bytes
            }),
            (any::<u32>(), ending, any::<u64>(), any::<u64>(), any::<u64>()).prop_map(
                |(id, ending, stdout_bytes, stderr_bytes, oom_kills)| Report::Exited {
                    id,
                    ending,
                    stdout_bytes,
                    stderr_bytes,
                    oom_kills
                }
            ),
            (any::<u32>(), ".{0,20}").prop_map(|(id, reason)| Report::NotStarted { id, reason }),
            any::<u32>().prop_map(|left| Report::Killed { left }),
            (bytes(), any::<u32>()).prop_map(|(path, mode)| Report::Part(TreePart::File { path, mode })),
            (bytes(), any::<u32>()).prop_map(|(path, mode)| Report::Part(TreePart::Directory { path, mode })),
            (bytes(), ".{0,9}").prop_map(|(path, what)| Report::Part(TreePart::Skipped { path, what })),
            Just(Report::Done),
            failure().prop_map(Report::TreeFailed),
        ]
    }

    proptest! {
        #[test]
        fn every_report_comes_back(report in report()) {
            prop_assert_eq!(Report::decode(&report.encode()[4..]), Ok(report));
        }

        #[test]
        fn a_report_cut_short_is_refused(report in report(), cut in any::<prop::sample::Index>()) {
            let frame = report.encode();
            let frame = &frame[4..];
            prop_assert!(Report::decode(&frame[..cut.index(frame.len())]).is_err());
        }

        #[test]
        fn garbage_never_panics(frame in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Report::decode(&frame);
        }
    }
}
