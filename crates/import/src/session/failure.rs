//! Whose fault it is that an agent gave up on its model.

use retrial_spec::{Ending, Phase, UngradedReason, Verdict};

use crate::ended::{crashed, infrastructure};

/// How much of a message is kept as a cause.
const LONGEST: usize = 300;

/// Returns the ending of an agent that gave up on its model after a reply with this HTTP status, none for no reply, and the verdict
/// that goes with it where nobody graded it.
///
/// | status | fault | ending |
/// |---|---|---|
/// | none, 401, 402, 403, 408, 429, 5xx | the provider's | infrastructure |
/// | any other, such as 400 or 413 for a conversation that is too long | the agent's | crash |
pub(crate) fn gave_up_on_model(status: Option<u64>, words: &str) -> (Ending, Verdict) {
    let words = shortened(words);
    match status {
        None | Some(401..=403 | 408 | 429 | 500..=599) => {
            (infrastructure(Phase::Agent, &words), Verdict::Ungraded(UngradedReason::Infrastructure))
        }
        Some(_) => (crashed(&words), Verdict::Ungraded(UngradedReason::NotRecorded)),
    }
}

/// Returns the HTTP status that a message names right after one of these marks.
pub(crate) fn status_after(marks: &[&str], words: &str) -> Option<u64> {
    let after = |mark: &&str| {
        let rest = words.split_once(*mark)?.1.trim_start();
        let digits = rest.get(..3)?.parse().ok()?;
        (100..600).contains(&digits).then_some(digits)
    };
    marks.iter().find_map(after)
}

/// Returns the first line of a message, cut where it is long.
pub(crate) fn shortened(words: &str) -> String {
    let line = words.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_that_fails_is_never_the_agents_fault() {
        for status in [None, Some(401), Some(403), Some(429), Some(500), Some(529)] {
            let (ending, verdict) = gave_up_on_model(status, "no");
            assert_eq!(ending.as_str(), "infrastructure", "{status:?}");
            assert_eq!(verdict, Verdict::Ungraded(UngradedReason::Infrastructure));
        }
        for status in [400, 404, 413, 422] {
            assert_eq!(gave_up_on_model(Some(status), "no").0, crashed("no"), "{status}");
        }
    }

    #[test]
    fn a_status_is_three_digits_after_its_mark() {
        assert_eq!(status_after(&["status:", "Error:"], "API Error: 529 {}"), Some(529));
        for none in ["API Error: x", "529", "Error: 52", "Error: -12", "Error: 1é9"] {
            assert_eq!(status_after(&["Error:"], none), None, "{none}");
        }
    }

    #[test]
    fn a_message_is_cut_between_characters() {
        assert_eq!(shortened("\n  a\nb"), "a");
        assert_eq!(shortened(&"é".repeat(400)), format!("{}…", "é".repeat(LONGEST)));
    }
}
