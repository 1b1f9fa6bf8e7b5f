//! Edits as a shell command, in the ways in which models write them.

use std::fmt::Write as _;

use retrial_spec::{FileChange, FileEdit, SimulationStep};

/// A replacement of more lines is not written as a `sed` expression.
const MOST_SED_LINES: usize = 4;

/// Returns the shell command by which simulated models do a step, for `bash -c` in the workspace.
///
/// A file is written with `cat` and a here-document. Lines are replaced by `sed` where one line becomes few, and otherwise by a
/// short Python program.
pub fn shell_command(step: &SimulationStep) -> String {
    match step {
        SimulationStep::Command(command) => command.trim().to_owned(),
        SimulationStep::Edits(edits) => {
            let groups = edits.chunk_by(|a, b| a.path == b.path && is_replacing(a) && is_replacing(b));
            groups.map(of_one_file).collect::<Vec<_>>().join("\n")
        }
    }
}

fn is_replacing(edit: &FileEdit) -> bool {
    matches!(edit.change, FileChange::Replace { .. })
}

/// The command for a file that is written, or for one in which some lines are replaced.
fn of_one_file(edits: &[FileEdit]) -> String {
    let path = edits.first().map_or("", |edit| edit.path.as_str());
    if let [FileEdit { change: FileChange::Write { content, .. }, .. }] = edits {
        let end = unused_line(content);
        return format!("cat > {} <<'{end}'\n{content}{end}", quoted_if_needed(path));
    }
    let replacements: Vec<(&str, &str)> = edits.iter().filter_map(replacement).collect();
    let is_short = |(search, replace): &(&str, &str)| {
        search.lines().count() == 1 && (1..=MOST_SED_LINES).contains(&replace.lines().count())
    };
    if replacements.iter().all(is_short) {
        with_sed(path, &replacements)
    } else {
        with_python(path, &replacements)
    }
}

fn replacement(edit: &FileEdit) -> Option<(&str, &str)> {
    match &edit.change {
        FileChange::Replace { search, replace } => Some((search, replace)),
        FileChange::Write { .. } => None,
    }
}

/// The line is addressed rather than matched: one agent takes a bare substitution for an edit of its own, with rules of its own.
fn with_sed(path: &str, replacements: &[(&str, &str)]) -> String {
    let expressions: Vec<String> = replacements
        .iter()
        .map(|(search, replace)| {
            let search = escaped(search.trim_end_matches('\n'), r"\.*[]^$/");
            let replace = escaped(replace.strip_suffix('\n').unwrap_or(replace), r"\&/");
            quoted(&format!("/^{search}$/s/.*/{}/", replace.replace('\n', "\\n")))
        })
        .collect();
    let expressions = match expressions.as_slice() {
        [only] => only.clone(),
        several => several.iter().map(|one| format!("-e {one}")).collect::<Vec<_>>().join(" "),
    };
    format!("sed -i {expressions} {}", quoted_if_needed(path))
}

fn with_python(path: &str, replacements: &[(&str, &str)]) -> String {
    let mut pairs = String::new();
    for (search, replace) in replacements {
        let (search, replace) = (python_text(search), python_text(replace));
        let _ = writeln!(pairs, "    ({search}, {replace}),");
    }
    let path = python_text(path);
    let program = format!(
        "path = {path}\nwith open(path, encoding=\"utf-8\") as file:\n    text = file.read()\nedits = [\n{pairs}]\n\
         for old, new in edits:\n    assert text.count(old) == 1, old\n    text = text.replace(old, new)\n\
         with open(path, \"w\", encoding=\"utf-8\") as file:\n    file.write(text)\n"
    );
    let end = unused_line(&program);
    format!("python3 - <<'{end}'\n{program}{end}")
}

