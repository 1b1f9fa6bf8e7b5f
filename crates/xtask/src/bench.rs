//! `cargo xtask bench`: the cost of the harness beside bare loops, written to `docs/performance.md`. The measuring itself is the
//! program of the crate in `benches/`; this builds it and sees to it that there is an image to measure with.

use std::process::{Command, Stdio};

use crate::steps::{root, step};

/// The image that the measured task is made from.
const BASE: &str = "retrial/base:bookworm";

/// Measures and writes the results.
pub(crate) fn bench() -> Result<(), String> {
    if !has_image() {
        step(&["containers/make-base.sh"])?;
    }
    step(&["cargo", "build", "--release", "--package", "retrial-benches"])?;
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".to_owned());
    let program = root().join(&target).join("release/retrial-benches");
    let program = program.to_str().ok_or("the target directory's path is not UTF-8")?;
    step(&[program, "--write", "docs/performance.md", "--scratch", &target])
}

fn has_image() -> bool {
    let mut command = Command::new("docker");
    command.args(["image", "inspect", BASE]).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
