//! The gateway of a run: it holds what trials share and opens one door per trial.

use std::sync::Arc;

use retrial_spec::LatencyReport;

use crate::identity::Register;
use crate::latency::Latencies;
use crate::trial::Recording;
use crate::upstream::Provider;
use crate::{GatewayError, PriceTable, TrialAccess, TrialGateway};

/// What the trials of a run share: prices, connections to providers, and the register of whose token is whose. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gateway {
    pub(crate) prices: Arc<PriceTable>,
    pub(crate) provider: Provider,
    pub(crate) register: Register,
    pub(crate) latencies: Latencies,
    pub(crate) recording: Recording,
}

impl Gateway {
    /// Makes the gateway of a run. Costs are computed with the given table.
    pub fn new(prices: PriceTable) -> Self {
        Self {
            prices: Arc::new(prices),
            provider: Provider::new(),
            register: Register::default(),
            latencies: Latencies::default(),
            recording: Recording::default(),
        }
    }

    /// Returns how long models took to answer so far.
    pub fn latencies(&self) -> LatencyReport {
        self.latencies.report()
    }

    /// Adds what an earlier session of the run reported of its latencies.
    pub fn add_latencies(&self, earlier: &LatencyReport) {
        self.latencies.add(earlier);
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
    /// - [`GatewayError::WireLog`], [`GatewayError::AuditLog`]: the log's file cannot be made, or no thread for its writer.
    /// - [`GatewayError::Certificates`]: the upstream is `https` and the host has no certificate store.
    pub async fn open(&self, access: TrialAccess) -> Result<TrialGateway, GatewayError> {
        TrialGateway::open(access, self.clone()).await
    }
}
