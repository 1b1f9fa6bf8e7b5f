//! Actions from tool calls: single command lines, hostile ones, and the calls that real agents made.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests fail by panicking and say what they skip"
)]

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
fn a_command_has_the_kind_and_name_of_its_program() {
    use ActionKind::{Edit, Install, Network, Other, Read, Run, Search, Test, Vcs};
    let table = [
        ("cat a.py", Read, "cat:source"),
        ("cat README.md", Read, "cat:doc"),
        ("cat tests/data.bin", Read, "cat:test"),
        ("cat test_a.py", Read, "cat:test"),
        ("cat Cargo.toml", Read, "cat:config"),
        ("cat data", Read, "cat"),
        ("head -20 a.py", Read, "head:source"),
        ("sed -n 1,20p a.py", Read, "sed:source"),
        ("sed -i 's/a/b.md/' a.py", Edit, "sed:source"),
        ("sed -i.bak s/a/b/ a.py", Edit, "sed:source"),
        ("sed -Ei s/a/b/ a", Edit, "sed"),
        ("sed --in-place=.bak -e s/a/b/ a.py", Edit, "sed:source"),
        ("sed -e 's/-i/x/' a.py", Read, "sed:source"),
        ("perl -pi -e s/a/b/ a.py", Edit, "perl:source"),
        ("grep -rn foo.md src", Search, "grep"),
        ("egrep -A 3 foo a.py", Search, "grep:source"),
        ("find . -name '*.py'", Search, "find:source"),
        ("find . -name '*.pyc' -delete", Edit, "find"),
        ("find . -name '*.pyc' -exec rm {} +", Edit, "rm"),
        ("find . -name '*.py' -exec grep -l x {} \\;", Search, "find:source"),
        ("ls", Search, "ls"),
        ("cat > a.py <<'EOF'\nimport os\nEOF", Edit, "cat:source"),
        ("cat <<EOF >> a.py\nrm -rf /\nEOF", Edit, "cat:source"),
        ("cat <<EOF > a.md\n`rm -rf /`\nEOF", Edit, "cat:doc"),
        ("echo x > a.txt", Edit, "echo:doc"),
        ("> a.txt", Edit, ">:doc"),
        (": > a.txt", Edit, "::doc"),
        ("echo x", Other, "echo"),
        ("grep -v x a.py > b.py", Edit, "grep:source"),
        ("{ echo a; cat b; } > c.py", Edit, "echo:source"),
        ("printf 'x' | tee a.txt", Edit, "tee:doc"),
        ("cat a 2>/dev/null", Read, "cat"),
        ("cat a > /dev/null", Read, "cat"),
        ("cat a >&2", Read, "cat"),
        ("patch -p1 < fix.diff", Edit, "patch"),
        ("python a.py > out.txt", Run, "python"),
        ("python3 -m unittest discover -v", Test, "unittest"),
        ("python3.11 -B -m pytest -q", Test, "pytest"),
        ("python3 -m pip install x", Install, "pip install"),
        ("python -m http.server", Run, "http.server"),
        ("python manage.py test", Test, "manage.py"),
        ("pytest -x", Test, "pytest"),
        ("py.test", Test, "pytest"),
        ("bash tests/test.sh", Test, "test.sh"),
        ("make test", Test, "make test"),
        ("make -C x -j2 check", Test, "make check"),
        ("make", Run, "make"),
        ("cargo +nightly test", Test, "cargo test"),
        ("npm run build", Run, "npm run"),
        ("npm ci", Install, "npm ci"),
        ("git -C x diff", Vcs, "git diff"),
        ("git grep x", Search, "git grep"),
        ("curl http://x", Network, "curl"),
        ("sudo -u joe apt-get install -y x", Install, "apt-get install"),
        ("export A=1", Other, "export"),
        ("python -c 'import os; print(\"a\")'", Run, "python"),
    ];
    assert_kinds(&table);
}

