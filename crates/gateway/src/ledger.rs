//! The sums of a trial: what its exchanges come to.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Uri};
use jiff::Timestamp;
use retrial_spec::{
    Exchange, Fact, Injection, Message, MissingReason, Protocol, Purpose, Reply, Source, Usage,
};
use serde_json::Value;

use crate::faults::{Step, follow};
use crate::prices::Bill;
use crate::protocol::{offers_tools, opening};
use crate::{PriceTable, ProviderFailure, Wire};

/// Adds up exchanges in the order in which they end.
#[derive(Debug)]
pub(crate) struct Ledger {
    prices: Arc<PriceTable>,
    work: Vec<Entry>,
    tokens: Tokens,
    bill: Bill,
    question_tokens: Tokens,
    question_bill: Bill,
    main: Option<Conversation>,
    /// The first message of the first request without tools that had one.
    opening: Option<Message>,
}

/// An exchange that has ended, with what the sums need besides its line in the log.
#[derive(Debug, Clone)]
pub(crate) struct Item<'a> {
    /// The exchange.
    pub(crate) exchange: &'a Exchange,
    /// The model's name in the price table.
    pub(crate) priced_as: &'a str,
    /// Whether it may have made a model work.
    pub(crate) is_call: bool,
    /// Who ended it.
    pub(crate) end: End,
    /// When it began, since the trial's opening.
    pub(crate) began: Duration,
    /// When it ended, since the trial's opening.
    pub(crate) ended: Duration,
    /// From when until when the gateway kept it waiting, since the trial's opening.
    pub(crate) waited: Option<Span>,
    /// The request.
    pub(crate) asked: &'a Asked,
    /// The reply in the protocol's own form.
    pub(crate) said: &'a Value,
}

/// A request as it can be repeated.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    /// Path and query, without the trial's prefix.
    pub(crate) target: Uri,
    /// The headers, without the trial's token.
    pub(crate) headers: HeaderMap,
    /// The body, not compressed.
    pub(crate) body: Bytes,
}

/// Two moments, the earlier one first.
type Span = (Duration, Duration);

/// Who ended an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The provider, with a reply, whole or not.
    Replied,
    /// The provider, which could not be reached.
    Unreachable,
    /// The agent, which went away before the end.
    Abandoned,
}

/// A conversation that can be continued.
#[derive(Debug, Clone)]
pub(crate) struct Conversation {
    number: u32,
    has_tools: bool,
    /// Told of conversations without tools alone: compaction may change how one with tools opens.
    opens_as_first: bool,
    /// The protocol that it is held in.
    pub(crate) protocol: Protocol,
    /// Its last request.
    pub(crate) asked: Asked,
    /// The reply to it.
    pub(crate) reply: Reply,
    /// The same in the protocol's own form.
    pub(crate) said: Value,
}

impl Conversation {
    /// The order in which conversations are the main one.
    fn rank(&self) -> (bool, bool, u32) {
        (self.has_tools, self.opens_as_first, self.number)
    }
}

#[derive(Debug)]
struct Entry {
    number: u32,
    retry_of: Option<u32>,
    status: Option<u16>,
    fault: Option<String>,
    end: End,
    began: Duration,
    ended: Duration,
    waited: Option<Span>,
    at: Timestamp,
    path: String,
    offers_tools: bool,
    injected: Option<Injection>,
}

#[derive(Debug, Default)]
struct Tokens {
    items: u64,
    sum: Option<Usage>,
    missing: Option<MissingReason>,
}

impl Ledger {
    pub(crate) fn new(prices: Arc<PriceTable>) -> Self {
        Self {
            prices,
            work: Vec::new(),
            tokens: Tokens::default(),
            bill: Bill::default(),
            question_tokens: Tokens::default(),
            question_bill: Bill::default(),
            main: None,
            opening: None,
        }
    }

    /// Adds an exchange. Only what a provider answers is used and paid for.
    pub(crate) fn add(&mut self, item: &Item<'_>) {
        let exchange = item.exchange;
        if !item.is_call {
            return;
        }
        let is_answered = exchange.status.is_some_and(|status| (200..300).contains(&status));
        let (tokens, bill) = match exchange.purpose {
            Purpose::Work => (&mut self.tokens, &mut self.bill),
            Purpose::Elicitation => (&mut self.question_tokens, &mut self.question_bill),
        };
        if is_answered {
            tokens.add(&exchange.spent());
            bill.add_exchange(&self.prices, item.priced_as, exchange);
        }
        if exchange.purpose == Purpose::Work {
            if is_answered && exchange.fault.is_none() {
                self.consider(item);
            }
            self.work.push(Entry {
                number: exchange.number,
                retry_of: exchange.retry_of,
                status: exchange.status,
                fault: exchange.fault.clone(),
                end: item.end,
                began: item.began,
                ended: item.ended,
                waited: item.waited,
                at: exchange.started_at,
                path: exchange.path.clone(),
                offers_tools: offers_tools(&exchange.request),
                injected: exchange.injected.clone(),
            });
        }
    }

