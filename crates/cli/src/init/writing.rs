//! Files that go into somebody's repository: all of them or none, and none that is there unless replacing is asked for.

use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use retrial_spec::{InitDone, InitFile};

use super::refused::Refused;
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

/// What was there before.
struct Before {
    bytes: Vec<u8>,
    permissions: Permissions,
}

/// A change with what was there before.
struct Planned {
    path: PathBuf,
    before: Option<Before>,
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

    /// Writes every file, and checks that what is there then is right. Where one cannot be written or the check fails, those before it are
    /// put back as they were.
    ///
    /// # Errors
    /// [`Refused`]; then nothing has changed.
    pub(crate) fn write(
        &self,
        force: bool,
        check: impl FnOnce() -> Result<(), Refused>,
    ) -> Result<Vec<InitFile>, Refused> {
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
        let put = planned.iter().try_for_each(|plan| self.put(plan));
        if let Err(error) = put.map_err(Refused::Io).and_then(|()| check()) {
            undo(&planned, &absent);
            return Err(error);
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
            Ok(bytes) => {
                let facts = fs_err::metadata(&path).map_err(Refused::Unreadable)?;
                Some(Before { bytes, permissions: facts.permissions() })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(Refused::Unreadable(error)),
        };
        let text = change.text(before.as_ref().map(|before| before.bytes.as_slice()));
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
            fs_err::set_permissions(&plan.path, Permissions::from_mode(mode))?;
        }
        Ok(())
    }
}

/// Puts back what has changed, and touches nothing else. What cannot be put back stays: there is nobody left to tell but the caller, who
/// learns of the first error.
fn undo(planned: &[Planned], absent: &[PathBuf]) {
    for plan in planned.iter().filter(|plan| plan.text.is_some()) {
        let _ = match &plan.before {
            Some(before) => put_back(&plan.path, before),
            None => fs_err::remove_file(&plan.path),
        };
    }
    for directory in absent.iter().rev() {
        let _ = fs_err::remove_dir(directory);
    }
}

fn put_back(path: &Path, before: &Before) -> io::Result<()> {
    if fs_err::read(path)? != before.bytes {
        let directory = path.parent().unwrap_or(path).to_owned();
        Files::new(directory).put(path, |file| file.write_all(&before.bytes))?;
    }
    if fs_err::metadata(path)?.permissions() != before.permissions {
        fs_err::set_permissions(path, before.permissions.clone())?;
    }
    Ok(())
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
        let refused = Writing::new(place.path(), &changes).write(false, || Ok(())).unwrap_err();
        assert!(matches!(refused, Refused::InTheWay(files) if files == ["`c.toml`"]));
        assert!(!place.path().join("a").exists() && !place.path().join(".gitignore").exists());
        let files = Writing::new(place.path(), &changes).write(true, || Ok(())).unwrap();
        assert_eq!(done(&files), [InitDone::Written, InitDone::Replaced, InitDone::Written]);
    }

    #[test]
    fn what_is_as_it_should_be_is_kept_and_lines_are_added_once() {
        let place = tempfile::tempdir().unwrap();
        fs_err::write(place.path().join(".gitignore"), "/target").unwrap();
        let changes = changes();
        let files = Writing::new(place.path(), &changes).write(false, || Ok(())).unwrap();
        assert_eq!(done(&files), [InitDone::Written, InitDone::Written, InitDone::Extended]);
        assert_eq!(fs_err::read_to_string(place.path().join(".gitignore")).unwrap(), "/target\n/results/\n");
        let again = Writing::new(place.path(), &changes).write(false, || Ok(())).unwrap();
        assert_eq!(done(&again), [InitDone::Kept; 3]);
    }

    #[test]
    fn a_link_that_leads_elsewhere_is_refused() {
        let (place, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(elsewhere.path(), place.path().join("a")).unwrap();
        let refused = Writing::new(place.path(), &changes()).write(true, || Ok(())).unwrap_err();
        assert!(matches!(refused, Refused::NotPlain(part) if part == "a"));
        assert_eq!(fs_err::read_dir(elsewhere.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_was_written_before_a_failure_is_put_back() {
        let place = tempfile::tempdir().unwrap();
        fs_err::write(place.path().join("c.toml"), "mine").unwrap();
        // What is as it should be is not written, and so there is nothing to be put back.
        fs_err::write(place.path().join("kept"), "x").unwrap();
        let written = fs_err::metadata(place.path().join("kept")).unwrap().modified().unwrap();
        let mut changes = changes();
        changes.push(Change::file("kept", "x".to_owned(), "a file"));
        // A script that is replaced can be run, and is put back as one that cannot.
        fs_err::create_dir(place.path().join("a")).unwrap();
        let script = place.path().join("a/b.sh");
        fs_err::write(&script, "mine").unwrap();
        fs_err::set_permissions(&script, Permissions::from_mode(0o640)).unwrap();
        // A file cannot hold another: the second of them fails when everything else is written.
        changes.push(Change::file("d/e", String::new(), "a file"));
        changes.push(Change::file("d/e/f", String::new(), "cannot be"));
        Writing::new(place.path(), &changes).write(true, || Ok(())).unwrap_err();
        assert_eq!(fs_err::read_to_string(place.path().join("c.toml")).unwrap(), "mine");
        assert_eq!(fs_err::metadata(place.path().join("kept")).unwrap().modified().unwrap(), written);
        assert_eq!(fs_err::read_to_string(&script).unwrap(), "mine");
        assert_eq!(fs_err::metadata(&script).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(names(place.path()), ["a", "c.toml", "kept"]);
    }

    #[test]
    fn what_does_not_hold_once_it_is_written_is_taken_away_again() {
        let place = tempfile::tempdir().unwrap();
        let changes = changes();
        let check = || Err(Refused::NotPlain("c.toml".to_owned()));
        Writing::new(place.path(), &changes).write(false, check).unwrap_err();
        assert_eq!(names(place.path()), [""; 0]);
    }

    #[test]
    fn a_file_that_is_replaced_keeps_who_may_read_it() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("c.toml");
        fs_err::write(&path, "mine").unwrap();
        fs_err::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        Writing::new(place.path(), &changes()).write(true, || Ok(())).unwrap();
        assert_eq!(fs_err::read_to_string(&path).unwrap(), "x = 1\n");
        assert_eq!(fs_err::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs_err::read_dir(directory).unwrap();
        let mut names: Vec<String> =
            entries.map(|one| one.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}
