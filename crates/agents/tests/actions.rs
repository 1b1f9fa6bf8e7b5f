//! Actions from tool calls: single command lines, hostile ones, and the calls that real agents made.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests fail by panicking and say what they skip"
)]

use std::path::Path;

use proptest::prelude::*;
use retrial_agents::{ActionTable, actions_of};
use retrial_spec::{Action, ActionKind, ToolCall};
use serde_json::{Value, json};

fn call(name: &str, arguments: &str) -> ToolCall {
    ToolCall::function("1", name, arguments)
}

fn action(call: ToolCall) -> Action {
    actions_of(&[call], &ActionTable::builtin()).remove(0)
}

fn shell(line: &str) -> (ActionKind, String) {
    let action = action(call("bash", &json!({"command": line}).to_string()));
    (action.kind, action.name)
}

#[test]
fn a_command_line_has_the_kind_and_name_of_its_first_program() {
    use ActionKind::{Edit, Install, Network, Other, Read, Run, Search, Test, Vcs};
    let table = [
        ("cat a.py", Read, "cat"),
        ("head -20 a.py | grep x", Read, "head"),
        ("sed -n 1,20p a.py", Read, "sed"),
        ("sed -i 's/a/b/' a.py", Edit, "sed"),
        ("sed -i.bak s/a/b/ a.py", Edit, "sed"),
        ("sed -Ei s/a/b/ a.py", Edit, "sed"),
        ("sed --in-place=.bak s/a/b/ a.py", Edit, "sed"),
        ("sed -e 's/-i/x/' a.py", Read, "sed"),
        ("perl -pi -e s/a/b/ a.py", Edit, "perl"),
        ("grep -rn foo src", Search, "grep"),
        ("find . -name '*.py'", Search, "find"),
        ("find . -name '*.pyc' -delete", Edit, "find"),
        ("ls", Search, "ls"),
        ("cat > a.py <<'EOF'\nimport os\nEOF", Edit, "cat"),
        ("cat <<EOF >> a.py\nrm -rf /\nEOF\nls", Edit, "cat"),
        ("echo x > a.txt", Edit, "echo"),
        ("echo x", Other, "echo"),
        ("printf 'x' | tee a.txt", Edit, "tee"),
        ("cat a 2>/dev/null", Read, "cat"),
        ("cat a > /dev/null", Read, "cat"),
        ("patch -p1 < fix.diff", Edit, "patch"),
        ("apply_patch <<'EOF'\n*** Begin Patch\nEOF", Edit, "apply_patch"),
        ("python a.py > out.txt", Run, "python"),
        ("python -m unittest discover -v", Test, "unittest"),
        ("python3.11 -B -m pytest -q", Test, "pytest"),
        ("python3 -m pip install x", Install, "pip"),
        ("python -m http.server", Run, "http.server"),
        ("python manage.py test", Test, "manage.py"),
        ("pytest -x", Test, "pytest"),
        ("bash tests/test.sh", Test, "test.sh"),
        ("make test", Test, "make"),
        ("make -j2 check", Test, "make"),
        ("make", Run, "make"),
        ("cargo test", Test, "cargo"),
        ("npm run build", Run, "npm"),
        ("npm ci", Install, "npm"),
        ("git -C x diff", Vcs, "git"),
        ("curl http://x", Network, "curl"),
        ("sudo -u joe apt-get install -y x", Install, "apt-get"),
    ];
    assert_kinds(&table);
}

#[test]
fn what_stands_before_the_first_program_is_passed_over() {
    use ActionKind::{Edit, Install, Other, Read, Run, Search, Test, Vcs};
    let table = [
        ("cd /workspace && FOO=1 BAR='x y' timeout -k 5 60 python3 -m unittest", Test, "unittest"),
        ("cd a; cd b || exit; /usr/bin/env -u X nice -n 5 ./run.sh", Run, "run.sh"),
        ("set -e\nexport A=1\n# look\ngrep x y", Search, "grep"),
        ("time -p git log", Vcs, "git"),
        ("for f in *.py; do cat \"$f\"; done", Read, "cat"),
        ("if [ -f a ]; then cat a; fi", Read, "cat"),
        ("while read -r x; do echo $x; done", Run, "read"),
        ("(cd a && ls -l)", Search, "ls"),
        ("bash -lc 'cd x && git status'", Vcs, "git"),
        ("sh -c \"bash -c 'pytest -q'\"", Test, "pytest"),
        ("echo y | pip install x", Install, "pip"),
        ("find . -name '*.py' | xargs grep foo", Search, "find"),
        ("xargs -n 1 rm < list", Edit, "rm"),
        ("python - <<'EOF'\nprint(1)\nEOF", Run, "python"),
        ("cd src", Other, "cd"),
        ("./configure --prefix=/x", Run, "configure"),
        ("env", Other, "env"),
    ];
    assert_kinds(&table);
}

