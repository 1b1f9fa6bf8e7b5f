//! A reply's body in whose middle something goes wrong.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame};
use retrial_spec::{Fact, NotLanded, Protocol, Usage, WireFault};
use tokio::sync::oneshot;
use tokio::time::Sleep;

use super::cutter::{Cutter, broken, data_of};
use super::last::says_stopped;
use super::{PlannedFault, Track};
use crate::trial::ReplyCopy;
use crate::upstream::{BoxError, ReplyBody};

/// How long the gateway reads on in a reply that it has cut for the agent, to learn what it cost.
const READ_ON: Duration = Duration::from_mins(1);

/// The connection is cut on purpose.
#[derive(Debug, thiserror::Error)]
#[error("the connection was cut on purpose")]
pub(crate) struct InjectedCut;

/// The reply as the agent gets it. Bytes pass unchanged up to the fault; a stream's bytes pass event by event.
#[derive(Debug)]
pub(crate) struct FaultyBody {
    /// None once it has ended, or is read by nobody or by somebody else.
    upstream: Option<ReplyBody>,
    fault: PlannedFault,
    protocol: Protocol,
    /// Cuts a stream into events; none for a reply that is no stream.
    cutter: Option<Cutter>,
    /// What has come and is not decided on.
    come: VecDeque<Bytes>,
    /// What the agent gets next.
    out: VecDeque<Bytes>,
    events: u64,
    bytes: u64,
    state: State,
    /// What the provider said, whatever the agent is sent.
    said: ReplyCopy,
    track: Track,
}

#[derive(Debug)]
enum State {
    /// The fault is still to come.
    Before,
    /// Nothing is said until then.
    Stalls(Pin<Box<Sleep>>),
    /// The connection is cut when what is to be sent has been sent, for which the server is given a turn: with the error it would
    /// throw away what it holds.
    Cuts { had_turn: bool },
    /// What comes is withheld.
    Withholds,
    /// The fault is over, or will not come: everything passes.
    Passes,
    /// The body has ended.
    Over,
}

impl FaultyBody {
    /// Puts a fault into a reply; `is_stream` says whether it is a readable stream of events, and `said` reads what the provider says.
    pub(crate) fn new(
        upstream: ReplyBody,
        fault: PlannedFault,
        (protocol, is_stream): (Protocol, bool),
        said: ReplyCopy,
        track: Track,
    ) -> Self {
        let needs_events = matches!(fault.what, WireFault::MissingEnd | WireFault::MalformedEvent);
        let is_possible = is_stream || !needs_events;
        if !is_possible {
            track.missed(NotLanded::NotStreamed);
        }
        Self {
            upstream: Some(upstream),
            fault,
            protocol,
            cutter: is_stream.then(Cutter::new),
            come: VecDeque::new(),
            out: VecDeque::new(),
            events: 0,
            bytes: 0,
            state: if is_possible { State::Before } else { State::Passes },
            said,
            track,
        }
    }

    /// Decides what becomes of the next piece: an event with the blank line behind it, or some bytes of a reply that is no stream.
    fn decide(&mut self, piece: Bytes) {
        match self.state {
            State::Before if self.cutter.is_none() => self.split(&piece),
            State::Before => match data_of(&piece) {
                Some(data) => self.event(piece, &data),
                None => self.send(piece),
            },
            State::Withholds | State::Over => {}
            _ => self.send(piece),
        }
    }

    fn send(&mut self, piece: Bytes) {
        self.bytes += piece.len() as u64;
        self.out.push_back(piece);
    }

    fn event(&mut self, event: Bytes, data: &str) {
        let is_stop = says_stopped(self.protocol, data);
        let is_time = self.events >= self.fault.after_events || is_stop;
        match self.fault.what {
            WireFault::MissingEnd if is_stop => self.state = State::Withholds,
            WireFault::MalformedEvent if is_time => {
                self.lands();
                self.send(broken(&event));
                self.state = State::Passes;
            }
            WireFault::CutInReply if is_time && self.events > 0 => {
                self.send(event.slice(..event.len() / 2));
                self.state = State::Cuts { had_turn: false };
            }
            WireFault::StallInReply if is_time && self.events > 0 => {
                self.come.push_front(event);
                self.stall();
            }
            _ => {
                // The model stops before anything could go wrong in the middle of what it says.
                if is_stop {
                    self.track.missed(NotLanded::TooShort);
                    self.state = State::Passes;
                }
                self.events += 1;
                self.send(event);
            }
        }
    }

