//! From tool calls to actions, in order.

use retrial_spec::{Action, ActionKind, ToolCall};
use serde_json::Value;

use super::patch;
use super::shell::{actions_of_line, actions_of_words};
use super::table::{ActionTable, Tool};
use super::target::{fine_name, name_on};

/// Returns what tool calls do, in order. The same calls and table give the same actions.
///
/// A call is one action, save that a shell tool's call is one action per pipeline that counts, and a patch one per file. A
/// shell tool's call in which no program is found is of kind `other`, under the tool's name.
pub fn actions_of(calls: &[ToolCall], table: &ActionTable) -> Vec<Action> {
    calls.iter().flat_map(|call| actions_of_call(call, table)).collect()
}

fn actions_of_call(call: &ToolCall, table: &ActionTable) -> Vec<Action> {
    let arguments = || serde_json::from_str::<Value>(&call.arguments).unwrap_or_default();
    match table.tool(&call.name) {
        Some(Tool::Kind(kind)) => vec![Action { kind, name: named(&call.name, kind, &arguments(), table) }],
        Some(Tool::Shell) => {
            let actions = shell_actions(&arguments(), table);
            if actions.is_empty() { vec![other(&call.name)] } else { actions }
        }
        Some(Tool::Editor) => vec![editor_action(&call.name, &arguments(), table)],
        Some(Tool::Patch) => {
            let arguments = arguments();
            let of_key = table.file.arguments.patch.iter().find_map(|key| arguments.get(key)?.as_str());
            // A custom tool takes the patch itself, without JSON around it.
            patch::actions(&fine_name(&call.name), of_key.unwrap_or(&call.arguments), table)
        }
        None => vec![other(&call.name)],
    }
}

fn other(name: &str) -> Action {
    Action { kind: ActionKind::Other, name: fine_name(name) }
}

fn shell_actions(arguments: &Value, table: &ActionTable) -> Vec<Action> {
    match table.file.arguments.command.iter().find_map(|key| arguments.get(key)) {
        Some(Value::String(line)) => actions_of_line(line, table),
        Some(Value::Array(words)) => {
            let words: Vec<String> = words.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            actions_of_words(&words, table)
        }
        _ => Vec::new(),
    }
}

/// A tool that views files when told to and changes them otherwise.
fn editor_action(tool: &str, arguments: &Value, table: &ActionTable) -> Action {
    let command = arguments.get("command").and_then(Value::as_str);
    let kind = if command == Some("view") { ActionKind::Read } else { ActionKind::Edit };
    Action { kind, name: named(command.unwrap_or(tool), kind, arguments, table) }
}

/// Returns the fine name of a deed with the class of the file that its arguments name.
fn named(deed: &str, kind: ActionKind, arguments: &Value, table: &ActionTable) -> String {
    if !matches!(kind, ActionKind::Read | ActionKind::Search | ActionKind::Edit) {
        return fine_name(deed);
    }
    let paths = table.file.arguments.path.iter().find_map(|key| arguments.get(key));
    let paths: Vec<&str> = match paths {
        Some(Value::String(path)) => vec![path],
        Some(Value::Array(paths)) => paths.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    name_on(deed, &table.targets, paths.into_iter())
}
