//! One cell of a table, whatever the format, and what it can be read as.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use retrial_spec::{Claim, Cost};

/// The greatest whole number up to which a floating-point number tells every one apart.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell<'a> {
    /// Empty or null.
    Missing,
    /// Text.
    Text(&'a str),
    /// A truth value.
    Flag(bool),
    /// A whole number.
    Whole(i128),
    /// Another number.
    Number(f64),
    /// A point in time.
    Instant(Instant),
    /// A list as JSON.
    List(Cow<'a, [serde_json::Value]>),
    /// Something that tells no fact: what it is, in words.
    Other(&'static str),
}

/// A point in time, and whether its time zone was stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Instant {
    /// The point in time.
    pub(crate) at: Timestamp,
    /// Whether UTC was taken because no zone was stated.
    pub(crate) is_naive: bool,
}

impl Cell<'_> {
    /// Returns whether nothing stands there.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }

    /// Returns its words: text, or a whole number as text.
    pub(crate) fn words(&self) -> Result<String, String> {
        match self {
            Self::Text(text) => Ok((*text).to_owned()),
            Self::Whole(number) => Ok(number.to_string()),
            other => Err(other.unlike("text")),
        }
    }

    /// Returns its truth value.
    pub(crate) fn flag(&self) -> Result<bool, String> {
        let word = match self {
            Self::Flag(flag) => return Ok(*flag),
            Self::Whole(0) => return Ok(false),
            Self::Whole(1) => return Ok(true),
            Self::Number(number) if number.to_bits() == 1_f64.to_bits() => return Ok(true),
            Self::Number(number) if *number == 0.0 => return Ok(false),
            Self::Text(text) => *text,
            _ => "",
        };
        let is_one_of = |words: &[&str]| words.iter().any(|known| word.eq_ignore_ascii_case(known));
        if is_one_of(&["true", "1", "1.0", "yes", "pass", "passed"]) {
            Ok(true)
        } else if is_one_of(&["false", "0", "0.0", "no", "fail", "failed"]) {
            Ok(false)
        } else {
            Err(self.unlike("true, false, yes, no, pass, passed, fail, failed, 1 or 0"))
        }
    }

    /// Returns its number, which is neither infinite nor undefined.
    pub(crate) fn number(&self) -> Result<f64, String> {
        let number = match self {
            Self::Whole(number) => Some(*number as f64),
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        };
        number.filter(|number| number.is_finite()).ok_or_else(|| self.unlike("a number"))
    }

    /// Returns its number where that is at least 0.
    fn amount(&self) -> Result<f64, String> {
        self.number()
            .ok()
            .filter(|number| *number >= 0.0)
            .ok_or_else(|| self.unlike("a number of at least 0"))
    }

    /// Returns its count: a whole number of at least 0, also as `12.0` or `1e3`.
    pub(crate) fn count(&self) -> Result<u64, String> {
        let exact = match self {
            Self::Whole(number) => {
                return u64::try_from(*number).map_err(|_| self.unlike("a count of at least 0"));
            }
            Self::Text(text) => text.parse().ok(),
            _ => None,
        };
        if let Some(exact) = exact {
            return Ok(exact);
        }
        let whole =
            self.number().ok().filter(|number| number.fract() == 0.0 && (0.0..=EXACT).contains(number));
        whole.map(|number| number as u64).ok_or_else(|| self.unlike("a count of at least 0"))
    }

    /// Returns its money, from US dollars.
    pub(crate) fn dollars(&self) -> Result<Cost, String> {
        let micros = self.amount()? * 1e6;
        if micros > EXACT {
            return Err(self.unlike("US dollars"));
        }
        Ok(Cost { usd_micros: micros.round() as u64, priced_on: None })
    }

    /// Returns its money, from millionths of a US dollar.
    pub(crate) fn micros(&self) -> Result<Cost, String> {
        self.count().map(|usd_micros| Cost { usd_micros, priced_on: None })
    }

    /// Returns its duration in milliseconds, from a number of units of `unit_ms` milliseconds.
    pub(crate) fn milliseconds(&self, unit_ms: f64) -> Result<u64, String> {
        let milliseconds = self.amount()? * unit_ms;
        if milliseconds > EXACT {
            return Err(self.unlike("a duration"));
        }
        Ok(milliseconds.round() as u64)
    }

    /// Returns its probability.
    pub(crate) fn probability(&self) -> Result<f64, String> {
        let number = self.number().ok().filter(|number| (0.0..=1.0).contains(number));
        number.ok_or_else(|| self.unlike("a probability from 0 to 1"))
    }

    /// Returns its claim.
    pub(crate) fn claim(&self) -> Result<Claim, String> {
        match self {
            Self::Text("done") => Ok(Claim::Done),
            Self::Text("not_done") => Ok(Claim::NotDone),
            Self::Text("needs_human") => Ok(Claim::NeedsHuman),
            other => Err(other.unlike("done, not_done or needs_human")),
        }
    }

    /// Returns its point in time: ISO 8601, in UTC where no zone is stated, or seconds since 1970.
    pub(crate) fn instant(&self) -> Result<Instant, String> {
        let stated = |at| Instant { at, is_naive: false };
        let found = match self {
            Self::Instant(instant) => Some(*instant),
            Self::Text(text) => instant_of(text).or_else(|| Some(stated(epoch(text.parse().ok()?)?))),
            Self::Whole(seconds) => {
                i64::try_from(*seconds).ok().and_then(|at| Timestamp::from_second(at).ok()).map(stated)
            }
            Self::Number(seconds) => epoch(*seconds).map(stated),
            _ => None,
        };
        found.ok_or_else(|| self.unlike("a time such as `2026-01-02T03:04:05Z`, or seconds since 1970"))
    }

    /// Says what stands there and what was expected.
    pub(crate) fn unlike(&self, expected: &str) -> String {
        let found = match self {
            Self::Missing => "empty".to_owned(),
            Self::Text(text) => {
                let cut: String = text.chars().take(60).collect();
                format!("`{}`", cut.escape_debug())
            }
            Self::Flag(flag) => flag.to_string(),
            Self::Whole(number) => number.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Instant(instant) => instant.at.to_string(),
            Self::List(_) => "a list".to_owned(),
            Self::Other(what) => (*what).to_owned(),
        };
        format!("is {found}; expected {expected}")
    }
}

