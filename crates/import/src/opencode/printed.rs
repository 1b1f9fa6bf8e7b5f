//! The trial whose events `opencode run --format json` printed. They name no model, release or directory.

use std::path::Path;

use serde_json::Value;

use super::conversation::Conversation;
use super::{PROGRAM, word};
use crate::session::{Lines, moment_from_millis};
use crate::{Found, ImportError, Place, SessionOptions, Sink};

/// Reads the events.
pub(super) fn read(path: &Path, options: &SessionOptions, sink: &mut dyn Sink) -> Result<Found, ImportError> {
    let mut conversation = Conversation::new(Place::file(path));
    let mut lines = Lines::open(path)?;
    while let Some(line) = lines.next()? {
        sink.progress(line.bytes);
        let (object, place) = (&line.object, &line.place);
        let Some(id) = word(object, "/sessionID") else {
            return Err(place.error("has no `sessionID`; expected an event of `opencode run --format json`"));
        };
        let is_aside = conversation.log.id.get_or_insert_with(|| id.to_owned()) != id;
        conversation.log.clock.note(moment_from_millis(object, "/timestamp", place)?);
        match object.get("part").filter(|part| part.is_object()) {
            Some(part) => conversation.part(part, is_aside, place, sink)?,
            None if word(object, "/type") == Some("error") => {
                conversation.failed(object.get("error").unwrap_or(&Value::Null));
            }
            None => {}
        }
    }
    conversation.finish()?.found(PROGRAM, options)
}
