//! What is done with one request on the trial's socket: admit, forward, record.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, UPGRADE};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::{Body as _, Incoming};
use jiff::Timestamp;
use retrial_spec::{Protocol, Purpose, RefusalReason};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::account::Account;
use super::body::{BODY_LIMIT, TOO_LARGE, read};
use super::exchange::{Arrival, OpenExchange, RecordedBody};
use super::identity::{identify, kept, presented};
use super::intake::{Admission, Intake};
use super::mask::masked;
use super::recorder::Message;
use super::replies::{self, Refusal};
use crate::faults::{FaultSchedule, InjectedCut, PlannedFault, Track};
use crate::ledger::Asked;
use crate::protocol::{of_path, shape_of_path};
use crate::replay::Tape;
use crate::upstream::{Outgoing, Provider, ReplyBody, Trail, WaitClock, send};
use crate::{Secret, Token, Upstream};

/// How much room the requests of a trial take together, in megabytes, from their arrival until they are recorded.
pub(super) const ROOM: usize = 256;

/// What the connections of a trial share.
#[derive(Debug)]
pub(super) struct Trial {
    pub(super) token: Token,
    pub(super) model: String,
    pub(super) upstream: Upstream,
    pub(super) provider: Provider,
    pub(super) clock: Arc<WaitClock>,
    pub(super) account: Arc<Account>,
    /// Whether replies are taken down.
    pub(super) records: bool,
    /// What is done to the agent's requests on purpose; nothing where absent.
    pub(super) faults: Option<Mutex<FaultSchedule>>,
    pub(super) room: Arc<Semaphore>,
    pub(super) recorder: UnboundedSender<Message>,
}

impl Trial {
    /// Answers a request. Only one that carries the token, is understood and is within the budget becomes an exchange.
    ///
    /// # Errors
    /// [`InjectedCut`] where the connection is to be cut on purpose.
    pub(super) async fn serve(
        self: Arc<Self>,
        mut request: Request<Incoming>,
    ) -> Result<Response<ReplyBody>, InjectedCut> {
        let at = (Timestamp::now(), Instant::now());
        let mut target = request.uri().clone();
        let is_known = identify(&self.token, &mut target, request.headers());
        *request.uri_mut() = target;
        let shape = shape_of_path(request.uri().path());
        let asked = (request.method().clone(), request.uri().path().to_owned());
        let asked = (&asked.0, asked.1.as_str());
        if let Some((refusal, reason)) = self.refuse(&request, is_known) {
            self.account.refuse(asked, None, refusal.0, reason);
            return Ok(replies::refusal(shape, refusal));
        }
        if let Some(answer) = self.answer_locally(&request) {
            self.account.answered(asked, answer.status());
            return Ok(answer);
        }
        let (head, body) = request.into_parts();
        let room = megabytes(&body, &head.headers);
        let room = Arc::clone(&self.room).acquire_many_owned(room).await.ok();
        let body = match read(body, &head.headers).await {
            Ok(body) => body,
            Err(refusal) => {
                self.account.refuse(asked, None, refusal.0, RefusalReason::Unserved);
                return Ok(replies::refusal(shape, refusal));
            }
        };
        let weighed = self.account.weigh(asked, &body.plain);
        let admission = match self.account.admit(&weighed).await {
            Ok(admission) => admission,
            Err((budget, limit)) => {
                let refusal = replies::over_budget(shape, budget, limit);
                let reason = RefusalReason::OverBudget { budget };
                self.account.refuse(asked, Some(&weighed.digest), refusal.status(), reason);
                return Ok(refusal);
            }
        };
        let outgoing =
            Outgoing { method: head.method, target: head.uri, headers: head.headers, body: body.sent };
        let arrival = arrival(&outgoing, body.plain, admission, at, room);
        let outgoing = self.readable(outgoing, &arrival.asked.body);
        let replied = match self.fault(&arrival) {
            Some(fault) => self.faulty(outgoing, arrival, fault).await?,
            None => self.exchange(outgoing, arrival).await,
        };
        Ok(replied.map_or_else(
            |_| replies::unreachable(shape),
            |response| response.map(http_body_util::BodyExt::boxed_unsync),
        ))
    }

