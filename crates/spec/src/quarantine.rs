//! `retrial-quarantine.toml`: tasks that inform a gate and do not decide, each with a reason and an end.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::Unit;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::schema::toml_schema;
use crate::{Document, Fault, Severity, SpecError, TaskName, did_you_mean};

/// Most days that a task may stay in quarantine from when it was put there.
pub const LONGEST_QUARANTINE_DAYS: i64 = 90;

/// The tasks in quarantine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quarantine {
    /// The tasks, each once.
    #[serde(default)]
    pub task: Vec<QuarantinedTask>,
}

/// A task in quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuarantinedTask {
    /// The task.
    pub name: TaskName,
    /// Why it does not decide.
    #[schemars(length(min = 1))]
    pub reason: String,
    /// The day on which it was put there.
    pub added: Day,
    /// The last day on which it is there, at most 90 days after.
    pub until: Day,
}

impl QuarantinedTask {
    /// Returns whether it is in quarantine on a day.
    pub fn is_in_force(&self, today: Day) -> bool {
        (self.added..=self.until).contains(&today)
    }
}

/// A day of the calendar, such as 2026-12-01; in TOML a date or a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Day(#[schemars(with = "String", extend("format" = "date"))] Date);

impl Day {
    /// Returns the day of a date.
    pub fn new(date: Date) -> Self {
        Self(date)
    }

    /// Returns the days from another day to this one.
    pub fn days_since(self, earlier: Self) -> i64 {
        earlier.0.until((Unit::Day, self.0)).map_or(i64::MAX, |span| i64::from(span.get_days()))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A time behind the date would be read and dropped.
        let is_date = text.len() == 10;
        let date = text.parse::<Date>().ok().filter(|_| is_date);
        date.map(Self).ok_or_else(|| format!("`{text}` is not a day such as 2026-12-01"))
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match toml::Value::deserialize(deserializer)? {
            toml::Value::Datetime(date) => date.to_string(),
            toml::Value::String(text) => text,
            other => other.to_string(),
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Quarantine {
    /// Reads a quarantine file; `file` is the name that errors show, `known` are the tasks that there are.
    ///
    /// # Errors
    /// [`SpecError`] with all faults: those of the text, unknown tasks, tasks named twice, and ends before the beginning or more than
    /// [`LONGEST_QUARANTINE_DAYS`] after it.
    pub fn parse(file: &str, text: &str, known: &BTreeSet<&TaskName>) -> Result<Self, SpecError> {
        let document = Document::parse(file, text)?;
        let faults = document.check(&toml_schema::<Self>(), |_| Some(Severity::Error));
        let (quarantine, _) = document.read::<Self>(faults)?;
        let mut seen = BTreeSet::new();
        let mut faults = Vec::new();
        for (place, task) in quarantine.task.iter().enumerate() {
            let at = |key: &str| format!("/task/{place}/{key}");
            faults.extend(unknown(&document, &at("name"), &task.name, known));
            if !seen.insert(&task.name) {
                let message = format!("the task `{}` is named twice", task.name);
                faults.push(document.fault(&at("name"), message, Some("keep one of the entries".to_owned())));
            }
            faults.extend(too_long(&document, &at("until"), task));
        }
        if faults.is_empty() { Ok(quarantine) } else { Err(document.error(faults)) }
    }
}

fn unknown(document: &Document, at: &str, task: &TaskName, known: &BTreeSet<&TaskName>) -> Option<Fault> {
    if known.contains(task) {
        return None;
    }
    let near = did_you_mean(task.as_str(), known.iter().map(|name| name.as_str()));
    let hint = near.map_or_else(
        || "take it out: neither side has such a task".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    Some(document.fault(at, format!("there is no task `{task}`"), Some(hint)))
}

fn too_long(document: &Document, at: &str, task: &QuarantinedTask) -> Option<Fault> {
    let days = task.until.days_since(task.added);
    let (message, hint) = if days < 0 {
        ("ends before it begins".to_owned(), "give a day that is not before `added`")
    } else if days > LONGEST_QUARANTINE_DAYS {
        (
            format!("lasts {days} days; the longest is {LONGEST_QUARANTINE_DAYS}"),
            "mend the task, or put it there anew when the time is over",
        )
    } else {
        return None;
    };
    Some(document.fault(at, format!("the quarantine of `{}` {message}", task.name), Some(hint.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Quarantine, Vec<String>> {
        let known = ["alpha", "beta"].map(|name| TaskName::new(name).unwrap());
        Quarantine::parse("q.toml", text, &known.iter().collect()).map_err(|error| {
            let told =
                |fault: &Fault| format!("{}: {fault}; {}", fault.line(), fault.hint().unwrap_or("no hint"));
            error.faults().iter().map(told).collect()
        })
    }

    fn entry(name: &str, added: &str, until: &str) -> String {
        format!("[[task]]\nname = '{name}'\nreason = 'x'\nadded = {added}\nuntil = {until}\n")
    }

    #[test]
    fn a_task_is_in_quarantine_from_its_first_to_its_last_day() {
        let read = parse(&entry("alpha", "2026-09-01", "'2026-10-01'")).unwrap();
        let day = |text: &str| text.parse::<Day>().unwrap();
        let in_force = |text| read.task[0].is_in_force(day(text));
        assert_eq!(
            ["2026-08-31", "2026-09-01", "2026-10-01", "2026-10-02"].map(in_force),
            [false, true, true, false]
        );
        assert_eq!(parse("").unwrap(), Quarantine::default());
    }

    #[test]
    fn unknown_and_repeated_tasks_and_impossible_days_are_named_with_their_lines() {
        let text = entry("alpa", "2026-09-01", "2026-10-01")
            + &entry("beta", "2026-09-01", "2026-08-01")
            + &entry("beta", "2026-09-01", "2026-12-01");
        assert_eq!(
            parse(&text).unwrap_err(),
            [
                "2: there is no task `alpa`; did you mean `alpha`?",
                "10: the quarantine of `beta` ends before it begins; give a day that is not before `added`",
                "12: the task `beta` is named twice; keep one of the entries",
                "15: the quarantine of `beta` lasts 91 days; the longest is 90; mend the task, or put it there anew when the time \
                 is over",
            ]
        );
    }

    #[test]
    fn what_is_no_day_is_refused_where_it_stands() {
        for (added, line) in [("'soon'", 4), ("2026-09-01T10:00:00Z", 4), ("7", 4)] {
            let faults = parse(&entry("alpha", added, "2026-10-01")).unwrap_err();
            assert!(faults[0].starts_with(&format!("{line}: ")), "{faults:?}");
        }
    }
}
