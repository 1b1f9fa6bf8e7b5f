//! What `retrial init` found, wrote and leaves to be done.

use std::fmt::Write as _;
use std::io;

use retrial_spec::{InitDone, InitFile, InitFound, InitOutput};

use super::table;
use crate::out;

/// Prints the commands to go on with as data; everything else is a message.
pub(crate) fn print(output: &InitOutput) -> io::Result<()> {
    out::message(&told(output));
    out::data(&output.next.iter().flat_map(|line| [line.as_str(), "\n"]).collect::<String>())
}

fn told(output: &InitOutput) -> String {
    let mut text = format!("{}\n\n{}", output.root, found(&output.found));
    for task in &output.found.unusable_tasks {
        // Writing into a text cannot fail.
        let _ = writeln!(text, "left out   {}: {}", task.path, task.reason);
    }
    let rows: Vec<[String; 3]> = output.files.iter().map(row).collect();
    let _ = write!(text, "\n{}", table::plain(&[], &rows));
    if !output.left.is_empty() {
        text.push_str("\nbefore CI works:\n");
        for left in &output.left {
            let _ = writeln!(text, "  {left}");
        }
    }
    let here = std::env::current_dir().is_ok_and(|here| here.as_path() == std::path::Path::new(&output.root));
    let place = if here { String::new() } else { format!(", in {}", output.root) };
    let _ = write!(text, "\nnext{place}:");
    text
}

fn found(found: &InitFound) -> String {
    let or =
        |names: Vec<String>, none: &str| if names.is_empty() { none.to_owned() } else { names.join(", ") };
    let names = |names: &[&'static str]| names.iter().map(|&name| name.to_owned()).collect();
    let agents = found.agents.iter().map(|agent| format!("{} ({})", agent.recipe, agent.signs.join(", ")));
    let branch = match &found.default_branch {
        None => "none: this is no git repository".to_owned(),
        Some(name) if found.default_branch_is_guess => format!("{name} (a guess: no remote says so)"),
        Some(name) => name.clone(),
    };
    let rows = [
        ["branch", &branch],
        ["CI", found.ci.unwrap_or("nothing says; GitHub is taken unless --ci says otherwise")],
        ["languages", &or(names(&found.languages), "none known by their build files")],
        ["tasks", &or(found.tasks.clone(), "none, so an example is written")],
        ["agents", &or(agents.collect(), "none")],
        ["keys in", &or(names(&found.key_variables), "no variable that is known")],
    ];
    table::plain(&[], &rows.map(|row| row.map(str::to_owned)))
}

fn row(file: &InitFile) -> [String; 3] {
    let done = match file.done {
        InitDone::Written => "written",
        InitDone::Replaced => "replaced",
        InitDone::Extended => "extended",
        InitDone::Kept => "kept",
    };
    [done.to_owned(), file.path.clone(), file.why.clone()]
}
