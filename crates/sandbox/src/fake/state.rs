//! What a fake sandbox remembers: a tree of files by absolute path, and the commands it was given.

use std::collections::BTreeMap;
use std::io::Read;

use crate::exec::ExecRequest;
use crate::tree::{EntryKind, TreeArchive, TreeBuilder, TreeCaps, TreeError};

/// One file, directory or link of a fake sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FakeNode {
    /// A directory with its permission bits.
    Directory(u32),
    /// A file with its permission bits and content.
    File(u32, Vec<u8>),
    /// A link with its target; nothing follows it.
    Symlink(Vec<u8>),
    /// A socket, fifo or device, by its noun.
    Special(&'static str),
}

/// The state of one fake sandbox, in the script's hands while a command "runs".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FakeState {
    nodes: BTreeMap<Vec<u8>, FakeNode>,
    commands: Vec<ExecRequest>,
    /// Processes said to be running in the background; `kill_all` empties it.
    pub background: Vec<String>,
}

impl FakeState {
    /// Returns the node at the absolute path.
    pub fn node(&self, path: impl AsRef<[u8]>) -> Option<&FakeNode> {
        self.nodes.get(path.as_ref())
    }

    /// Returns the content of the file at the absolute path.
    pub fn read(&self, path: impl AsRef<[u8]>) -> Option<&[u8]> {
        match self.node(path)? {
            FakeNode::File(_, content) => Some(content),
            _ => None,
        }
    }

    /// Puts a node at the absolute path, replacing what was there and making its parents.
    pub fn put(&mut self, path: impl AsRef<[u8]>, node: FakeNode) {
        let path = path.as_ref();
        for (at, _) in path.iter().enumerate().skip(1).filter(|(_, byte)| **byte == b'/') {
            let parent = self.nodes.entry(path[..at].to_vec());
            let parent = parent.or_insert(FakeNode::Directory(0o755));
            if !matches!(parent, FakeNode::Directory(_)) {
                *parent = FakeNode::Directory(0o755);
            }
        }
        if !matches!(node, FakeNode::Directory(_)) {
            self.remove(path);
        }
        self.nodes.insert(path.to_vec(), node);
    }

    /// Writes a file, mode 0644.
    pub fn write(&mut self, path: impl AsRef<[u8]>, content: impl Into<Vec<u8>>) {
        self.put(path, FakeNode::File(0o644, content.into()));
    }

    /// Removes the node at the absolute path and everything below it.
    pub fn remove(&mut self, path: impl AsRef<[u8]>) {
        let path = path.as_ref();
        let below = below(path);
        self.nodes.retain(|known, _| known != path && !known.starts_with(&below));
    }

    /// Removes everything below the absolute path and keeps the node there.
    pub fn clear(&mut self, path: impl AsRef<[u8]>) {
        let below = below(path.as_ref());
        self.nodes.retain(|known, _| !known.starts_with(&below));
    }

    /// Returns every node in byte order of its absolute path.
    pub fn nodes(&self) -> impl Iterator<Item = (&[u8], &FakeNode)> {
        self.nodes.iter().map(|(path, node)| (path.as_slice(), node))
    }

    /// Returns the commands given so far, the present one last.
    pub fn commands(&self) -> &[ExecRequest] {
        &self.commands
    }

    pub(super) fn note(&mut self, request: &ExecRequest) {
        self.commands.push(request.clone());
    }

    pub(super) fn copy_in(&mut self, tree: &TreeArchive, to: &str) -> Result<(), TreeError> {
        let root = to.trim_end_matches('/').as_bytes();
        if !root.is_empty() && !matches!(self.node(root), Some(FakeNode::Directory(_))) {
            self.put(root, FakeNode::Directory(0o755));
        }
        for entry in tree.entries() {
            let mut path = root.to_vec();
            path.push(b'/');
            path.extend_from_slice(entry.path());
            let node = match entry.kind() {
                EntryKind::Directory => FakeNode::Directory(entry.mode()),
                EntryKind::Symlink { target } => FakeNode::Symlink(target.clone()),
                EntryKind::File { .. } => {
                    let mut content = Vec::new();
                    let failed = |source| TreeError::Host { path: "spooled content".into(), source };
                    tree.reader(entry).read_to_end(&mut content).map_err(failed)?;
                    FakeNode::File(entry.mode(), content)
                }
            };
            self.put(&path, node);
        }
        Ok(())
    }

    /// Returns the tree below the absolute path, as a copy out of the sandbox does.
    ///
    /// # Errors
    /// [`TreeError`]: missing, or a cap exceeded.
    pub fn copy_out(&self, from: &str, caps: TreeCaps) -> Result<TreeArchive, TreeError> {
        let root = from.trim_end_matches('/').as_bytes();
        let mut tree = TreeBuilder::new(caps);
        match self.node(root) {
            Some(FakeNode::Directory(_)) => {}
            None if root.is_empty() => {}
            None => return Err(TreeError::Missing),
            Some(node) => {
                let name = root.rsplit(|byte| *byte == b'/').next().unwrap_or(root);
                add(&mut tree, name, node)?;
                return Ok(tree.finish());
            }
        }
        let below = below(root);
        for (path, node) in self.nodes.iter().filter(|(path, _)| path.starts_with(&below)) {
            add(&mut tree, &path[below.len()..], node)?;
        }
        Ok(tree.finish())
    }
}

fn below(path: &[u8]) -> Vec<u8> {
    let mut prefix = path.to_vec();
    prefix.push(b'/');
    prefix
}

fn add(tree: &mut TreeBuilder, path: &[u8], node: &FakeNode) -> Result<(), TreeError> {
    match node {
        FakeNode::Directory(mode) => tree.directory(path, *mode),
        FakeNode::File(mode, content) => tree.file(path, *mode, content),
        FakeNode::Symlink(target) => tree.symlink(path, target.as_slice()),
        FakeNode::Special(what) => tree.skip(path, *what),
    }
}
