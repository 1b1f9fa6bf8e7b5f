//! The one owner of a trial's wire log and sums; it takes ended exchanges one after the other.

use std::io;
use std::time::{Duration, Instant};

use retrial_spec::{AgentName, Exchange};
use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;

use super::exchange::Ended;
use crate::latency::Latencies;
use crate::ledger::{Conversation, End, Item, Ledger};
use crate::log::WireLog;
use crate::logged::logged;
use crate::replay::Taped;
use crate::upstream::PricedAs;

/// What the recorder is told. The queue is bounded by the room that requests hold until they are recorded.
#[derive(Debug)]
pub(super) enum Message {
    /// An exchange has ended.
    Ended(Box<Ended>),
    /// A reply was taken down.
    Taped(Box<Taped>),
    /// Somebody wants the main conversation as it is after what was told before.
    Main(oneshot::Sender<Option<Conversation>>),
}

/// Writes and adds up exchanges.
pub(super) struct Recorder {
    ledger: Ledger,
    log: WireLog,
    recording: Option<WireLog>,
    latencies: Option<(AgentName, Latencies)>,
    failure: Option<io::Error>,
    priced_as: PricedAs,
    opened: Instant,
}

impl Recorder {
    /// Makes the recorder of a trial, with its wire log and perhaps a recording; `latencies` are those that count.
    pub(super) fn new(
        ledger: Ledger,
        (log, recording): (WireLog, Option<WireLog>),
        priced_as: PricedAs,
        latencies: Option<(AgentName, Latencies)>,
    ) -> Self {
        Self { ledger, log, recording, latencies, failure: None, priced_as, opened: Instant::now() }
    }

    /// Works until everybody who could tell something is gone; returns the ledger, or why the log is not whole.
    pub(super) async fn run(mut self, mut messages: UnboundedReceiver<Message>) -> io::Result<Ledger> {
        while let Some(message) = messages.recv().await {
            match message {
                Message::Ended(ended) => self.record(*ended),
                Message::Taped(taped) => self.keep(*taped),
                Message::Main(to) => {
                    // Nobody waits any more: then nobody needs it.
                    let _ = to.send(self.ledger.main().cloned());
                }
            }
        }
        self.finish()
    }

    fn record(&mut self, ended: Ended) {
        self.note_latency(&ended);
        let arrival = ended.arrival;
        let began = arrival.started.saturating_duration_since(self.opened);
        let request = logged(&arrival.asked.body);
        let waited = ended.traces.time();
        let since_opening = |at: Instant| at.saturating_duration_since(self.opened);
        let exchange = Exchange {
            number: arrival.admission.number,
            purpose: arrival.purpose,
            started_at: arrival.at,
            protocol: arrival.protocol,
            path: arrival.asked.target.path().to_owned(),
            request,
            retry_of: arrival.admission.retry_of,
            status: ended.status.map(|status| status.as_u16()),
            reply: ended.read.reply,
            first_byte_ms: ended.first_byte.map(|time| milliseconds(time.saturating_sub(waited))),
            total_ms: milliseconds(ended.total.saturating_sub(waited)),
            waited_ms: milliseconds(waited),
            upstream_attempts: ended.traces.attempts,
            fault: ended.read.fault,
            injected: ended.injected,
        };
        let named = exchange.request.get("model").and_then(Value::as_str);
        self.ledger.add(&Item {
            priced_as: self.priced_as.of(named),
            exchange: &exchange,
            is_call: arrival.is_call,
            end: ended.end,
            began,
            ended: began + ended.total,
            asked: &arrival.asked,
            said: &ended.read.said,
            waited: ended.traces.waited.map(|(began, sent)| (since_opening(began), since_opening(sent))),
        });
        if self.failure.is_none() {
            self.failure = self.log.write(&exchange).err();
        }
        drop(arrival.room);
    }

    /// Writes what is needed to answer again.
    fn keep(&mut self, taped: Taped) {
        if let (Some(recording), None) = (&mut self.recording, &self.failure) {
            self.failure = recording.write(&taped.line()).err();
        }
    }

    /// Counts a call that was answered wholly.
    fn note_latency(&self, ended: &Ended) {
        let is_answered = ended.status.is_some_and(|status| status.is_success());
        let Some((agent, latencies)) =
            self.latencies.as_ref().filter(|_| ended.arrival.is_call && is_answered)
        else {
            return;
        };
        if ended.end == End::Replied && ended.read.fault.is_none() {
            let waited = ended.traces.time();
            let worked = |time: Duration| time.saturating_sub(waited);
            latencies.note(agent, ended.arrival.purpose, ended.first_byte.map(worked), worked(ended.total));
        }
    }

    fn finish(self) -> io::Result<Ledger> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        self.recording.map_or(Ok(()), WireLog::finish)?;
        self.log.finish().map(|()| self.ledger)
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
