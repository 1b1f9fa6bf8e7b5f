//! From tool calls to actions, one each, in order.

use retrial_spec::{Action, ActionKind, ToolCall};
use serde_json::Value;

use super::command::{action_of_line, action_of_words};
use super::table::{ActionTable, Tool};

/// Characters that a fine name may have.
const NAME_CHARS: usize = 64;

/// Keys under which shell tools take their command.
const COMMAND_KEYS: [&str; 4] = ["command", "cmd", "script", "code"];

/// Returns what tool calls do: one action per call, in order. The same calls and table give the same actions.
///
/// A shell tool's call whose arguments hold no command line is of kind `other`, under the tool's name.
pub fn actions_of(calls: &[ToolCall], table: &ActionTable) -> Vec<Action> {
    calls.iter().map(|call| action_of(call, table)).collect()
}

fn action_of(call: &ToolCall, table: &ActionTable) -> Action {
    let arguments = || serde_json::from_str::<Value>(&call.arguments).unwrap_or_default();
    match table.tool(&call.name) {
        Some(Tool::Kind(kind)) => Action { kind, name: fine_name(&call.name) },
        Some(Tool::Shell) => shell_action(&arguments(), table).unwrap_or_else(|| other(&call.name)),
        Some(Tool::Editor) => editor_action(&call.name, &arguments()),
        None => other(&call.name),
    }
}

fn other(name: &str) -> Action {
    Action { kind: ActionKind::Other, name: fine_name(name) }
}

fn shell_action(arguments: &Value, table: &ActionTable) -> Option<Action> {
    match COMMAND_KEYS.iter().find_map(|key| arguments.get(key))? {
        Value::String(line) => action_of_line(line, table),
        Value::Array(words) => {
            let words: Vec<String> = words.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            action_of_words(&words, table)
        }
        _ => None,
    }
}

/// A tool that views files when told to and changes them otherwise.
fn editor_action(tool: &str, arguments: &Value) -> Action {
    let command = arguments.get("command").and_then(Value::as_str);
    let kind = if command == Some("view") { ActionKind::Read } else { ActionKind::Edit };
    Action { kind, name: fine_name(command.unwrap_or(tool)) }
}

/// Makes a word fit for tables: without control characters, of bounded length, never empty.
pub(super) fn fine_name(word: &str) -> String {
    let name: String = word.chars().filter(|c| !c.is_control()).take(NAME_CHARS).collect();
    if name.is_empty() { "?".to_owned() } else { name }
}