/// Returns the instant of a text in ISO 8601, in UTC where it states no zone.
pub(crate) fn instant_of(text: &str) -> Option<Instant> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(Instant { at, is_naive: false });
    }
    let naive = text.parse::<DateTime>().ok()?;
    let at = naive.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(Instant { at, is_naive: true })
}

fn epoch(seconds: f64) -> Option<Timestamp> {
    if !seconds.is_finite() || seconds.abs() > 1e12 {
        return None;
    }
    Timestamp::from_microsecond((seconds * 1e6).round() as i64).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_of_truth_are_read_in_any_case_and_nothing_else_is() {
        for (text, truth) in
            [("True", true), ("pass", true), ("1", true), ("FALSE", false), ("failed", false)]
        {
            assert_eq!(Cell::Text(text).flag(), Ok(truth), "{text}");
        }
        for text in ["2", "maybe", "", "truee", "0.5"] {
            assert!(Cell::Text(text).flag().is_err(), "{text}");
        }
        assert_eq!(
            Cell::Whole(2).flag().unwrap_err(),
            "is 2; expected true, false, yes, no, pass, passed, fail, failed, 1 or 0"
        );
    }

    #[test]
    fn counts_are_whole_and_not_negative() {
        for (text, count) in [("0", 0), ("12.0", 12), ("1e3", 1000), ("18446744073709551615", u64::MAX)] {
            assert_eq!(Cell::Text(text).count(), Ok(count), "{text}");
        }
        for text in ["-1", "1.5", "NaN", "inf", "1e300", "12 "] {
            assert!(Cell::Text(text).count().is_err(), "{text}");
        }
        assert!(Cell::Whole(-1).count().is_err());
    }

    #[test]
    fn a_time_without_a_zone_is_utc_and_says_so() {
        let naive = Cell::Text("2025-07-11T20:35:11.5").instant().unwrap();
        let stated = Cell::Text("2025-07-11T22:35:11.5+02:00").instant().unwrap();
        assert_eq!(naive.at, stated.at);
        assert!(naive.is_naive && !stated.is_naive);
        assert_eq!(Cell::Text("1752266111.5").instant().unwrap().at, stated.at);
        for text in ["1752266111500", "yesterday", "2025-13-01T00:00:00Z", "nan"] {
            assert!(Cell::Text(text).instant().is_err(), "{text}");
        }
    }

    #[test]
    fn money_is_rounded_to_its_smallest_unit_and_a_percentage_is_no_probability() {
        assert_eq!(Cell::Text("0.0000015").dollars().map(|cost| cost.usd_micros), Ok(2));
        assert!(Cell::Number(-0.5).dollars().is_err());
        assert!(Cell::Text("85").probability().is_err());
        assert_eq!(Cell::Text("0.85").probability(), Ok(0.85));
    }

    proptest! {
        #[test]
        fn any_text_reads_as_a_value_or_says_what_was_expected(text in ".{0,40}") {
            let cell = Cell::Text(&text);
            for error in [
                cell.flag().err(), cell.count().err(), cell.number().err(), cell.dollars().err(),
                cell.milliseconds(1000.0).err(), cell.instant().err(), cell.claim().err(),
            ].into_iter().flatten() {
                prop_assert!(error.contains("; expected "));
            }
        }

        #[test]
        fn every_count_reads_back(count in any::<u64>()) {
            prop_assert_eq!(Cell::Text(&count.to_string()).count(), Ok(count));
            prop_assert_eq!(Cell::Whole(i128::from(count)).count(), Ok(count));
        }
    }
}
