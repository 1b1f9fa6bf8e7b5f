//! Kits built by a scripted `npm`, and opencode's by the real one.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use fs_err as fs;
use jiff::Timestamp;
use retrial_agents::{Kit, KitBuilder, KitError, Recipe};
use tempfile::TempDir;

const RECIPE: &str = r#"name = "mine"
description = "an agent"
licence = "MIT"
protocols = ["openai_chat"]

[kit]
manager = "npm"
packages = [{ name = "@org/mine", version = "1.2.3", programs = { mine = "bin/mine.sh" } }]
remove = ["node_modules/extra", "node_modules/absent"]

[launch]
argv = ["{kit}/bin/mine", "{instruction}"]
"#;

/// What the scripted `npm` does: it counts its calls, checks its arguments, and makes two packages.
const NPM: &str = r#"#!/bin/sh
set -e
echo called >> "$(dirname "$0")/calls"
echo "$*" > "$(dirname "$0")/arguments"
while [ "$1" != "--prefix" ]; do shift; done
cd "$2"
mkdir -p node_modules/@org/mine/bin node_modules/extra
echo '{"name": "@org/mine", "version": "VERSION"}' > node_modules/@org/mine/package.json
printf '#!/bin/sh\necho hello\n' > node_modules/@org/mine/bin/mine.sh
chmod 600 node_modules/@org/mine/bin/mine.sh
echo x > node_modules/extra/large
date +%N | tee package.json package-lock.json > node_modules/.package-lock.json
echo "added 2 packages"
"#;

struct Bench {
    directory: TempDir,
}

impl Bench {
    fn new(npm: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("npm"), npm).unwrap();
        fs::set_permissions(directory.path().join("npm"), PermissionsExt::from_mode(0o755)).unwrap();
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn builder(&self) -> KitBuilder {
        let now = "2026-01-02T03:04:05Z".parse::<Timestamp>().unwrap();
        KitBuilder { npm: self.path("npm").into_os_string(), ..KitBuilder::new(&self.path("cache"), now) }
    }

    fn build(&self, recipe: &str) -> Result<Kit, KitError> {
        self.builder().build(&Recipe::parse("mine.toml", recipe).unwrap(), &|_| {})
    }

    fn calls(&self) -> usize {
        fs::read_to_string(self.path("calls")).map_or(0, |text| text.lines().count())
    }

    /// The entries of the cache that are no finished kit and no lock.
    fn leftovers(&self) -> Vec<OsString> {
        let names = fs::read_dir(self.path("cache/kits")).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().ends_with(".building")).collect()
    }
}

fn good() -> Bench {
    Bench::new(&NPM.replace("VERSION", "1.2.3"))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_kit_is_built_once_and_then_found() {
    let bench = good();
    let recipe = Recipe::parse("mine.toml", RECIPE).unwrap();
    assert_eq!(Kit::locate(&recipe, &bench.path("cache")).unwrap(), None);
    let lines = Mutex::new(Vec::new());
    let kit = bench.builder().build(&recipe, &|line| lines.lock().unwrap().push(line.to_owned())).unwrap();
    let lines = lines.into_inner().unwrap();
    assert_eq!(
        lines,
        ["installing @org/mine 1.2.3", "added 2 packages", "checking the kit", "mine 1.2.3 is ready"]
    );
    assert_eq!((kit.version(), kit.facts().name.as_str()), ("1.2.3", "mine"));
    assert_eq!(kit.facts().built_at.to_string(), "2026-01-02T03:04:05Z");
    assert_eq!(Kit::locate(&recipe, &bench.path("cache")).unwrap().as_ref(), Some(&kit));
    assert_eq!(bench.build(RECIPE).unwrap(), kit);
    assert_eq!(bench.calls(), 1);
    assert!(bench.leftovers().is_empty());
    kit.verify().unwrap();
}

#[test]
fn scripts_of_packages_are_not_run_and_the_version_is_pinned() {
    let bench = good();
    bench.build(RECIPE).unwrap();
    let arguments = fs::read_to_string(bench.path("arguments")).unwrap();
    assert!(arguments.starts_with("install --ignore-scripts --no-audit --no-fund"), "{arguments}");
    assert!(arguments.trim_end().ends_with("-- @org/mine@1.2.3"), "{arguments}");
}

/// A hash as npm writes it.
fn integrity() -> String {
    format!("sha512-{}==", "A".repeat(86))
}

fn locked(recipe: &str) -> String {
    recipe.replace("version = \"1.2.3\",", &format!("version = \"1.2.3\", integrity = \"{}\",", integrity()))
}

#[test]
fn packages_with_hashes_are_installed_by_a_lock_that_names_them_alone() {
    let npm = NPM.replace("VERSION", "1.2.3");
    let bench =
        Bench::new(&npm.replace("cd \"$2\"", "cp \"$2\"/package*.json \"$(dirname \"$0\")\"; cd \"$2\""));
    let kit = bench.build(&locked(RECIPE)).unwrap();
    let arguments = fs::read_to_string(bench.path("arguments")).unwrap();
    assert!(
        arguments.starts_with("ci --ignore-scripts ") && arguments.contains(" --package-lock "),
        "{arguments}"
    );
    assert!(!arguments.contains("@org/mine"), "{arguments}");
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(bench.path(name)).unwrap()).unwrap()
    };
    let wanted = serde_json::json!({"@org/mine": "1.2.3"});
    assert_eq!(read("package.json"), serde_json::json!({"dependencies": wanted}));
    let expected = serde_json::json!({"lockfileVersion": 3, "requires": true, "packages": {
        "": {"dependencies": wanted},
        "node_modules/@org/mine": {"version": "1.2.3", "integrity": integrity()},
    }});
    assert_eq!(read("package-lock.json"), expected);
    assert!(!kit.path().join("package-lock.json").exists());
}

