//! A first look at a file: what it is, of which session, and when it ended.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;

use super::EXPECTED;
use crate::session::{Lines, moment};
use crate::{ImportError, Place};

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A session as it is kept.
    Transcript,
    /// A sub-agent's part of a session, kept in a file of its own.
    SubAgent,
    /// The events that a session printed.
    Printed,
    /// Notes about sessions, without a message.
    Empty,
}

/// What a first look at a file tells.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) path: PathBuf,
    pub(super) form: Form,
    pub(super) sessions: BTreeSet<String>,
    pub(super) last_at: Option<Timestamp>,
}

impl Survey {
    /// Looks at a file.
    ///
    /// # Errors
    /// [`ImportError`] where it is none of Claude Code.
    pub(super) fn of(path: &Path) -> Result<Self, ImportError> {
        let mut survey =
            Self { path: path.to_owned(), form: Form::Empty, sessions: BTreeSet::new(), last_at: None };
        let (mut messages, mut asides, mut is_known) = (0_u64, 0_u64, false);
        let mut lines = Lines::open(path)?;
        while let Some(line) = lines.next()? {
            let word = |member: &str| line.object.get(member).and_then(Value::as_str);
            let kind = word("type").unwrap_or_default();
            let id = word("sessionId").or(word("session_id"));
            is_known |= id.is_some() || matches!(kind, "summary" | "file-history-snapshot");
            survey.sessions.extend(id.map(str::to_owned));
            if kind == "system" && word("session_id").is_some() || kind == "result" {
                survey.form = Form::Printed;
            }
            if matches!(kind, "user" | "assistant") {
                messages += 1;
                asides += u64::from(line.object.get("isSidechain").and_then(Value::as_bool) == Some(true));
                survey.last_at = survey.last_at.max(moment(&line.object, "timestamp", &line.place)?);
            }
        }
        if !is_known {
            return Err(Place::file(path).error(format!("names no session in any line; expected {EXPECTED}")));
        }
        if survey.form == Form::Empty && messages > 0 {
            survey.form = if asides == messages { Form::SubAgent } else { Form::Transcript };
        }
        Ok(survey)
    }

    /// Returns whether this is a sub-agent's part of a session.
    pub(super) fn is_of_sub_agent_of(&self, session: &Self) -> bool {
        self.form == Form::SubAgent
            && session.form == Form::Transcript
            && !self.sessions.is_disjoint(&session.sessions)
    }
}