    /// Takes a whole exchange as the main conversation's latest: one with tools beats one without, then one that opens as the first of all
    /// did beats one that does not, as a summary or a commit message, and a later one an earlier one.
    fn consider(&mut self, item: &Item<'_>) {
        let exchange = item.exchange;
        if exchange.protocol == Protocol::Unknown {
            return;
        }
        let has_tools = offers_tools(&exchange.request);
        let opens_as_first = !has_tools && self.opens_as_first(exchange);
        let rank = (has_tools, opens_as_first, exchange.number);
        if self.main.as_ref().is_none_or(|main| rank > main.rank()) {
            self.main = Some(Conversation {
                number: exchange.number,
                has_tools,
                opens_as_first,
                protocol: exchange.protocol,
                asked: item.asked.clone(),
                reply: exchange.reply.clone(),
                said: item.said.clone(),
            });
        }
    }

    /// Whether a request without tools begins with the same message as the first such request did.
    fn opens_as_first(&mut self, exchange: &Exchange) -> bool {
        let opening = opening(exchange.protocol, &exchange.request);
        opening.is_some_and(|opening| *self.opening.get_or_insert_with(|| opening.clone()) == opening)
    }

    /// Returns the main conversation.
    pub(crate) fn main(&self) -> Option<&Conversation> {
        self.main.as_ref()
    }

    /// Returns the sums; `turned_away` requests never became exchanges.
    pub(crate) fn sum(mut self, turned_away: u64) -> Wire {
        self.work.sort_by_key(|entry| entry.number);
        let nothing = if self.work.is_empty() { MissingReason::NoCalls } else { MissingReason::NoUsage };
        let not_asked = MissingReason::NotAsked;
        let main = self.main.as_ref();
        Wire {
            exchanges: self.work.len() as u64,
            turned_away,
            usage: self.tokens.usage(nothing),
            cost: self.bill.cost(nothing),
            elicitation_usage: self.question_tokens.usage(not_asked),
            elicitation_cost: self.question_bill.cost(not_asked),
            model_ms: milliseconds(covered(with_model(&self.work))),
            waiting_ms: milliseconds(waited(&self.work)),
            last_text: main.map(|main| main.reply.text.clone()).filter(|text| !text.is_empty()),
            audit: Fact::Missing(MissingReason::NotReached),
            over_budget: turned_away > 0,
            refused: main.is_some_and(|main| main.reply.refused),
            faults: follow(&self.work.iter().map(Entry::step).collect::<Vec<_>>()),
            provider_failure: self.work.last().and_then(Entry::provider_failure),
            divergence: None,
            last_fault: self.work.pop().and_then(|entry| entry.fault),
        }
    }
}

impl Entry {
    /// What the provider, rather than the request, was to blame for.
    ///
    /// | status | fault | to blame |
    /// |---|---|---|
    /// | any | put there on purpose | nobody |
    /// | none, for it could not be reached | any | the provider |
    /// | any | the agent went away before the end | nobody |
    /// | 401, 403, 408, 429, 5xx | any | the provider, or the key it was given |
    /// | 2xx | cut, or no reply of the protocol | the provider |
    /// | any other | any | the request, or nobody |
    fn provider_failure(&self) -> Option<ProviderFailure> {
        // A stall changes nothing of what the provider says.
        let is_failure = |injection: &Injection| injection.landing.is_landed() && !injection.what.is_stall();
        let is_on_purpose = self.injected.as_ref().is_some_and(is_failure);
        let blamed = match (self.end, self.status) {
            _ if is_on_purpose => false,
            (End::Unreachable, _) => true,
            (End::Abandoned, _) => false,
            (End::Replied, Some(200..300)) => self.fault.is_some(),
            (End::Replied, status) => {
                status.is_some_and(|status| matches!(status, 401 | 403 | 408 | 429 | 500..))
            }
        };
        let said = || self.fault.clone().or_else(|| self.status.map(|status| format!("status {status}")));
        let is_partial = matches!(self.status, Some(200..300));
        said().filter(|_| blamed).map(|cause| ProviderFailure { cause, is_partial })
    }
}

impl Entry {
    fn step(&self) -> Step<'_> {
        Step {
            number: self.number,
            retry_of: self.retry_of,
            at: self.at,
            path: &self.path,
            offers_tools: self.offers_tools,
            is_answered: matches!(self.status, Some(200..300))
                && self.fault.is_none()
                && self.end == End::Replied,
            began: self.began,
            ended: self.ended,
            injected: self.injected.as_ref(),
        }
    }
}

