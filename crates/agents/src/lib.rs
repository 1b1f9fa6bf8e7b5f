//! Coding agents: how they are installed and launched, the built-in reference agent, what they did, and what they say of it.
//!
//! The runner takes a [`Recipe`], builds its [`Kit`] once, and per trial either launches a program from it or runs
//! [`run_reference`]. From the wire's exchanges [`TrajectoryWriter`] makes a trajectory and the actions in it; [`elicit`] holds the question for confidence and
//! claim and reads its answer. Nothing here starts a sandbox, schedules a trial or prints.

pub mod elicit;

mod actions;
mod kit;
mod recipe;
mod reference;
mod trajectory;

pub use actions::{ActionTable, actions_of};
pub use kit::{Kit, KitBuilder, KitError, KitFacts};
pub use recipe::{
    Beside, Escape, FileSection, KIT_MOUNT, KitManager, KitSection, Launch, LaunchContext, LaunchFile,
    LaunchSection, OptionError, OptionKind, OptionSection, PackageSection, Platform, Recipe, RecipeError,
    RecipeFile, RecipeKind, RecipeProtocol, ResolveError, resolve,
};
pub use reference::{
    ReferenceEnd, ReferenceOutcome, ReferenceSettings, Shell, ShellError, ShellOutput, run_reference,
};
pub use trajectory::atif;
pub use trajectory::{
    Observed, TrajectoryFacts, TrajectoryFault, TrajectoryWriter, Written, validate_trajectory,
};
