//! Where things are kept outside run directories, and what runs are called.

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use retrial_spec::RunId;

use crate::env_vars;
use crate::failure::Failure;

/// Returns the directory of kits and other things that can be made again.
pub(crate) fn cache_dir() -> Result<PathBuf, Failure> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set(env_vars::CACHE_DIR)
        .or_else(|| set(env_vars::XDG_CACHE_HOME).map(|cache| cache.join("retrial")))
        .or_else(|| set(env_vars::HOME).map(|home| home.join(".cache/retrial")))
        .ok_or_else(|| Failure::Usage(format!("no cache directory: set `{}`", env_vars::CACHE_DIR)))
}

/// Returns a run's id: its time in UTC and its seed.
pub(crate) fn run_id(at: Timestamp, seed: u64) -> RunId {
    let time = at.to_zoned(TimeZone::UTC).strftime("%Y%m%d-%H%M%S");
    RunId::new(format!("{time}-seed{seed}")).expect("digits, letters and dashes are a name")
}

/// Returns name and version of this tool as they stand in files.
pub(crate) fn tool() -> String {
    format!("retrial {}", env!("CARGO_PKG_VERSION"))
}
