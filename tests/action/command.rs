//! Where the command comes from: built from the sources of the action, kept, and found again.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::github::clone;
use crate::service::Service;
use crate::support::Ran;

/// A `cargo` and a `rustup` that note how they are called; what they "build" is the command under test.
struct Toolchain<'a> {
    service: &'a Service,
    /// The version that cargo says it has.
    version: &'static str,
}

impl Toolchain<'_> {
    fn install(&self) {
        let at = |name: &str| self.service.place.join(name).display().to_string();
        let cargo = format!(
            r#"#!/usr/bin/env bash
set -euo pipefail
[[ $1 != --version ]] || {{ echo "cargo {version} (of a test)"; exit; }}
printf '%s\n' "$*" >>{calls}
pwd -P >{cwd}
env >{env}
find . -type f >{files}
while [[ $1 != --root ]]; do shift; done
mkdir -p "$2/bin"
printf '#!/bin/sh\nexec {program} "$@"\n' >"$2/bin/retrial"
chmod 755 "$2/bin/retrial"
"#,
            version = self.version,
            calls = at("calls"),
            cwd = at("cwd"),
            env = at("env"),
            files = at("files"),
            program = env!("CARGO_BIN_EXE_retrial"),
        );
        for (name, text) in [("cargo", cargo.as_str()), ("rustup", "#!/bin/sh\n")] {
            let path = self.service.place.write(&format!("toolchain/{name}"), text);
            fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("permissions");
        }
    }

    fn noted(&self, name: &str) -> String {
        fs_err::read_to_string(self.service.place.join(name)).expect("a note")
    }

    fn calls(&self) -> usize {
        let calls = fs_err::read_to_string(self.service.place.join("calls"));
        calls.map_or(0, |calls| calls.lines().count())
    }

    fn path(&self) -> String {
        let path = std::env::var("PATH").expect("a path");
        format!("{}:{path}", self.service.place.join("toolchain").display())
    }

    /// Settings of a workspace that is built for another machine by an old compiler.
    fn env(&self) -> Vec<(&'static str, String)> {
        let settings = [
            ("CARGO_BUILD_TARGET", "wasm32-unknown-unknown"),
            ("CARGO_TARGET_DIR", "elsewhere"),
            ("RUSTUP_TOOLCHAIN", "1.50"),
            ("RUSTFLAGS", "-D warnings"),
            ("CARGO_HTTP_PROXY", "proxy.invalid"),
        ];
        let settings = settings.map(|(name, value)| (name, value.to_owned()));
        [("PATH", self.path())].into_iter().chain(settings).collect()
    }

    /// Runs `ci/get.sh` as in a shell, without anything of GitHub's.
    fn get(&self, env: &[(&str, &str)]) -> Ran {
        let mut command = Command::new("bash");
        command.arg(self.service.checkout.join("ci/get.sh")).current_dir(&self.service.root);
        command.stdin(Stdio::null()).env_clear().env("PATH", self.path());
        command.env("TMPDIR", self.service.place.join("runtime")).envs(env.iter().copied());
        Ran::from(command.output().expect("bash starts"))
    }
}

/// What `ci/key.sh` says: key and directory.
fn key(checkout: &Path, path: &str) -> (String, String) {
    let output = checkout.with_file_name("key-output");
    let mut command = Command::new("bash");
    command.arg(checkout.join("ci/key.sh")).current_dir(checkout).env_clear().env("PATH", path);
    command.env("GITHUB_OUTPUT", &output).env("RUNNER_TEMP", "/runner").env("INPUT_OUT", "retrial-out");
    Ran::from(command.output().expect("bash starts")).expect(0);
    let text = fs_err::read_to_string(&output).expect("outputs");
    fs_err::remove_file(&output).expect("outputs");
    let value = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
            .expect("an output")
            .to_owned()
    };
    (value("key"), value("directory"))
}

/// A service that has the sources in its own workspace, beside settings for what is built there.
fn service_with_settings() -> Service {
    let mut service = Service::new();
    service.checkout = clone(&service.place, "service/.retrial");
    service.place.write("service/rust-toolchain.toml", "[toolchain]\nchannel = \"1.50\"\n");
    service.place.write("service/.cargo/config.toml", "[build]\ntarget = \"wasm32-unknown-unknown\"\n");
    service
}

#[test]
fn the_action_builds_its_command_outside_of_the_workspace_and_without_its_settings() {
    let service = service_with_settings();
    let toolchain = Toolchain { service: &service, version: "1.95.0" };
    toolchain.install();
    let done = service.job_that_gets_the_command(&[("trials", "1"), ("first", "true")], &toolchain.env());
    assert_eq!(done.code, 0, "{}", done.log);
    let steps: Vec<&str> = done.ran.iter().take(4).map(String::as_str).collect();
    let looked = ["Know what the command is made of", "Look for a built command"];
    assert_eq!(steps, [looked[0], looked[1], "Get the command", "Keep the built command"]);

    let directory = PathBuf::from(toolchain.noted("cwd").trim_end());
    assert!(!directory.starts_with(&service.root), "{}", directory.display());
    for above in directory.ancestors() {
        for settings in ["rust-toolchain.toml", "rust-toolchain", ".cargo/config.toml"] {
            assert!(!above.join(settings).exists(), "{} in {}", settings, above.display());
        }
    }
    let env = toolchain.noted("env");
    for name in ["CARGO_BUILD_TARGET=", "CARGO_TARGET_DIR=", "RUSTUP_TOOLCHAIN=", "RUSTFLAGS="] {
        assert!(!env.lines().any(|line| line.starts_with(name)), "{env}");
    }
    // How to reach a registry is no setting of what is built.
    assert!(env.contains("CARGO_HTTP_PROXY=proxy.invalid"), "{env}");
    let calls = toolchain.noted("calls");
    assert!(calls.starts_with("install --locked --no-track --path crates/cli --root "), "{calls}");
    let files = toolchain.noted("files");
    assert!(files.contains("./Cargo.lock\n") && files.contains("./crates/cli/src/main.rs\n"), "{files}");
    assert!(!files.contains("./docs/"), "{files}");
    assert!(!directory.exists(), "where it was built is not left");
}

