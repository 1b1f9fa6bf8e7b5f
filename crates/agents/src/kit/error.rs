//! Why there is no kit.

use std::path::PathBuf;

use retrial_spec::did_you_mean;

/// Why a kit cannot be found, built or trusted.
#[derive(Debug, thiserror::Error)]
pub enum KitError {
    /// The recipe needs no kit.
    #[error("the recipe `{recipe}` needs no kit")]
    NotNeeded {
        /// The recipe.
        recipe: String,
    },
    /// No package of the recipe fits this host.
    #[error("the recipe `{recipe}` has no package for {platform}")]
    Platform {
        /// The recipe.
        recipe: String,
        /// The host's platform.
        platform: String,
    },
    /// A file operation failed.
    #[error("cannot {doing} the kit at `{}`", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The kit.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The package manager cannot be started.
    #[error("cannot start `{manager}`")]
    ManagerMissing {
        /// The package manager.
        manager: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The package manager failed.
    #[error("`{manager}` could not install the kit of `{recipe}` ({status}); it ended with:\n{tail}")]
    Install {
        /// The package manager.
        manager: String,
        /// The recipe.
        recipe: String,
        /// How it ended.
        status: String,
        /// The last lines it printed.
        tail: String,
    },
    /// Another version than the pinned one was installed.
    #[error("`{package}` was installed as {found}, and the recipe pins {pinned}")]
    Version {
        /// The package.
        package: String,
        /// The version of the recipe.
        pinned: String,
        /// What is there.
        found: String,
    },
    /// A package with a hash depends on one that the recipe does not name.
    #[error("`{package}` needs `{dependency}`, which the recipe does not name")]
    Dependency {
        /// The package.
        package: String,
        /// What it needs.
        dependency: String,
    },
    /// A program that the recipe names is not in its package.
    #[error("`{package}` holds no program at `{path}`")]
    Program {
        /// The package.
        package: String,
        /// The path inside the package.
        path: String,
        /// Programs that it does hold, by their paths.
        near: Vec<String>,
    },
    /// The host has no interpreter that the recipe can use.
    #[error("the kit of `{recipe}` needs CPython {versions}, and this machine has none of them")]
    Interpreter {
        /// The recipe.
        recipe: String,
        /// The versions, in words.
        versions: String,
    },
    /// The interpreter that was copied into the kit does not work.
    #[error("the copy of Python at `{}` does not work: {tail}", program.display())]
    Copy {
        /// The copy.
        program: PathBuf,
        /// What it said.
        tail: String,
    },
    /// A program needs a library that neither the kit nor the host has.
    #[error("`{needed_by}` needs the library `{library}`, and this machine has none")]
    Library {
        /// The library.
        library: String,
        /// What needs it, relative to the kit.
        needed_by: String,
    },
    /// A link leads out of the kit.
    #[error("the link `{link}` leads out of the kit")]
    Link {
        /// The link, relative to the kit.
        link: String,
    },
    /// The kit's own account is not readable.
    #[error("`{}` is not the account of a kit", path.display())]
    Account {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// The kit's content is no longer what was built.
    #[error("the kit at `{}` changed since it was built", path.display())]
    Changed {
        /// The kit.
        path: PathBuf,
    },
}

impl KitError {
    /// Returns advice, where there is any.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::ManagerMissing { manager, .. } => {
                Some(format!("install `{manager}` on this machine, or put it on the PATH"))
            }
            Self::Install { .. } => Some(
                "the kit is built once and needs the network for it: check the registry's settings"
                    .to_owned(),
            ),
            Self::Dependency { dependency, .. } => Some(format!(
                "add `{dependency}` to the kit's packages with its version and hash: where packages have hashes, nothing else is installed"
            )),
            Self::Interpreter { .. } => Some("install one of them, so that it is on the PATH".to_owned()),
            Self::Copy { .. } => Some(
                "the kit takes the Python of this machine along: check that it works, with its `pip`"
                    .to_owned(),
            ),
            Self::Library { library, .. } => {
                Some(format!("install the package of this machine that holds `{library}`"))
            }
            Self::Program { path, near, .. } => {
                let near = did_you_mean(path, near.iter().map(String::as_str))?;
                Some(format!("did you mean `{near}`?"))
            }
            Self::Changed { path } => {
                Some(format!("remove `{}`; it is built again when needed", path.display()))
            }
            Self::Account { path, .. } => {
                let kit = path.parent().unwrap_or(path);
                Some(format!("remove `{}`; it is built again when needed", kit.display()))
            }
            _ => None,
        }
    }
}
