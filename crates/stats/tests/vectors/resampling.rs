//! To be filled in.

use serde_json::Value;

pub(crate) fn run(_function: &str, _input: &Value) -> Option<Value> {
    None
}
