//! Locks: lists in `pip`'s format of every package of a kit, each at one version and with the hashes of its files.
//!
//! `pip` holds what it installs against them; what is checked here is that a lock fits its recipe and leaves nothing open.

use std::io;

use retrial_spec::{Document, Fault};

use super::file::{KitManager, RecipeFile};

/// Reads a file that lies beside a recipe, by its name.
pub type Beside<'a> = &'a dyn Fn(&str) -> io::Result<String>;

/// Returns the text of the lock that the recipe's kit names; none where it names none.
pub(super) fn read(
    file: &RecipeFile,
    document: &Document,
    beside: Beside<'_>,
) -> Result<Option<String>, Vec<Fault>> {
    const POINTER: &str = "/kit/lock";
    let Some(kit) = &file.kit else { return Ok(None) };
    let fault = |pointer: &str, message: String, hint: &str| {
        vec![document.fault(pointer, message, Some(hint.to_owned()))]
    };
    let name = match (kit.manager, &kit.lock) {
        (KitManager::Pip, Some(name)) => name,
        (KitManager::Pip, None) => {
            let hint = "add `lock = \"<file>\"`; `docs/agents.md` says how to make one";
            return Err(fault("/kit", "a kit from `pip` needs a lock".to_owned(), hint));
        }
        (KitManager::Npm, Some(_)) => {
            return Err(fault(POINTER, "`npm` takes no lock".to_owned(), "remove it"));
        }
        (KitManager::Npm, None) => return Ok(None),
    };
    if name.contains('/') || name.starts_with('.') {
        let message = format!("`{name}` is not the name of a file beside the recipe");
        return Err(fault(POINTER, message, "write a plain file name"));
    }
    let text = beside(name).map_err(|error| {
        let message = format!("cannot read the lock `{name}`: {error}");
        fault(POINTER, message, "it lies beside the recipe")
    })?;
    let mut messages = open_ends(&text);
    let pins: Vec<_> = requirements(&text).filter_map(|line| pin(&line)).collect();
    for package in &kit.packages {
        let wanted = (normalized(&package.name), package.version.clone());
        if !pins.contains(&wanted) {
            messages.push(format!("the lock `{name}` does not pin `{}=={}`", package.name, package.version));
        }
    }
    let faults = messages
        .into_iter()
        .map(|message| document.fault(POINTER, message, Some("make the lock again".to_owned())));
    let faults: Vec<Fault> = faults.collect();
    if faults.is_empty() { Ok(Some(text)) } else { Err(faults) }
}

/// Returns what a package is called wherever names are compared: small letters, with `-` between the words.
pub(crate) fn normalized(name: &str) -> String {
    let words = name.split(['-', '_', '.']).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

/// Returns the requirements, each on one line; without comments.
fn requirements(text: &str) -> impl Iterator<Item = String> {
    let joined = text.replace("\\\n", " ");
    let lines: Vec<String> = joined
        .lines()
        .map(|line| line.split_once(" #").map_or(line, |(line, _)| line).trim().to_owned())
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    lines.into_iter()
}

/// Returns name and version of a requirement that names one version.
fn pin(line: &str) -> Option<(String, String)> {
    let requirement = line.split([' ', ';']).next()?;
    let (name, version) = requirement.split_once("==")?;
    (!version.contains('*')).then(|| (normalized(name), version.to_owned()))
}

/// What a lock leaves open, in words: at most the first few.
fn open_ends(text: &str) -> Vec<String> {
    let open = requirements(text).filter_map(|line| {
        let start = line.split_whitespace().next().unwrap_or_default().to_owned();
        if line.starts_with('-') {
            return Some(format!("the lock holds the option `{start}`, and options belong to the machine"));
        }
        if pin(&line).is_none() {
            return Some(format!("the lock does not name one version of `{start}`"));
        }
        (!line.contains("--hash=sha256:")).then(|| format!("the lock gives no hash for `{start}`"))
    });
    open.take(5).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_leaves_something_open_says_what() {
        let text = "# made by a tool\n--index-url https://registry.example\na==1.0 \\\n    --hash=sha256:00\n\
                    b>=2\nc==1.* --hash=sha256:00\nd==2 ; python_version < '3.12'\n";
        insta::assert_snapshot!(open_ends(text).join("\n"), @r"
        the lock holds the option `--index-url`, and options belong to the machine
        the lock does not name one version of `b>=2`
        the lock does not name one version of `c==1.*`
        the lock gives no hash for `d==2`
        ");
    }

    #[test]
    fn names_are_compared_as_the_registry_compares_them() {
        assert_eq!(normalized("Mini_SWE.agent"), "mini-swe-agent");
    }
}
