//! Who answers: connections to providers, and simulated models behind the same face.

/// The client for providers.
#[derive(Debug, Clone)]
pub(crate) struct Provider;

impl Provider {
    pub(crate) fn new() -> Self {
        Self
    }
}