    /// Puts the fault into the middle of the first piece of a reply that is no stream.
    fn split(&mut self, piece: &Bytes) {
        let middle = piece.len() / 2;
        if middle == 0 {
            self.send(piece.clone());
            return;
        }
        self.send(piece.slice(..middle));
        if self.fault.what == WireFault::CutInReply {
            self.state = State::Cuts { had_turn: false };
        } else {
            self.come.push_front(piece.slice(middle..));
            self.stall();
        }
    }

    fn stall(&mut self) {
        self.state = State::Stalls(Box::pin(tokio::time::sleep(self.fault.stall)));
    }

    fn lands(&self) {
        self.track.landed(self.cutter.as_ref().map(|_| self.events), self.bytes);
    }

    /// Notes the end of the provider's reply.
    fn ended(&mut self) {
        let rest = self.cutter.as_mut().map(Cutter::rest).filter(|rest| !rest.is_empty());
        if let Some(rest) = rest {
            self.decide(rest);
        }
        self.upstream = None;
        self.track.spent(usage(std::mem::replace(&mut self.said, ReplyCopy::nothing())));
        if matches!(self.state, State::Withholds) {
            self.lands();
        }
    }

    /// Cuts the connection; the rest of the reply is read for its usage alone.
    fn cut(&mut self) -> BoxError {
        self.lands();
        self.state = State::Over;
        self.read_on();
        InjectedCut.into()
    }

    fn read_on(&mut self) {
        let Some(upstream) = self.upstream.take() else { return };
        let said = std::mem::replace(&mut self.said, ReplyCopy::nothing());
        self.track.reading(read_on(upstream, said));
    }

    /// Takes the next frame of the provider. Returns one that passes at once.
    fn take(
        &mut self,
        frame: Option<Result<Frame<Bytes>, BoxError>>,
    ) -> Option<Result<Frame<Bytes>, BoxError>> {
        match frame {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => {
                    self.said.take(&data);
                    match &mut self.cutter {
                        Some(cutter) => self.come.extend(cutter.feed(&data)),
                        None => self.come.push_back(data),
                    }
                    None
                }
                // Trailers, which no protocol needs.
                Err(frame) => Some(Ok(frame)),
            },
            Some(Err(error)) => {
                self.track.missed(NotLanded::NoReply);
                self.upstream = None;
                self.state = State::Over;
                Some(Err(error))
            }
            None => {
                self.ended();
                None
            }
        }
    }
}

impl Body for FaultyBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            if let Some(piece) = self.out.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            match &mut self.state {
                State::Over => return Poll::Ready(None),
                State::Cuts { had_turn: true } => return Poll::Ready(Some(Err(self.cut()))),
                State::Cuts { had_turn } => {
                    *had_turn = true;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                State::Stalls(sleep) => {
                    let waits = sleep.as_mut().poll(context);
                    // It lands as it begins: an agent that leaves meanwhile leaves because of it.
                    self.lands();
                    ready!(waits);
                    self.state = State::Passes;
                }
                State::Before | State::Withholds | State::Passes => {}
            }
            if let Some(piece) = self.come.pop_front() {
                self.decide(piece);
                continue;
            }
            let Some(upstream) = &mut self.upstream else {
                self.track.missed(NotLanded::TooShort);
                self.state = State::Over;
                continue;
            };
            let frame = ready!(Pin::new(upstream).poll_frame(context));
            if let Some(passes) = self.take(frame) {
                return Poll::Ready(Some(passes));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.state, State::Over) && self.out.is_empty()
    }
}

impl Drop for FaultyBody {
    /// An agent that leaves because of the fault leaves a reply that the provider is paid for.
    fn drop(&mut self) {
        if self.track.has_landed() && tokio::runtime::Handle::try_current().is_ok() {
            self.read_on();
        }
    }
}

fn usage(said: ReplyCopy) -> Fact<Usage> {
    said.finish(None).reply.usage
}

/// Reads a reply to its end, for some time at most, and tells the tokens that it states.
fn read_on(mut upstream: ReplyBody, mut said: ReplyCopy) -> oneshot::Receiver<Fact<Usage>> {
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let read = async {
            while let Some(Ok(frame)) = upstream.frame().await {
                said.take(frame.data_ref().unwrap_or(&Bytes::new()));
            }
        };
        // Where the time is up, the usage is missing, as it is where the provider states none.
        let _ = tokio::time::timeout(READ_ON, read).await;
        // Nobody listens where the gateway was dropped.
        let _ = tell.send(usage(said));
    });
    told
}
