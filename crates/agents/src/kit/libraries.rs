//! Shared libraries: those that a kit's programs need beside glibc's own come along, for a task's image may hold none of them.
//!
//! They are copied from the host into one directory, to which the programs are pointed by a path relative to themselves
//! (`DT_RPATH`, System V ABI, dynamic linking). So neither a variable that the agent's own children would inherit nor a fixed place is
//! needed.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::process::Stdio;

use fs_err as fs;
use object_rewrite::Rewriter;

use super::child;
use super::error::KitError;

/// Where the libraries lie inside a kit.
const DIRECTORY: &str = "lib/shared";

/// The parts of glibc, without the numbers of their versions. They belong to the image, as its loader does.
const GLIBC: [&str; 15] = [
    "libc",
    "libm",
    "libdl",
    "libpthread",
    "librt",
    "libutil",
    "libresolv",
    "libnsl",
    "libanl",
    "libmvec",
    "libBrokenLocale",
    "libthread_db",
    "libnss_files",
    "libnss_dns",
    "ld-linux",
];

/// What the dynamic section of a file asks for.
struct Wants {
    libraries: Vec<String>,
    has_own_path: bool,
}

/// Brings along what the files need. Programs are pointed to the libraries; a library that a program loads finds them through it.
pub(super) fn bundle(
    kit: &Path,
    loader: &Path,
    files: &[PathBuf],
    programs: &[PathBuf],
) -> Result<(), KitError> {
    let io = |source| KitError::Io { doing: "bring libraries into", path: kit.to_owned(), source };
    let mut own = names_in(kit).map_err(io)?;
    let mut open: Vec<PathBuf> = files.to_vec();
    let mut wanting = Vec::new();
    while let Some(file) = open.pop() {
        let Some(wants) = wants(&file)? else { continue };
        let foreign: Vec<&String> = wants.libraries.iter().filter(|name| !is_glibc(name)).collect();
        if foreign.is_empty() {
            continue;
        }
        if foreign.iter().any(|name| !own.contains_key(*name)) {
            let found = resolve(loader, &file).map_err(io)?;
            for (name, source) in missing(&file, kit, &foreign, &own, &found)? {
                let target = copy(kit, &name, &source).map_err(io)?;
                own.insert(name, target.clone());
                // Whatever the library needs in turn was found for the same file.
                open.push(target);
            }
        }
        let is_shared =
            |name: &&String| own.get(*name).is_some_and(|path| path.starts_with(kit.join(DIRECTORY)));
        if foreign.iter().any(is_shared) && (wants.has_own_path || programs.contains(&file)) {
            wanting.push(file);
        }
    }
    for file in wanting {
        let is_program = programs.contains(&file);
        point(kit, &file, is_program)?;
    }
    // A program whose libraries need more than it does itself leads them there as well.
    let has_shared = kit.join(DIRECTORY).is_dir();
    for program in programs.iter().filter(|_| has_shared) {
        if wants(program)?.is_some_and(|wants| !wants.libraries.is_empty() && !wants.has_own_path) {
            point(kit, program, true)?;
        }
    }
    Ok(())
}

/// Returns what is to be copied from where, for one file.
fn missing(
    file: &Path,
    kit: &Path,
    foreign: &[&String],
    own: &BTreeMap<String, PathBuf>,
    found: &BTreeMap<String, PathBuf>,
) -> Result<Vec<(String, PathBuf)>, KitError> {
    let direct = foreign.iter().filter(|name| !own.contains_key(**name));
    for name in direct {
        if !found.contains_key(*name) {
            let needed_by = file.strip_prefix(kit).unwrap_or(file).display().to_string();
            return Err(KitError::Library { library: (*name).clone(), needed_by });
        }
    }
    let fresh = found
        .iter()
        .filter(|(name, path)| !is_glibc(name) && !own.contains_key(*name) && !path.starts_with(kit));
    Ok(fresh.map(|(name, path)| (name.clone(), path.clone())).collect())
}

/// Returns the files of a kit that look like libraries, by name.
fn names_in(kit: &Path) -> std::io::Result<BTreeMap<String, PathBuf>> {
    let mut names = BTreeMap::new();
    let mut open = vec![kit.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            } else if name.contains(".so") {
                names.insert(name, entry.path());
            }
        }
    }
    Ok(names)
}

/// Returns whether a library is part of glibc: `libc.so.6`, `ld-linux-x86-64.so.2`.
fn is_glibc(name: &str) -> bool {
    let stem = name.split(".so").next().unwrap_or_default();
    let stem = if stem.starts_with("ld-linux") { "ld-linux" } else { stem };
    GLIBC.contains(&stem)
}

/// Reads what a file asks for; none for what is no dynamic ELF file.
fn wants(file: &Path) -> Result<Option<Wants>, KitError> {
    let data = read(file)?;
    let Ok(elf) = Rewriter::read(&data) else { return Ok(None) };
    let libraries = elf.elf_needed().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    Ok(Some(Wants { libraries, has_own_path: elf.elf_runpath().is_some() }))
}

/// Returns the host's loader, as the program names it; none for a program without.
pub(super) fn loader_of(program: &Path) -> Result<Option<PathBuf>, KitError> {
    let data = read(program)?;
    let Ok(elf) = Rewriter::read(&data) else { return Ok(None) };
    let path =
        elf.elf_interpreter().map(|path| String::from_utf8_lossy(path).trim_end_matches('\0').to_owned());
    Ok(path.map(PathBuf::from))
}

