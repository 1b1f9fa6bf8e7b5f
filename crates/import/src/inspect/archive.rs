//! A log as an archive, `.eval`: a header, and a member for every sample, or several where a sample is written in chunks.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::path::Path;

use super::context::{InLog, Reading};
use super::events::Events;
use super::fields::SampleId;
use super::header::{Header, OpenLog};
use super::member::Archive;
use super::sample::{Message, Sample, Summary};
use crate::{ImportError, Place};

const HEADER: &str = "header.json";
const START: &str = "_journal/start.json";
const SUMMARIES: &str = "summaries.json";

/// Reads a log.
pub(super) fn read(path: &Path, reading: &mut Reading<'_>) -> Result<(), ImportError> {
    let mut archive = Archive::open(path)?;
    let names = archive.names();
    let mut log = reading.open(open(path, &mut archive)?);
    let listed = listed(&names, &mut archive)?;
    let chunked = Chunks::of(&names);
    for name in &names {
        match Shape::of(name) {
            Shape::Whole => {
                let sample = archive.read(name, "a sample of a log of Inspect")?;
                reading.sample(&mut log, archive.place(name), sample)?;
            }
            // A sample that is also written in one piece was read from that.
            Shape::Shell(prefix) if !archive.holds(&format!("{prefix}.json")) => {
                chunks(&mut archive, &mut log, name, chunked.get(prefix), reading)?;
            }
            _ => continue,
        }
        reading.sink.progress(std::mem::take(&mut archive.bytes));
    }
    reading.close(&log, listed)
}

/// The header; that of the beginning where the log has no end.
fn open(path: &Path, archive: &mut Archive) -> Result<OpenLog, ImportError> {
    let name = if archive.holds(HEADER) { HEADER } else { START };
    if !archive.holds(name) {
        let expected = format!("is no log of Inspect; expected a member `{HEADER}` or `{START}`");
        return Err(Place::file(path).error(expected));
    }
    let mut header: Header = archive.read(name, "the header of a log of Inspect")?;
    if name == START {
        header.status = None;
    }
    OpenLog::new(path, header)
        .ok_or_else(|| archive.place(name).error("lacks `/eval`; expected the header of a log of Inspect"))
}

/// The samples that the log lists.
fn listed(names: &[String], archive: &mut Archive) -> Result<Vec<(SampleId, u64)>, ImportError> {
    let journal = |name: &&String| name.starts_with("_journal/summaries/");
    let lists: Vec<&str> = if archive.holds(SUMMARIES) {
        vec![SUMMARIES]
    } else {
        names.iter().filter(journal).map(String::as_str).collect()
    };
    let mut listed = Vec::new();
    for name in lists {
        let list: Vec<Summary> = archive.read(name, "a list of samples")?;
        listed.extend(list.into_iter().map(|summary| (summary.id, summary.epoch.0)));
    }
    Ok(listed)
}

/// What a member is, by its name. Ids are not escaped in names, so that they may hold anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape<'n> {
    /// A sample in one piece.
    Whole,
    /// The shell of a sample in chunks, whose members begin with this prefix.
    Shell(&'n str),
    /// A chunk of the sample with this prefix.
    Chunk { prefix: &'n str, sequence: &'n str, start: u64 },
    /// Anything else.
    Other,
}

impl<'n> Shape<'n> {
    fn of(name: &'n str) -> Self {
        let Some(stem) = name.strip_suffix(".json").filter(|_| name.starts_with("samples/")) else {
            return Self::Other;
        };
        if ends_with_epoch(stem) {
            return Self::Whole;
        }
        let Some((rest, last)) = stem.rsplit_once('/') else { return Self::Other };
        if last == "sample" && ends_with_epoch(rest) {
            return Self::Shell(rest);
        }
        match (rest.rsplit_once('/'), last.parse()) {
            (Some((prefix, sequence)), Ok(start)) if ends_with_epoch(prefix) => {
                Self::Chunk { prefix, sequence, start }
            }
            _ => Self::Other,
        }
    }
}

