//! What drives Chromium in tests: scripts for Node.js, with libraries of pinned versions.

use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err::File;

/// Returns the command of a script of `crates/report/tests/browser`, whose libraries are installed when first needed. None where there is no
/// Chromium (`RETRIAL_CHROMIUM`, by default `/usr/bin/chromium`) or no Node.js, which is an error where `RETRIAL_REQUIRE_BROWSER=1`.
pub fn browser_script(name: &str) -> Option<Command> {
    let chromium = std::env::var_os("RETRIAL_CHROMIUM").unwrap_or_else(|| "/usr/bin/chromium".into());
    let has_node = Command::new("node").arg("--version").output().is_ok_and(|output| output.status.success());
    if !has_node || !Path::new(&chromium).exists() {
        let is_required = std::env::var_os("RETRIAL_REQUIRE_BROWSER").is_some_and(|value| value == "1");
        assert!(!is_required, "a browser is required, and Chromium or Node.js is not installed");
        eprintln!("skipped: Chromium or Node.js is not installed");
        return None;
    }
    let mut command = Command::new("node");
    command.arg(installed().join(name));
    Some(command)
}

/// Copies the scripts to where their libraries are, and installs those once for all tests of a target directory.
fn installed() -> PathBuf {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("report").join("tests/browser");
    let program = std::env::current_exe().unwrap();
    // Beside the programs of tests, which lie in `<target>/<profile>/deps`.
    let driver = program.ancestors().nth(3).unwrap().join("tmp/browser");
    fs_err::create_dir_all(&driver).unwrap();
    let one_at_a_time = File::create(driver.join("lock")).unwrap();
    one_at_a_time.file().lock().unwrap();
    let lock = fs_err::read(sources.join("package-lock.json")).unwrap();
    let is_installed = fs_err::read(driver.join("installed.json")).is_ok_and(|installed| installed == lock);
    for entry in fs_err::read_dir(&sources).unwrap() {
        let entry = entry.unwrap();
        fs_err::copy(entry.path(), driver.join(entry.file_name())).unwrap();
    }
    if !is_installed {
        let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        let output = Command::new("npm").args(arguments).current_dir(&driver).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs_err::write(driver.join("installed.json"), lock).unwrap();
    }
    driver
}
