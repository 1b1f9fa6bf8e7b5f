//! `retrial compare`: which agent is better, by how much, and how sure that is.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::Path;

use jiff::tz::TimeZone;
use retrial_metrics::decide::field::{Comparisons, Contender, FieldError, Question, comparisons};
use retrial_metrics::decide::policy::{GateRun, GateSides, judge};
use retrial_metrics::{Entrant, Settings};
use retrial_report::{
    Picture, comparison_json, comparison_markdown, comparison_page, comparison_pictures, gate_junit,
};
use retrial_spec::{AgentName, Day, Exit, GatePolicy, OUTPUT_SCHEMA, Quarantine, ReportOutput};

use crate::args::{CompareArgs, ComparisonFormatOpt};
use crate::entered::{Entered, Opened};
use crate::failure::Failure;
use crate::files::Files;
use crate::out;
use crate::scored::{settings_of_all, warn};
use crate::show::compare as shown;

/// How much larger than its SVG a PNG is drawn, for screens with many pixels.
const SCALE: f32 = 2.0;

/// Compares. Every run is read before anything is printed or written.
pub(crate) fn compare(args: &CompareArgs) -> Result<Exit, Failure> {
    let policy = policy(args)?;
    let field = Field::read(args)?;
    for one in &field.runs {
        warn(&one.scored, field.runs.len() > 1);
    }
    let found = compared(args, &field)?;
    match &args.out {
        Some(directory) => {
            let mut files = Files::new(directory.clone());
            for format in args.format.iter().copied().collect::<BTreeSet<_>>() {
                match (format, &policy) {
                    (ComparisonFormatOpt::Junit, Some(policy)) => junit(policy, args, &field, &mut files)?,
                    _ => write(&found, format, &mut files)?,
                }
            }
            print_written(&files, args.json)?;
        }
        None if args.json => out::json(&found)?,
        None if args.pairs => out::data(&shown::pairs(&found))?,
        None => out::data(&shown::render(&found))?,
    }
    Ok(Exit::Done)
}

/// Who takes part.
struct Field {
    /// The runs, each read once however often it is named.
    runs: Vec<Entered>,
    /// Those who were asked for, in the order in which they were named: the places of the run and of the trials in it.
    takes_part: Vec<(usize, usize)>,
    /// What all runs are scored with.
    settings: Settings,
}

impl Field {
    /// Reads the manifests of all runs, since these decide what every run is scored with, and then their trials.
    fn read(args: &CompareArgs) -> Result<Self, Failure> {
        let mut opened: Vec<Opened> = Vec::new();
        let mut named = Vec::new();
        for entry in &args.entries {
            let known = opened.iter().position(|run| run.is_at(&entry.run));
            let place = known.unwrap_or(opened.len());
            if known.is_none() {
                opened.push(Opened::new(&entry.run, &args.condition)?);
            }
            opened[place].expect(entry.agent.as_ref())?;
            named.push((place, entry.agent.as_ref()));
        }
        let settings = settings_of_all(&args.settings, opened.iter().map(|run| &run.manifest));
        let runs = opened.into_iter().map(|run| run.scored(&args.condition, &settings));
        let runs: Vec<Entered> = runs.collect::<Result<_, Failure>>()?;
        let of = |(run, agent): (usize, Option<&AgentName>)| {
            let entrants = runs[run].entrants.iter().enumerate();
            let asked =
                entrants.filter(move |(_, entrant)| agent.is_none_or(|agent| *agent == entrant.agent));
            asked.map(move |(entrant, _)| (run, entrant)).collect::<Vec<_>>()
        };
        let takes_part: Vec<(usize, usize)> = named.into_iter().flat_map(of).collect();
        if takes_part.iter().collect::<BTreeSet<_>>().len() < takes_part.len() {
            return Err(Failure::Usage("an agent of a run is named twice; name each once".to_owned()));
        }
        Ok(Self { runs, takes_part, settings })
    }

    fn entrants(&self) -> impl Iterator<Item = (&Entered, &Entrant)> {
        self.takes_part.iter().map(|&(run, entrant)| (&self.runs[run], &self.runs[run].entrants[entrant]))
    }

    /// What those who take part are called: by their agents, with the run where agents are of one name, and with the path where runs are.
    fn names(&self) -> Vec<String> {
        let of = |name: &dyn Fn(&Entered, &Entrant) -> String| -> Vec<String> {
            self.entrants().map(|(one, entrant)| name(one, entrant)).collect()
        };
        let is_unique = |names: &[String]| names.iter().collect::<BTreeSet<_>>().len() == names.len();
        let ways = [
            of(&|_, entrant| entrant.agent.to_string()),
            of(&|_, entrant| format!("{} ({})", entrant.agent, entrant.run)),
        ];
        // No two runs lie at one place.
        let by_path = || of(&|one, entrant| format!("{} ({})", entrant.agent, one.path.display()));
        ways.into_iter().find(|names| is_unique(names)).unwrap_or_else(by_path)
    }
}

