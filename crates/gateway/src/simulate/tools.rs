//! Tools as requests offer them: which one runs a shell command, and how to call it.

use serde_json::{Map, Value, json};

/// Names of tools that run shell commands, best known first.
const SHELLS: [&str; 9] = [
    "bash",
    "shell",
    "run_shell_command",
    "exec_command",
    "shell_command",
    "execute_command",
    "run_command",
    "terminal",
    "exec",
];

/// Names of the parameter that takes the command.
const COMMANDS: [&str; 5] = ["command", "cmd", "commands", "script", "input"];

/// Seconds that a step may take, where the tool wants to know.
const TIMEOUT_SECONDS: u64 = 120;

/// A tool that takes JSON arguments.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tool {
    name: String,
    /// The schema of the arguments.
    schema: Value,
}

impl Tool {
    /// Returns a tool of this name and schema.
    pub(super) fn new(name: &str, schema: &Value) -> Option<Self> {
        let is_usable = schema.get("properties").is_some_and(Value::is_object);
        is_usable.then(|| Self { name: name.to_owned(), schema: schema.clone() })
    }

    /// Returns the tool that a function with `name` and `parameters` is.
    pub(super) fn function(function: &Value) -> Option<Self> {
        Self::new(function.get("name")?.as_str()?, function.get("parameters")?)
    }
}

/// A tool that runs shell commands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ShellTool {
    /// Its name in the request.
    pub(super) name: String,
    command: String,
    takes_list: bool,
    others: Vec<(String, Value)>,
}

impl ShellTool {
    /// Finds the tool among those of a request: by its name, otherwise by a string parameter `command` or `cmd`.
    pub(super) fn find(tools: &[Tool]) -> Option<Self> {
        let known = SHELLS.iter().find_map(|name| {
            tools.iter().find_map(|tool| tool.name.eq_ignore_ascii_case(name).then(|| Self::read(tool))?)
        });
        known.or_else(|| {
            tools
                .iter()
                .filter_map(Self::read)
                .find(|tool| matches!(tool.command.as_str(), "command" | "cmd"))
        })
    }

    fn read(tool: &Tool) -> Option<Self> {
        let properties = tool.schema.get("properties")?.as_object()?;
        let takes = |key: &str, kind: &str| properties.get(key).is_some_and(|schema| has_type(schema, kind));
        let command = COMMANDS.iter().find(|key| takes(key, "string") || takes(key, "array"))?;
        let required = tool.schema.get("required").and_then(Value::as_array);
        let others = required
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .filter(|key| key != command)
            .map(|key| (key.to_owned(), properties.get(key).cloned().unwrap_or(Value::Null)))
            .collect();
        let takes_list = !takes(command, "string");
        Some(Self { name: tool.name.clone(), command: (*command).to_owned(), takes_list, others })
    }

    /// Returns the arguments that run a command, as JSON text. `purpose` goes where a required text parameter asks for anything.
    pub(super) fn arguments(&self, command: &str, purpose: &str) -> String {
        let mut arguments = Map::new();
        let command = if self.takes_list { json!(["bash", "-lc", command]) } else { json!(command) };
        arguments.insert(self.command.clone(), command);
        for (key, schema) in &self.others {
            arguments.insert(key.clone(), filled(key, schema, purpose));
        }
        Value::Object(arguments).to_string()
    }
}

fn has_type(schema: &Value, kind: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(only)) => only == kind,
        Some(Value::Array(kinds)) => kinds.iter().any(|one| one == kind),
        _ => schema
            .get("anyOf")
            .and_then(Value::as_array)
            .is_some_and(|kinds| kinds.iter().any(|one| has_type(one, kind))),
    }
}

