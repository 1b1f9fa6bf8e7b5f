//! `cargo xtask publish`: the example of a published scorecard, made by the very steps that CI takes.

use std::path::Path;

use crate::steps::{root, step, step_with};

/// The experiment, and where its scorecard goes.
const PUBLISHED: [(&str, &str); 1] = [("experiments/published.toml", "results/published/simulated")];

/// Runs every experiment that is published, and writes its scorecard with the records it follows from.
pub(crate) fn publish() -> Result<(), String> {
    step(&["cargo", "build", "--quiet", "--package", "retrial-cli"])?;
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".to_owned());
    let command = root().join(Path::new(&target).join("debug/retrial"));
    let command = command.to_str().ok_or("the target directory's path is not UTF-8")?;
    for (experiment, to) in PUBLISHED {
        let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
        let out = scratch.path().to_str().ok_or("the temporary directory's path is not UTF-8")?;
        let inputs = [
            ("INPUT_EXPERIMENT", experiment),
            ("INPUT_RETRIAL", command),
            ("INPUT_OUT", out),
            ("INPUT_PUBLISH", to),
            // The page holds the same once more; who wants it makes it from the records.
            ("INPUT_PUBLISH_FORMAT", "md,json"),
        ];
        step_with(&["bash", "ci/all.sh"], &inputs)?;
    }
    Ok(())
}
