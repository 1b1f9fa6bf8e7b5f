//! Builds a kit: install, check, prune, make readable, sync, rename. One process at a time per kit.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use fs_err::{self as fs, File, OpenOptions};
use jiff::Timestamp;

use super::error::KitError;
use super::kit::{ACCOUNT, Kit, KitFacts, Place};
use super::{libraries, npm, pip, tree};
use crate::recipe::{KitManager, PackageSection, Recipe};

/// How kits are built, where the defaults of [`Kit::build`] do not do.
#[derive(Debug, Clone)]
pub struct KitBuilder {
    /// The cache; kits lie in `kits/` under it.
    pub cache: PathBuf,
    /// The program that is run as `npm`.
    pub npm: OsString,
    /// Variables for the package manager, beside those of this process.
    pub env: Vec<(OsString, OsString)>,
    /// The time that is recorded as the time of building.
    pub now: Timestamp,
}

impl KitBuilder {
    /// Returns a builder that uses the `npm` on the search path.
    pub fn new(cache: &Path, now: Timestamp) -> Self {
        Self { cache: cache.to_owned(), npm: OsString::from("npm"), env: Vec::new(), now }
    }

    /// Returns the kit of a recipe, built where it is not in the cache. Blocks; waits for another process that builds the same kit.
    ///
    /// # Errors
    /// [`KitError`]. What was built half is removed, at the latest by the next build.
    ///
    /// # Panics
    /// Never: what a kit says of itself can always be written as JSON.
    pub fn build(&self, recipe: &Recipe, progress: &dyn Fn(&str)) -> Result<Kit, KitError> {
        let place = Place::of(recipe, &self.cache)?;
        if let Some(kit) = Kit::at(place.path.clone())? {
            return Ok(kit);
        }
        let io = |doing| {
            let path = place.path.clone();
            move |source| KitError::Io { doing, path, source }
        };
        let kits = place.path.parent().unwrap_or(&place.path).to_owned();
        fs::create_dir_all(&kits).map_err(io("make room for"))?;
        let file_name = place.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let _lock = lock(&kits.join(format!(".{file_name}.lock")), progress).map_err(io("lock"))?;
        if let Some(kit) = Kit::at(place.path.clone())? {
            return Ok(kit);
        }
        let building =
            Building::new(kits.join(format!(".{file_name}.building"))).map_err(io("make room for"))?;
        let facts = self.fill(recipe, &place, &building.path, progress)?;
        let account = serde_json::to_vec_pretty(&facts).expect("facts are plain data");
        fs::write(building.path.join(ACCOUNT), account).map_err(io("describe"))?;
        readable(&building.path.join(ACCOUNT)).map_err(io("describe"))?;
        tree::sync(&building.path)?;
        fs::rename(&building.path, &place.path).map_err(io("put in place"))?;
        File::open(&kits).and_then(|directory| directory.sync_all()).map_err(io("put in place"))?;
        progress(&format!("{} {} is ready", facts.name, facts.version));
        Kit::at(place.path.clone())?.ok_or(KitError::Changed { path: place.path })
    }

    /// Installs everything into an empty directory and returns what it then holds.
    fn fill(
        &self,
        recipe: &Recipe,
        place: &Place<'_>,
        directory: &Path,
        progress: &dyn Fn(&str),
    ) -> Result<KitFacts, KitError> {
        for package in &place.packages {
            progress(&format!("installing {} {}", package.name, package.version));
        }
        let interpreter = match place.section.manager {
            KitManager::Npm => self.fill_by_npm(recipe, place, directory, progress).map(|()| None)?,
            KitManager::Pip => {
                let lock = recipe.lock().unwrap_or_default();
                let (recipe, section, packages) = (recipe.name(), place.section, &place.packages[..]);
                let order = pip::Order { recipe, section, packages, lock, env: &self.env };
                Some(pip::install(&order, directory, progress)?)
            }
        };
        tree::make_readable(directory)?;
        progress("checking the kit");
        let summary = tree::summarize(directory)?;
        Ok(KitFacts {
            name: recipe.name().to_owned(),
            version: place.packages.first().map_or_else(String::new, |package| package.version.clone()),
            digest: summary.digest,
            platform: place.platform,
            min_glibc: summary.min_glibc,
            interpreter,
            bytes: summary.bytes,
            built_at: self.now,
        })
    }
}

impl KitBuilder {
    /// Installs npm packages, their programs, and the libraries of these.
    fn fill_by_npm(
        &self,
        recipe: &Recipe,
        place: &Place<'_>,
        directory: &Path,
        progress: &dyn Fn(&str),
    ) -> Result<(), KitError> {
        let (section, packages) = (place.section, &place.packages[..]);
        let order = npm::Order { npm: &self.npm, env: &self.env, recipe: recipe.name(), section, packages };
        npm::install(&order, directory, progress)?;
        for path in &section.remove {
            tree::remove(&directory.join(path))?;
        }
        for package in packages {
            let programs = link_programs(directory, package)?;
            for program in programs {
                if let Some(loader) = libraries::loader_of(&program)? {
                    let programs = std::slice::from_ref(&program);
                    libraries::bundle(directory, &loader, programs, programs)?;
                }
            }
        }
        Ok(())
    }
}

/// Takes the lock that one builder at a time holds; the file stays, as removing it would let two in.
fn lock(path: &Path, progress: &dyn Fn(&str)) -> std::io::Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    if file.file().try_lock().is_err() {
        progress("waiting for another process that builds this kit");
        file.file().lock()?;
    }
    Ok(file)
}

fn readable(path: &Path) -> std::io::Result<()> {
    fs::set_permissions(path, PermissionsExt::from_mode(0o644))
}

/// Makes the programs of a package appear in the kit's `bin/`, and returns where they lie.
fn link_programs(directory: &Path, package: &PackageSection) -> Result<Vec<PathBuf>, KitError> {
    let mut programs = Vec::new();
    let inside = npm::package_directory(&package.name);
    for (program, path) in &package.programs {
        let target = directory.join(&inside).join(path);
        if !target.is_file() {
            let near = tree::files_in(&directory.join(&inside));
            return Err(KitError::Program { package: package.name.clone(), path: path.clone(), near });
        }
        let io = |source| KitError::Io { doing: "link programs in", path: directory.to_owned(), source };
        let bin = directory.join("bin");
        fs::create_dir_all(&bin).map_err(io)?;
        fs::os::unix::fs::symlink(Path::new("..").join(&inside).join(path), bin.join(program)).map_err(io)?;
        fs::set_permissions(&target, PermissionsExt::from_mode(0o755)).map_err(io)?;
        programs.push(target);
    }
    Ok(programs)
}

/// A kit being built; what is left of it when dropped is removed.
struct Building {
    path: PathBuf,
}

impl Building {
    /// Makes the directory empty: a build that was killed may have left something.
    fn new(path: PathBuf) -> std::io::Result<Self> {
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::create_dir(&path)?;
        Ok(Self { path })
    }
}

impl Drop for Building {
    fn drop(&mut self) {
        // After the rename there is nothing left; otherwise the next build removes what stays.
        let _ = fs::remove_dir_all(&self.path);
    }
}
