//! What is done with one request on the trial's socket: admit, forward, record.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, UPGRADE};
use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use jiff::Timestamp;
use retrial_spec::{Protocol, Purpose};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::exchange::{Arrival, OpenExchange, RecordedBody};
use super::intake::{Admission, Intake, Spent};
use super::recorder::Message;
use super::replies::{self, Refusal};
use crate::faults::{FaultSchedule, InjectedCut, PlannedFault, Track};
use crate::ledger::Asked;
use crate::protocol::{is_call, of_path, shape_of_path};
use crate::upstream::{Outgoing, Provider, ReplyBody, Trail, WaitClock, send};
use crate::{Secret, Token, Upstream};

/// The longest body of a request.
pub(super) const BODY_LIMIT: usize = 64 << 20;

/// How long a request's body may take to arrive.
const BODY_TIME: Duration = Duration::from_mins(2);

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
    pub(super) intake: Mutex<Intake>,
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
        request: Request<Incoming>,
    ) -> Result<Response<ReplyBody>, InjectedCut> {
        let at = (Timestamp::now(), Instant::now());
        let shape = shape_of_path(request.uri().path());
        if let Some(refusal) = self.refuse(&request) {
            return Ok(replies::refusal(shape, refusal));
        }
        if let Some(answer) = self.answer_locally(&request) {
            return Ok(answer);
        }
        let (head, body) = request.into_parts();
        let room = Arc::clone(&self.room).acquire_many_owned(megabytes(&body)).await.ok();
        let body = match read(body).await {
            Ok(body) => body,
            Err(refusal) => return Ok(replies::refusal(shape, refusal)),
        };
        let admission = match self.intake().admit(head.uri.path(), &body) {
            Ok(admission) => admission,
            Err(Spent(requests)) => return Ok(replies::over_budget(shape, requests)),
        };
        let outgoing = Outgoing { method: head.method, target: head.uri, headers: head.headers, body };
        let arrival = arrival(&outgoing, admission, at, room);
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
        let Admission { number, retry_of } = arrival.admission;
        faults.lock().unwrap_or_else(PoisonError::into_inner).decide(number, retry_of)
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
        let trail = Trail::new(Arc::clone(&self.clock));
        OpenExchange::new(arrival, self.recorder.clone(), self.key(), trail, track)
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
        match send(&self.upstream, &self.provider, outgoing, &mut exchange.trail).await {
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

    /// The counters at the door. A panic elsewhere cannot leave them half changed.
    pub(super) fn intake(&self) -> std::sync::MutexGuard<'_, Intake> {
        self.intake.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the provider's key out of a text that leaves the gateway.
    pub(super) fn redact(&self, text: &str) -> String {
        self.key().map_or_else(|| text.to_owned(), |key| key.redact(text))
    }

    fn key(&self) -> Option<Secret> {
        match &self.upstream {
            Upstream::Http(upstream) => upstream.key.clone(),
            Upstream::Simulated(_) => None,
        }
    }

    fn refuse(&self, request: &Request<Incoming>) -> Option<Refusal> {
        Some(if !self.knows(request.headers()) {
            (StatusCode::UNAUTHORIZED, "Incorrect API key provided.", Some("invalid_api_key"))
        } else if asks_for_upgrade(request.headers()) {
            (StatusCode::UPGRADE_REQUIRED, "Connections cannot be upgraded; use plain HTTP requests.", None)
        } else if request.method() == Method::CONNECT {
            (StatusCode::METHOD_NOT_ALLOWED, "CONNECT is not supported.", None)
        } else if request.uri().path().split('/').any(is_dots) {
            (StatusCode::BAD_REQUEST, "The path may not hold `.` or `..`.", None)
        } else if announced_length(request.headers()).is_some_and(|length| length > BODY_LIMIT as u64) {
            (StatusCode::PAYLOAD_TOO_LARGE, "The request is too large.", Some("request_too_large"))
        } else {
            return None;
        })
    }

    fn knows(&self, headers: &HeaderMap) -> bool {
        let bearer = headers.get(AUTHORIZATION).map(http::HeaderValue::as_bytes).and_then(|value| {
            let (scheme, token) = value.split_at_checked(7)?;
            scheme.eq_ignore_ascii_case(b"bearer ").then_some(token.trim_ascii())
        });
        let key = headers.get("x-api-key").map(http::HeaderValue::as_bytes);
        [bearer, key].into_iter().flatten().any(|presented| self.token.is(presented))
    }

    /// Answers what has nothing to do with the upstream: there is one model, the one the experiment chose.
    fn answer_locally(&self, request: &Request<Incoming>) -> Option<Response<ReplyBody>> {
        if request.method() != Method::GET {
            return None;
        }
        match request.uri().path().strip_prefix("/v1/models")? {
            "" => Some(replies::models(&self.model)),
            asked if asked.strip_prefix('/') == Some(self.model.as_str()) => {
                Some(replies::model(&self.model))
            }
            _ => None,
        }
    }
}

/// A request of the agent as it arrived.
fn arrival(
    outgoing: &Outgoing,
    admission: Admission,
    (at, started): (Timestamp, Instant),
    room: Option<OwnedSemaphorePermit>,
) -> Arrival {
    let path = outgoing.target.path();
    let mut headers = outgoing.headers.clone();
    for name in [AUTHORIZATION, HeaderName::from_static("x-api-key")] {
        headers.remove(name);
    }
    Arrival {
        admission,
        purpose: Purpose::Work,
        protocol: of_path(path),
        is_call: is_call(&outgoing.method, path),
        asked: Asked { target: outgoing.target.clone(), headers, body: outgoing.body.clone() },
        at,
        started,
        room,
    }
}

/// The room that a body takes; the most it may take where its length is not announced.
fn megabytes(body: &Incoming) -> u32 {
    let longest = body.size_hint().upper().unwrap_or(BODY_LIMIT as u64).min(BODY_LIMIT as u64);
    (longest >> 20) as u32 + 1
}

fn asks_for_upgrade(headers: &HeaderMap) -> bool {
    let connection = headers.get(CONNECTION).and_then(|value| value.to_str().ok()).unwrap_or("");
    headers.contains_key(UPGRADE)
        && connection.split(',').any(|word| word.trim().eq_ignore_ascii_case("upgrade"))
}

/// Whether a part of a path goes nowhere or up, written plainly or not.
fn is_dots(part: &str) -> bool {
    matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn read(body: Incoming) -> Result<Bytes, Refusal> {
    let read = tokio::time::timeout(BODY_TIME, Limited::new(body, BODY_LIMIT).collect());
    Err(match read.await {
        Ok(Ok(body)) => return Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            (StatusCode::PAYLOAD_TOO_LARGE, "The request is too large.", Some("request_too_large"))
        }
        Ok(Err(_)) => (StatusCode::BAD_REQUEST, "The request's body could not be read.", None),
        Err(_) => (StatusCode::REQUEST_TIMEOUT, "The request's body did not arrive in time.", None),
    })
}