#[test]
fn a_package_that_needs_what_the_recipe_does_not_name_makes_no_locked_kit() {
    let needs = |rest: &str| {
        let manifest = format!("\"version\": \"1.2.3\", \"dependencies\": {{\"left\": \"^1\"}}{rest}");
        Bench::new(&NPM.replace("\"version\": \"VERSION\"", &manifest))
    };
    let error = needs("").build(&locked(RECIPE)).unwrap_err();
    assert_eq!(error.to_string(), "`@org/mine` needs `left`, which the recipe does not name");
    assert!(error.hint().unwrap().contains("add `left`"));
    assert!(needs(", \"bundledDependencies\": [\"left\"]").build(&locked(RECIPE)).is_ok());
    // Without hashes npm has seen to it.
    assert!(needs("").build(RECIPE).is_ok());
}

#[test]
fn a_kit_is_pruned_readable_by_everybody_and_has_its_programs_in_one_place() {
    let bench = good();
    let kit = bench.build(RECIPE).unwrap();
    assert!(!kit.path().join("node_modules/extra").exists());
    assert_eq!(
        fs::read_link(kit.path().join("bin/mine")).unwrap(),
        Path::new("../node_modules/@org/mine/bin/mine.sh")
    );
    assert_eq!(mode(&kit.path().join("bin/mine")), 0o755);
    assert_eq!((mode(kit.path()), mode(&kit.path().join("kit.json"))), (0o755, 0o644));
    let hello = Command::new(kit.path().join("bin/mine")).output().unwrap();
    assert_eq!(hello.stdout, b"hello\n");
}

#[test]
fn a_relative_cache_is_made_absolute() {
    let bench = good();
    let recipe = Recipe::parse("mine.toml", RECIPE).unwrap();
    let here = std::env::current_dir().unwrap();
    let up: PathBuf = here.components().skip(1).map(|_| "..").collect();
    let cache = up.join(bench.path("cache").strip_prefix("/").unwrap());
    let kit = KitBuilder { cache, ..bench.builder() }.build(&recipe, &|_| {}).unwrap();
    assert!(kit.path().is_absolute(), "{}", kit.path().display());
    assert_eq!(Kit::locate(&recipe, &bench.path("cache")).unwrap().unwrap().digest(), kit.digest());
}

#[test]
fn another_version_makes_another_kit() {
    let bench = good();
    let first = bench.build(RECIPE).unwrap();
    fs::write(bench.path("npm"), NPM.replace("VERSION", "1.2.4")).unwrap();
    let second = bench.build(&RECIPE.replace("1.2.3", "1.2.4")).unwrap();
    assert_ne!(first.path(), second.path());
    assert_ne!(first.digest(), second.digest());
    let described = RECIPE.replace("an agent", "the same agent");
    assert_eq!(bench.build(&described).unwrap(), first);
}

#[test]
fn a_version_that_is_not_the_pinned_one_is_refused() {
    let bench = Bench::new(&NPM.replace("VERSION", "1.2.2"));
    let error = bench.build(RECIPE).unwrap_err();
    assert_eq!(error.to_string(), "`@org/mine` was installed as version 1.2.2, and the recipe pins 1.2.3");
    assert!(bench.leftovers().is_empty());
}

