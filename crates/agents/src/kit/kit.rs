//! A built kit: where it lies, what it holds, and whether it still is what was built.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use retrial_spec::digest_bytes;
use serde::{Deserialize, Serialize};

use super::build::KitBuilder;
use super::error::KitError;
use super::platform::packages_for;
use super::tree;
use crate::recipe::{KitSection, PackageSection, Platform, Recipe};

/// The kit's own account, inside the kit and not part of its digest.
pub(super) const ACCOUNT: &str = "kit.json";

/// Counted up when kits are laid out otherwise, so that old ones are not taken for new.
const LAYOUT: u32 = 2;

/// An agent's installation on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kit {
    path: PathBuf,
    facts: KitFacts,
}

/// What a kit says of itself, in `kit.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KitFacts {
    /// The recipe's name.
    pub name: String,
    /// The version of its first package.
    pub version: String,
    /// SHA-256 over the paths, modes and contents of everything in it, in 64 hexadecimal digits.
    pub digest: String,
    /// The platform it was built for.
    pub platform: Platform,
    /// The lowest glibc that its programs ask for; none where they ask for none.
    pub min_glibc: Option<String>,
    /// The interpreter it holds, with its version; none for a kit without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<String>,
    /// Bytes of its files.
    pub bytes: u64,
    /// When it was built.
    pub built_at: Timestamp,
}

impl Kit {
    /// Returns the kit of a recipe in the cache; `None` where it has not been built. Reads its account, not its content.
    ///
    /// # Errors
    /// [`KitError::NotNeeded`], [`KitError::Platform`], or an account that cannot be read.
    pub fn locate(recipe: &Recipe, cache: &Path) -> Result<Option<Self>, KitError> {
        Self::at(Place::of(recipe, cache)?.path)
    }

    /// Returns the kit of a recipe, built with the host's package manager where it is not in the cache. Blocks, for seconds to minutes.
    ///
    /// `progress` gets one line per step and per line that the package manager prints.
    ///
    /// # Errors
    /// [`KitError`].
    pub fn build(recipe: &Recipe, cache: &Path, progress: &dyn Fn(&str)) -> Result<Self, KitError> {
        KitBuilder::new(cache, Timestamp::now()).build(recipe, progress)
    }

    pub(super) fn at(path: PathBuf) -> Result<Option<Self>, KitError> {
        let account = path.join(ACCOUNT);
        let text = match fs_err::read(&account) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(KitError::Io { doing: "read", path, source }),
        };
        let facts =
            serde_json::from_slice(&text).map_err(|source| KitError::Account { path: account, source })?;
        Ok(Some(Self { path, facts }))
    }

    /// Checks that the content is what was built. Reads all of it.
    ///
    /// # Errors
    /// [`KitError::Changed`], or [`KitError::Io`] where it cannot be read.
    pub fn verify(&self) -> Result<(), KitError> {
        let summary = tree::summarize(&self.path)?;
        let same = summary.digest == self.facts.digest;
        if same { Ok(()) } else { Err(KitError::Changed { path: self.path.clone() }) }
    }

    /// Returns the directory, to be mounted read-only at [`KIT_MOUNT`](crate::KIT_MOUNT).
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns everything the kit says of itself.
    pub fn facts(&self) -> &KitFacts {
        &self.facts
    }

    /// Returns the installed version of the agent.
    pub fn version(&self) -> &str {
        &self.facts.version
    }

    /// Returns the digest of the content, in 64 hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.facts.digest
    }
}

impl Recipe {
    /// Returns the recipe's kit, built where it is not in the cache; `None` where the recipe needs none. Blocks.
    ///
    /// # Errors
    /// [`KitError`].
    pub fn kit(&self, cache: &Path, progress: &dyn Fn(&str)) -> Result<Option<Kit>, KitError> {
        match self.kit_section() {
            Some(_) => Kit::build(self, cache, progress).map(Some),
            None => Ok(None),
        }
    }
}

/// Where the kit of a recipe lies on this host, and what goes into it.
pub(super) struct Place<'a> {
    pub(super) path: PathBuf,
    pub(super) platform: Platform,
    pub(super) section: &'a KitSection,
    pub(super) packages: Vec<&'a PackageSection>,
}

impl<'a> Place<'a> {
    pub(super) fn of(recipe: &'a Recipe, cache: &Path) -> Result<Self, KitError> {
        let name = || recipe.name().to_owned();
        let section = recipe.kit_section().ok_or_else(|| KitError::NotNeeded { recipe: name() })?;
        let Some(platform) = Platform::of_host() else {
            let platform = format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH);
            return Err(KitError::Platform { recipe: name(), platform });
        };
        let packages = packages_for(section, platform);
        if packages.is_empty() {
            return Err(KitError::Platform { recipe: name(), platform: platform.as_str().to_owned() });
        }
        let key = (LAYOUT, section, recipe.lock(), platform);
        let key = serde_json::to_vec(&key).expect("a kit's section is plain data");
        // npm starts in another directory, and a mount needs an absolute path.
        let cache = std::path::absolute(cache).map_err(|source| KitError::Io {
            doing: "find",
            path: cache.to_owned(),
            source,
        })?;
        let path = cache.join("kits").join(format!("{}-{}", recipe.name(), digest_bytes(&key).short()));
        Ok(Self { path, platform, section, packages })
    }
}