#[test]
fn what_readies_the_shell_and_what_wraps_is_passed_over() {
    use ActionKind::{Edit, Install, Other, Read, Run, Search, Test, Vcs};
    let table = [
        ("cd /workspace && FOO=1 BAR='x y' timeout -k 5 60 python3 -m unittest", Test, "unittest"),
        ("cd a; cd b || exit; /usr/bin/env -u X nice -n 5 ./run.sh", Run, "run.sh"),
        ("set -e\nexport A=1\n# look\ngrep x y", Search, "grep"),
        ("time -p git log", Vcs, "git log"),
        ("! git diff --quiet", Vcs, "git diff"),
        ("for f in *.py; do cat \"$f\"; done", Read, "cat"),
        ("if [ -f a ]; then cat a; fi", Read, "cat"),
        ("while read -r x; do echo $x; done", Other, "read"),
        ("(cd a && ls -l)", Search, "ls"),
        ("bash -lc 'cd x && git status'", Vcs, "git status"),
        ("sh -c \"bash -c 'pytest -q'\"", Test, "pytest"),
        ("eval 'pytest -q'", Test, "pytest"),
        ("bash <<'EOF'\npytest\nEOF", Test, "pytest"),
        ("uv run --with x pytest -q", Test, "pytest"),
        ("uv add x", Install, "uv add"),
        ("npx jest", Test, "jest"),
        ("nohup python3 a.py &", Run, "python"),
        ("flock /tmp/l make", Run, "make"),
        ("xargs -n 1 rm < list", Edit, "rm"),
        ("xargs sh -c 'pytest \"$@\"'", Test, "pytest"),
        ("python - <<'EOF'\nprint(1)\nEOF", Run, "python"),
        ("cd src", Other, "cd"),
        ("./configure --prefix=/x", Run, "configure"),
        ("env", Run, "env"),
        ("f() { pytest; }; f", Test, "pytest"),
        ("x=$(cat y)", Read, "cat"),
        ("echo \"$(git rev-parse HEAD)\"", Vcs, "git rev-parse"),
        ("case $1 in a) ls;; esac", Search, "ls"),
        ("[[ -f a ]] && ((x++))", Other, "["),
    ];
    assert_kinds(&table);
}

#[test]
fn a_pipeline_is_what_its_strongest_stage_does() {
    use ActionKind::{Edit, Install, Network, Read, Run, Search, Test, Vcs};
    let table = [
        ("head -20 a.py | grep x", Read, "head:source"),
        ("echo y | pip install x", Install, "pip install"),
        ("find . -name '*.py' | xargs grep foo", Search, "find:source"),
        ("find . -name '*.py' | xargs sed -i s/a/b/", Edit, "sed"),
        ("pytest -q 2>&1 | tail -20", Test, "pytest"),
        ("cd x && pytest -q 2>&1 | tee log.txt", Test, "pytest"),
        ("cat a | tee b.py", Edit, "tee:source"),
        ("cat a | tee /dev/stderr", Read, "cat"),
        ("cat fix.diff | git apply", Edit, "git apply"),
        ("git diff | cat", Vcs, "git diff"),
        ("cat a.py | python -", Run, "python"),
        ("curl -s x | tar x", Network, "curl"),
        ("cat a | sort > b.md", Edit, "sort:doc"),
        ("cat l | while read f; do sed -i x $f; done", Edit, "sed"),
    ];
    assert_kinds(&table);
}

#[test]
fn a_line_gives_an_action_for_each_pipeline_that_counts() {
    let table = [
        ("cd x && sed -i s/a/b/ a.py && python -m pytest -q | tail", "edit sed:source, test pytest"),
        ("echo --- ; cat a; echo ---; cat b.md; echo", "read cat, read cat:doc"),
        ("ls || true; git status & wait", "search ls, vcs git status"),
        ("cat $(find . -name x)", "search find, read cat"),
        ("diff <(sort a) <(sort b)", "read sort, read sort, read diff"),
        ("if make; then make test; else git diff; fi", "run make, test make test, vcs git diff"),
        ("cat > a.py <<EOF && pytest\nx\nEOF\nls", "edit cat:source, test pytest, search ls"),
        ("bash -lc 'ls && pytest' && git diff", "search ls, test pytest, vcs git diff"),
        ("f() { ls; make; }; f; f", "search ls, run make, search ls, run make"),
        ("(cat a; grep x b) | head", "read cat, search grep"),
        ("for f in a b; do cat $f; sed -i x $f; done", "read cat, edit sed"),
    ];
    for (line, expected) in table {
        assert_eq!(shown(&all(line)), expected, "{line}");
    }
}

#[test]
fn a_line_that_is_not_bash_gives_what_is_bash_in_it_or_is_told_by_its_tool() {
    assert_eq!(shown(&all("cat a.py && grep 'x")), "read cat:source, search grep");
    assert_eq!(shown(&all("cat 'größe 数\u{10ffff}.py' é* ${\u{a4b96}d*'IP")), "read cat:source");
    for line in ["((((", "\u{0}", "'", "&& ||", "$((", ")"] {
        assert_eq!(shown(&all(line)), "other bash", "{line:?}");
    }
}

#[test]
fn hostile_nesting_is_bounded() {
    for (open, close) in [
        ("(", ")"),
        ("{ ", ";}"),
        ("$(echo ", ")"),
        ("if true; then ", "; fi"),
        ("sh -c '", "'"),
        ("f() { ", "; }; f"),
    ] {
        let line = format!("{}ls{}", open.repeat(5000), close.repeat(5000));
        assert!(all(&line).len() <= 256);
    }
    let calls: Vec<String> = (1..40).map(|n| format!("f{n}() {{ f{}; f{}; }}; ", n - 1, n - 1)).collect();
    let calls = format!("f0() {{ ls; }}; {}f39; f5", calls.concat());
    assert!(all(&calls).len() <= 256);
    assert_eq!(all(&"ls && ".repeat(20_000)).len(), 256);
    assert_eq!(shown(&all("f() { f; }; f")), "other bash");
}