/// A sensible value of a required parameter.
fn filled(key: &str, schema: &Value, purpose: &str) -> Value {
    if let Some(value) = schema.get("default").or_else(|| schema.get("const")) {
        return value.clone();
    }
    if let Some(first) = schema.get("enum").and_then(|values| values.get(0)) {
        return first.clone();
    }
    let lower = key.to_ascii_lowercase();
    if has_type(schema, "integer") || has_type(schema, "number") {
        return number(&lower, schema);
    }
    if has_type(schema, "boolean") {
        return json!(false);
    }
    if has_type(schema, "array") {
        return json!([]);
    }
    if has_type(schema, "object") {
        return json!({});
    }
    let is_place = ["dir", "cwd", "path", "folder"].iter().any(|word| lower.contains(word));
    json!(if is_place { "." } else { purpose })
}

fn number(key: &str, schema: &Value) -> Value {
    let about = schema.get("description").and_then(Value::as_str).unwrap_or("").to_ascii_lowercase();
    let in_milliseconds = key.ends_with("ms") || key.contains("milli") || about.contains("millisecond");
    let wanted = match (key.contains("time"), in_milliseconds) {
        (true, true) => TIMEOUT_SECONDS * 1000,
        (true, false) => TIMEOUT_SECONDS,
        (false, _) => 1,
    };
    let bound = |name: &str| schema.get(name).and_then(Value::as_u64);
    let wanted = wanted.max(bound("minimum").unwrap_or(0));
    json!(wanted.min(bound("maximum").unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str, properties: &Value, required: &[&str]) -> Tool {
        Tool::new(name, &json!({"type": "object", "properties": properties, "required": required})).unwrap()
    }

    fn call(tool: &ShellTool) -> Value {
        serde_json::from_str(&tool.arguments("ls -la", "Lists files")).unwrap()
    }

    #[test]
    fn the_shell_is_found_among_other_tools() {
        let text = json!({"type": "string"});
        let tools = [
            tool("read", &json!({"filePath": text}), &["filePath"]),
            tool(
                "bash",
                &json!({"command": text, "description": text, "timeout": {"type": "number"}}),
                &["command", "description"],
            ),
        ];
        let shell = ShellTool::find(&tools).unwrap();
        assert_eq!(shell.name, "bash");
        assert_eq!(call(&shell), json!({"command": "ls -la", "description": "Lists files"}));
        assert_eq!(ShellTool::find(&tools[..1]), None);
    }

    #[test]
    fn an_unknown_name_with_a_command_parameter_is_a_shell() {
        let tools = [tool("runner", &json!({"cmd": {"type": "string"}}), &["cmd"])];
        assert_eq!(call(&ShellTool::find(&tools).unwrap()), json!({"cmd": "ls -la"}));
    }

    #[test]
    fn a_command_that_is_a_list_goes_through_bash() {
        let list = json!({"type": "array", "items": {"type": "string"}});
        let tools = [tool("shell", &json!({"command": list}), &["command"])];
        assert_eq!(call(&ShellTool::find(&tools).unwrap()), json!({"command": ["bash", "-lc", "ls -la"]}));
    }

    #[test]
    fn required_parameters_are_filled_by_their_type() {
        let properties = json!({
            "command": {"type": "string"},
            "timeout": {"type": "integer", "description": "Milliseconds to wait", "maximum": 60000},
            "workdir": {"type": "string"},
            "background": {"type": "boolean"},
            "mode": {"enum": ["run", "dry"]},
            "env": {"type": ["object", "null"]},
            "level": {"type": "number", "default": 3},
        });
        let required = ["command", "timeout", "workdir", "background", "mode", "env", "level"];
        let tools = [tool("terminal", &properties, &required)];
        let expected = json!({"command": "ls -la", "timeout": 60000, "workdir": ".", "background": false, "mode": "run",
            "env": {}, "level": 3});
        assert_eq!(call(&ShellTool::find(&tools).unwrap()), expected);
    }

    #[test]
    fn malformed_tools_are_none() {
        for odd in [
            json!(null),
            json!({"name": "bash"}),
            json!({"name": 3, "parameters": {"properties": {}}}),
            json!({"name": "bash", "parameters": {"properties": []}}),
            json!("bash"),
        ] {
            assert_eq!(Tool::function(&odd), None, "{odd}");
        }
        assert_eq!(ShellTool::find(&[tool("bash", &json!({"command": 3}), &[])]), None);
    }
}
