//! A task's environment as a back end sees it: a directory with a Dockerfile, or a ready image.

mod dockerfile;
mod source;

pub use dockerfile::DockerfileFacts;
pub use source::{Environment, EnvironmentError, StartingFiles};
