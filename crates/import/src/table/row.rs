//! One row of a table, made a trial.

use std::path::Path;

use retrial_spec::{Ending, Fact, MissingReason, Source, Times, ToolCall, UngradedReason, Usage, Verdict};
use serde_json::Value;

use super::cell::Cell;
use super::columns::Columns;
use super::field::Field;
use super::mapping::Mapping;
use super::meaning::Meaning;
use crate::{Found, FoundAgent, ImportError, Place, Sink, Unfinished};

/// A row as its format holds it.
pub(crate) trait Row {
    /// Returns the cell of a column.
    fn cell(&self, column: usize) -> Cell<'_>;
}

/// What makes trials of the rows of one table.
#[derive(Debug)]
pub(crate) struct Rows<'a> {
    file: &'a Path,
    names: &'a [String],
    mapping: &'a Mapping,
    columns: Columns,
    has_said_naive: bool,
    has_said_half_usage: bool,
}

/// One row on its way to a trial.
struct Reading<'a, R> {
    rows: &'a Rows<'a>,
    row: &'a R,
    place: &'a Place,
}

impl<'a> Rows<'a> {
    /// Starts with a table whose columns have these names.
    ///
    /// # Errors
    /// [`ImportError`] as of [`Columns::bind`].
    pub(crate) fn new(
        file: &'a Path,
        names: &'a [String],
        mapping: &'a Mapping,
        sink: &mut dyn Sink,
    ) -> Result<Self, ImportError> {
        let columns = Columns::bind(names, mapping, &Place::file(file), sink)?;
        Ok(Self { file, names, mapping, columns, has_said_naive: false, has_said_half_usage: false })
    }

    /// Returns the columns that tell something, in order.
    pub(crate) fn used(&self) -> Vec<usize> {
        self.columns.used()
    }

    /// Gives the trial of a row to the sink. `whereabouts` is `line 3` or `row 2`.
    ///
    /// # Errors
    /// [`ImportError`] where a cell holds something else than its column tells, and where the sink refuses.
    pub(crate) fn take<R: Row>(
        &mut self,
        row: &R,
        whereabouts: String,
        sink: &mut dyn Sink,
    ) -> Result<(), ImportError> {
        let place = Place::within(self.file, whereabouts);
        let reading = Reading { rows: self, row, place: &place };
        let agent = reading.agent()?;
        let task = reading
            .words(Field::Task)?
            .ok_or_else(|| reading.refuse(Field::Task, "is empty; expected a task"))?;
        let condition = reading.words(Field::Condition)?;
        let meaning = reading.meaning()?;
        if meaning.as_ref().is_some_and(|(_, meaning)| meaning.unfinished) {
            return sink.unfinished(Unfinished { place, agent, task, condition });
        }
        let mut found = Found::new(place.clone(), agent, task);
        found.condition = condition;
        found.number = reading.number()?;
        reading.judge(&mut found, meaning, sink)?;
        reading.amounts(&mut found)?;
        let (usage, is_half) = reading.usage(sink)?;
        found.usage = usage;
        let started = reading.read(Field::StartedAt, Cell::instant)?;
        found.started_at = started.map(|instant| instant.at);
        if started.is_some_and(|instant| instant.is_naive) && !self.has_said_naive {
            self.has_said_naive = true;
            sink.doubt(&place, "times state no time zone here and perhaps below; they are read as UTC");
        }
        if is_half && !self.has_said_half_usage {
            self.has_said_half_usage = true;
            sink.doubt(
                &place,
                "input or output tokens stand alone here and perhaps below; usage is missing there",
            );
        }
        sink.trial(found)
    }
}

