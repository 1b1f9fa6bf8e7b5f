//! A first look at a file, at its first line: what it is, and of which session.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{EXPECTED, word};
use crate::session::Lines;
use crate::{ImportError, Place};

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// A session as it is kept.
    Rollout,
    /// A sub-agent's part of a session, with the session's id where it names it.
    SubAgent(Option<String>),
    /// The events that a session printed.
    Printed,
}

/// What a first look at a file tells.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) path: PathBuf,
    pub(super) form: Form,
    pub(super) id: Option<String>,
    /// The session that this one began as a copy of.
    pub(super) forked_from: Option<String>,
}

impl Survey {
    /// Looks at a file.
    ///
    /// # Errors
    /// [`ImportError`] where it is none of Codex.
    pub(super) fn of(path: &Path) -> Result<Self, ImportError> {
        let foreign = || {
            Place::within(path, "line 1")
                .error(format!("is neither `session_meta` nor an event; expected {EXPECTED}"))
        };
        let line = Lines::open(path)?.next()?.ok_or_else(foreign)?;
        let kind = word(&line.object, "type").unwrap_or_default();
        let own = |pointer: &str| line.object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        if kind == "session_meta" {
            let source = line.object.pointer("/payload/source");
            let parent =
                own("/payload/source/subagent/thread_spawn/parent_thread_id").or(own("/payload/session_id"));
            let is_helper = source.is_some_and(|source| source.get("subagent").is_some());
            return Ok(Self {
                path: path.to_owned(),
                form: if is_helper { Form::SubAgent(parent) } else { Form::Rollout },
                id: own("/payload/id"),
                forked_from: own("/payload/forked_from_id"),
            });
        }
        if ["thread.", "turn.", "item."].iter().any(|prefix| kind.starts_with(prefix)) {
            let id = own("/thread_id");
            return Ok(Self { path: path.to_owned(), form: Form::Printed, id, forked_from: None });
        }
        Err(foreign())
    }

    /// Returns whether this is a sub-agent's part of a session.
    pub(super) fn is_of_sub_agent_of(&self, session: &Self) -> bool {
        session.id.is_some() && self.form == Form::SubAgent(session.id.clone())
    }
}
