//! Copying trees over the link.

use std::io::Read;

use retrial_relay::protocol::{Command, Directory, MAX_CHUNK, Report, TreeFailure, TreePart};
use tokio::sync::{MutexGuard, mpsc};

use super::link::{Link, to_user};
use crate::error::SandboxError;
use crate::request::User;
use crate::tree::{EntryKind, TreeArchive, TreeBuilder, TreeCaps, TreeError};

/// A tree operation under way. If it is given up half-way, by dropping its future, the relay's answers can no longer
/// be told apart, so the link takes no further one.
struct Operation<'a> {
    broken: MutexGuard<'a, bool>,
    answers: mpsc::Receiver<Report>,
}

impl Link {
    async fn begin(&self) -> Result<Operation<'_>, SandboxError> {
        let mut broken = self.operation.lock().await;
        if *broken {
            return Err(SandboxError::LinkLost { reason: "a copy was given up half-way".into() });
        }
        let answers = self.tree_answers()?;
        *broken = true;
        Ok(Operation { broken, answers })
    }

    /// Makes a directory, or changes mode and owner of an existing one.
    pub(super) async fn make_directory(
        &self,
        path: &str,
        mode: u32,
        owner: &User,
        recursive: bool,
    ) -> Result<(), SandboxError> {
        let mut operation = self.begin().await?;
        let directory = Directory { path: path.as_bytes().to_vec(), mode, owner: to_user(owner), recursive };
        self.send(&Command::MakeDirectory(directory)).await?;
        operation.done(self, path).await
    }

    /// Removes everything below a directory.
    pub(super) async fn clear(&self, path: &str) -> Result<(), SandboxError> {
        let mut operation = self.begin().await?;
        self.send(&Command::Clear { path: path.as_bytes().to_vec() }).await?;
        operation.done(self, path).await
    }

    /// Writes a tree below `to`.
    pub(super) async fn write_tree(
        &self,
        tree: &TreeArchive,
        to: &str,
        owner: &User,
    ) -> Result<(), SandboxError> {
        let mut operation = self.begin().await?;
        self.send(&Command::WriteTree { to: to.as_bytes().to_vec(), owner: to_user(owner) }).await?;
        let mut read = Ok(());
        for entry in tree.entries() {
            let (path, mode) = (entry.path().to_vec(), entry.mode());
            let part = match entry.kind() {
                EntryKind::Directory => TreePart::Directory { path, mode },
                EntryKind::File { .. } => TreePart::File { path, mode },
                EntryKind::Symlink { target } => TreePart::Symlink { path, target: target.clone() },
            };
            self.send(&Command::Part(part)).await?;
            let mut reader = tree.reader(entry);
            loop {
                let mut chunk = vec![0; MAX_CHUNK];
                match reader.read(&mut chunk) {
                    Ok(0) => break,
                    Ok(n) => chunk.truncate(n),
                    Err(source) => {
                        read = Err(TreeError::Host { path: "spooled content".into(), source });
                        break;
                    }
                }
                self.send(&Command::Part(TreePart::Content(chunk))).await?;
            }
        }
        self.send(&Command::WriteEnd).await?;
        operation.done(self, to).await?;
        read.map_err(|source| SandboxError::Tree { path: to.to_owned(), source })
    }

    /// Reads the tree at `from`.
    pub(super) async fn read_tree(&self, from: &str, caps: TreeCaps) -> Result<TreeArchive, SandboxError> {
        let mut operation = self.begin().await?;
        let TreeCaps { bytes, entries, path_bytes } = caps;
        let from_bytes = from.as_bytes().to_vec();
        self.send(&Command::ReadTree { from: from_bytes, bytes, entries, path_bytes }).await?;
        let mut tree = Ok(TreeBuilder::new(caps));
        let failed = loop {
            match operation.answers.recv().await.ok_or_else(|| self.lost())? {
                // After a failure the rest is read and dropped, so that the link stays in step.
                Report::Part(part) => {
                    tree = tree.and_then(|mut builder| add(&mut builder, part).map(|()| builder));
                }
                Report::TreeFailed(failure) => break Some(to_error(failure, caps)),
                _ => break None,
            }
        };
        *operation.broken = false;
        let failed_at = |source| SandboxError::Tree { path: from.to_owned(), source };
        match failed {
            Some(failure) => Err(failed_at(failure)),
            None => tree.map(TreeBuilder::finish).map_err(failed_at),
        }
    }
}

impl Operation<'_> {
    /// Waits for the answer to an operation that has only one.
    async fn done(&mut self, link: &Link, path: &str) -> Result<(), SandboxError> {
        let answer = self.answers.recv().await.ok_or_else(|| link.lost())?;
        *self.broken = false;
        match answer {
            Report::TreeFailed(failure) => Err(SandboxError::Tree {
                path: path.to_owned(),
                source: to_error(failure, TreeCaps::default()),
            }),
            _ => Ok(()),
        }
    }
}

fn add(tree: &mut TreeBuilder, part: TreePart) -> Result<(), TreeError> {
    match part {
        TreePart::Directory { path, mode } => tree.directory(path, mode),
        TreePart::File { path, mode } => tree.begin_file(path, mode),
        TreePart::Content(bytes) => tree.content(&bytes),
        TreePart::Symlink { path, target } => tree.symlink(path, target),
        TreePart::Skipped { path, what } => tree.skip(path, what),
    }
}

fn to_error(failure: TreeFailure, caps: TreeCaps) -> TreeError {
    match failure {
        TreeFailure::Missing => TreeError::Missing,
        TreeFailure::TooLarge => TreeError::TooLarge { cap: caps.bytes },
        TreeFailure::TooManyEntries => TreeError::TooManyEntries { cap: caps.entries },
        TreeFailure::PathTooLong => TreeError::PathTooLong { cap: caps.path_bytes },
        TreeFailure::Other(message) => TreeError::Inside { message },
    }
}