impl<R: Row> Reading<'_, R> {
    fn cell(&self, field: Field) -> Cell<'_> {
        let Some(column) = self.rows.columns.column(field) else { return Cell::Missing };
        match self.row.cell(column) {
            Cell::Text(text) if text.is_empty() || self.rows.mapping.missing.contains(text) => Cell::Missing,
            cell => cell,
        }
    }

    fn refuse(&self, field: Field, why: &str) -> ImportError {
        let column = self.rows.columns.column(field).and_then(|column| self.rows.names.get(column));
        let whereabouts = self.place.within.as_deref().unwrap_or_default();
        let column = column.map_or_else(String::new, |name| format!(", column `{name}`"));
        Place::within(&self.place.file, format!("{whereabouts}{column}")).error(why)
    }

    fn read<'c, T>(
        &'c self,
        field: Field,
        read: impl FnOnce(&Cell<'c>) -> Result<T, String>,
    ) -> Result<Option<T>, ImportError> {
        let cell = self.cell(field);
        if cell.is_missing() {
            return Ok(None);
        }
        read(&cell).map(Some).map_err(|why| self.refuse(field, &why))
    }

    fn fact<'c, T>(
        &'c self,
        field: Field,
        read: impl FnOnce(&Cell<'c>) -> Result<T, String>,
    ) -> Result<Fact<T>, ImportError> {
        Ok(known_or_not_recorded(self.read(field, read)?))
    }

    fn words(&self, field: Field) -> Result<Option<String>, ImportError> {
        if let Some(constant) = self.rows.mapping.constants.get(&field) {
            return Ok(Some(constant.clone()));
        }
        self.read(field, Cell::words)
    }

    fn agent(&self) -> Result<FoundAgent, ImportError> {
        let name = self.words(Field::Agent)?;
        Ok(FoundAgent {
            name: name.ok_or_else(|| self.refuse(Field::Agent, "is empty; expected an agent"))?,
            version: self.words(Field::Version)?,
            model: self.words(Field::Model)?,
        })
    }

    fn number(&self) -> Result<Option<u32>, ImportError> {
        self.read(Field::Number, |cell| {
            let number = cell.count().ok().and_then(|count| u32::try_from(count).ok()).filter(|number| *number > 0);
            number.ok_or_else(|| {
                cell.unlike("the number of the trial, from 1; with `number=` trials are numbered by their start and order")
            })
        })
    }

    /// The word of the status column with its meaning.
    fn meaning(&self) -> Result<Option<(String, Meaning)>, ImportError> {
        self.read(Field::Status, |cell| {
            let word = cell.words()?;
            let meaning = self.rows.mapping.meaning(&word).ok_or_else(|| {
                let own = Meaning::own_words();
                cell.unlike(&format!(
                    "a word whose meaning stands in `[status]` of the mapping, or one of {own}"
                ))
            })?;
            Ok((word, meaning))
        })
    }

    /// Ending and verdict, which the status column, one for the ending and one for the verdict tell together.
    fn judge(
        &self,
        found: &mut Found,
        status: Option<(String, Meaning)>,
        sink: &mut dyn Sink,
    ) -> Result<(), ImportError> {
        let (word, meaning) = status.unwrap_or_default();
        let stated = self.read(Field::Ending, |cell| {
            let word = cell.words()?;
            let ending = Meaning::of_own_word(&word).and_then(|meaning| meaning.ending_of(&word));
            ending.ok_or_else(|| {
                cell.unlike("finished, timeout, crash, over_budget, refused, revoked or infrastructure")
            })
        })?;
        let graded = self.graded(sink)?;
        found.status = status_words(&word, stated.as_ref(), graded.as_ref());
        let meant = meaning.ending_of(&word);
        if let (Some(stated), Some(meant)) = (&stated, &meant)
            && stated.as_str() != meant.as_str()
        {
            let what = format!(
                "the status `{word}` means `{}` and the ending is `{}`, which is taken",
                meant.as_str(),
                stated.as_str()
            );
            sink.doubt(self.place, &what);
        }
        found.ending = stated.or(meant).unwrap_or(Ending::NotRecorded);
        let verdict = meaning.verdict_of(&word).or_else(|| graded.clone());
        found.verdict = verdict.unwrap_or(Verdict::Ungraded(UngradedReason::NotRecorded));
        let why = match found.ending {
            Ending::Infrastructure { .. } => UngradedReason::Infrastructure,
            Ending::Revoked => UngradedReason::Revoked,
            _ => return Ok(()),
        };
        if graded == Some(Verdict::Passed) {
            sink.doubt(
                self.place,
                "is graded as passed although it ended through no fault of its agent; the grade is left out",
            );
        }
        found.verdict = Verdict::Ungraded(why);
        Ok(())
    }

    /// What the column of the verdict says.
    fn graded(&self, sink: &mut dyn Sink) -> Result<Option<Verdict>, ImportError> {
        if let Some(passed) = self.read(Field::Passed, Cell::flag)? {
            return Ok(Some(if passed { Verdict::Passed } else { Verdict::Failed }));
        }
        let verdict = self.read(Field::Reward, Cell::number)?.map(Verdict::from_reward);
        if verdict == Some(Verdict::Ungraded(UngradedReason::RewardOutOfRange)) {
            sink.doubt(self.place, "the reward is not from 0 to 1; the trial is ungraded");
        }
        Ok(verdict)
    }

    fn amounts(&self, found: &mut Found) -> Result<(), ImportError> {
        found.requests = self.fact(Field::Requests, Cell::count)?;
        found.cost = match self.fact(Field::CostUsd, Cell::dollars)? {
            Fact::Missing(_) => self.fact(Field::CostUsdMicros, Cell::micros)?,
            known @ Fact::Known { .. } => known,
        };
        found.confidence = self.fact(Field::Confidence, Cell::probability)?;
        found.claim = self.fact(Field::Claim, Cell::claim)?;
        found.calls = self.fact(Field::Actions, |cell| self.calls(cell))?;
        found.times = Times {
            setup_ms: self.duration(Field::SetupSeconds, Field::SetupMs)?,
            agent_ms: self.duration(Field::AgentSeconds, Field::AgentMs)?,
            model_ms: self.duration(Field::ModelSeconds, Field::ModelMs)?,
            waiting_ms: self.duration(Field::WaitingSeconds, Field::WaitingMs)?,
            verify_ms: self.duration(Field::VerifySeconds, Field::VerifyMs)?,
        };
        Ok(())
    }

    fn duration(&self, seconds: Field, milliseconds: Field) -> Result<Option<u64>, ImportError> {
        match self.read(seconds, |cell| cell.milliseconds(1000.0))? {
            Some(duration) => Ok(Some(duration)),
            None => self.read(milliseconds, |cell| cell.milliseconds(1.0)),
        }
    }

    /// Tokens, and whether only half of what they need is stated.
    fn usage(&self, sink: &mut dyn Sink) -> Result<(Fact<Usage>, bool), ImportError> {
        let total = self.read(Field::InputTokens, Cell::count)?;
        let input = total.or(self.read(Field::UncachedInputTokens, Cell::count)?);
        let output = self.read(Field::OutputTokens, Cell::count)?;
        let cache_read = self.read(Field::CacheReadTokens, Cell::count)?;
        let cache_write = self.read(Field::CacheWriteTokens, Cell::count)?;
        let reasoning = self.read(Field::ReasoningTokens, Cell::count)?;
        let (Some(input), Some(output)) = (input, output) else {
            return Ok((Fact::Missing(MissingReason::NotRecorded), input.is_some() != output.is_some()));
        };
        let cached = cache_read.unwrap_or(0).saturating_add(cache_write.unwrap_or(0));
        let includes_cache = total.is_some() && self.rows.mapping.input_includes_cache == Some(true);
        let uncached = if includes_cache { input.checked_sub(cached) } else { Some(input) };
        let contradiction = match (uncached, reasoning) {
            (None, _) => Some("more tokens of the cache than input tokens that include them"),
            (_, Some(reasoning)) if reasoning > output => Some("more tokens of reasoning than output"),
            _ => None,
        };
        if let Some(contradiction) = contradiction {
            sink.doubt(self.place, &format!("{contradiction}; the usage is missing"));
        }
        Ok(match (uncached, contradiction) {
            (Some(uncached_input), None) => {
                let usage = Usage { uncached_input, cache_read, cache_write, output, reasoning };
                (Fact::known(usage, Source::Imported), false)
            }
            _ => (Fact::Missing(MissingReason::Unparsable), false),
        })
    }

    /// The actions of a cell: a list as JSON, of names or of objects with `name` and `arguments`, or names in a separated text.
    fn calls(&self, cell: &Cell<'_>) -> Result<Vec<ToolCall>, String> {
        const EXPECTED: &str = "a list of names or of objects with `name` and `arguments` (where it is a count, leave it out: `actions=`)";
        let separator = self.rows.mapping.actions_separator.as_deref().unwrap_or(";");
        let listed;
        let items: &[Value] = match cell {
            Cell::List(items) => items,
            Cell::Text(text) if text.trim_start().starts_with('[') => {
                listed = serde_json::from_str::<Vec<Value>>(text).map_err(|_| cell.unlike(EXPECTED))?;
                &listed
            }
            // A count of actions is not their names.
            Cell::Text(text) if text.trim().parse::<f64>().is_ok() => return Err(cell.unlike(EXPECTED)),
            Cell::Text(text) => {
                let names = text.split(separator).map(str::trim).filter(|name| !name.is_empty());
                return Ok(names
                    .zip(1..)
                    .map(|(name, number)| call_of(number, name, "{}".to_owned()))
                    .collect());
            }
            other => return Err(other.unlike(EXPECTED)),
        };
        let read = |(item, number): (&Value, usize)| match item {
            Value::String(name) => Some(call_of(number, name, "{}".to_owned())),
            Value::Object(item) => {
                let arguments = item.get("arguments").map_or_else(
                    || "{}".to_owned(),
                    |arguments| match arguments {
                        Value::String(text) => text.clone(),
                        other => other.to_string(),
                    },
                );
                Some(call_of(number, item.get("name")?.as_str()?, arguments))
            }
            _ => None,
        };
        let calls: Option<Vec<ToolCall>> = items.iter().zip(1..).map(read).collect();
        calls.ok_or_else(|| cell.unlike(EXPECTED))
    }
}

fn call_of(number: usize, name: &str, arguments: String) -> ToolCall {
    ToolCall::function(number.to_string(), name, arguments)
}

fn known_or_not_recorded<T>(value: Option<T>) -> Fact<T> {
    value.map_or(Fact::Missing(MissingReason::NotRecorded), |value| Fact::known(value, Source::Imported))
}

/// The words of a row on how it went, as far as it has any.
fn status_words(word: &str, ending: Option<&Ending>, graded: Option<&Verdict>) -> String {
    let graded = match graded {
        Some(verdict) => verdict.as_str(),
        None => "no verdict",
    };
    let parts = [word, ending.map_or("", Ending::as_str), graded];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}
