//! Builds the relay as a static program and leaves it where the crate can embed it.
//!
//! Cargo cannot hand one package's program to another, so the compiler is called directly: the relay has no
//! dependencies, and needs none of Cargo's features.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let source = Path::new("..").join("relay").join("src");
    println!("cargo::rerun-if-changed={}", source.display());
    println!("cargo::rerun-if-env-changed=RUSTC");
    let library = out.join("libretrial_relay.rlib");
    let mut build_library = rustc();
    build_library.args(["--crate-name", "retrial_relay", "--crate-type", "rlib", "-o"]).arg(&library);
    run(build_library.arg(source.join("lib.rs")));
    let mut build_program = rustc();
    build_program.args(["--crate-name", "relay", "--crate-type", "bin", "-o"]).arg(out.join("relay"));
    build_program.arg("--extern").arg(join("retrial_relay=", &library));
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        build_program.arg("-C").arg(join("linker=", Path::new(&linker)));
    }
    run(build_program.arg(source.join("main.rs")));
}

/// The compiler with the options both calls share. Static glibc is enough, since the relay resolves no names.
fn rustc() -> Command {
    let mut command = Command::new(env::var_os("RUSTC").expect("cargo sets RUSTC"));
    command.args(["--edition=2024", "--cap-lints=allow", "--target"]);
    command.arg(env::var_os("TARGET").expect("cargo sets TARGET"));
    for option in ["target-feature=+crt-static", "opt-level=s", "panic=abort", "strip=symbols"] {
        command.args(["-C", option]);
    }
    command
}

fn run(command: &mut Command) {
    let status = command.status().expect("the compiler can be started");
    assert!(status.success(), "building the relay failed: {command:?}");
}

fn join(prefix: &str, path: &Path) -> std::ffi::OsString {
    let mut joined = std::ffi::OsString::from(prefix);
    joined.push(path);
    joined
}
