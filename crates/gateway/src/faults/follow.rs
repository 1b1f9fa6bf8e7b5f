//! What an agent did after a fault: read off the exchanges that followed.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use retrial_spec::{Ending, FaultOutcome, Injection, Landing, Reaction, WireFault};

/// A fault of a trial and the agent's next request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InjectedFault {
    /// The exchange's number in the wire log.
    pub exchange: u32,
    /// When the request had arrived.
    pub request_at: Timestamp,
    /// What was to go wrong.
    pub what: WireFault,
    /// Whether it reached the agent, and where.
    pub landing: Landing,
    /// The agent's next request; none where it sent none, or the fault did not reach it.
    pub next: Option<NextRequest>,
    /// Whether the same request, or an equivalent one, was answered wholly afterwards.
    pub recovered: bool,
}

/// The request that an agent sent after a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextRequest {
    /// The exchange's number.
    pub exchange: u32,
    /// Milliseconds between the end of the exchange with the fault and this request.
    pub after_ms: u64,
    /// Whether it is the same request again.
    pub is_same: bool,
}

impl InjectedFault {
    /// Returns what came of the fault in a trial whose agent stopped like this.
    pub fn outcome(&self, ending: &Ending) -> FaultOutcome {
        let Self { exchange, request_at, what, landing, next, recovered } = self.clone();
        let reaction = landing.is_landed().then(|| match next {
            Some(NextRequest { exchange, after_ms, is_same: true }) => {
                Reaction::SentAgain { exchange, after_ms }
            }
            Some(NextRequest { exchange, after_ms, .. }) => Reaction::SentAnother { exchange, after_ms },
            None => Reaction::Stopped { ending: ending.clone() },
        });
        FaultOutcome { exchange, request_at, what, landing, reaction, recovered }
    }
}

/// One of the agent's model requests, as far as it matters here.
#[derive(Debug, Clone)]
pub(crate) struct Step<'a> {
    pub(crate) number: u32,
    pub(crate) retry_of: Option<u32>,
    pub(crate) at: Timestamp,
    pub(crate) path: &'a str,
    pub(crate) offers_tools: bool,
    /// Whether a whole reply came.
    pub(crate) is_answered: bool,
    pub(crate) began: Duration,
    pub(crate) ended: Duration,
    pub(crate) injected: Option<&'a Injection>,
}

/// Returns the faults of a trial in the order of their exchanges; the steps are in the order of their numbers.
pub(crate) fn follow(steps: &[Step<'_>]) -> Vec<InjectedFault> {
    let hit = |(place, step)| Some(fault(step, step.injected?, &steps[place + 1..]));
    steps.iter().enumerate().filter_map(hit).collect()
}

fn fault(step: &Step<'_>, injection: &Injection, later: &[Step<'_>]) -> InjectedFault {
    let is_landed = injection.landing.is_landed();
    // A request that was under way already is no reaction.
    let after = || later.iter().filter(|next| next.began >= step.ended);
    let again = after().find(|next| next.retry_of == Some(step.number));
    let next = again.or_else(|| after().min_by_key(|next| next.began)).filter(|_| is_landed);
    let mut same = HashSet::from([step.number]);
    let repeats = |next: &Step<'_>, same: &mut HashSet<u32>| {
        next.retry_of.is_some_and(|earlier| same.contains(&earlier)) && same.insert(next.number)
    };
    let equivalent = |next: &Step<'_>| next.path == step.path && next.offers_tools == step.offers_tools;
    let recovered = step.is_answered
        || after().any(|next| next.is_answered && (repeats(next, &mut same) || equivalent(next)));
    InjectedFault {
        exchange: step.number,
        request_at: step.at,
        what: injection.what,
        landing: injection.landing,
        next: next.map(|next| NextRequest {
            exchange: next.number,
            after_ms: u64::try_from(next.began.saturating_sub(step.ended).as_millis()).unwrap_or(u64::MAX),
            is_same: next.retry_of == Some(step.number),
        }),
        recovered: is_landed && recovered,
    }
}

#[cfg(test)]
mod tests {
    use retrial_spec::{CrashReason, Fact, MissingReason, NotLanded};

    use super::*;

    fn injection(landing: Landing) -> Injection {
        let spent = Fact::Missing(MissingReason::NoUsage);
        Injection { what: WireFault::ServerError, landing, spent }
    }

    fn step(number: u32, began: u64, ended: u64) -> Step<'static> {
        Step {
            number,
            retry_of: None,
            at: Timestamp::UNIX_EPOCH,
            path: "/v1/chat/completions",
            offers_tools: true,
            is_answered: true,
            began: Duration::from_millis(began),
            ended: Duration::from_millis(ended),
            injected: None,
        }
    }

    const LANDED: Landing = Landing::Landed { after_events: None, after_bytes: 0 };

    fn outcome(steps: &[Step<'_>]) -> FaultOutcome {
        let crash = Ending::Crash { reason: CrashReason::Exit(3) };
        let faults = follow(steps);
        assert_eq!(faults.len(), 1, "{faults:?}");
        faults[0].outcome(&crash)
    }

    #[test]
    fn the_same_request_again_is_the_reaction_even_after_another() {
        let injection = injection(LANDED);
        let hit = Step { injected: Some(&injection), is_answered: false, ..step(1, 0, 10) };
        let again = Step { retry_of: Some(1), ..step(3, 1010, 1020) };
        let outcome = outcome(&[hit, Step { offers_tools: false, ..step(2, 20, 30) }, again]);
        assert_eq!(outcome.reaction, Some(Reaction::SentAgain { exchange: 3, after_ms: 1000 }));
        assert!(outcome.recovered);
    }

    #[test]
    fn another_request_of_the_same_kind_recovers_and_one_of_another_kind_does_not() {
        let injection = injection(LANDED);
        let hit = || Step { injected: Some(&injection), is_answered: false, ..step(1, 0, 10) };
        let went_on = outcome(&[hit(), step(2, 15, 30)]);
        assert_eq!(went_on.reaction, Some(Reaction::SentAnother { exchange: 2, after_ms: 5 }));
        assert!(went_on.recovered);
        assert!(!outcome(&[hit(), Step { offers_tools: false, ..step(2, 15, 30) }]).recovered);
        assert!(!outcome(&[hit(), Step { is_answered: false, ..step(2, 15, 30) }]).recovered);
    }

    #[test]
    fn a_request_that_was_under_way_is_no_reaction() {
        let injection = injection(LANDED);
        let hit = Step { injected: Some(&injection), is_answered: false, ..step(1, 0, 10) };
        let outcome = outcome(&[hit, step(2, 5, 30)]);
        let ending = Ending::Crash { reason: CrashReason::Exit(3) };
        assert_eq!((outcome.reaction, outcome.recovered), (Some(Reaction::Stopped { ending }), false));
    }

    #[test]
    fn a_stall_that_is_waited_out_is_recovered_from() {
        let injection = injection(LANDED);
        let hit = Step { injected: Some(&injection), ..step(1, 0, 10) };
        assert!(outcome(&[hit]).recovered);
    }

    #[test]
    fn a_fault_that_did_not_land_has_no_reaction() {
        let injection = injection(Landing::NotLanded(NotLanded::TooShort));
        let hit = Step { injected: Some(&injection), ..step(1, 0, 10) };
        let outcome = outcome(&[hit, step(2, 15, 30)]);
        assert_eq!((outcome.reaction, outcome.recovered), (None, false));
    }
}