    /// Decides whether a request is failed on purpose. Only calls in a protocol that is understood are.
    fn fault(&self, arrival: &Arrival) -> Option<PlannedFault> {
        let faults = self.faults.as_ref()?;
        if !arrival.is_call || arrival.protocol == Protocol::Unknown {
            return None;
        }
        let Admission { number, retry_of, .. } = arrival.admission;
        faults.lock().unwrap_or_else(PoisonError::into_inner).decide(number, retry_of)
    }

    /// A compressed body passes as it is, but not to an upstream for which it has to be read, to put in the chosen model, say.
    fn readable(&self, mut outgoing: Outgoing, plain: &Bytes) -> Outgoing {
        let passes = matches!(&self.upstream, Upstream::Http(upstream) if upstream.model.is_none());
        if !passes {
            outgoing.headers.remove(CONTENT_ENCODING);
            outgoing.body = plain.clone();
        }
        outgoing
    }

    /// Sends a request to the upstream; the reply is recorded as it is read, or when it is dropped.
    ///
    /// # Errors
    /// What failed, where no reply came.
    pub(super) async fn exchange(
        &self,
        outgoing: Outgoing,
        arrival: Arrival,
    ) -> Result<Response<RecordedBody>, String> {
        let exchange = self.open_exchange(arrival, None);
        self.forward(outgoing, exchange).await
    }

    /// Opens an exchange; `track` is that of the fault put into it on purpose.
    pub(super) fn open_exchange(&self, arrival: Arrival, track: Option<Track>) -> OpenExchange {
        self.account.open(arrival.asked.target.path(), &arrival.admission, arrival.purpose);
        let trail = Trail::new(Arc::clone(&self.clock), arrival.purpose);
        let account = Arc::clone(&self.account);
        OpenExchange::new(arrival, self.recorder.clone(), self.key(), trail, account).with_fault(track)
    }

    /// Sends an open exchange's request to the upstream.
    ///
    /// # Errors
    /// As of [`Trial::exchange`].
    pub(super) async fn forward(
        &self,
        outgoing: Outgoing,
        mut exchange: OpenExchange,
    ) -> Result<Response<RecordedBody>, String> {
        match self.send(outgoing, &mut exchange).await {
            Ok(response) => {
                exchange.head(response.status(), response.headers());
                Ok(response.map(|body| RecordedBody::new(body, exchange)))
            }
            Err(fault) => {
                exchange.unreachable(fault.clone());
                Err(fault)
            }
        }
    }

    /// Sends a request, and has what comes back taken down where that is wanted; the provider's key does not come back with the reply.
    ///
    /// # Errors
    /// As of [`Trial::exchange`].
    pub(super) async fn send(
        &self,
        outgoing: Outgoing,
        exchange: &mut OpenExchange,
    ) -> Result<Response<ReplyBody>, String> {
        let tape = self.records.then(|| {
            let recorder = self.recorder.clone();
            // Without a recorder nobody asks for the record.
            let sink = move |taped| drop(recorder.send(Message::Taped(Box::new(taped))));
            Tape::new(&outgoing, exchange.named(), self.key(), Box::new(sink))
        });
        let sent = send(&self.upstream, &self.provider, outgoing, &mut exchange.trail).await;
        let sent = sent.map(|response| masked(response, self.key().as_ref()));
        match tape {
            Some(tape) => tape.follow(sent),
            None => sent,
        }
    }