#[test]
fn a_toolchain_that_is_too_old_is_not_used_to_build() {
    let service = service_with_settings();
    let toolchain = Toolchain { service: &service, version: "1.60.0" };
    toolchain.install();
    let home = service.place.join("home").display().to_string();
    toolchain.get(&[("HOME", &home), ("RUSTUP_TOOLCHAIN", "1.60")]).expect(0);
    let manifest = fs_err::read_to_string(service.checkout.join("Cargo.toml")).expect("a manifest");
    let needed = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).expect("a version");
    let env = toolchain.noted("env");
    assert!(env.contains(&format!("RUSTUP_TOOLCHAIN={}\n", needed.trim_matches('"'))), "{env}");
}

#[test]
fn a_built_command_is_kept_by_what_it_is_made_of_where_nobody_else_can_write() {
    let service = service_with_settings();
    let toolchain = Toolchain { service: &service, version: "1.95.0" };
    toolchain.install();
    let home = service.place.join("home").display().to_string();
    toolchain.get(&[("HOME", &home)]).expect(0);
    toolchain.get(&[("HOME", &home)]).expect(0);
    assert_eq!(toolchain.calls(), 1);
    let kept = service.place.join("home/.cache/retrial");
    let kept: Vec<PathBuf> =
        fs_err::read_dir(kept).expect("a cache").map(|one| one.unwrap().path()).collect();
    let [kept] = &kept[..] else { panic!("{kept:?}") };
    assert_eq!(fs_err::metadata(kept).unwrap().permissions().mode() & 0o777, 0o700);
    // One that does not start here, as on another system, is built again.
    fs_err::write(kept.join("retrial"), "no program").expect("a file");
    toolchain.get(&[("HOME", &home)]).expect(0);
    assert_eq!(toolchain.calls(), 2);
    // Other sources are another command.
    service.place.write("service/.retrial/crates/cli/src/new.rs", "");
    toolchain.get(&[("HOME", &home)]).expect(0);
    assert_eq!(toolchain.calls(), 3);
    if nix::unistd::geteuid().is_root() {
        let nobody = Some(nix::unistd::Uid::from_raw(65534));
        fs_err::remove_file(service.place.join("service/.retrial/crates/cli/src/new.rs")).expect("a file");
        nix::unistd::chown(kept, nobody, None).expect("another owner");
        let refused = toolchain.get(&[("HOME", &home)]).expect(2);
        assert!(refused.stderr.contains("belongs to somebody else"), "{}", refused.stderr);
    }
}

#[test]
fn what_is_no_program_is_refused_before_anything_runs() {
    let service = Service::new();
    let toolchain = Toolchain { service: &service, version: "1.95.0" };
    toolchain.install();
    let refused = toolchain.get(&[("INPUT_RETRIAL", "/tmp")]).expect(2);
    assert!(refused.stderr.contains("error: `/tmp` is no program"), "{}", refused.stderr);
    let refused = toolchain.get(&[]).expect(2);
    assert!(refused.stderr.contains("name one as INPUT_INSTALL"), "{}", refused.stderr);
    assert_eq!(toolchain.calls(), 0);
}

#[test]
fn the_key_of_a_built_command_changes_with_its_sources_and_with_the_machine() {
    let service = Service::new();
    let path = std::env::var("PATH").expect("a path");
    let (first, directory) = key(&service.checkout, &path);
    assert_eq!(directory, format!("/runner/retrial/{first}"));
    assert_eq!(key(&service.checkout, &path).0, first);
    // What is no part of the command changes nothing.
    service.place.write("action/docs/ci.md", "other");
    assert_eq!(key(&service.checkout, &path).0, first);
    service.place.write("action/crates/cli/src/main.rs", "// other");
    let (second, _) = key(&service.checkout, &path);
    assert_ne!(second, first);
    let uname = service.place.write("machine/uname", "#!/bin/sh\necho other\n");
    fs_err::set_permissions(&uname, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    let other = format!("{}:{path}", uname.parent().expect("a directory").display());
    assert!(key(&service.checkout, &other).0.starts_with("retrial-other-other-"));
    // The C library that it is linked with comes with the system.
    let system = fs_err::read_to_string("/etc/os-release").unwrap_or_default();
    let said = |name: &str| {
        system.lines().find_map(|line| Some(line.strip_prefix(name)?.trim_matches('"').to_owned()))
    };
    if let (Some(id), Some(version)) = (said("ID="), said("VERSION_ID=")) {
        assert!(first.contains(&format!("-{id}-{version}-")), "{first}");
    }
}
