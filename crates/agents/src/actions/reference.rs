//! The table as a page for people.

use std::fmt::Write as _;

use retrial_spec::ActionKind;

use super::file::Kinds;
use super::table::ActionTable;

/// Returns tools, programs and rules as Markdown tables.
pub(super) fn reference(table: &ActionTable) -> String {
    let mut page = String::from("| kind | programs | tools |\n|---|---|---|\n");
    let file = &table.file;
    let words = |kinds: &Kinds, kind: ActionKind| {
        let words: Vec<String> =
            kinds.words().filter(|(_, of)| *of == kind).map(|(word, _)| format!("`{word}`")).collect();
        words.join(" ")
    };
    for kind in ActionKind::ALL {
        let (programs, tools) = (words(&file.programs, kind), words(&file.tools, kind));
        line(&mut page, &[kind.as_str(), &programs, &tools]);
    }
    page.push_str("\n| program | first word | or option | kind |\n|---|---|---|---|\n");
    for rule in &file.rules {
        let first: Vec<String> = rule.first.iter().map(|word| format!("`{word}`")).collect();
        let option = rule.option.as_ref().map_or_else(String::new, |option| format!("`{option}`"));
        line(&mut page, &[&format!("`{}`", rule.program), &first.join(" "), &option, rule.kind.as_str()]);
    }
    let shell = &file.shell;
    let forms = &file.forms;
    page.push_str("\n| part | entries |\n|---|---|\n");
    for (part, words) in [
        ("`shell.setup`", &shell.setup),
        ("`shell.sinks`", &shell.sinks),
        ("`shell.shells`", &shell.shells),
        ("`shell.interpreters`", &shell.interpreters),
        ("`shell.subcommands`", &shell.subcommands),
        ("`forms.shell`", &forms.shell),
        ("`forms.editor`", &forms.editor),
        ("`forms.patch`", &forms.patch),
    ] {
        let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        line(&mut page, &[part, &words.join(" ")]);
    }
    let wrappers: Vec<String> = shell.wrappers.keys().map(|word| format!("`{word}`")).collect();
    line(&mut page, &["`shell.wrappers`", &wrappers.join(" ")]);
    let of = |(word, runs): (&String, &Vec<String>)| format!("`{word} {}`", runs.join("|").replace('|', "/"));
    let runners: Vec<String> = shell.runners.iter().map(of).collect();
    line(&mut page, &["`shell.runners`", &runners.join(" ")]);
    page
}

fn line(page: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    // Writing to a string does not fail.
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}