    /// The counters at the door.
    pub(super) fn intake(&self) -> std::sync::MutexGuard<'_, Intake> {
        self.account.intake()
    }

    /// Takes the provider's key out of a text that leaves the gateway.
    pub(super) fn redact(&self, text: &str) -> String {
        self.key().map_or_else(|| text.to_owned(), |key| key.redact(text))
    }

    fn key(&self) -> Option<Secret> {
        match &self.upstream {
            Upstream::Http(upstream) => upstream.key.clone(),
            Upstream::Simulated(_) | Upstream::Replayed(_) => None,
        }
    }

    /// Says what cannot be served, before its body is read.
    fn refuse(&self, request: &Request<Incoming>, is_known: bool) -> Option<(Refusal, RefusalReason)> {
        if !is_known {
            let refusal = (StatusCode::UNAUTHORIZED, "Incorrect API key provided.", Some("invalid_api_key"));
            let presented = presented(request.uri(), request.headers());
            return Some((refusal, self.account.stranger(&presented)));
        }
        if self.account.revocation.is_revoked() {
            let message = "retrial: the trial's access to the model was revoked";
            let refusal = (StatusCode::UNAUTHORIZED, message, Some("token_revoked"));
            return Some((refusal, RefusalReason::Revoked));
        }
        unserved(request).map(|refusal| (refusal, RefusalReason::Unserved))
    }

    /// Answers what has nothing to do with the upstream: there is one model, the one the experiment chose.
    fn answer_locally(&self, request: &Request<Incoming>) -> Option<Response<ReplyBody>> {
        if request.method() != Method::GET {
            return None;
        }
        match request.uri().path().strip_prefix("/v1/models")? {
            "" => Some(replies::models(&self.model, request.headers())),
            asked if asked.strip_prefix('/') == Some(self.model.as_str()) => {
                Some(replies::model(&self.model, request.headers()))
            }
            _ => None,
        }
    }
}

/// Why a request is none that the gateway serves, whoever sends it.
fn unserved(request: &Request<Incoming>) -> Option<Refusal> {
    Some(if asks_for_upgrade(request.headers()) {
        (StatusCode::UPGRADE_REQUIRED, "Connections cannot be upgraded; use plain HTTP requests.", None)
    } else if request.method() == Method::CONNECT {
        (StatusCode::METHOD_NOT_ALLOWED, "CONNECT is not supported.", None)
    } else if goes_elsewhere(request.uri().path()) {
        (StatusCode::BAD_REQUEST, "The path may not hold `.` or `..`.", None)
    } else if announced_length(request.headers()).is_some_and(|length| length > BODY_LIMIT as u64) {
        TOO_LARGE
    } else {
        return None;
    })
}

/// A request of the agent as it arrived.
fn arrival(
    outgoing: &Outgoing,
    body: Bytes,
    admission: Admission,
    (at, started): (Timestamp, Instant),
    room: Option<OwnedSemaphorePermit>,
) -> Arrival {
    let path = outgoing.target.path();
    Arrival {
        is_call: admission.weighed.is_call,
        admission,
        purpose: Purpose::Work,
        protocol: of_path(path),
        asked: Asked { target: outgoing.target.clone(), headers: kept(&outgoing.headers), body },
        at,
        started,
        room,
    }
}

/// The room that a body takes, decompressed too; the most it may take where its length is not announced.
fn megabytes(body: &Incoming, headers: &HeaderMap) -> u32 {
    let announced = body.size_hint().upper().filter(|_| !headers.contains_key(CONTENT_ENCODING));
    let longest = announced.unwrap_or(BODY_LIMIT as u64).min(BODY_LIMIT as u64);
    (longest >> 20) as u32 + 1
}

fn asks_for_upgrade(headers: &HeaderMap) -> bool {
    let connection = headers.get(CONNECTION).and_then(|value| value.to_str().ok()).unwrap_or("");
    headers.contains_key(UPGRADE)
        && connection.split(',').any(|word| word.trim().eq_ignore_ascii_case("upgrade"))
}

/// Whether a part of a path goes nowhere or up, written plainly or not. A provider may decode a path before it looks at its parts.
fn goes_elsewhere(path: &str) -> bool {
    let plain = path.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%5c", "\\");
    plain.split(['/', '\\']).any(|part| matches!(part, "." | ".."))
}

fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
