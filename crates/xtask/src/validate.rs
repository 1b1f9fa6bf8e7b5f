//! `cargo xtask validate`: the full validation of the instrument, written into `docs/validation.md`.

use std::process::{Command, Stdio};

use crate::generate;
use crate::steps::{root, step};

/// Runs `retrial validate` in a release build and writes its tables into the page.
pub(crate) fn validate() -> Result<(), String> {
    step(&["cargo", "build", "--release", "--package", "retrial-cli"])?;
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".to_owned());
    let program = root().join(target).join("release/retrial");
    println!("\n== {} validate", program.display());
    let output = Command::new(&program)
        .arg("validate")
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot start `{}`: {error}", program.display()))?;
    let tables = String::from_utf8(output.stdout).map_err(|_| "the tables are not UTF-8".to_owned())?;
    if tables.is_empty() {
        return Err(format!("`retrial validate` ended with {} and printed nothing", output.status));
    }
    // A requirement that is missed belongs on the page.
    generate::page("docs/validation.md", &tables, false)?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("not every requirement is met: `retrial validate` ended with {}", output.status))
    }
}
