//! Every environment variable that the command reads, in one place.

/// Where kits are kept; by default `$XDG_CACHE_HOME/retrial` or `~/.cache/retrial`.
pub(crate) const CACHE_DIR: &str = "RETRIAL_CACHE_DIR";

/// Set to any value to draw no colour (<https://no-color.org>).
pub(crate) const NO_COLOR: &str = "NO_COLOR";

/// The user's cache directory.
pub(crate) const XDG_CACHE_HOME: &str = "XDG_CACHE_HOME";

/// The user's home directory.
pub(crate) const HOME: &str = "HOME";

/// The engine's socket, as for Docker's own client; remote engines are refused.
pub(crate) const DOCKER_HOST: &str = "DOCKER_HOST";

/// The password of the secret key that `report --sign` signs with.
pub(crate) const SIGNING_PASSWORD: &str = "RETRIAL_SIGNING_PASSWORD";
