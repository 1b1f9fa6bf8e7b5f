//! The open door: the socket, the question after the end, and the sum of it all.

use std::path::Path;
use std::sync::Arc;

use crate::upstream::Provider;
use crate::{Answer, AskError, GatewayError, PriceTable, Token, TrialAccess, Wire};

/// The gateway of one attempt at a trial, listening on its socket.
///
/// Dropping it stops it as well, without the sum and without waiting for the log's end.
#[derive(Debug)]
pub struct TrialGateway {
    access: TrialAccess,
}

impl TrialGateway {
    pub(crate) async fn open(
        access: TrialAccess,
        _prices: Arc<PriceTable>,
        _provider: Provider,
    ) -> Result<Self, GatewayError> {
        Ok(Self { access })
    }

    /// Returns the path of the socket.
    pub fn socket(&self) -> &Path {
        &self.access.socket
    }

    /// Returns the token that the agent presents as its key.
    pub fn token(&self) -> &Token {
        &self.access.token
    }

    /// Continues the agent's main conversation with one user message and returns what the model says.
    ///
    /// The main conversation is that of the last request that was answered wholly, among those that offered tools where any did.
    /// The request holds its messages, the model's reply (calls without a result get one that says so) and the question; it is
    /// not streamed, and tools are kept but not to be called. It is recorded as an elicitation, spends nothing of the trial's
    /// budget, and may be put while the agent is still connected.
    ///
    /// # Errors
    /// - [`AskError::NoConversation`]: no request was answered, or its body cannot be continued.
    /// - [`AskError::Upstream`]: the model did not answer, or its answer could not be read.
    pub async fn ask(&self, _question: &str) -> Result<Answer, AskError> {
        Err(AskError::NoConversation)
    }

    /// Stops listening, cuts what is still connected, removes the socket, ends the wire log and sums up.
    ///
    /// # Errors
    /// [`GatewayError::WireLog`] where an exchange could not be written: then the trial's record is not whole.
    pub async fn finish(self) -> Result<Wire, GatewayError> {
        todo!()
    }
}
