//! One trial answered from the recording of an earlier one.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use retrial_spec::{Purpose, RecordedBody, RecordedEnd, RecordedExchange};
use serde_json::Value;

use super::Volatile;
use super::difference::difference;
use crate::WireLogError;
use crate::log::read_lines;
use crate::logged::logged;
use crate::protocol::shape_of_path;
use crate::trial::diverged;
use crate::upstream::{BoxError, Outgoing, ReplyBody};

/// A trial whose requests are answered from a recording. Cheap to clone; clones share what has been answered.
#[derive(Debug, Clone)]
pub struct ReplayTrial {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    volatile: Volatile,
    priced_as: String,
    ran_out_of_time: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    entries: Vec<Entry>,
    divergence: Option<String>,
}

#[derive(Debug)]
struct Entry {
    recorded: RecordedExchange,
    is_used: bool,
}

/// A recording that trials cannot be answered from.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// It cannot be read.
    #[error("the recording cannot be read")]
    Read(#[from] WireLogError),
    /// A line of it contradicts itself.
    #[error("exchange {number} of the recording `{}` is damaged: {reason}", path.display())]
    Damaged {
        /// The recording.
        path: std::path::PathBuf,
        /// The exchange's number.
        number: u32,
        /// What is wrong.
        reason: &'static str,
    },
}