impl Tokens {
    fn add(&mut self, usage: &Fact<Usage>) {
        self.items += 1;
        match usage {
            Fact::Known { value, .. } => {
                self.sum = Some(self.sum.map_or(*value, |sum| sum.plus(value)));
            }
            Fact::Missing(reason) => {
                self.missing.get_or_insert(*reason);
            }
        }
    }

    fn usage(&self, nothing: MissingReason) -> Fact<Usage> {
        match (self.missing, self.sum) {
            (Some(reason), _) => Fact::Missing(reason),
            (None, None) => Fact::Missing(nothing),
            (None, Some(sum)) => Fact::known(sum, Source::Parsed),
        }
    }
}

/// When requests were with the model.
fn with_model(work: &[Entry]) -> Vec<Span> {
    let spans = |entry: &Entry| match entry.waited {
        Some((from, until)) => [(entry.began, from), (until, entry.ended)],
        None => [(entry.began, entry.ended), (entry.ended, entry.ended)],
    };
    work.iter().flat_map(spans).collect()
}

/// The time covered by at least one span.
fn covered(mut spans: Vec<Span>) -> Duration {
    spans.sort_unstable();
    let mut until = Duration::ZERO;
    let mut sum = Duration::ZERO;
    for (began, ended) in spans {
        sum += ended.saturating_sub(began.max(until));
        until = until.max(ended);
    }
    sum
}

