//! What the host tells the relay to do.

use super::codec::{Malformed, Reader, Writer};
use super::tree::TreePart;

/// A user inside the sandbox. Ignored where the relay is not the superuser: there is only one user then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum User {
    /// By ids.
    Id {
        /// User id.
        uid: u32,
        /// Group id.
        gid: u32,
    },
    /// By name, looked up in `/etc/passwd`.
    Name(Vec<u8>),
}

/// A command to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exec {
    /// Chosen by the host; unique among running commands.
    pub id: u32,
    /// Program and arguments.
    pub argv: Vec<Vec<u8>>,
    /// The whole environment.
    pub env: Vec<(Vec<u8>, Vec<u8>)>,
    /// Absolute working directory.
    pub workdir: Vec<u8>,
    /// Whom to run as.
    pub user: User,
    /// Bytes of standard output to pass on.
    pub stdout_cap: u64,
    /// Bytes of standard error to pass on.
    pub stderr_cap: u64,
    /// Standard input; `/dev/null` when empty.
    pub stdin: Vec<u8>,
}

/// A directory to make, with its parents, unless it exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// Absolute path.
    pub path: Vec<u8>,
    /// Permission bits, set also if it exists.
    pub mode: u32,
    /// Owner, set also if it exists.
    pub owner: User,
    /// Whether everything below is given to the owner, too.
    pub recursive: bool,
}

/// What the host sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Start a command. Answered by `Exited` or `NotStarted` with its id.
    Exec(Exec),
    /// End every process: SIGTERM, then after this many milliseconds SIGKILL. Answered by `Killed`.
    KillAll {
        /// Milliseconds between the two signals; 0 sends SIGKILL at once.
        grace_ms: u32,
    },
    /// Make a directory. Answered by `Done` or `TreeFailed`.
    MakeDirectory(Directory),
    /// Begin to write a tree below an absolute directory; `Part`s follow, then `WriteEnd`.
    WriteTree {
        /// The directory, made if need be.
        to: Vec<u8>,
        /// Whom everything will belong to.
        owner: User,
    },
    /// A part of the tree being written.
    Part(TreePart),
    /// The tree is complete. Answered by `Done` or `TreeFailed`.
    WriteEnd,
    /// Read a tree. Answered by `Part`s and then `Done` or `TreeFailed`.
    ReadTree {
        /// Absolute path.
        from: Vec<u8>,
        /// Cap on content.
        bytes: u64,
        /// Cap on entries.
        entries: u64,
        /// Cap on the length of a path.
        path_bytes: u32,
    },
    /// Exit, which ends the sandbox.
    Shutdown,
    /// Remove everything below a directory, which may be missing. Answered by `Done` or `TreeFailed`.
    Clear {
        /// Absolute path.
        path: Vec<u8>,
    },
}

impl User {
    fn encode(&self, frame: Writer) -> Writer {
        match self {
            Self::Id { uid, gid } => frame.u8(0).u32(*uid).u32(*gid),
            Self::Name(name) => frame.u8(1).bytes(name),
        }
    }

    fn decode(frame: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(match frame.u8()? {
            0 => Self::Id { uid: frame.u32()?, gid: frame.u32()? },
            1 => Self::Name(frame.bytes()?),
            _ => return Err(Malformed("an unknown kind of user")),
        })
    }
}

impl Exec {
    fn encode(&self) -> Vec<u8> {
        let mut frame = Writer::new(1).u32(self.id).u32(self.argv.len() as u32);
        for argument in &self.argv {
            frame = frame.bytes(argument);
        }
        frame = frame.u32(self.env.len() as u32);
        for (name, value) in &self.env {
            frame = frame.bytes(name).bytes(value);
        }
        frame = self.user.encode(frame.bytes(&self.workdir));
        frame.u64(self.stdout_cap).u64(self.stderr_cap).bytes(&self.stdin).finish()
    }

    fn decode(frame: &mut Reader<'_>) -> Result<Self, Malformed> {
        let id = frame.u32()?;
        // Counts are not trusted for reserving memory: each item has to be there.
        let argv = (0..frame.u32()?).map(|_| frame.bytes()).collect::<Result<_, _>>()?;
        let env =
            (0..frame.u32()?).map(|_| Ok((frame.bytes()?, frame.bytes()?))).collect::<Result<_, _>>()?;
        Ok(Self {
            id,
            argv,
            env,
            workdir: frame.bytes()?,
            user: User::decode(frame)?,
            stdout_cap: frame.u64()?,
            stderr_cap: frame.u64()?,
            stdin: frame.bytes()?,
        })
    }
}

