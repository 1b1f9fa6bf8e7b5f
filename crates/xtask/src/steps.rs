//! The steps of `cargo xtask test`, in order; the first that fails ends it.

use std::process::{Command, Stdio};

use crate::generate;

/// Runs every step.
pub(crate) fn test() -> Result<(), String> {
    step(&["cargo", "fmt", "--all", "--check"])?;
    step(&["cargo", "clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    println!("\n== generated files");
    generate::generate(true)?;
    if installed("cargo-nextest") {
        step(&["cargo", "nextest", "run", "--workspace", "--no-fail-fast"])?;
        step(&["cargo", "test", "--workspace", "--doc"])?;
    } else {
        step(&["cargo", "test", "--workspace", "--no-fail-fast"])?;
    }
    // The README's first command has to find its program among those of the workspace.
    step(&["cargo", "run", "--quiet", "--", "--version"])?;
    step_with(&["cargo", "doc", "--workspace", "--no-deps"], &[("RUSTDOCFLAGS", "-D warnings")])?;
    if installed("cargo-deny") {
        step(&["cargo", "deny", "check", "licenses", "bans", "sources"])?;
    } else {
        println!("\n== left out: licences of dependencies, because cargo-deny is not installed");
    }
    println!("\nall steps passed");
    Ok(())
}

fn installed(program: &str) -> bool {
    let status = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Runs one command of the workspace and shows it.
pub(crate) fn step(argv: &[&str]) -> Result<(), String> {
    step_with(argv, &[])
}

/// Runs one command of the workspace with further variables, and shows it.
pub(crate) fn step_with(argv: &[&str], env: &[(&str, &str)]) -> Result<(), String> {
    let shown = argv.join(" ");
    println!("\n== {shown}");
    let mut command = Command::new(argv[0]);
    command.args(&argv[1..]).envs(env.iter().copied()).current_dir(root());
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{shown}` ended with {status}")),
        Err(error) => Err(format!("cannot start `{shown}`: {error}")),
    }
}

/// The workspace's root.
pub(crate) fn root() -> std::path::PathBuf {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}
