//! What is kept of a reply while it is read: bounded, however long the reply is.

/// How much of a reply is kept, in bytes of text, arguments and the rest together; far above what a model says in one reply.
pub(crate) const KEPT_LIMIT: usize = 8 << 20;

/// What is charged for a piece besides its bytes, so that many small ones are bounded too.
pub(super) const PIECE_COST: usize = 128;

/// The room that is left, and what was wrong with the reply so far.
#[derive(Debug)]
pub(crate) struct Kept {
    left: usize,
    is_full: bool,
    fault: Option<String>,
    is_done: bool,
}

impl Default for Kept {
    fn default() -> Self {
        Self { left: KEPT_LIMIT, is_full: false, fault: None, is_done: false }
    }
}

impl Kept {
    /// Takes room for so many bytes; without enough, nothing more is kept of this reply, which is a fault.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        self.is_full |= bytes > self.left;
        if self.is_full {
            self.fail(format!("the reply is longer than {KEPT_LIMIT} bytes and is recorded in part"));
        } else {
            self.left -= bytes;
        }
        !self.is_full
    }

    /// Takes room for what stands for something that took `before` bytes; without enough, that stays.
    pub(super) fn replace(&mut self, before: usize, after: usize) -> bool {
        if self.is_full || !self.take(after.saturating_sub(before)) {
            return false;
        }
        self.left = self.left.saturating_add(before.saturating_sub(after)).min(KEPT_LIMIT);
        true
    }

    /// Adds a piece to a text, as far as there is room.
    pub(super) fn push(&mut self, text: &mut String, piece: &str) {
        if self.take(piece.len()) {
            text.push_str(piece);
        }
    }

    /// Notes what is wrong; the first fault stays.
    pub(super) fn fail(&mut self, fault: String) {
        self.fault.get_or_insert(fault);
    }

    /// Notes that nothing more is to come.
    pub(super) fn done(&mut self) {
        self.is_done = true;
    }

    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    pub(super) fn into_fault(self) -> Option<String> {
        self.fault
    }
}

/// About how many bytes a value takes.
pub(super) fn weight(value: &serde_json::Value) -> usize {
    use serde_json::Value;
    let inner = match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(fields) => fields.iter().map(|(name, value)| name.len() + weight(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    inner + 32
}