fn assert_kinds(table: &[(&str, ActionKind, &str)]) {
    let wrong = |(line, kind, name): &&(&str, ActionKind, &str)| shell(line) != (*kind, (*name).to_owned());
    let wrong: Vec<_> = table.iter().filter(wrong).map(|(line, ..)| (line, shell(line))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_line_without_a_program_is_told_by_its_tool() {
    for line in ["", "   ", "X=1", "# nothing", "x=$(cat y)"] {
        assert_eq!(shell(line), (ActionKind::Other, "bash".to_owned()), "{line:?}");
    }
}

#[test]
fn tools_of_known_agents_have_their_kinds() {
    use ActionKind::{Edit, Network, Other, Plan, Read, Run, Search, Vcs};
    let table = [
        ("read", "{}", Read, "read"),
        ("Read", "{}", Read, "Read"),
        ("read-file", "{}", Read, "read-file"),
        ("glob", "{}", Search, "glob"),
        ("grep_search", "{}", Search, "grep_search"),
        ("write", "{}", Edit, "write"),
        ("apply_patch", "{}", Edit, "apply_patch"),
        ("todowrite", "{}", Plan, "todowrite"),
        ("update_plan", "{}", Plan, "update_plan"),
        ("webfetch", "{}", Network, "webfetch"),
        ("task", "{}", Other, "task"),
        ("something_new", "{}", Other, "something_new"),
        ("exec_command", r#"{"cmd": "git status"}"#, Vcs, "git"),
        ("shell", r#"{"command": ["bash", "-lc", "ls -l"]}"#, Search, "ls"),
        ("shell", r#"{"command": ["./a b"]}"#, Run, "a b"),
        ("run_shell_command", r#"{"command": "ls"}"#, Search, "ls"),
        ("str_replace_based_edit_tool", r#"{"command": "view"}"#, Read, "view"),
        ("str_replace_editor", r#"{"command": "create"}"#, Edit, "create"),
        ("bash", r#"{"comm"#, Other, "bash"),
        ("bash", r#"{"command": 3}"#, Other, "bash"),
    ];
    for (tool, arguments, kind, name) in table {
        assert_eq!(
            action(call(tool, arguments)),
            Action { kind, name: name.to_owned() },
            "{tool} {arguments}"
        );
    }
}

#[test]
fn names_are_bounded_and_printable() {
    let (kind, name) = shell(&format!("./{}\u{7}", "x".repeat(500)));
    assert_eq!((kind, name), (ActionKind::Run, "x".repeat(64)));
}

proptest! {
    #[test]
    fn any_call_becomes_one_action_and_always_the_same(
        name in "bash|shell|read|[a-zA-Z_.-]{0,12}|.{0,8}",
        line in "((sudo|env|timeout|bash -c|cd|python -m|sed -i|cat|x=1|<<EOF|EOF|\\$\\(|[|&;<>()'\"`\\\\{}]|\n| |-|/|é){0,16})",
    ) {
        let table = ActionTable::builtin();
        let calls = [call(&name, &json!({"command": line}).to_string()), call(&name, &line)];
        let actions = actions_of(&calls, &table);
        prop_assert_eq!(actions.len(), 2);
        prop_assert_eq!(&actions, &actions_of(&calls, &table));
        prop_assert!(actions.iter().all(|action| !action.name.is_empty() && action.name.chars().count() <= 64));
    }
}

/// The tool calls that real agents made, by captured file: wire traffic of the chat and responses protocols, and opencode's and
/// codex' own events.
fn captured() -> Option<Vec<(String, Vec<ToolCall>)>> {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures");
    if !captures.is_dir() {
        let required = std::env::var_os("RETRIAL_REQUIRE_SHARED").is_some_and(|value| value == "1");
        assert!(!required, "the captures are required and not there");
        println!("skipped: there are no captures beside this checkout");
        return None;
    }
    let mut files = Vec::new();
    for directory in ["wire/chat", "wire/responses", "events/opencode", "events/codex/native"] {
        let entries = fs_err::read_dir(captures.join(directory)).unwrap().map(|entry| entry.unwrap().path());
        files.extend(
            entries.filter(|path| path.extension().is_some_and(|kind| kind == "jsonl" || kind == "stdout")),
        );
    }
    files.sort();
    let calls = files.iter().map(|file| {
        let text = fs_err::read_to_string(file).unwrap();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let name = file.strip_prefix(&captures).unwrap().display().to_string();
        (name, lines.flat_map(|line| calls_in(&line)).collect())
    });
    Some(calls.collect())
}

/// The tool calls anywhere in a value: of an assistant's message, as an item of their own, or as an event of opencode.
fn calls_in(value: &Value) -> Vec<ToolCall> {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
    let of = |name: &str, arguments: &str| {
        Some(call(
            text(name)?,
            &value.pointer(arguments).map(|v| v.as_str().map_or(v.to_string(), str::to_owned))?,
        ))
    };
    let own = of("/function/name", "/function/arguments")
        .or_else(|| {
            text("/type").filter(|kind| *kind == "function_call").and_then(|_| of("/name", "/arguments"))
        })
        .or_else(|| of("/tool", "/state/input"));
    let children: Vec<&Value> = match value {
        _ if own.is_some() => Vec::new(),
        Value::Array(items) => items.iter().collect(),
        Value::Object(map) => map.values().collect(),
        _ => Vec::new(),
    };
    own.into_iter().chain(children.into_iter().flat_map(calls_in)).collect()
}

#[test]
fn captured_calls_of_real_agents_get_plausible_actions() {
    let Some(captured) = captured() else { return };
    let table = ActionTable::builtin();
    let mut all = 0_usize;
    let mut without_kind = Vec::new();
    for (file, calls) in &captured {
        all += calls.len();
        for (call, action) in calls.iter().zip(actions_of(calls, &table)) {
            // A bare `echo`, opencode's name for a call it refused, and a call whose arguments never came are what they are.
            let named = action.kind != ActionKind::Other || call.arguments == "{}";
            if !named && !["echo", "invalid"].contains(&action.name.as_str()) {
                without_kind.push(format!("{file}: {} {} -> {}", call.name, call.arguments, action.name));
            }
        }
    }
    assert!(all > 200, "only {all} calls were found");
    assert!(without_kind.is_empty(), "{without_kind:#?}");
}
