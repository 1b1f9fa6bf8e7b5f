//! Recipes: small declarative files that say how a coding agent is installed, configured and launched.
//!
//! An experiment names a recipe ([`resolve`]), the kit is built from it once, and each trial launches from it
//! ([`Recipe::launch`]). A new agent needs such a file and no Rust.

mod check;
mod file;
mod launch;
mod lock;
mod options;
#[expect(clippy::module_inception, reason = "the type and the subject have the same name")]
mod recipe;
mod resolve;
mod template;

pub use file::{
    Escape, FileSection, KitManager, KitSection, LaunchSection, OptionKind, OptionSection, PackageSection,
    Platform, RecipeFile, RecipeKind, RecipeProtocol,
};
pub use launch::{Launch, LaunchContext, LaunchFile, RecipeError};
pub use lock::Beside;
pub(crate) use lock::normalized;
pub use options::OptionError;
pub use recipe::Recipe;
pub use resolve::{ResolveError, resolve};

/// Where a kit appears inside every sandbox, read-only.
pub const KIT_MOUNT: &str = "/opt/retrial/kit";