impl ReplayTrial {
    /// Reads the recording of an attempt.
    ///
    /// `priced_as` is the model's name in the price table. `ran_out_of_time` says that the recorded agent was ended by its time limit:
    /// what it asks beyond the recording is then not answered until that happens again.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub fn read(
        path: &Path,
        volatile: &Volatile,
        priced_as: String,
        ran_out_of_time: bool,
    ) -> Result<Self, ReplayError> {
        let mut entries = Vec::new();
        for line in read_lines::<RecordedExchange>(path)? {
            let mut recorded = line?;
            let damaged =
                |reason| ReplayError::Damaged { path: path.to_owned(), number: recorded.number, reason };
            if body(&recorded).is_none() {
                return Err(damaged("its pieces do not make up its body"));
            }
            if recorded.status.is_some_and(|status| StatusCode::from_u16(status).is_err()) {
                return Err(damaged("its status is none"));
            }
            recorded.request = volatile.without(recorded.request);
            entries.push(Entry { recorded, is_used: false });
        }
        // Lines are in the order in which exchanges ended.
        entries.sort_by_key(|entry| entry.recorded.number);
        let state = Mutex::new(State { entries, divergence: None });
        let shared = Shared { volatile: volatile.clone(), priced_as, ran_out_of_time, state };
        Ok(Self { shared: Arc::new(shared) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The model's name in the price table.
    pub(crate) fn priced_as(&self) -> String {
        self.shared.priced_as.clone()
    }

    /// Returns why the replay was not what was recorded: a request that matched nothing, or one that was answered then and not sent
    /// now.
    pub(crate) fn divergence(&self) -> Option<String> {
        let state = self.state();
        let is_missed = |entry: &&Entry| {
            !entry.is_used
                && entry.recorded.purpose == Purpose::Work
                && entry.recorded.end == RecordedEnd::Whole
        };
        let missed = || {
            let RecordedExchange { number, method, target, .. } =
                &state.entries.iter().find(is_missed)?.recorded;
            Some(format!("request {number} of the recording, {method} {target}, was not sent"))
        };
        state.divergence.clone().or_else(missed)
    }

    /// Answers a request, or tells how it diverges from the recording.
    ///
    /// # Errors
    /// What failed then, where no reply came then.
    pub(crate) async fn answer(
        &self,
        purpose: Purpose,
        outgoing: &Outgoing,
    ) -> Result<Response<ReplyBody>, String> {
        let asked = self.shared.volatile.without(logged(&outgoing.body));
        match self.take((purpose, &outgoing.method, &outgoing.target), &asked) {
            // The agent went away before anything came, and does so again.
            Some(RecordedExchange { end: RecordedEnd::Abandoned, status: None, .. }) => {
                std::future::pending().await
            }
            Some(recorded) => reply(recorded),
            None if self.shared.ran_out_of_time && self.is_used_up() => std::future::pending().await,
            None => {
                let difference = self.tell((purpose, &outgoing.method, &outgoing.target), &asked);
                let text = self.state().divergence.get_or_insert(difference).clone();
                Ok(diverged(shape_of_path(outgoing.target.path()), &text))
            }
        }
    }

    /// The first unused exchange that the request matches.
    fn take(
        &self,
        (purpose, method, target): (Purpose, &Method, &Uri),
        asked: &Value,
    ) -> Option<RecordedExchange> {
        let mut state = self.state();
        let target = path_and_query(target);
        let entry = state.entries.iter_mut().find(|entry| {
            let RecordedExchange { purpose: then, method: by, target: to, request, .. } = &entry.recorded;
            !entry.is_used && *then == purpose && by == method.as_str() && *to == target && request == asked
        })?;
        entry.is_used = true;
        Some(entry.recorded.clone())
    }

    fn is_used_up(&self) -> bool {
        let is_left = |entry: &Entry| !entry.is_used && entry.recorded.purpose == Purpose::Work;
        !self.state().entries.iter().any(is_left)
    }

    fn tell(&self, (purpose, method, target): (Purpose, &Method, &Uri), asked: &Value) -> String {
        let state = self.state();
        let is_next = |entry: &&Entry| !entry.is_used && entry.recorded.purpose == purpose;
        let target = path_and_query(target);
        let Some(expected) = state.entries.iter().find(is_next) else {
            return format!("{method} {target} was sent after the last request of the recording");
        };
        let RecordedExchange { number, method: by, target: to, request, .. } = &expected.recorded;
        if by != method.as_str() || *to != target {
            return format!(
                "{method} {target} was sent where the recording has {by} {to} as request {number}"
            );
        }
        let difference = difference(request, asked).unwrap_or_default();
        format!("{method} {target} differs from request {number} of the recording at {difference}")
    }
}

fn path_and_query(target: &Uri) -> &str {
    target.path_and_query().map_or("/", |target| target.as_str())
}

/// The body in its pieces; none where they do not fit.
fn body(recorded: &RecordedExchange) -> Option<Vec<Bytes>> {
    let mut rest: Bytes = match &recorded.body {
        RecordedBody::Text(text) => text.clone().into(),
        RecordedBody::Hex(text) => hex::decode(text).ok()?.into(),
    };
    let mut pieces = Vec::new();
    for length in &recorded.pieces {
        let length = usize::try_from(*length).ok().filter(|length| *length <= rest.len())?;
        pieces.push(rest.split_to(length));
    }
    rest.is_empty().then_some(pieces)
}

/// The reply as it was.
fn reply(recorded: RecordedExchange) -> Result<Response<ReplyBody>, String> {
    let pieces = body(&recorded).unwrap_or_default();
    let frames = stream::iter(pieces).map(|piece| Ok::<_, BoxError>(Frame::data(piece)));
    let body = match recorded.end {
        RecordedEnd::Unreachable(cause) => return Err(cause),
        RecordedEnd::TooLong => return Err("the reply was too long to be recorded".to_owned()),
        RecordedEnd::Whole => StreamBody::new(frames).boxed_unsync(),
        RecordedEnd::Cut(cause) => {
            // Not at once: what came before is sent before the connection goes.
            let cut = stream::once(async move {
                tokio::task::yield_now().await;
                Err::<Frame<Bytes>, BoxError>(cause.into())
            });
            StreamBody::new(frames.chain(cut)).boxed_unsync()
        }
        // The agent goes away again, when it did.
        RecordedEnd::Abandoned => StreamBody::new(frames.chain(stream::pending())).boxed_unsync(),
    };
    let mut response = Response::new(body);
    if let Some(status) = recorded.status.and_then(|status| StatusCode::from_u16(status).ok()) {
        *response.status_mut() = status;
    }
    for (name, value) in &recorded.headers {
        let pair = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value));
        if let (Ok(name), Ok(value)) = pair {
            response.headers_mut().append(name, value);
        }
    }
    Ok(response)
}
