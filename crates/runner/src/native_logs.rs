//! The agent's own accounts of its session, copied out of its home after its end, beside what the wire says.

use std::path::Path;

use retrial_sandbox::{AGENT_HOME, Sandbox, SandboxError, TreeCaps, TreeError};

use crate::kept_tree::{self, KEPT_BYTES};

/// The directory inside that of the attempt.
const DIRECTORY: &str = "native";

/// Why the accounts could not be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NativeLogError {
    /// The sandbox failed.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The host's file system refused.
    #[error("cannot keep the agent's own logs")]
    Host(#[from] std::io::Error),
}

/// Copies what lies at the paths, which are relative to the agent's home. A path where nothing lies is passed over, and one that
/// cannot be read is noted.
pub(crate) async fn keep(
    paths: &[String],
    sandbox: &dyn Sandbox,
    attempt: &Path,
) -> Result<(), NativeLogError> {
    for path in paths {
        let directory = attempt.join(DIRECTORY);
        let caps = TreeCaps { bytes: KEPT_BYTES, ..TreeCaps::default() };
        match sandbox.copy_out(&format!("{AGENT_HOME}/{path}"), caps).await {
            Ok(tree) => {
                let place = kept_tree::place(&directory, path);
                kept_tree::write(&tree, &place, kept_tree::is_the_file(&tree, path))?;
            }
            Err(error) if error.is_infrastructure() => return Err(error.into()),
            Err(SandboxError::Tree { source: TreeError::Missing, .. }) => {}
            Err(error) => {
                fs_err::create_dir_all(&directory)?;
                let note = format!("{path}: {}\n", crate::grade::error_chain(&error));
                fs_err::write(
                    directory.join(format!("{}.left-out", kept_tree::harmless(path.as_bytes()))),
                    note,
                )?;
            }
        }
    }
    Ok(())
}
