//! A model endpoint of an experiment made ready for trials: its key found, its limits read. Keys are read for each trial and kept
//! nowhere else.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use retrial_gateway::{HttpUpstream, InvalidBaseUrl, RateLimits, Secret};
use retrial_spec::ModelSpec;

/// The largest file that is taken for a key.
const LONGEST_KEY: u64 = 16 << 10;

/// Why an endpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The environment variable of the key is not set.
    #[error("the key in `{variable}` is not set")]
    NoVariable {
        /// The environment variable.
        variable: String,
    },
    /// The file of the key cannot be read.
    #[error("the key's file cannot be read")]
    Read(#[source] std::io::Error),
    /// The file of the key can be read by others than its owner.
    #[error("the key's file `{}` can be read by others than its owner (mode {mode:03o})", path.display())]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file of the key holds none.
    #[error("the key's file `{}` holds no key: {reason}", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
        /// What it holds instead.
        reason: &'static str,
    },
    /// The base URL is none.
    #[error(transparent)]
    Url(#[from] InvalidBaseUrl),
}

impl EndpointError {
    /// Returns what to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoVariable { variable } => {
                Some(format!("set `{variable}`; it is never stored nor passed on"))
            }
            Self::OpenToOthers { path, .. } => Some(format!("run `chmod 600 {}`", path.display())),
            _ => None,
        }
    }
}

/// Returns the upstream of an endpoint.
///
/// # Errors
/// [`EndpointError`]; no error shows the key.
pub(crate) fn upstream(model: &ModelSpec) -> Result<HttpUpstream, EndpointError> {
    let limits = RateLimits {
        max_wait: Duration::from_secs(model.max_wait_sec),
        max_attempts: model.max_attempts,
        requests_per_minute: model.requests_per_minute,
        tokens_per_minute: model.tokens_per_minute,
        concurrent_requests: model.concurrent_requests,
    };
    let upstream = HttpUpstream::new(&model.base_url, Some(model.model.clone()), key(model)?)?;
    Ok(upstream.key_header(model.key_header).unversioned(model.unversioned).rate_limits(limits))
}

fn key(model: &ModelSpec) -> Result<Option<Secret>, EndpointError> {
    if let Some(variable) = &model.key_env {
        let key = std::env::var(variable).ok().filter(|key| !key.is_empty());
        let key = key.ok_or_else(|| EndpointError::NoVariable { variable: variable.clone() })?;
        return Ok(Some(Secret::new(key)));
    }
    model.key_file.as_deref().map(|path| key_of_file(Path::new(path))).transpose()
}

fn key_of_file(path: &Path) -> Result<Secret, EndpointError> {
    let no_key = |reason| EndpointError::NoKey { path: path.to_owned(), reason };
    let metadata = fs_err::metadata(path).map_err(EndpointError::Read)?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(EndpointError::OpenToOthers { path: path.to_owned(), mode });
    }
    if metadata.len() > LONGEST_KEY {
        return Err(no_key("it is too large"));
    }
    let text = fs_err::read(path).map_err(EndpointError::Read)?;
    let text = String::from_utf8(text).map_err(|_| no_key("it is no text"))?;
    let text = text.strip_suffix('\n').map_or(&*text, |text| text.strip_suffix('\r').unwrap_or(text));
    if text.is_empty() {
        return Err(no_key("it is empty"));
    }
    if text.contains(char::is_control) {
        return Err(no_key("it has more than one line, or holds control characters"));
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &[u8], mode: u32) -> Result<Secret, EndpointError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        fs_err::write(&path, text).unwrap();
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        key_of_file(&path)
    }

    #[test]
    fn a_key_is_the_only_line_of_its_file() {
        for text in ["sk-1", "sk-1\n", "sk-1\r\n"] {
            assert_eq!(written(text.as_bytes(), 0o600).unwrap().reveal(), "sk-1");
        }
        for text in [&b""[..], b"\n", b"sk-1\nsk-2\n", b"sk-\xff"] {
            let error = written(text, 0o400).unwrap_err();
            assert!(matches!(error, EndpointError::NoKey { .. }), "{error:?}");
            assert!(!format!("{error:?} {error}").contains("sk-"), "{error:?}");
        }
    }

    #[test]
    fn a_file_that_others_may_read_holds_no_secret() {
        for mode in [0o644, 0o640, 0o604, 0o620] {
            let error = written(b"sk-1", mode).unwrap_err();
            assert!(matches!(error, EndpointError::OpenToOthers { .. }), "{error:?}");
            assert!(error.hint().unwrap().starts_with("run `chmod 600 "));
        }
    }
}
