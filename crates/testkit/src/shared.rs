//! Files that tests compare with and that this project does not hold.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Returns a path below the directory `shared` beside the workspace; none where it is absent, which the test's output says.
///
/// # Panics
/// Where it is absent although `RETRIAL_REQUIRE_SHARED=1` says that it must be there.
#[allow(clippy::print_stdout, reason = "whoever runs the tests should know what they did not test")]
pub fn shared(path: &str) -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let path = workspace.join("../shared").join(path);
    if path.exists() {
        return Some(path);
    }
    let is_required = std::env::var_os("RETRIAL_REQUIRE_SHARED").is_some_and(|value| value == "1");
    assert!(!is_required, "`{}` is required and absent", path.display());
    println!("skipped: `{}` is absent", path.display());
    None
}

/// Returns the JSON files of such a directory by their names, without the ending.
///
/// # Panics
/// As [`shared`], and where there is no such file or one is no JSON.
pub fn shared_json(directory: &str) -> Option<Vec<(String, Value)>> {
    let entries = fs_err::read_dir(shared(directory)?).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|kind| kind == "json")).collect();
    files.sort();
    assert!(!files.is_empty(), "`{directory}` holds no JSON");
    let read = |file: PathBuf| {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        (name, serde_json::from_slice(&fs_err::read(&file).unwrap()).unwrap())
    };
    Some(files.into_iter().map(read).collect())
}
