//! The content digest of a task directory, equal to Harbor's.

use std::fmt;
use std::io::{self, Read};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A SHA-256 digest, written as 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ContentDigest(String);

impl ContentDigest {
    /// Returns the 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first 16 digits, enough to name an image or a directory.
    pub fn short(&self) -> &str {
        self.0.get(..16).unwrap_or(&self.0)
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Returns the digest of bytes.
pub fn digest_bytes(bytes: &[u8]) -> ContentDigest {
    ContentDigest(hex::encode(Sha256::digest(bytes)))
}

/// Returns the digest of all bytes of a reader, and how many there were.
///
/// # Errors
/// Whatever keeps the reader from being read.
pub fn digest_reader(reader: &mut impl Read) -> io::Result<(ContentDigest, u64)> {
    let mut hasher = Sha256::new();
    let mut piece = vec![0; PIECE];
    let mut bytes = 0;
    loop {
        match reader.read(&mut piece) {
            Ok(0) => return Ok((ContentDigest(hex::encode(hasher.finalize())), bytes)),
            Ok(read) => {
                hasher.update(&piece[..read]);
                bytes += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Bytes that are read at a time.
const PIECE: usize = 1 << 18;

/// Which files of a task directory count, and their digest.
///
/// Harbor's rule: `task.toml`, `instruction.md`, `README.md`, `trajectory.json` and everything under `environment/`, `tests/`,
/// `solution/` and `steps/`, minus `.harborignore` matches, minus `.gitignore` matches of the task's root or, without that file,
/// minus the usual litter. The digest is SHA-256 over `"<path>\0<sha256 of the file>\n"` for the files sorted by path.
#[derive(Debug)]
pub struct TaskFiles {
    ignores: Vec<Gitignore>,
}

const LITTER: [&str; 6] = ["__pycache__/", "*.pyc", ".DS_Store", "*.swp", "*.swo", "*~"];
const FILES: [&str; 4] = ["task.toml", "instruction.md", "README.md", "trajectory.json"];
const DIRECTORIES: [&str; 4] = ["environment", "tests", "solution", "steps"];

impl TaskFiles {
    /// Makes the rule from the texts of the task's `.harborignore` and `.gitignore`, where they exist.
    ///
    /// # Errors
    /// A line that is not an ignore pattern.
    pub fn new(harborignore: Option<&str>, gitignore: Option<&str>) -> Result<Self, ignore::Error> {
        let git = match gitignore {
            Some(text) => rules(text.lines())?,
            None => rules(LITTER)?,
        };
        let harbor = rules(harborignore.unwrap_or_default().lines())?;
        Ok(Self { ignores: vec![harbor, git] })
    }

    /// Returns whether the file at a `/`-separated path relative to the task's root counts.
    pub fn counts(&self, path: &str) -> bool {
        let first = path.split('/').next().unwrap_or_default();
        let named = FILES.contains(&path) || (DIRECTORIES.contains(&first) && path.contains('/'));
        named && !self.ignores.iter().any(|rules| rules.matched_path_or_any_parents(path, false).is_ignore())
    }

    /// Returns the digest of files given as path and content digest, in any order; those that do not count are left out.
    pub fn digest<'a>(&self, files: impl IntoIterator<Item = (&'a str, &'a ContentDigest)>) -> ContentDigest {
        let mut files: Vec<_> = files.into_iter().filter(|(path, _)| self.counts(path)).collect();
        files.sort_unstable();
        let mut hasher = Sha256::new();
        for (path, digest) in files {
            hasher.update(path.as_bytes());
            hasher.update([0]);
            hasher.update(digest.as_str().as_bytes());
            hasher.update([b'\n']);
        }
        ContentDigest(hex::encode(hasher.finalize()))
    }
}

fn rules<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<Gitignore, ignore::Error> {
    let mut builder = GitignoreBuilder::new("");
    for line in lines {
        builder.add_line(None, line)?;
    }
    builder.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn litter_and_unnamed_files_do_not_count() {
        let rule = TaskFiles::new(None, None).unwrap();
        assert!(rule.counts("environment/workspace/app.py"));
        assert!(rule.counts("task.toml"));
        assert!(!rule.counts("environment/workspace/__pycache__/app.cpython-311.pyc"));
        assert!(!rule.counts("simulation.toml"));
        assert!(!rule.counts("tests"));
    }

    #[test]
    fn a_gitignore_replaces_the_usual_litter() {
        let rule = TaskFiles::new(None, Some("*.log")).unwrap();
        assert!(rule.counts("tests/a.pyc"));
        assert!(!rule.counts("tests/a.log"));
    }

    #[test]
    fn the_digest_does_not_depend_on_the_order_of_files() {
        let rule = TaskFiles::new(None, None).unwrap();
        let (a, b) = (digest_bytes(b"a"), digest_bytes(b"b"));
        let forward = rule.digest([("task.toml", &a), ("tests/test.sh", &b)]);
        let backward = rule.digest([("tests/test.sh", &b), ("task.toml", &a)]);
        assert_eq!(forward, backward);
    }
}
