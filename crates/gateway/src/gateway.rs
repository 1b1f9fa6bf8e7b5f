//! The gateway of a run: it holds what trials share and opens one door per trial.

use std::sync::Arc;

use crate::identity::Register;
use crate::upstream::Provider;
use crate::{GatewayError, PriceTable, TrialAccess, TrialGateway};

/// What the trials of a run share: prices, connections to providers, and the register of whose token is whose. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gateway {
    prices: Arc<PriceTable>,
    provider: Provider,
    register: Register,
}

impl Gateway {
    /// Makes the gateway of a run. Costs are computed with the given table.
    pub fn new(prices: PriceTable) -> Self {
        Self { prices: Arc::new(prices), provider: Provider::new(), register: Register::default() }
    }

    /// Returns the price table.
    pub fn prices(&self) -> &Arc<PriceTable> {
        &self.prices
    }

    /// Listens on the trial's own Unix socket until [`TrialGateway::finish`].
    ///
    /// Must be called within a tokio runtime with time and I/O enabled.
    ///
    /// # Errors
    /// - [`GatewayError::Listen`]: the socket's path is too long or exists, its directory does not, or its owner cannot be set.
    /// - [`GatewayError::WireLog`], [`GatewayError::AuditLog`]: the log's file cannot be made.
    /// - [`GatewayError::Certificates`]: the upstream is `https` and the host has no certificate store.
    pub async fn open(&self, access: TrialAccess) -> Result<TrialGateway, GatewayError> {
        TrialGateway::open(access, Arc::clone(&self.prices), self.provider.clone(), self.register.clone())
            .await
    }
}
