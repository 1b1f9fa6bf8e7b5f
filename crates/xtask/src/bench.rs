//! `cargo xtask bench`: the cost of the harness beside bare loops and that of scoring and importing, written to `docs/performance.md`. The measuring itself is the
//! program of the crate in `benches/`; this builds it and sees to it that there is an image to measure with.

use crate::steps::{root, step};

/// Measures and writes the results; or measures one part alone, and prints its section.
pub(crate) fn bench(only: Option<&str>) -> Result<(), String> {
    let build = ["cargo", "build", "--release", "--package", "retrial-benches", "--package", "retrial-cli"];
    step(&build)?;
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".to_owned());
    let program = root().join(&target).join("release/retrial-benches");
    let program = program.to_str().ok_or("the target directory's path is not UTF-8")?;
    if let Some(part) = only {
        return step(&[program, "--only", part, "--scratch", &target]);
    }
    // Ends at once where the image is there.
    step(&["containers/make-base.sh"])?;
    step(&[program, "--write", "docs/performance.md", "--scratch", &target])
}