#[test]
fn a_failed_installation_shows_how_npm_ended() {
    let bench = Bench::new("#!/bin/sh\nseq 1 40\necho 'npm error network refused' >&2\nexit 7\n");
    let error = bench.build(RECIPE).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("exit status: 7") && text.contains("npm error network refused"), "{text}");
    assert!(text.contains("\n40") && !text.contains("\n9\n"), "only the end is shown: {text}");
    assert!(error.hint().is_some_and(|hint| hint.contains("network")));
    assert!(bench.leftovers().is_empty());
}

#[test]
fn a_machine_without_npm_is_told_so() {
    let bench = good();
    let builder = KitBuilder { npm: bench.path("absent").into_os_string(), ..bench.builder() };
    let error = builder.build(&Recipe::parse("mine.toml", RECIPE).unwrap(), &|_| {}).unwrap_err();
    assert!(matches!(error, KitError::ManagerMissing { .. }), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.starts_with("install `")));
}

#[test]
fn a_program_that_a_package_lacks_is_told_with_the_nearest_one() {
    let error = good().build(&RECIPE.replace("bin/mine.sh", "bin/mine.js")).unwrap_err();
    assert_eq!(error.to_string(), "`@org/mine` holds no program at `bin/mine.js`");
    assert_eq!(error.hint().as_deref(), Some("did you mean `bin/mine.sh`?"));
}

#[test]
fn what_a_killed_build_left_is_removed_and_the_same_content_has_the_same_digest() {
    let bench = good();
    let kit = bench.build(RECIPE).unwrap();
    let name = kit.path().file_name().unwrap().to_string_lossy().into_owned();
    fs::remove_dir_all(kit.path()).unwrap();
    let half = bench.path("cache/kits").join(format!(".{name}.building"));
    fs::create_dir(&half).unwrap();
    fs::write(half.join("half"), "x").unwrap();
    let again = bench.build(RECIPE).unwrap();
    assert_eq!(again.digest(), kit.digest());
    assert!(bench.leftovers().is_empty());
}

#[test]
fn of_many_builders_one_builds() {
    let bench = good();
    let kits: Vec<Kit> = std::thread::scope(|scope| {
        let builders: Vec<_> = (0..8).map(|_| scope.spawn(|| bench.build(RECIPE).unwrap())).collect();
        builders.into_iter().map(|builder| builder.join().unwrap()).collect()
    });
    assert!(kits.iter().all(|kit| *kit == kits[0]));
    assert_eq!(bench.calls(), 1);
}

#[test]
fn a_kit_that_changed_is_not_trusted() {
    let bench = good();
    let kit = bench.build(RECIPE).unwrap();
    fs::write(kit.path().join("node_modules/@org/mine/bin/mine.sh"), "#!/bin/sh\necho other\n").unwrap();
    assert!(matches!(kit.verify(), Err(KitError::Changed { .. })));
}

/// A package with a program that says what it sees, as a wheel in a directory; returns its line of a lock.
fn make_wheel(directory: &Path) -> String {
    const MAKE: &str = r#"
import hashlib, sys, zipfile
module = """import ctypes, os, sqlite3, ssl, sys
def main():
    print(sys.version_info[0], 'LD_LIBRARY_PATH' in os.environ, 'PYTHONHOME' in os.environ, sys.argv[1:])
    libraries = {line.split()[-1] for line in open('/proc/self/maps') if '.so' in line}
    print([path for path in sorted(libraries) if 'ssl' in path or 'sqlite' in path or 'ffi' in path])
"""
files = {
    "seer.py": module,
    "seer-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: seer\nVersion: 1.0\n",
    "seer-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "seer-1.0.dist-info/entry_points.txt": "[console_scripts]\nsee = seer:main\n",
}
path = sys.argv[1] + "/seer-1.0-py3-none-any.whl"
with zipfile.ZipFile(path, "w") as wheel:
    for name, text in files.items():
        wheel.writestr(zipfile.ZipInfo(name), text)
    record = "".join(name + ",,\n" for name in [*files, "seer-1.0.dist-info/RECORD"])
    wheel.writestr(zipfile.ZipInfo("seer-1.0.dist-info/RECORD"), record)
print(hashlib.sha256(open(path, "rb").read()).hexdigest())
"#;
    let output = Command::new("python3").args(["-c", MAKE]).arg(directory).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    format!("seer==1.0 --hash=sha256:{}\n", String::from_utf8_lossy(&output.stdout).trim())
}

