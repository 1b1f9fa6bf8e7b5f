//! The account of a trial: what its requests are weighed against, charged to and written down in.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{Method, StatusCode};
use retrial_spec::{
    AuditEntry, BudgetKind, ContentDigest, Fact, MissingReason, Purpose, RefusalReason, TrialId, Usage,
    digest_bytes,
};
use tokio::sync::Notify;

use super::exchange::Ended;
use super::fingerprint::{Fingerprint, fingerprint};
use super::intake::{Admission, Intake, NotNow};
use crate::budget::{Estimate, Outcome};
use crate::fields::Fields;
use crate::identity::{AuditLog, Register, shown_path};
use crate::ledger::End;
use crate::prices::Bill;
use crate::protocol::is_call;
use crate::upstream::PricedAs;
use crate::{PriceTable, Reservation, Revocation};

/// What a trial's connections and exchanges share of its identity and budgets.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) trial: TrialId,
    pub(super) intake: Mutex<Intake>,
    pub(super) audit: Arc<AuditLog>,
    pub(super) register: Register,
    pub(super) revocation: Revocation,
    pub(super) reservation: Option<Arc<Reservation>>,
    pub(super) prices: Arc<PriceTable>,
    pub(super) priced_as: PricedAs,
    /// Told whenever a request has ended.
    pub(super) freed: Notify,
}

/// What a request is known by and may cost.
#[derive(Debug, Clone)]
pub(super) struct Weighed {
    pub(super) fingerprint: Fingerprint,
    pub(super) digest: ContentDigest,
    pub(super) estimate: Estimate,
    /// The model that it names, where the price depends on that.
    named: Option<String>,
    pub(super) is_call: bool,
    method: Method,
}

impl Account {
    /// Weighs a request, by its body as it reads.
    pub(super) fn weigh(&self, (method, path): (&Method, &str), body: &[u8]) -> Weighed {
        let is_call = is_call(method, path);
        let fields = Fields::of(body);
        let fingerprint = fingerprint(path, body, fields.as_ref());
        let (digest, method) = (digest_bytes(body), method.clone());
        if !is_call {
            let estimate = Estimate::of_no_call(body);
            return Weighed { fingerprint, digest, estimate, named: None, is_call, method };
        }
        let fields = fields.unwrap_or_default();
        let named = match self.priced_as {
            PricedAs::Name(_) => None,
            PricedAs::Requested => fields.value::<String>("model"),
        };
        let price = self.prices.price(self.priced_as.of(named.as_deref())).map(|listed| listed.price);
        let estimate = Estimate::of_call(body, &fields, price.as_ref());
        Weighed { fingerprint, digest, estimate, named, is_call, method }
    }

    /// Admits a request of the agent, once the budget has room beside those under way.
    ///
    /// # Errors
    /// The budget that is spent, with its limit.
    pub(super) async fn admit(&self, weighed: &Weighed) -> Result<Admission, (BudgetKind, u64)> {
        loop {
            let mut freed = pin!(self.freed.notified());
            // From here on nothing that ends is missed.
            freed.as_mut().enable();
            let admitted = self.intake().admit(weighed);
            match admitted {
                Ok(admission) => return Ok(admission),
                Err(NotNow::Spent(kind, limit)) => return Err((kind, limit)),
                Err(NotNow::Wait) => freed.await,
            }
        }
    }

    /// Writes down that a request goes to the model.
    pub(super) fn open(&self, path: &str, admission: &Admission, purpose: Purpose) {
        let weighed = &admission.weighed;
        self.audit.note(AuditEntry::Request {
            number: admission.number,
            purpose,
            call: weighed.is_call,
            method: weighed.method.to_string(),
            path: shown_path(path),
            body: weighed.digest.clone(),
            held: weighed.estimate.held(),
        });
    }

    /// Charges a request that has ended, and writes that down.
    pub(super) fn close(&self, ended: &Ended) {
        let (weighed, reply) = (&ended.arrival.admission.weighed, &ended.read.reply);
        let is_answered = ended.status.is_some_and(|status| status.is_success());
        let spent = match &ended.injected {
            Some(injection) if injection.what.is_within_reply() => injection.spent,
            _ => reply.usage,
        };
        let usage = if is_answered { spent } else { Fact::Missing(MissingReason::NoUsage) };
        let stated = reply.cost.map(|cost| cost.usd_micros).filter(|_| is_answered);
        let was_left = ended.status.is_none() && ended.end == End::Abandoned;
        let charged = weighed.estimate.charged(Outcome {
            worked: weighed.is_call && (is_answered || was_left),
            usage: &usage,
            stated,
            reply_bytes: ended.reply_bytes,
        });
        let mut bill = Bill::default();
        if weighed.is_call && is_answered {
            bill.add(&self.prices, self.priced_as.of(weighed.named.as_deref()), &usage, stated);
        }
        self.audit.note(AuditEntry::Reply {
            number: ended.arrival.admission.number,
            status: ended.status.map(|status| status.as_u16()),
            tokens: usage.map(|usage: Usage| usage.total()),
            cost: bill.cost(MissingReason::NoUsage),
            charged,
        });
        if let Some(reservation) = &self.reservation {
            reservation.charge(charged);
        }
        if ended.arrival.purpose == Purpose::Work {
            self.intake().close(ended.arrival.admission.number, charged);
            self.freed.notify_waiters();
        }
    }

    /// Returns whether the run's budget has room for a question.
    pub(super) fn has_room(&self) -> bool {
        self.reservation.as_ref().is_none_or(|reservation| reservation.has_room())
    }

    /// Writes down a request that was turned away.
    pub(super) fn refuse(
        &self,
        (method, path): (&Method, &str),
        body: Option<&ContentDigest>,
        status: StatusCode,
        reason: RefusalReason,
    ) {
        let (method, path) = (method.to_string(), shown_path(path));
        self.audit.note(AuditEntry::Refused {
            method,
            path,
            body: body.cloned(),
            status: status.as_u16(),
            reason,
        });
    }

    /// Writes down a request that the gateway answered by itself.
    pub(super) fn answered(&self, (method, path): (&Method, &str), status: StatusCode) {
        let (method, path) = (method.to_string(), shown_path(path));
        self.audit.note(AuditEntry::Local { method, path, status: status.as_u16() });
    }

    /// Returns why tokens that are not this trial's are turned away. Where they are another trial's, its log says so as well.
    pub(super) fn stranger(&self, presented: &[&[u8]]) -> RefusalReason {
        if presented.is_empty() {
            return RefusalReason::NoToken;
        }
        let Some(owner) = presented.iter().find_map(|token| self.register.owner(token)) else {
            return RefusalReason::UnknownToken;
        };
        owner.audit.note(AuditEntry::Misused { door: self.trial.clone() });
        RefusalReason::OtherTrial { trial: owner.trial }
    }

    /// The counters at the door. A panic elsewhere cannot leave them half changed.
    pub(super) fn intake(&self) -> MutexGuard<'_, Intake> {
        self.intake.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
impl Weighed {
    /// A call whose model has no price.
    pub(super) fn plain(path: &str, body: &[u8]) -> Self {
        let fields = Fields::of(body);
        let fingerprint = fingerprint(path, body, fields.as_ref());
        let estimate = Estimate::of_call(body, &fields.unwrap_or_default(), None);
        Self {
            digest: digest_bytes(body),
            fingerprint,
            estimate,
            named: None,
            is_call: true,
            method: Method::POST,
        }
    }
}
