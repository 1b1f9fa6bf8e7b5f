//! Files that go into somebody's repository: all of them or none, and none that is there unless replacing is asked for.

use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use retrial_spec::{InitDone, InitFile};

use crate::files::Files;

/// A file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    path: String,
    kind: Kind,
    why: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// A file with this text.
    Whole(String),
    /// Lines that a file has to hold.
    Lines(Vec<String>),
}

impl Change {
    /// A file, by its path below the root.
    pub(crate) fn file(path: &str, text: String, why: &str) -> Self {
        Self { path: path.to_owned(), kind: Kind::Whole(text), why: why.to_owned() }
    }

    /// Lines that a file has to hold, whatever else it holds.
    pub(crate) fn lines(path: &str, lines: &[&str], why: &str) -> Self {
        let lines = lines.iter().map(|&line| line.to_owned()).collect();
        Self { path: path.to_owned(), kind: Kind::Lines(lines), why: why.to_owned() }
    }

    /// The file's text when it is written, given what is there; none where nothing has to change.
    fn text(&self, there: Option<&[u8]>) -> Option<Vec<u8>> {
        match &self.kind {
            Kind::Whole(text) => (there != Some(text.as_bytes())).then(|| text.clone().into_bytes()),
            Kind::Lines(lines) => extended(there.unwrap_or_default(), lines),
        }
    }
}

/// The text with the lines that it lacks at its end.
fn extended(there: &[u8], lines: &[String]) -> Option<Vec<u8>> {
    let has =
        |line: &String| there.split(|&byte| byte == b'\n').any(|one| one.trim_ascii() == line.as_bytes());
    let lacking: Vec<&String> = lines.iter().filter(|line| !has(line)).collect();
    if lacking.is_empty() {
        return None;
    }
    let mut text = there.to_vec();
    if !text.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    for line in lacking {
        text.extend_from_slice(line.as_bytes());
        text.push(b'\n');
    }
    Some(text)
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// Files are in the way.
    #[error("nothing was written, because there is already {}", .0.join(", "))]
    InTheWay(Vec<String>),
    /// A part of a path is a link or no directory, so that the file would land elsewhere or nowhere.
    #[error(
        "nothing was written, because `{0}` is a link or of another kind than a file or directory has to be"
    )]
    NotPlain(String),
    /// The disk or its permissions.
    #[error("nothing was written")]
    Io(#[from] io::Error),
}

/// A change with what was there before.
struct Planned {
    path: PathBuf,
    before: Option<Vec<u8>>,
    text: Option<Vec<u8>>,
    done: InitDone,
}

/// Changes to the files below a directory.
#[derive(Debug)]
pub(crate) struct Writing<'a> {
    root: &'a Path,
    changes: &'a [Change],
}

impl<'a> Writing<'a> {
    /// Plans changes.
    pub(crate) fn new(root: &'a Path, changes: &'a [Change]) -> Self {
        Self { root, changes }
    }

    /// Writes every file. Where one cannot be written, those before it are put back as they were.
    ///
    /// # Errors
    /// [`Refused`]; then nothing has changed.
    pub(crate) fn write(&self, force: bool) -> Result<Vec<InitFile>, Refused> {
        let mut planned = Vec::new();
        for change in self.changes {
            planned.push(self.plan(change)?);
        }
        let in_the_way =
            self.changes.iter().zip(&planned).filter(|(_, plan)| plan.done == InitDone::Replaced);
        let in_the_way: Vec<String> = in_the_way.map(|(change, _)| format!("`{}`", change.path)).collect();
        if !in_the_way.is_empty() && !force {
            return Err(Refused::InTheWay(in_the_way));
        }
        let absent: Vec<PathBuf> = self.absent_directories(&planned);
        if let Err(error) = planned.iter().try_for_each(|plan| self.put(plan)) {
            undo(&planned, &absent);
            return Err(error.into());
        }
        let told = |(change, plan): (&Change, &Planned)| InitFile {
            path: change.path.clone(),
            done: plan.done,
            why: change.why.clone(),
        };
        Ok(self.changes.iter().zip(&planned).map(told).collect())
    }

    fn plan(&self, change: &Change) -> Result<Planned, Refused> {
        let path = self.root.join(&change.path);
        self.check_kinds(&path)?;
        let before = match fs_err::read(&path) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        let text = change.text(before.as_deref());
        let done = match (&change.kind, &before, &text) {
            (_, _, None) => InitDone::Kept,
            (_, None, Some(_)) => InitDone::Written,
            (Kind::Whole(_), Some(_), Some(_)) => InitDone::Replaced,
            (Kind::Lines(_), Some(_), Some(_)) => InitDone::Extended,
        };
        Ok(Planned { path, before, text, done })
    }

