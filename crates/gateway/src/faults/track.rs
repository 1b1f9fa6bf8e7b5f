//! Where a fault stands: told by who makes it, read by the exchange that is recorded.

use std::sync::{Arc, Mutex, PoisonError};

use retrial_spec::{Fact, Injection, Landing, MissingReason, NotLanded, Usage, WireFault};
use tokio::sync::oneshot;

/// The state of one fault. Cheap to clone; clones are the same fault.
#[derive(Debug, Clone)]
pub(crate) struct Track {
    what: WireFault,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    landing: Option<Landing>,
    spent: Option<Spent>,
}

#[derive(Debug)]
enum Spent {
    Known(Fact<Usage>),
    /// The gateway is still reading the rest of a reply that it has cut for the agent.
    Reading(oneshot::Receiver<Fact<Usage>>),
}

impl Track {
    pub(crate) fn new(what: WireFault) -> Self {
        Self { what, state: Arc::default() }
    }

    pub(crate) fn what(&self) -> WireFault {
        self.what
    }

    /// Notes that the fault has reached the agent, after so many events and bytes of the reply.
    pub(crate) fn landed(&self, after_events: Option<u64>, after_bytes: u64) {
        self.lands(Landing::Landed { after_events, after_bytes });
    }

    /// Notes why the fault cannot reach the agent any more, unless it has.
    pub(crate) fn missed(&self, why: NotLanded) {
        self.lands(Landing::NotLanded(why));
    }

    fn lands(&self, landing: Landing) {
        self.state().landing.get_or_insert(landing);
    }

    /// Returns whether the fault has reached the agent.
    pub(crate) fn has_landed(&self) -> bool {
        self.state().landing.is_some_and(Landing::is_landed)
    }

    /// Notes the tokens that the provider states for the whole reply.
    pub(super) fn spent(&self, usage: Fact<Usage>) {
        self.state().spent = Some(Spent::Known(usage));
    }

    /// Notes where the tokens will be told.
    pub(super) fn reading(&self, usage: oneshot::Receiver<Fact<Usage>>) {
        self.state().spent = Some(Spent::Reading(usage));
    }

    /// Returns whether [`Track::finish`] has to wait.
    pub(crate) fn is_reading(&self) -> bool {
        matches!(self.state().spent, Some(Spent::Reading(_)))
    }

    /// Returns the fault as it is recorded once its exchange has ended. A fault of which nothing was noted missed an agent that had
    /// gone.
    pub(crate) async fn finish(self) -> Injection {
        let spent = self.state().spent.take();
        let missing = Fact::Missing(MissingReason::NoUsage);
        let spent = match spent {
            Some(Spent::Known(usage)) => usage,
            Some(Spent::Reading(usage)) => usage.await.unwrap_or(missing),
            None => missing,
        };
        self.injection(spent)
    }

    /// As [`Track::finish`], without waiting for what is still being read.
    pub(crate) fn finish_now(&self) -> Injection {
        let spent = match self.state().spent {
            Some(Spent::Known(usage)) => usage,
            _ => Fact::Missing(MissingReason::NoUsage),
        };
        self.injection(spent)
    }

    fn injection(&self, spent: Fact<Usage>) -> Injection {
        let landing = self.state().landing.unwrap_or(Landing::NotLanded(NotLanded::AgentGone));
        Injection { what: self.what, landing, spent }
    }

    /// A panic elsewhere cannot leave the state half changed.
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
