//! Checking the chain of an audit log, and adding it up.

use std::collections::HashMap;
use std::io::BufRead;

use jiff::Timestamp;
use serde::Serialize;

use super::{AuditEntry, AuditLine, AuditSeal, AuditTotals, audit_genesis};
use crate::{
    Charge, ContentDigest, Cost, Fact, MissingReason, Purpose, RunId, Source, TrialId, digest_bytes,
};

/// What an audit log says, as far as its chain holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditAccount {
    /// The log's end.
    pub seal: AuditSeal,
    /// Whether its last entry is [`AuditEntry::Closed`].
    pub closed: bool,
    /// Whether the token was revoked.
    pub revoked: bool,
    /// How often the token was presented at other trials' doors.
    pub misused: u64,
    /// When the first line was written.
    pub first: Option<Timestamp>,
    /// When the last line was written.
    pub last: Option<Timestamp>,
    /// What the log comes to; of a log that was not closed, what its lines add up to.
    pub totals: AuditTotals,
    /// Requests that were let through and of whose end nothing is known; the charges hold what was set aside for them.
    pub unanswered: u64,
}

/// Where and why a chain does not hold.
#[derive(Debug, thiserror::Error)]
pub enum AuditFault {
    /// Reading failed.
    #[error("line {line} cannot be read")]
    Io {
        /// The line, from 1.
        line: u64,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The line is not an entry.
    #[error("line {line} is not an audit entry")]
    Malformed {
        /// The line, from 1.
        line: u64,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// The line does not follow from the one before.
    #[error("line {line} does not carry the hash of the line before it")]
    Broken {
        /// The line, from 1.
        line: u64,
    },
    /// The line has another number than its place.
    #[error("line {line} is numbered {found}")]
    Number {
        /// The line, from 1.
        line: u64,
        /// The number it states.
        found: u64,
    },
    /// The first line is missing, or belongs to another attempt, or does not open the log.
    #[error("line 1 does not open the log of this attempt")]
    Opening,
    /// There is an entry after the closing one, or a second opening.
    #[error("line {line} stands where no such entry can")]
    Misplaced {
        /// The line, from 1.
        line: u64,
    },
    /// The totals of the closing entry are not those of the lines.
    #[error("line {line} states totals that the lines before it do not add up to")]
    Totals {
        /// The line, from 1.
        line: u64,
    },
}

impl AuditFault {
    /// Returns the faulty line, from 1.
    pub fn line(&self) -> u64 {
        match self {
            Self::Io { line, .. }
            | Self::Malformed { line, .. }
            | Self::Broken { line }
            | Self::Number { line, .. }
            | Self::Misplaced { line }
            | Self::Totals { line } => *line,
            Self::Opening => 1,
        }
    }
}

/// Checks the chain of an attempt's log and adds it up. A last line without its line feed was torn by a crash and is left out.
///
/// # Errors
/// [`AuditFault`] with the first line at which the chain does not hold.
pub fn verify_audit(
    mut reader: impl BufRead,
    run: &RunId,
    trial: &TrialId,
    attempt: u32,
) -> Result<AuditAccount, AuditFault> {
    let mut check = Check::new(audit_genesis(run, trial, attempt));
    let mut text = Vec::new();
    loop {
        text.clear();
        let line = check.account.seal.lines + 1;
        reader.read_until(b'\n', &mut text).map_err(|source| AuditFault::Io { line, source })?;
        let Some(whole) = text.strip_suffix(b"\n") else {
            // Only a writer that was killed leaves part of a line, and it has closed nothing.
            let is_torn = !text.is_empty();
            if is_torn && check.account.closed {
                return Err(AuditFault::Misplaced { line });
            }
            break;
        };
        let parsed: AuditLine =
            serde_json::from_slice(whole).map_err(|source| AuditFault::Malformed { line, source })?;
        if line == 1 {
            let opens = matches!(&parsed.entry, AuditEntry::Opened { run: of, trial: whose, attempt: number, .. }
                if of == run && whose == trial && *number == attempt);
            if !opens || parsed.previous != check.account.seal.sha256 {
                return Err(AuditFault::Opening);
            }
        }
        check.take(line, &parsed)?;
        check.account.seal = AuditSeal { lines: line, sha256: digest_bytes(whole) };
    }
    if check.account.seal.lines == 0 { Err(AuditFault::Opening) } else { Ok(check.finish()) }
}

struct Check {
    account: AuditAccount,
    tokens: Sum,
    cost: Sum,
    cost_source: Option<(Source, Option<jiff::civil::Date>)>,
    /// Requests whose end is not known yet.
    open: HashMap<u32, Open>,
}

#[derive(Clone, Copy)]
struct Open {
    purpose: Purpose,
    call: bool,
    held: Charge,
}

/// A sum that is missing once one of its parts is.
#[derive(Default)]
struct Sum {
    parts: u64,
    total: u64,
    missing: Option<MissingReason>,
}

impl Sum {
    fn add(&mut self, part: &Fact<u64>) {
        self.parts += 1;
        match part {
            Fact::Known { value, .. } => self.total = self.total.saturating_add(*value),
            Fact::Missing(reason) => {
                self.missing.get_or_insert(*reason);
            }
        }
    }

    fn fact(&self, source: Source) -> Fact<u64> {
        match (self.missing, self.parts) {
            (Some(reason), _) => Fact::Missing(reason),
            (None, 0) => Fact::Missing(MissingReason::NoCalls),
            (None, _) => Fact::known(self.total, source),
        }
    }
}

impl Check {
    fn new(genesis: ContentDigest) -> Self {
        let totals = AuditTotals {
            requests: 0,
            refused: 0,
            refused_unlisted: 0,
            tokens: Fact::Missing(MissingReason::NoCalls),
            cost: Fact::Missing(MissingReason::NoCalls),
            charged: Charge::default(),
        };
        let account = AuditAccount {
            seal: AuditSeal { lines: 0, sha256: genesis },
            closed: false,
            revoked: false,
            misused: 0,
            first: None,
            last: None,
            totals,
            unanswered: 0,
        };
        Self {
            account,
            tokens: Sum::default(),
            cost: Sum::default(),
            cost_source: None,
            open: HashMap::new(),
        }
    }

    fn take(&mut self, line: u64, parsed: &AuditLine) -> Result<(), AuditFault> {
        if parsed.previous != self.account.seal.sha256 {
            return Err(AuditFault::Broken { line });
        }
        if parsed.line != line {
            return Err(AuditFault::Number { line, found: parsed.line });
        }
        let is_opening = matches!(parsed.entry, AuditEntry::Opened { .. });
        if self.account.closed || is_opening != (line == 1) {
            return Err(AuditFault::Misplaced { line });
        }
        self.account.first.get_or_insert(parsed.at);
        self.account.last = Some(parsed.at);
        self.add(line, &parsed.entry)
    }

    fn add(&mut self, line: u64, entry: &AuditEntry) -> Result<(), AuditFault> {
        let totals = &mut self.account.totals;
        match entry {
            AuditEntry::Opened { .. } | AuditEntry::Local { .. } => {}
            AuditEntry::Request { number, purpose, call, held, .. } => {
                totals.requests += u64::from(*call && *purpose == Purpose::Work);
                self.open.insert(*number, Open { purpose: *purpose, call: *call, held: *held });
            }
            AuditEntry::Reply { number, status, tokens, cost, charged } => {
                let Some(Open { purpose, call, .. }) = self.open.remove(number) else {
                    return Err(AuditFault::Misplaced { line });
                };
                totals.charged = totals.charged.plus(*charged);
                let answered = status.is_some_and(|status| (200..300).contains(&status));
                if purpose == Purpose::Work && call && answered {
                    self.tokens.add(tokens);
                    self.add_cost(cost);
                }
            }
            AuditEntry::Refused { .. } => totals.refused += 1,
            AuditEntry::Misused { .. } => self.account.misused += 1,
            AuditEntry::Revoked => self.account.revoked = true,
            AuditEntry::Closed { totals } => return self.close(line, totals),
        }
        Ok(())
    }

    fn add_cost(&mut self, cost: &Fact<Cost>) {
        if let Fact::Known { value, source } = cost {
            let of = (*source, value.priced_on);
            self.cost_source.get_or_insert(of);
        }
        self.cost.add(&cost.map(|cost| cost.usd_micros));
    }

    /// Takes the totals as the gateway states them. Money is rounded once there and once a line here, so it is not compared.
    fn close(&mut self, line: u64, stated: &AuditTotals) -> Result<(), AuditFault> {
        let counted = &self.account.totals;
        let holds = counted.requests == stated.requests
            && counted.refused.checked_add(stated.refused_unlisted) == Some(stated.refused)
            && counted.charged == stated.charged
            && self.tokens.fact(Source::Parsed).value() == stated.tokens.value();
        if !holds {
            return Err(AuditFault::Totals { line });
        }
        self.account.totals = stated.clone();
        self.account.closed = true;
        Ok(())
    }

    fn finish(self) -> AuditAccount {
        let mut account = self.account;
        account.unanswered = self.open.values().filter(|open| open.call).count() as u64;
        if !account.closed {
            account.totals.charged =
                self.open.values().fold(account.totals.charged, |sum, open| sum.plus(open.held));
            account.totals.tokens = self.tokens.fact(Source::Parsed);
            let (source, priced_on) = self.cost_source.unwrap_or((Source::Computed, None));
            account.totals.cost = self.cost.fact(source).map(|usd_micros| Cost { usd_micros, priced_on });
        }
        account
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Budget, RefusalReason};

    fn names() -> (RunId, TrialId) {
        (RunId::new("run-1").unwrap(), "task~agent~baseline~1".parse().unwrap())
    }

    /// The log that these entries make, opened for the first attempt.
    fn log(entries: Vec<AuditEntry>) -> Vec<u8> {
        let (run, trial) = names();
        let mut previous = audit_genesis(&run, &trial, 1);
        let opened = AuditEntry::Opened { run, trial, attempt: 1, limits: Budget::default() };
        let mut text = Vec::new();
        for (line, entry) in (1..).zip(std::iter::once(opened).chain(entries)) {
            let at = "2026-01-02T03:04:05Z".parse().unwrap();
            let line = AuditLine { line, previous, at, entry };
            let line = serde_json::to_vec(&line).unwrap();
            previous = digest_bytes(&line);
            text.extend(line);
            text.push(b'\n');
        }
        text
    }

    fn verify(text: &[u8]) -> Result<AuditAccount, AuditFault> {
        let (run, trial) = names();
        verify_audit(text, &run, &trial, 1)
    }

    fn request(number: u32) -> AuditEntry {
        AuditEntry::Request {
            number,
            purpose: Purpose::Work,
            call: true,
            method: "POST".to_owned(),
            path: "/v1/chat/completions".to_owned(),
            body: digest_bytes(b"{}"),
            held: Charge { requests: 1, tokens: 50, usd_micros: 5 },
        }
    }

    fn reply(number: u32, tokens: u64) -> AuditEntry {
        AuditEntry::Reply {
            number,
            status: Some(200),
            tokens: Fact::known(tokens, Source::Parsed),
            cost: Fact::Missing(MissingReason::NoPrice),
            charged: Charge { requests: 1, tokens, usd_micros: 0 },
        }
    }

    fn refused() -> AuditEntry {
        let (method, path) = ("GET".to_owned(), "/".to_owned());
        AuditEntry::Refused { method, path, body: None, status: 401, reason: RefusalReason::NoToken }
    }

    fn closed(requests: u64, refused: u64, tokens: u64) -> AuditEntry {
        let totals = AuditTotals {
            requests,
            refused,
            refused_unlisted: 0,
            tokens: Fact::known(tokens, Source::Parsed),
            cost: Fact::Missing(MissingReason::NoPrice),
            charged: Charge { requests, tokens, usd_micros: 0 },
        };
        AuditEntry::Closed { totals }
    }

    fn whole() -> Vec<u8> {
        log(vec![
            request(1),
            refused(),
            reply(1, 30),
            AuditEntry::Revoked,
            request(2),
            reply(2, 4),
            closed(2, 1, 34),
        ])
    }

    #[test]
    fn a_whole_log_holds_and_adds_up() {
        let account = verify(&whole()).unwrap();
        assert!(account.closed && account.revoked);
        assert_eq!((account.seal.lines, account.totals.requests, account.totals.refused), (8, 2, 1));
        assert_eq!(account.totals.tokens.value(), Some(&34));
        let last = whole().split(|byte| *byte == b'\n').nth(7).map(digest_bytes);
        assert_eq!(Some(account.seal.sha256), last);
    }

    #[test]
    fn what_was_set_aside_for_a_request_without_an_end_is_charged() {
        let mut text = log(vec![request(1), reply(1, 30), request(2)]);
        text.extend(b"{\"line\":5,\"prev");
        let account = verify(&text).unwrap();
        assert_eq!((account.closed, account.unanswered), (false, 1));
        assert_eq!(account.totals.charged, Charge { requests: 2, tokens: 80, usd_micros: 5 });
    }

    #[test]
    fn a_log_of_another_attempt_does_not_hold() {
        let (run, trial) = names();
        assert!(matches!(verify_audit(&whole()[..], &run, &trial, 2), Err(AuditFault::Opening)));
        let other = RunId::new("run-2").unwrap();
        assert!(matches!(verify_audit(&whole()[..], &other, &trial, 1), Err(AuditFault::Opening)));
        assert!(matches!(verify(b""), Err(AuditFault::Opening)));
    }

    #[test]
    fn totals_that_the_lines_do_not_add_up_to_are_a_fault() {
        for wrong in [closed(2, 1, 30), closed(1, 2, 30), closed(1, 1, 31)] {
            let text = log(vec![request(1), refused(), reply(1, 30), wrong]);
            assert!(matches!(verify(&text), Err(AuditFault::Totals { line: 5 })));
        }
        assert!(verify(&log(vec![closed(0, 0, 0), refused()])).is_err());
    }

    #[test]
    fn a_line_that_was_taken_out_or_moved_breaks_the_chain_there() {
        let text = whole();
        let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
        for gone in 0..lines.len() - 1 {
            let mut fewer = lines.clone();
            fewer.remove(gone);
            let fault = verify(&fewer.concat()).unwrap_err();
            assert_eq!(fault.line(), gone as u64 + 1, "{fault}");
        }
        let mut swapped = lines.clone();
        swapped.swap(2, 3);
        assert!(matches!(verify(&swapped.concat()), Err(AuditFault::Broken { line: 3 })));
        // The last line gone is a chain that holds, with another end than the record's.
        let shorter = verify(&lines[..7].concat()).unwrap();
        assert_ne!(shorter.seal, verify(&text).unwrap().seal);
    }

    proptest! {
        #[test]
        fn any_changed_byte_is_noticed(place in 0usize..2000, change in 1u8..=255) {
            let text = whole();
            let mut changed = text.clone();
            let place = place % text.len();
            changed[place] ^= change;
            let sealed = verify(&text).unwrap().seal;
            // Either the chain breaks, or its end is another one than the record carries.
            prop_assert!(verify(&changed).map_or(true, |account| account.seal != sealed));
        }
    }
}