    /// Checks that every directory of a path is one and no link, and that the file is a plain one where it is there.
    fn check_kinds(&self, path: &Path) -> Result<(), Refused> {
        let below: Vec<&Path> = path.ancestors().take_while(|part| *part != self.root).collect();
        for part in below.into_iter().rev() {
            let Ok(facts) = fs_err::symlink_metadata(part) else { continue };
            let fits = if part == path { facts.is_file() } else { facts.is_dir() };
            if !fits {
                let shown = part.strip_prefix(self.root).unwrap_or(part);
                return Err(Refused::NotPlain(shown.display().to_string()));
            }
        }
        Ok(())
    }

    /// The directories that have to be made, outermost first.
    fn absent_directories(&self, planned: &[Planned]) -> Vec<PathBuf> {
        let parents = planned.iter().flat_map(|plan| plan.path.ancestors().skip(1));
        let below = parents.filter(|part| part.starts_with(self.root) && !part.exists());
        let mut absent: Vec<PathBuf> = below.map(Path::to_owned).collect();
        absent.sort();
        absent.dedup();
        absent
    }

    fn put(&self, plan: &Planned) -> io::Result<()> {
        let Some(text) = &plan.text else { return Ok(()) };
        Files::new(self.root.to_owned()).put(&plan.path, |file| file.write_all(text))?;
        if plan.path.extension().is_some_and(|extension| extension == "sh") {
            let mode = fs_err::metadata(&plan.path)?.permissions().mode();
            // Who may read a script may run it.
            let mode = mode | ((mode & 0o444) >> 2);
            fs_err::set_permissions(&plan.path, std::fs::Permissions::from_mode(mode))?;
        }
        Ok(())
    }
}

/// Puts everything back. What cannot be put back stays: there is nobody left to tell but the caller, who learns of the first error.
fn undo(planned: &[Planned], absent: &[PathBuf]) {
    for plan in planned {
        let _ = match &plan.before {
            Some(bytes) => fs_err::write(&plan.path, bytes),
            None => fs_err::remove_file(&plan.path),
        };
    }
    for directory in absent.iter().rev() {
        let _ = fs_err::remove_dir(directory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes() -> Vec<Change> {
        vec![
            Change::file("a/b.sh", "#!/bin/sh\n".to_owned(), "a script"),
            Change::file("c.toml", "x = 1\n".to_owned(), "settings"),
            Change::lines(".gitignore", &["/results/"], "leaves results out"),
        ]
    }

    fn done(files: &[InitFile]) -> Vec<InitDone> {
        files.iter().map(|file| file.done).collect()
    }

    #[test]
    fn nothing_is_written_where_one_file_is_in_the_way() {
        let place = tempfile::tempdir().unwrap();
        fs_err::write(place.path().join("c.toml"), "mine").unwrap();
        let changes = changes();
        let refused = Writing::new(place.path(), &changes).write(false).unwrap_err();
        assert!(matches!(refused, Refused::InTheWay(files) if files == ["`c.toml`"]));
        assert!(!place.path().join("a").exists() && !place.path().join(".gitignore").exists());
        let files = Writing::new(place.path(), &changes).write(true).unwrap();
        assert_eq!(done(&files), [InitDone::Written, InitDone::Replaced, InitDone::Written]);
    }

    #[test]
    fn what_is_as_it_should_be_is_kept_and_lines_are_added_once() {
        let place = tempfile::tempdir().unwrap();
        fs_err::write(place.path().join(".gitignore"), "/target").unwrap();
        let changes = changes();
        let files = Writing::new(place.path(), &changes).write(false).unwrap();
        assert_eq!(done(&files), [InitDone::Written, InitDone::Written, InitDone::Extended]);
        assert_eq!(fs_err::read_to_string(place.path().join(".gitignore")).unwrap(), "/target\n/results/\n");
        let again = Writing::new(place.path(), &changes).write(false).unwrap();
        assert_eq!(done(&again), [InitDone::Kept; 3]);
    }

    #[test]
    fn a_link_that_leads_elsewhere_is_refused() {
        let (place, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(elsewhere.path(), place.path().join("a")).unwrap();
        let refused = Writing::new(place.path(), &changes()).write(true).unwrap_err();
        assert!(matches!(refused, Refused::NotPlain(part) if part == "a"));
        assert_eq!(fs_err::read_dir(elsewhere.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_was_written_before_a_failure_is_put_back() {
        let place = tempfile::tempdir().unwrap();
        fs_err::write(place.path().join("c.toml"), "mine").unwrap();
        let mut changes = changes();
        // A file cannot hold another: the second of them fails when everything else is written.
        changes.push(Change::file("d/e", String::new(), "a file"));
        changes.push(Change::file("d/e/f", String::new(), "cannot be"));
        Writing::new(place.path(), &changes).write(true).unwrap_err();
        assert_eq!(fs_err::read_to_string(place.path().join("c.toml")).unwrap(), "mine");
        let left: Vec<_> =
            fs_err::read_dir(place.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
        assert_eq!(left, ["c.toml"]);
    }
}