/// A Python literal: in triple quotes for lines, which end with a line break, and otherwise in plain ones.
///
/// An empty text is the plain kind.
fn python_text(text: &str) -> String {
    if text.ends_with('\n') {
        let text = escaped(text, "\\").replace("\"\"\"", "\\\"\\\"\\\"");
        format!("\"\"\"{text}\"\"\"")
    } else {
        format!("\"{}\"", escaped(text, "\\\""))
    }
}

/// The delimiter of a here-document: a line that the text does not hold.
fn unused_line(text: &str) -> String {
    let is_unused = |word: &String| text.lines().all(|line| line != word);
    let numbered = (1_u32..).map(|number| format!("EOF{number}"));
    let mut words = std::iter::once("EOF".to_owned()).chain(numbered);
    words.find(is_unused).unwrap_or_default()
}

fn escaped(text: &str, special: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if special.contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn quoted_if_needed(path: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "._/-".contains(character);
    if path.chars().all(is_plain) && !path.starts_with('-') {
        path.to_owned()
    } else {
        quoted(&format!("./{path}"))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    fn edit(path: &str, change: FileChange) -> FileEdit {
        FileEdit { path: path.to_owned(), change }
    }

    fn replace(search: &str, replace: &str) -> FileChange {
        FileChange::Replace { search: search.to_owned(), replace: replace.to_owned() }
    }

    fn write(content: &str) -> FileChange {
        FileChange::Write { content: content.to_owned(), before: None }
    }

    #[test]
    fn edits_become_the_commands_that_models_write() {
        let step = |edits: &[FileEdit]| shell_command(&SimulationStep::Edits(edits.to_vec()));
        assert_eq!(step(&[edit("a.py", write("x\n"))]), "cat > a.py <<'EOF'\nx\nEOF");
        assert_eq!(step(&[edit("a b", write("EOF\n"))]), "cat > './a b' <<'EOF1'\nEOF\nEOF1");
        assert_eq!(
            step(&[edit("a", replace("1.0\n", "it's\n/&\n"))]),
            r"sed -i '/^1\.0$/s/.*/it'\''s\n\/\&/' a"
        );
        let two = [edit("a", replace("x\n", "y\n")), edit("a", replace("z\n", "w\n"))];
        assert_eq!(step(&two), "sed -i -e '/^x$/s/.*/y/' -e '/^z$/s/.*/w/' a");
        assert!(
            step(&[edit("a", replace("x\ny\n", "z\n"))]).starts_with("python3 - <<'EOF'\npath = \"a\"\n")
        );
        assert_eq!(shell_command(&SimulationStep::Command("\nls\n".to_owned())), "ls");
    }

    /// Runs the command for an edit of a file with this text; returns what became of the file.
    fn run(before: &str, change: FileChange) -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        fs_err::write(&path, before).unwrap();
        let command = shell_command(&SimulationStep::Edits(vec![edit("f", change)]));
        let output =
            Command::new("bash").args(["-c", &command]).current_dir(directory.path()).output().unwrap();
        assert!(output.status.success(), "{command}\n{output:?}");
        fs_err::read_to_string(&path).unwrap()
    }

    /// Lines of what shells, expressions and programs treat specially.
    fn lines(most: usize) -> impl Strategy<Value = String> {
        let line = r#"[ \\'"$&/.*\[\]^a`#!{}(]{0,6}"#.prop_map(|line| format!("{line}\n"));
        proptest::collection::vec(line, 1..=most).prop_map(|lines| lines.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn whatever_the_text_the_command_does_the_edit(search in lines(2), new in lines(6), is_deleted in any::<bool>()) {
            let new = if is_deleted { String::new() } else { new };
            // Framed by lines that the others cannot hold, so that the searched ones are found once.
            let before = format!("first\nx{search}last\n");
            let change = replace(&format!("x{search}"), &new);
            prop_assert_eq!(run(&before, change), format!("first\n{new}last\n"));
            if !new.is_empty() {
                prop_assert_eq!(run(&before, write(&new)), new);
            }
        }
    }
}