#[test]
fn a_patch_is_one_edit_for_each_file() {
    let patch = "*** Begin Patch\n*** Add File: a.py\n+x\n*** Update File: tests/t.py\n@@\n-a\n+b\n*** Delete File: old\n*** End Patch\n";
    let expected = "edit apply_patch add:source, edit apply_patch update:test, edit apply_patch delete";
    let line = format!("cd /w && apply_patch <<'EOF'\n{patch}EOF");
    for (tool, arguments) in [
        ("apply_patch", patch.to_owned()),
        ("apply_patch", json!({"input": patch}).to_string()),
        ("shell", json!({"command": ["apply_patch", patch]}).to_string()),
        ("shell", json!({"command": ["bash", "-lc", line]}).to_string()),
        ("exec_command", json!({"cmd": format!("cat <<'EOF' | applypatch\n{patch}EOF")}).to_string()),
    ] {
        let actions = actions_of(&[call(tool, &arguments)], &ActionTable::builtin());
        assert_eq!(shown(&actions), expected, "{tool} {arguments}");
    }
}

fn all(line: &str) -> Vec<Action> {
    actions_of(&[call("bash", &json!({"command": line}).to_string())], &ActionTable::builtin())
}

fn shown(actions: &[Action]) -> String {
    let shown: Vec<String> =
        actions.iter().map(|action| format!("{} {}", action.kind.as_str(), action.name)).collect();
    shown.join(", ")
}

fn assert_kinds(table: &[(&str, ActionKind, &str)]) {
    let wrong = |(line, kind, name): &&(&str, ActionKind, &str)| shell(line) != (*kind, (*name).to_owned());
    let wrong: Vec<_> = table.iter().filter(wrong).map(|(line, ..)| (line, shell(line))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_line_without_a_program_is_told_by_its_tool() {
    for line in ["", "   ", "X=1", "# nothing"] {
        assert_eq!(shell(line), (ActionKind::Other, "bash".to_owned()), "{line:?}");
    }
}

#[test]
fn tools_of_known_agents_have_their_kinds() {
    use ActionKind::{Edit, Network, Other, Plan, Read, Run, Search, Vcs};
    let table = [
        ("read", r#"{"filePath": "/w/a.py"}"#, Read, "read:source"),
        ("write_stdin", r#"{"session_id": 1}"#, Run, "write_stdin"),
        ("view_image", r#"{"path": "a.png"}"#, Read, "view_image"),
        ("agent", "{}", Other, "agent"),
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
        ("exec_command", r#"{"cmd": "git status"}"#, Vcs, "git status"),
        ("shell", r#"{"command": ["bash", "-lc", "ls -l"]}"#, Search, "ls"),
        ("shell", r#"{"command": ["./a b"]}"#, Run, "a b"),
        ("run_shell_command", r#"{"command": "ls"}"#, Search, "ls"),
        ("str_replace_based_edit_tool", r#"{"command": "view", "path": "a.rs"}"#, Read, "view:source"),
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
    fn any_call_becomes_actions_and_always_the_same(
        name in "bash|shell|read|apply_patch|[a-zA-Z_.-]{0,12}|.{0,8}",
        line in "((sudo|env|timeout|bash -c|cd|python -m|sed -i|cat|x=1|<<EOF|EOF|\\$\\(|\\$'|if|then|fi|for x in|do|done|f\\(\\)|case|esac|eval|find . -exec|[|&;<>()'\"`\\\\{}]|\n| |-|/|é|\u{0}){0,24})",
    ) {
        let table = ActionTable::builtin();
        for call in [call(&name, &json!({"command": line}).to_string()), call(&name, &line)] {
            let actions = actions_of(std::slice::from_ref(&call), &table);
            prop_assert!((1..=256).contains(&actions.len()));
            prop_assert_eq!(&actions, &actions_of(&[call], &table));
            prop_assert!(actions.iter().all(|action| !action.name.is_empty() && action.name.chars().count() <= 72));
        }
    }

    #[test]
    fn any_text_is_a_command_line(line in "\\PC{0,80}|(?s).{0,80}") {
        let actions = all(&line);
        prop_assert!(!actions.is_empty());
    }
}

/// The tool calls that real agents made, by captured file: wire traffic of the chat and responses protocols, and opencode's and
/// codex' own events.
fn captured() -> Option<Vec<(String, Vec<ToolCall>)>> {
    let captures = retrial_testkit::shared("captures")?;
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
        let of = |call: &ToolCall| actions_of(std::slice::from_ref(call), &table);
        for (call, action) in
            calls.iter().flat_map(|call| of(call).into_iter().map(move |action| (call, action)))
        {
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