fn ends_with_epoch(stem: &str) -> bool {
    let epoch = stem.rsplit_once("_epoch_").map(|(_, epoch)| epoch);
    epoch.is_some_and(|epoch| !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The chunks of samples, in order, by the prefix of their names.
struct Chunks<'n>(BTreeMap<&'n str, Vec<(&'n str, u64, &'n str)>>);

impl<'n> Chunks<'n> {
    fn of(names: &'n [String]) -> Self {
        let mut by_sample: BTreeMap<&str, Vec<(&str, u64, &str)>> = BTreeMap::new();
        for name in names {
            if let Shape::Chunk { prefix, sequence, start } = Shape::of(name) {
                by_sample.entry(prefix).or_default().push((sequence, start, name));
            }
        }
        for chunks in by_sample.values_mut() {
            chunks.sort_unstable();
        }
        Self(by_sample)
    }

    fn get(&self, prefix: &str) -> &[(&'n str, u64, &'n str)] {
        self.0.get(prefix).map_or(&[], Vec::as_slice)
    }
}

/// Reads a sample that is written in chunks.
fn chunks(
    archive: &mut Archive,
    log: &mut InLog,
    shell: &str,
    chunks: &[(&str, u64, &str)],
    reading: &mut Reading<'_>,
) -> Result<(), ImportError> {
    let mut sample: Sample = archive.read(shell, "the shell of a sample of a log of Inspect")?;
    let mut messages: Vec<Message> = Vec::new();
    let mut events = Events::default();
    let mut has_events = false;
    for &(sequence, start, name) in chunks {
        match sequence {
            "messages" => {
                let part: Vec<Message> = archive.read(name, "a list of messages")?;
                follows(&archive.place(name), messages.len() as u64, start)?;
                messages.extend(part);
            }
            "events" => {
                archive.read_into(name, "a list of events", &mut events)?;
                has_events = true;
            }
            "attachments" => {
                let texts: Vec<String> = archive.read(name, "a list of texts")?;
                let named = (start..).zip(texts).map(|(index, text)| (index.to_string(), text));
                sample.attachments.get_or_insert_default().extend(named);
            }
            _ => {}
        }
    }
    let metadata = format!("{}metadata.json", shell.trim_end_matches("sample.json"));
    if archive.holds(&metadata) {
        sample.metadata = Some(archive.read_into(&metadata, "a JSON object", PhantomData)?);
    }
    sample.messages = Some(referred(&sample, messages, &archive.place(shell))?);
    sample.events = has_events.then_some(events);
    reading.sample(log, archive.place(shell), sample)
}

/// Checks that no chunk is missing before one that starts at `start`.
fn follows(place: &Place, end: u64, start: u64) -> Result<(), ImportError> {
    if end == start {
        return Ok(());
    }
    Err(place.error(format!(
        "starts at {start} where the chunks before it end at {end}; expected chunks without a gap"
    )))
}

/// The messages of the sample among those of its chunks.
fn referred(sample: &Sample, messages: Vec<Message>, place: &Place) -> Result<Vec<Message>, ImportError> {
    let Some(ranges) = &sample.message_refs else { return Ok(messages) };
    let mut chosen = Vec::new();
    for (start, end) in ranges {
        let range = usize::try_from(start.0).ok().zip(usize::try_from(end.0).ok());
        let part = range.and_then(|(start, end)| messages.get(start..end)).ok_or_else(|| {
            let expected = format!("expected a range among its {} messages", messages.len());
            place.error(format!("has `/message_refs` from {} to {}; {expected}", start.0, end.0))
        })?;
        chosen.extend_from_slice(part);
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_told_apart_also_where_ids_hold_slashes() {
        assert_eq!(Shape::of("samples/a_epoch_1.json"), Shape::Whole);
        assert_eq!(Shape::of("samples/b/2_epoch_10.json"), Shape::Whole);
        assert_eq!(Shape::of("samples/x_epoch_1/messages/0_epoch_2.json"), Shape::Whole);
        assert_eq!(Shape::of("samples/b/2_epoch_1/sample.json"), Shape::Shell("samples/b/2_epoch_1"));
        let chunk = Shape::Chunk { prefix: "samples/b/2_epoch_1", sequence: "events", start: 1000 };
        assert_eq!(Shape::of("samples/b/2_epoch_1/events/1000.json"), chunk);
        for other in
            ["samples/b_epoch_1/events/stats.json", "header.json", "samples/a_epoch_.json", "samples/a.json"]
        {
            assert_eq!(Shape::of(other), Shape::Other, "{other}");
        }
    }
}
