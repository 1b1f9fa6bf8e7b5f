//! Measurements; see `docs/performance.md`.

/// Measures and writes the results.
pub(crate) fn bench() -> Result<(), String> {
    Err("no measurement yet".to_owned())
}