/// The time in which a request waited and none was with the model. The work is in the order of its numbers.
///
/// A request waits while the gateway keeps it, and between a reply that says that the provider is overcharged or broken and the
/// same request sent again.
fn waited(work: &[Entry]) -> Duration {
    let of_number = |number: u32| work.binary_search_by_key(&number, |entry| entry.number).ok();
    let put_off = |entry: &&Entry| matches!(entry.status, Some(429 | 500..));
    let told = |number| of_number(number).map(|place| &work[place]).filter(put_off);
    let by_agent = |entry: &Entry| Some((told(entry.retry_of?)?.ended, entry.began));
    let waits = work.iter().flat_map(|entry| [entry.waited, by_agent(entry)]).flatten();
    let model = with_model(work);
    let all: Vec<Span> = waits.filter(|(from, until)| from < until).chain(model.iter().copied()).collect();
    covered(all).saturating_sub(covered(model))
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use retrial_spec::Cost;
    use serde_json::json;

    use super::*;

    struct Case {
        exchange: Exchange,
        began: u64,
        ended: u64,
        waited: Option<(u64, u64)>,
    }

    fn case(number: u32, began: u64, ended: u64) -> Case {
        let usage = Usage { uncached_input: 10, output: 1, ..Usage::default() };
        let reply = Reply {
            text: format!("text {number}"),
            usage: Fact::known(usage, Source::Parsed),
            ..Reply::default()
        };
        let exchange = Exchange {
            number,
            purpose: Purpose::Work,
            started_at: jiff::Timestamp::UNIX_EPOCH,
            protocol: Protocol::OpenaiChat,
            path: "/v1/chat/completions".to_owned(),
            request: json!({"tools": [1]}),
            retry_of: None,
            status: Some(200),
            reply,
            first_byte_ms: None,
            total_ms: 0,
            waited_ms: 0,
            upstream_attempts: Vec::new(),
            fault: None,
            injected: None,
        };
        Case { exchange, began, ended, waited: None }
    }

    fn ledger(cases: &[Case]) -> Ledger {
        let prices = PriceTable::builtin().with_own(
            "p",
            "version = 1\ndate = \"2026-01-01\"\n[[models]]\nname = \"m\"\ninput = 1\noutput = 2",
        );
        let mut ledger = Ledger::new(Arc::new(prices.unwrap()));
        for case in cases {
            ledger.add(&Item {
                exchange: &case.exchange,
                priced_as: "m",
                is_call: true,
                end: if case.exchange.status.is_none() { End::Unreachable } else { End::Replied },
                began: Duration::from_millis(case.began),
                ended: Duration::from_millis(case.ended),
                waited: case
                    .waited
                    .map(|(from, until)| (Duration::from_millis(from), Duration::from_millis(until))),
                asked: &Asked::default(),
                said: &Value::Null,
            });
        }
        ledger
    }

    #[test]
    fn exchanges_add_up() {
        let wire = ledger(&[case(2, 20, 30), case(1, 0, 10)]).sum(0);
        assert_eq!((wire.exchanges, wire.model_ms, wire.waiting_ms), (2, 20, 0));
        assert_eq!(wire.usage.value().unwrap().total(), 22);
        assert_eq!(
            wire.cost,
            Fact::known(Cost { usd_micros: 24, priced_on: "2026-01-01".parse().ok() }, Source::Computed)
        );
        assert_eq!(wire.last_text.as_deref(), Some("text 2"));
        assert_eq!(wire.elicitation_cost, Fact::Missing(MissingReason::NotAsked));
    }

    #[test]
    fn overlapping_exchanges_count_their_time_once() {
        let wire = ledger(&[case(1, 0, 10), case(2, 5, 20), case(3, 6, 8), case(4, 30, 31)]).sum(0);
        assert_eq!(wire.model_ms, 21);
    }

    #[test]
    fn waiting_is_what_no_model_worked_through_whoever_waits() {
        let waits = |mut case: Case, from, until| {
            case.waited = Some((from, until));
            case
        };
        // Kept by the gateway from 0 to 8, while another request was with the model from 2 to 5.
        let wire = ledger(&[waits(case(1, 0, 10), 0, 8), case(2, 2, 5)]).sum(0);
        assert_eq!((wire.waiting_ms, wire.model_ms), (5, 5));
        // Kept by the agent after a failure, then by the gateway, and both count once.
        let mut failed = case(1, 0, 10);
        failed.exchange.status = Some(502);
        let mut again = waits(case(2, 30, 50), 30, 45);
        again.exchange.retry_of = Some(1);
        let wire = ledger(&[failed, again, waits(case(3, 40, 46), 40, 44)]).sum(0);
        assert_eq!((wire.waiting_ms, wire.model_ms), (34, 16));
    }

    #[test]
    fn one_missing_usage_makes_the_sums_missing() {
        let mut silent = case(2, 1, 2);
        silent.exchange.reply.usage = Fact::Missing(MissingReason::NoUsage);
        let wire = ledger(&[case(1, 0, 1), silent]).sum(0);
        assert_eq!(wire.usage, Fact::Missing(MissingReason::NoUsage));
        assert_eq!(wire.cost, Fact::Missing(MissingReason::NoUsage));
    }

    #[test]
    fn errors_cost_nothing_and_do_not_hide_the_rest() {
        let mut limited = case(1, 0, 1);
        limited.exchange.status = Some(429);
        limited.exchange.reply = Reply::default();
        limited.exchange.fault = Some("status 429: slow".to_owned());
        let mut again = case(2, 3001, 3002);
        again.exchange.retry_of = Some(1);
        let wire = ledger(&[limited, again]).sum(0);
        assert_eq!(wire.usage.value().unwrap().total(), 11);
        assert_eq!((wire.waiting_ms, wire.last_fault), (3000, None));
    }

    #[test]
    fn a_provider_that_fails_the_last_request_is_told_from_a_request_that_is_at_fault() {
        let last = |status: Option<u16>| {
            let mut failed = case(2, 1, 2);
            failed.exchange.status = status;
            failed.exchange.fault = Some("why".to_owned());
            ledger(&[case(1, 0, 1), failed]).sum(0).provider_failure.map(|failure| failure.cause)
        };
        for blamed in [None, Some(200), Some(401), Some(403), Some(429), Some(500), Some(503)] {
            assert_eq!(last(blamed).as_deref(), Some("why"), "{blamed:?}");
        }
        for other in [Some(400), Some(404), Some(413)] {
            assert_eq!(last(other), None, "{other:?}");
        }
        let mut recovered = case(1, 0, 1);
        recovered.exchange.status = Some(503);
        assert_eq!(ledger(&[recovered, case(2, 1, 2)]).sum(0).provider_failure, None);
    }

    #[test]
    fn an_agent_without_tools_is_known_by_how_its_first_request_opens() {
        let asking = |number, system: &str| {
            let mut case = case(number, 0, 1);
            case.exchange.request = json!({"messages": [
                {"role": "system", "content": system}, {"role": "user", "content": format!("turn {number}")}]});
            case
        };
        let aside = asking(3, "Summarise the chat.");
        let wire = ledger(&[asking(1, "Edit files."), asking(2, "Edit files."), aside]).sum(0);
        assert_eq!(wire.last_text.as_deref(), Some("text 2"));
    }

    #[test]
    fn a_trial_without_calls_says_so() {
        let wire = ledger(&[]).sum(3);
        assert_eq!(wire.usage, Fact::Missing(MissingReason::NoCalls));
        assert!(wire.over_budget);
    }

    #[test]
    fn the_main_conversation_has_tools_where_any_has() {
        let mut title = case(2, 0, 0);
        title.exchange.request = json!({"messages": []});
        assert_eq!(ledger(&[case(1, 0, 0), title]).sum(0).last_text.as_deref(), Some("text 1"));
    }
}
