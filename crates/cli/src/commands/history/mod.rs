//! `retrial history`: scorecards over releases, and since when something changed.

mod add;
mod read;

use std::io::Write;
use std::path::Path;

use retrial_metrics::history::check;
use retrial_report::timeline;
use retrial_spec::{Exit, OUTPUT_SCHEMA, ReportOutput};

use crate::args::{HistoryArgs, HistoryCheckArgs, HistoryCommand, HistoryReportArgs, HistoryShowArgs};
use crate::failure::Failure;
use crate::files::Files;
use crate::{out, show};

/// Does one of its commands.
pub(crate) fn history(args: &HistoryArgs) -> Result<Exit, Failure> {
    match &args.command {
        HistoryCommand::Add(args) => add::add(args),
        HistoryCommand::Show(args) => shown(args),
        HistoryCommand::Check(args) => checked(args),
        HistoryCommand::Report(args) => reported(args),
    }
}

fn shown(args: &HistoryShowArgs) -> Result<Exit, Failure> {
    let history = read::history(&args.read)?;
    if args.json {
        out::json(&history)?;
    } else {
        out::data(&show::history::render(&history))?;
    }
    Ok(Exit::Done)
}

fn checked(args: &HistoryCheckArgs) -> Result<Exit, Failure> {
    let mut found = check(&read::history(&args.read)?);
    // Who names an anchor asks about the others, unless it is asked about by name too.
    let (anchors, asked_about) = (&args.read.anchor, &args.read.agent);
    found.agents.retain(|of| !anchors.contains(&of.agent) || asked_about.contains(&of.agent));
    if args.json {
        out::json(&found)?;
    } else {
        out::data(&show::history::render_check(&found))?;
    }
    Ok(found.exit())
}

fn reported(args: &HistoryReportArgs) -> Result<Exit, Failure> {
    let history = read::history(&args.read)?;
    let mut files = Files::new(args.out.clone().unwrap_or_else(|| args.read.ledger.join("report")));
    let mut json = serde_json::to_vec_pretty(&history).map_err(std::io::Error::from)?;
    json.push(b'\n');
    let page = timeline::page(&history);
    let markdown = timeline::markdown(&history);
    let forms =
        [("history.html", page.as_bytes()), ("history.md", markdown.as_bytes()), ("history.json", &json)];
    for (name, text) in forms {
        files.put(Path::new(name), |file| file.write_all(text))?;
    }
    let written = files.written().iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
    if args.json {
        out::json(&ReportOutput { schema: OUTPUT_SCHEMA, files: written })?;
    } else {
        out::data(&written.into_iter().map(|path| path + "\n").collect::<String>())?;
    }
    Ok(Exit::Done)
}