fn read(file: &Path) -> Result<Vec<u8>, KitError> {
    let mut magic = [0; 4];
    let io = |source| KitError::Io { doing: "read a program of", path: file.to_owned(), source };
    let mut open = fs::File::open(file).map_err(io)?;
    // Most files of a kit are no programs and some are large.
    let is_elf = std::io::Read::read(&mut open, &mut magic).map_err(io)? == 4 && magic == *b"\x7fELF";
    if is_elf { fs::read(file).map_err(io) } else { Ok(Vec::new()) }
}

/// Asks the host's loader where it finds the libraries of a file, and theirs. Nothing of the file is executed.
fn resolve(loader: &Path, file: &Path) -> std::io::Result<BTreeMap<String, PathBuf>> {
    let output = child::command(loader).arg("--list").arg(file).stdin(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let found = text.lines().filter_map(|line| {
        let (name, rest) = line.trim().split_once(" => ")?;
        let (path, _) = rest.rsplit_once(" (0x")?;
        Some((name.to_owned(), fs::canonicalize(path).ok()?))
    });
    Ok(found.collect())
}

/// Copies a library and takes the host's path out of it, which would lead back to the host's libraries.
fn copy(kit: &Path, name: &str, source: &Path) -> std::io::Result<PathBuf> {
    let directory = kit.join(DIRECTORY);
    fs::create_dir_all(&directory)?;
    let target = directory.join(Path::new(name).file_name().unwrap_or(OsStr::new(name)));
    let data = fs::read(source)?;
    let mut elf = Rewriter::read(&data).map_err(std::io::Error::other)?;
    if elf.elf_runpath().is_some() {
        elf.elf_delete_runpath().map_err(std::io::Error::other)?;
        let mut changed = Vec::new();
        elf.write(&mut changed).map_err(std::io::Error::other)?;
        fs::write(&target, changed)?;
    } else {
        fs::write(&target, &data)?;
    }
    fs::set_permissions(&target, PermissionsExt::from_mode(0o644))?;
    Ok(target)
}

/// Lets a program find the libraries; a library with a path of its own is made to ask the program that loads it as well.
fn point(kit: &Path, file: &Path, is_program: bool) -> Result<(), KitError> {
    let failed = |error: object_rewrite::Error| KitError::Io {
        doing: "point a program to the libraries of",
        path: file.to_owned(),
        source: std::io::Error::other(error),
    };
    let io = |source| KitError::Io { doing: "write a program of", path: file.to_owned(), source };
    let data = read(file)?;
    let mut elf = Rewriter::read(&data).map_err(failed)?;
    let before = elf.elf_runpath().map(|path| String::from_utf8_lossy(path).into_owned()).unwrap_or_default();
    let after = if is_program { way(kit, file) } else { relative_parts(&before) };
    if is_program && before == after {
        return Ok(());
    }
    if after.is_empty() {
        elf.elf_delete_runpath().map_err(failed)?;
    } else {
        elf.elf_set_runpath(after.into_bytes()).map_err(failed)?;
        elf.elf_use_rpath().map_err(failed)?;
    }
    let mut changed = Vec::new();
    elf.write(&mut changed).map_err(failed)?;
    let permissions = fs::metadata(file).map_err(io)?.permissions();
    fs::remove_file(file).and_then(|()| fs::write(file, changed)).map_err(io)?;
    fs::set_permissions(file, permissions).map_err(io)
}

/// The parts of a search path that stay inside the kit: those that start at the file itself.
fn relative_parts(path: &str) -> String {
    let parts = path.split(':').filter(|part| part.starts_with("$ORIGIN") || part.starts_with("${ORIGIN}"));
    parts.collect::<Vec<_>>().join(":")
}

/// The way from a program to the libraries, as the loader reads it.
fn way(kit: &Path, program: &Path) -> String {
    let inside = program.strip_prefix(kit).unwrap_or(program);
    let depth = inside.components().filter(|part| matches!(part, Component::Normal(_))).count();
    format!("$ORIGIN/{}{DIRECTORY}", "../".repeat(depth.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_glibc_are_told_from_other_libraries() {
        for name in ["libc.so.6", "ld-linux-x86-64.so.2", "libpthread.so.0", "ld-linux-aarch64.so.1"] {
            assert!(is_glibc(name), "{name}");
        }
        for name in ["libstdc++.so.6", "libcrypt.so.1", "libcrypto.so.3", "libgcc_s.so.1"] {
            assert!(!is_glibc(name), "{name}");
        }
    }

    #[test]
    fn of_a_librarys_own_path_what_stays_in_the_kit_is_kept() {
        assert_eq!(
            relative_parts("/opt/x/lib:$ORIGIN/../a.libs:/usr/lib:${ORIGIN}"),
            "$ORIGIN/../a.libs:${ORIGIN}"
        );
        assert_eq!(relative_parts("/opt/x/lib"), "");
    }

    #[test]
    fn the_way_to_the_libraries_starts_at_the_program() {
        assert_eq!(way(Path::new("/k"), Path::new("/k/bin/x")), "$ORIGIN/../lib/shared");
        assert_eq!(way(Path::new("/k"), Path::new("/k/a/b/c/x")), "$ORIGIN/../../../lib/shared");
    }
}
