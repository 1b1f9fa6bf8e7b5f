//! The trials of kept sessions: exported ones, and those of a directory `storage`.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;

use super::conversation::Conversation;
use super::{EXPECTED, PROGRAM, word};
use crate::session::{moment_from_millis, text};
use crate::{ImportError, Place, SessionOptions, Sink};

/// What a first look at a session's file tells.
struct Survey {
    path: PathBuf,
    id: String,
    parent: Option<String>,
}

/// A message with its parts.
struct Message {
    place: Place,
    info: Value,
    parts: Vec<Value>,
    at: Option<Timestamp>,
    is_aside: bool,
}

/// Gives the sessions to the sink, each with the sessions that it started.
pub(super) fn read(
    files: &[PathBuf],
    options: &SessionOptions,
    sink: &mut dyn Sink,
) -> Result<(), ImportError> {
    let surveys = files.iter().map(|path| survey(path)).collect::<Result<Vec<_>, _>>()?;
    for survey in &surveys {
        match &survey.parent {
            None => session(survey, &surveys, options, sink)?,
            Some(parent) if surveys.iter().any(|other| other.id == *parent) => {}
            Some(_) => {
                sink.left_out(&Place::file(&survey.path), "was started by a session that is not here");
            }
        }
    }
    Ok(())
}

fn survey(path: &Path) -> Result<Survey, ImportError> {
    let file = object(path)?;
    let info = file.get("info").unwrap_or(&file);
    let own = |pointer: &str| word(info, pointer).map(str::to_owned);
    let is_session = file.get("messages").is_some_and(Value::is_array) || is_in_storage(path);
    match own("/id").filter(|id| is_session && id.starts_with("ses")) {
        Some(id) => Ok(Survey { path: path.to_owned(), id, parent: own("/parentID") }),
        None => Err(Place::file(path)
            .error(format!("holds no session with `info` and `messages`; expected {EXPECTED}"))),
    }
}

fn session(
    survey: &Survey,
    all: &[Survey],
    options: &SessionOptions,
    sink: &mut dyn Sink,
) -> Result<(), ImportError> {
    let mut conversation = Conversation::new(Place::file(&survey.path));
    let log = &mut conversation.log;
    log.id = Some(survey.id.clone());
    let mut messages = Vec::new();
    for other in started_by(survey, all) {
        let file = object(&other.path)?;
        let info = file.get("info").unwrap_or(&file);
        let is_aside = other.id != survey.id;
        if !is_aside {
            log.version = word(info, "/version").map(str::to_owned);
            log.directory = word(info, "/directory").map(str::to_owned);
        }
        messages.extend(messages_of(&other.path, &file, &other.id, is_aside)?);
        sink.progress(fs_err::metadata(&other.path).map_or(0, |facts| facts.len()));
    }
    messages.sort_by_key(|message| message.at);
    for message in messages {
        add(&mut conversation, &message, sink)?;
    }
    let found = conversation.finish()?.found(PROGRAM, options)?;
    sink.trial(found)
}

/// A session, and all that it and those that it started did start.
fn started_by<'s>(survey: &'s Survey, all: &'s [Survey]) -> Vec<&'s Survey> {
    let mut found = vec![survey];
    let mut next = 0;
    while let Some(parent) = found.get(next) {
        let id = parent.id.as_str();
        let known: Vec<&str> = found.iter().map(|survey| survey.id.as_str()).collect();
        let new: Vec<&Survey> = all
            .iter()
            .filter(|other| other.parent.as_deref() == Some(id) && !known.contains(&other.id.as_str()))
            .collect();
        found.extend(new);
        next += 1;
    }
    found
}

fn add(conversation: &mut Conversation, message: &Message, sink: &mut dyn Sink) -> Result<(), ImportError> {
    let Message { place, info, parts, at, is_aside } = message;
    if word(info, "/role") != Some("assistant") {
        let said = text(&Value::Array(
            parts.iter().filter(|part| word(part, "/type") == Some("text")).cloned().collect(),
        ));
        if *is_aside {
            return Ok(());
        }
        conversation.instructed(*at, said);
        return Ok(());
    }
    conversation.log.clock.note(*at);
    conversation.log.clock.note(moment_from_millis(info, "/time/completed", place)?);
    if let Some(model) = word(info, "/modelID")
        && !is_aside
    {
        let provider = word(info, "/providerID");
        let model = provider.map_or(model.to_owned(), |provider| format!("{provider}/{model}"));
        conversation.log.answered_by(&model);
    }
    for part in parts {
        conversation.part(part, *is_aside, place, sink)?;
    }
    if let Some(error) = info.get("error").filter(|error| !error.is_null() && !is_aside) {
        conversation.failed(error);
    }
    Ok(())
}

/// The messages of a session: in its file where it is exported, else in files of their own.
fn messages_of(path: &Path, file: &Value, id: &str, is_aside: bool) -> Result<Vec<Message>, ImportError> {
    let message = |place: Place, info: &Value, parts: Vec<Value>| {
        let at = moment_from_millis(info, "/time/created", &place)?;
        Ok(Message { place, info: info.clone(), parts, at, is_aside })
    };
    if let Some(listed) = file.get("messages").and_then(Value::as_array) {
        let exported = |(index, whole): (usize, &Value)| {
            let place = Place::within(path, format!("/messages/{index}"));
            let (Some(info), Some(parts)) = (whole.get("info"), whole.get("parts").and_then(Value::as_array))
            else {
                return Err(place.error("has no `info` or no list of `parts`"));
            };
            message(place, info, parts.clone())
        };
        return listed.iter().enumerate().map(exported).collect();
    }
    let Some(storage) = storage_of(path) else { return Ok(Vec::new()) };
    let mut messages = Vec::new();
    for path in json_files(&storage.join("message").join(id))? {
        let info = object(&path)?;
        let parts = word(&info, "/id").map(|id| json_files(&storage.join("part").join(id))).transpose()?;
        let parts =
            parts.unwrap_or_default().iter().map(|path| object(path)).collect::<Result<Vec<_>, _>>()?;
        messages.push(message(Place::file(&path), &info, parts)?);
    }
    Ok(messages)
}

/// The directory `storage` that a session's file lies in as `session/<project>/<session>.json`.
fn storage_of(path: &Path) -> Option<&Path> {
    let sessions = path.parent()?.parent()?;
    sessions.file_name().filter(|name| *name == "session")?;
    sessions.parent()
}

fn is_in_storage(path: &Path) -> bool {
    storage_of(path).is_some()
}

/// The files of a directory by name, which is by time in opencode; none where there is no directory.
fn json_files(directory: &Path) -> Result<Vec<PathBuf>, ImportError> {
    let place = Place::file(directory);
    let unreadable = |error| place.caused("cannot be read", error);
    if !directory.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs_err::read_dir(directory).map_err(unreadable)?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
    let mut paths = paths.map_err(unreadable)?;
    paths.retain(|path| path.extension().is_some_and(|kind| kind == "json"));
    paths.sort();
    Ok(paths)
}

fn object(path: &Path) -> Result<Value, ImportError> {
    let place = Place::file(path);
    let bytes = fs_err::read(path).map_err(|error| place.caused("cannot be read", error))?;
    let value: Value = serde_json::from_slice(&bytes)
        .map_err(|error| place.caused(format!("is not JSON; expected {EXPECTED}"), error))?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(place.error(format!("is not a JSON object; expected {EXPECTED}")))
    }
}