impl Command {
    /// Returns the whole frame with its length.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Exec(exec) => exec.encode(),
            Self::KillAll { grace_ms } => Writer::new(2).u32(*grace_ms).finish(),
            Self::MakeDirectory(directory) => {
                let frame = Writer::new(3).bytes(&directory.path).u32(directory.mode);
                directory.owner.encode(frame).u8(directory.recursive.into()).finish()
            }
            Self::WriteTree { to, owner } => owner.encode(Writer::new(4).bytes(to)).finish(),
            Self::Part(part) => part.encode(5),
            Self::WriteEnd => Writer::new(6).finish(),
            Self::ReadTree { from, bytes, entries, path_bytes } => {
                Writer::new(7).bytes(from).u64(*bytes).u64(*entries).u32(*path_bytes).finish()
            }
            Self::Shutdown => Writer::new(8).finish(),
            Self::Clear { path } => Writer::new(9).bytes(path).finish(),
        }
    }

    /// Reads a frame without its length.
    ///
    /// # Errors
    /// [`Malformed`] for anything `encode` does not write.
    pub fn decode(frame: &[u8]) -> Result<Self, Malformed> {
        let mut frame = Reader::new(frame);
        let command = match frame.u8()? {
            1 => Self::Exec(Exec::decode(&mut frame)?),
            2 => Self::KillAll { grace_ms: frame.u32()? },
            3 => Self::MakeDirectory(Directory {
                path: frame.bytes()?,
                mode: frame.u32()?,
                owner: User::decode(&mut frame)?,
                recursive: frame.u8()? != 0,
            }),
            4 => Self::WriteTree { to: frame.bytes()?, owner: User::decode(&mut frame)? },
            5 => Self::Part(TreePart::decode(&mut frame)?),
            6 => Self::WriteEnd,
            7 => Self::ReadTree {
                from: frame.bytes()?,
                bytes: frame.u64()?,
                entries: frame.u64()?,
                path_bytes: frame.u32()?,
            },
            8 => Self::Shutdown,
            9 => Self::Clear { path: frame.bytes()? },
            _ => return Err(Malformed("an unknown command")),
        };
        frame.finish()?;
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(any::<u8>(), 0..20)
    }

    fn user() -> impl Strategy<Value = User> {
        prop_oneof![
            (any::<u32>(), any::<u32>()).prop_map(|(uid, gid)| User::Id { uid, gid }),
            bytes().prop_map(User::Name),
        ]
    }

    prop_compose! {
        fn exec()(
            id: u32,
            argv in proptest::collection::vec(bytes(), 0..5),
            env in proptest::collection::vec((bytes(), bytes()), 0..5),
            workdir in bytes(),
            user in user(),
            stdout_cap: u64,
            stderr_cap: u64,
            stdin in bytes(),
        ) -> Exec {
            Exec { id, argv, env, workdir, user, stdout_cap, stderr_cap, stdin }
        }
    }

    fn command() -> impl Strategy<Value = Command> {
        prop_oneof![
            exec().prop_map(Command::Exec),
            any::<u32>().prop_map(|grace_ms| Command::KillAll { grace_ms }),
            (bytes(), any::<u32>(), user(), any::<bool>()).prop_map(|(path, mode, owner, recursive)| {
                Command::MakeDirectory(Directory { path, mode, owner, recursive })
            }),
            (bytes(), user()).prop_map(|(to, owner)| Command::WriteTree { to, owner }),
            bytes().prop_map(|path| Command::Clear { path }),
            bytes().prop_map(|content| Command::Part(TreePart::Content(content))),
            (bytes(), bytes()).prop_map(|(path, target)| Command::Part(TreePart::Symlink { path, target })),
            Just(Command::WriteEnd),
            (bytes(), any::<u64>(), any::<u64>(), any::<u32>()).prop_map(
                |(from, bytes, entries, path_bytes)| Command::ReadTree { from, bytes, entries, path_bytes }
            ),
            Just(Command::Shutdown),
        ]
    }

    proptest! {
        #[test]
        fn every_command_comes_back(command in command()) {
            prop_assert_eq!(Command::decode(&command.encode()[4..]), Ok(command));
        }

        #[test]
        fn a_command_cut_short_is_refused(command in command(), cut in any::<prop::sample::Index>()) {
            let frame = command.encode();
            let frame = &frame[4..];
            prop_assert!(Command::decode(&frame[..cut.index(frame.len())]).is_err());
        }

        #[test]
        fn garbage_never_panics(frame in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Command::decode(&frame);
        }
    }
}