#[test]
fn a_kit_from_pip_brings_its_interpreter_along_and_is_the_same_each_time() {
    const SEER: &str = r#"name = "seer"
description = "a program that says what it sees"
licence = "MIT"
protocols = ["openai_chat"]

[kit]
manager = "pip"
lock = "seer.lock"
python = ["3.11", "3.12", "3.13", "3.10"]
packages = [{ name = "seer", version = "1.0", programs = { see = "see" } }]

[launch]
argv = ["{kit}/bin/see", "{instruction}"]
"#;
    let place = tempfile::tempdir().unwrap();
    fs::set_permissions(place.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let lock = make_wheel(place.path());
    let parse = |lock: String| Recipe::parse_with("seer.toml", SEER, &move |_| Ok(lock.clone())).unwrap();
    let build = |cache: &str, lock: &str| {
        let now = "2026-01-02T03:04:05Z".parse::<Timestamp>().unwrap();
        let mut builder = KitBuilder::new(&place.path().join(cache), now);
        builder.env = [("PIP_NO_INDEX", "1"), ("PIP_FIND_LINKS", place.path().to_str().unwrap())]
            .map(|(name, value)| (name.into(), value.into()))
            .to_vec();
        builder.build(&parse(lock.to_owned()), &|_| {})
    };
    let kit = build("one", &lock).unwrap();
    assert!(kit.facts().interpreter.as_ref().is_some_and(|name| name.starts_with("CPython 3.")));
    assert!(kit.facts().min_glibc.is_some());
    assert_eq!(build("two", &lock).unwrap().digest(), kit.digest(), "the same inputs give the same kit");

    let mut command = Command::new(kit.path().join("bin/see"));
    // What a task's image may set must not reach the agent.
    command.args(["a b", "c"]).env_clear().env("PYTHONHOME", "/nowhere").env("PYTHONPATH", "/nowhere");
    command.current_dir("/");
    if is_root() {
        command.uid(54_321).gid(54_321);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.starts_with("3 False True ['a b', 'c']\n"), "{output:?}");
    let libraries = text.lines().nth(1).unwrap();
    let own = kit.path().join("lib/shared").display().to_string();
    assert_eq!(
        libraries.matches(".so").count(),
        libraries.matches(&own).count() + libraries.matches("lib-dynload").count()
    );
    assert!(libraries.contains("libssl"), "{libraries}");

    let wrong = lock.replace("sha256:", "sha256:00").replace("sha256:0000", "sha256:00");
    let error = build("three", &wrong).unwrap_err();
    assert!(matches!(error, KitError::Install { .. }), "{error}");
}

#[test]
fn a_machine_without_the_right_python_is_told_so() {
    let recipe = RECIPE
        .replace("manager = \"npm\"", "manager = \"pip\"\nlock = \"x.lock\"\npython = [\"3.99\"]")
        .replace("@org/mine", "mine")
        .replace("bin/mine.sh", "mine");
    let lock = |_: &str| Ok("mine==1.2.3 --hash=sha256:00\n".to_owned());
    let recipe = Recipe::parse_with("mine.toml", &recipe, &lock).unwrap();
    let error = good().builder().build(&recipe, &|_| {}).unwrap_err();
    assert_eq!(error.to_string(), "the kit of `mine` needs CPython 3.99, and this machine has none of them");
}

#[test]
fn the_reference_agent_needs_no_kit() {
    let bench = good();
    let reference = Recipe::builtin("reference").unwrap();
    assert_eq!(reference.kit(&bench.path("cache"), &|_| {}).unwrap(), None);
    assert!(matches!(Kit::locate(&reference, &bench.path("cache")), Err(KitError::NotNeeded { .. })));
}

/// Runs where the environment asks for tests that need a registry.
#[test]
fn the_kit_of_opencode_works_for_a_user_without_a_passwd_entry() {
    let asked = ["RETRIAL_REQUIRE_DOCKER", "RETRIAL_KIT_TESTS"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|v| v == "1"));
    if !asked {
        println!("skipped: set RETRIAL_KIT_TESTS=1 to build the kit of opencode from its registry");
        return;
    }
    let cache = tempfile::tempdir().unwrap();
    fs::set_permissions(cache.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let recipe = Recipe::builtin("opencode").unwrap();
    let kit = Kit::build(&recipe, cache.path(), &|line| println!("{line}")).unwrap();
    println!("{:?}", kit.facts());
    kit.verify().unwrap();
    let packages = fs::read_dir(kit.path().join("node_modules")).unwrap();
    let packages: Vec<_> = packages
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_string_lossy().contains("opencode"))
        .collect();
    assert_eq!(packages.len(), 1, "{packages:?}");
    assert!(kit.facts().min_glibc.is_some(), "it is linked against glibc");

    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let mut command = Command::new(kit.path().join("bin/opencode"));
    command.arg("--version").env_clear().env("HOME", home.path()).current_dir(home.path());
    if is_root() {
        command.uid(54_321).gid(54_321);
    }
    let output = command.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), kit.version(), "{output:?}");
}

fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
}