fn compared(args: &CompareArgs, field: &Field) -> Result<Comparisons, Failure> {
    let question = Question {
        settings: field.settings,
        difference: args.difference,
        power: Question::POWER,
        even_if_different: args.even_if_different,
    };
    let names = field.names();
    let mut contenders = Vec::new();
    for ((one, entrant), name) in field.entrants().zip(&names) {
        let mut cards = one.scored.scorecards.iter();
        let card = cards.find(|card| (&card.agent, &card.condition) == (&entrant.agent, &entrant.condition));
        // There is a scorecard for every entrant.
        contenders.extend(card.map(|card| Contender { name, manifest: &one.manifest, card, entrant }));
    }
    Ok(comparisons(&contenders, &question)?)
}

fn write(found: &Comparisons, format: ComparisonFormatOpt, files: &mut Files) -> Result<(), Failure> {
    match format {
        ComparisonFormatOpt::Html => put(files, "comparison.html", comparison_page(found).as_bytes()),
        ComparisonFormatOpt::Md => put(files, "comparison.md", comparison_markdown(found).as_bytes()),
        ComparisonFormatOpt::Json => {
            put(files, "comparison.json", &comparison_json(found).map_err(io::Error::from)?)
        }
        ComparisonFormatOpt::Svg => {
            pictures(found, "svg", files, |picture| Ok(picture.svg.clone().into_bytes()))
        }
        ComparisonFormatOpt::Png => pictures(found, "png", files, |picture| Ok(picture.png(SCALE)?)),
        // Without a policy it was refused before anything was read.
        ComparisonFormatOpt::Junit => Ok(()),
    }
}

/// Reads the policy that decides, where one is named.
fn policy(args: &CompareArgs) -> Result<Option<GatePolicy>, Failure> {
    let wants_junit = args.format.contains(&ComparisonFormatOpt::Junit);
    let Some(path) = &args.policy else {
        return if wants_junit {
            Err(Failure::Usage("`--format junit` needs a gate policy; name it with `--policy`".to_owned()))
        } else {
            Ok(None)
        };
    };
    if !wants_junit {
        return Err(Failure::Usage("`--policy` decides for `--format junit`; add it".to_owned()));
    }
    let text = fs_err::read_to_string(path)
        .map_err(|error| Failure::Usage(format!("cannot read the policy: {error}")))?;
    let policy = GatePolicy::parse(&path.display().to_string(), &text).map_err(Box::new)?;
    if policy.gate.quarantine.is_some() {
        return Err(Failure::Usage(
            "the policy names a quarantine, which `retrial gate` reads and a comparison does not".to_owned(),
        ));
    }
    Ok(Some(policy))
}

/// Writes what the policy decides of each agent against the first; its decisions are said, and are not the exit code.
fn junit(policy: &GatePolicy, args: &CompareArgs, field: &Field, files: &mut Files) -> Result<(), Failure> {
    let sides: Vec<GateRun<'_>> = field
        .entrants()
        .map(|(one, entrant)| GateRun { manifest: &one.manifest, entrants: std::slice::from_ref(entrant) })
        .collect();
    let Some((first, others)) = sides.split_first() else { return Ok(()) };
    for (place, candidate) in others.iter().enumerate() {
        let sides = GateSides {
            candidate: *candidate,
            baseline: std::slice::from_ref(first),
            condition: &args.condition,
        };
        // No task is in quarantine, so that the day decides nothing; that of the run keeps the bytes the same.
        let today = Day::new(candidate.manifest.created_at.to_zoned(TimeZone::UTC).date());
        let found = judge(&sides, policy, &Quarantine::default(), today).map_err(FieldError::from)?;
        out::message(&found.line);
        let name = if others.len() == 1 {
            "comparison.junit.xml".to_owned()
        } else {
            format!("comparison-{}.junit.xml", place + 2)
        };
        put(files, &name, gate_junit(&found)?.as_bytes())?;
    }
    Ok(())
}

fn pictures(
    found: &Comparisons,
    extension: &str,
    files: &mut Files,
    encoded: impl Fn(&Picture) -> Result<Vec<u8>, Failure>,
) -> Result<(), Failure> {
    for picture in comparison_pictures(found) {
        put(files, &format!("{}.{extension}", picture.name), &encoded(&picture)?)?;
    }
    Ok(())
}

fn put(files: &mut Files, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    Ok(files.put(Path::new(name), |file| file.write_all(bytes))?)
}

fn print_written(files: &Files, json: bool) -> Result<(), Failure> {
    let written = files.written().iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
    if json {
        out::json(&ReportOutput { schema: OUTPUT_SCHEMA, files: written })?;
    } else {
        out::data(&written.into_iter().map(|path| path + "\n").collect::<String>())?;
    }
    Ok(())
}
