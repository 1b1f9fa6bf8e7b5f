//! When a session was, and how long its agent worked.

use jiff::Timestamp;
use serde_json::Value;

use crate::{ImportError, Place};

/// The turns of a session. Between the end of a turn and the next instruction the agent waits for its user, and does not work.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clock {
    started_at: Option<Timestamp>,
    turn: Option<(Timestamp, Timestamp)>,
    worked_ms: u64,
}

impl Clock {
    /// Notes that a turn began.
    pub(crate) fn begin_turn(&mut self, at: Option<Timestamp>) {
        self.end_turn();
        self.note(at);
    }

    /// Notes a moment of a turn.
    pub(crate) fn note(&mut self, at: Option<Timestamp>) {
        let Some(at) = at else { return };
        self.started_at = Some(self.started_at.map_or(at, |started| started.min(at)));
        self.turn = Some(self.turn.map_or((at, at), |(begun, ended)| (begun.min(at), ended.max(at))));
    }

    fn end_turn(&mut self) {
        if let Some((begun, ended)) = self.turn.take() {
            let worked = ended.as_millisecond().saturating_sub(begun.as_millisecond());
            self.worked_ms = self.worked_ms.saturating_add(u64::try_from(worked).unwrap_or(0));
        }
    }

    /// Returns the first moment.
    pub(crate) fn started_at(&self) -> Option<Timestamp> {
        self.started_at
    }

    /// Returns the milliseconds of all turns; none where no moment is known.
    pub(crate) fn worked_ms(mut self) -> Option<u64> {
        self.started_at?;
        self.end_turn();
        Some(self.worked_ms)
    }
}

/// Returns the moment in a member of an object, written as in ISO 8601; none where there is none.
///
/// # Errors
/// [`ImportError`] where something else stands there.
pub(crate) fn moment(object: &Value, member: &str, place: &Place) -> Result<Option<Timestamp>, ImportError> {
    let Some(stated) = object.get(member).filter(|stated| !stated.is_null()) else { return Ok(None) };
    let read = stated.as_str().and_then(|text| text.parse().ok());
    read.map(Some).ok_or_else(|| {
        place.error(format!("`{member}` is {stated}; expected a time of ISO 8601 with its offset"))
    })
}

/// Returns the moment at a JSON pointer, in milliseconds since 1970; none where there is none.
///
/// # Errors
/// [`ImportError`] where something else stands there.
pub(crate) fn moment_from_millis(
    object: &Value,
    pointer: &str,
    place: &Place,
) -> Result<Option<Timestamp>, ImportError> {
    let Some(stated) = object.pointer(pointer).filter(|stated| !stated.is_null()) else { return Ok(None) };
    let whole = stated.as_i64().or_else(|| stated.as_f64().map(|millis| millis as i64));
    let read = whole.and_then(|millis| Timestamp::from_millisecond(millis).ok());
    read.map(Some)
        .ok_or_else(|| place.error(format!("`{pointer}` is {stated}; expected milliseconds since 1970")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Option<Timestamp> {
        Timestamp::from_second(second).ok()
    }

    #[test]
    fn waiting_for_the_user_between_turns_is_not_the_agents_time() {
        let mut clock = Clock::default();
        assert_eq!(clock.worked_ms(), None);
        clock.begin_turn(at(10));
        clock.note(at(12));
        clock.note(None);
        clock.begin_turn(at(100));
        clock.note(at(101));
        assert_eq!((clock.started_at(), clock.worked_ms()), (at(10), Some(3000)));
    }
}
