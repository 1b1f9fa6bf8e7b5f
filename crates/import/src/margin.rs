//! Results of Margin Eval: `results.json`, with every instance of every case.

use std::path::{Path, PathBuf};

use retrial_spec::{Ending, Fact, MissingReason, Phase, Source, UngradedReason, Usage, Verdict};
use serde_json::Value;

use crate::ended::{crashed, infrastructure};
use crate::named::NamedAgent;
use crate::pieces::{Take, each_piece, member_names};
use crate::pointed::Pointed;
use crate::{Found, FoundAgent, ImportError, Place, Sink, Unfinished, atif};

const EXPECTED: &str = "a run directory of Margin Eval with `results.json`, or that file, with `instances`";

/// Reads run directories and files of results. They do not name the agent: it is `named`, otherwise called as the run's directory.
///
/// # Errors
/// [`ImportError`] where there are no results, or they are not as Margin Eval writes them.
pub fn read(paths: &[PathBuf], named: &NamedAgent, sink: &mut dyn Sink) -> Result<(), ImportError> {
    for path in paths {
        let file = if path.is_dir() { path.join("results.json") } else { path.clone() };
        if path.is_dir() && !file.exists() {
            return Err(Place::file(path).error(format!("holds no `results.json`; expected {EXPECTED}")));
        }
        let run = Run { directory: file.parent().unwrap_or(&file).to_owned(), agent: agent_of(path, named) };
        run.read(&file, sink)?;
    }
    Ok(())
}

/// The agent of a run: a file of results is called as every other, and its directory is not.
fn agent_of(path: &Path, named: &NamedAgent) -> FoundAgent {
    let directory = if path.is_dir() { Some(path) } else { path.parent() };
    named.of_file(directory.filter(|directory| directory.file_name().is_some()).unwrap_or(path))
}

struct Run {
    directory: PathBuf,
    agent: FoundAgent,
}

impl Run {
    fn read(&self, file: &Path, sink: &mut dyn Sink) -> Result<(), ImportError> {
        let names = member_names(file)?.unwrap_or_default();
        if !names.iter().any(|name| name == "instances") {
            return Err(Place::file(file).error(format!("has no `instances`; expected {EXPECTED}")));
        }
        let choose = |name: &str| if name == "instances" { Take::Each } else { Take::Skip };
        let mut take = |sink: &mut dyn Sink, pointer: &str, value: &Value| {
            self.instance(&Pointed::new(file, pointer, value), sink)
        };
        each_piece(file, EXPECTED, sink, &choose, &mut take)
    }

    fn instance(&self, row: &Pointed<'_>, sink: &mut dyn Sink) -> Result<(), ImportError> {
        let mut agent = self.agent.clone();
        if agent.version.is_none() {
            agent.version = row.member("installed_version").map(|version| version.name()).transpose()?;
        }
        let task = row.need("case_id")?.name()?;
        let state = row.need("final_state")?.text()?;
        let reason = row.member("infra_failure_reason").map(|reason| reason.text()).transpose()?;
        let Some((ending, verdict)) = outcome(state, reason.unwrap_or("unknown_failure")) else {
            return sink.unfinished(Unfinished { place: row.place(), agent, task, condition: None });
        };
        let mut found = Found::new(row.place(), agent, task);
        found.status = reason.map_or_else(|| state.to_owned(), |reason| format!("{state}, {reason}"));
        (found.ending, found.verdict) = (ending, verdict);
        if let Some(index) = row.member("sample_index") {
            let number = u32::try_from(index.count()?).ok().filter(|number| *number > 0);
            found.number = Some(number.ok_or_else(|| index.unlike("the number of the sample, from 1"))?);
        }
        found.usage = usage(row)?;
        if let Some(id) = row.member("instance_id") {
            self.add_trajectory(&mut found, &id.name()?, sink)?;
        }
        sink.trial(found)
    }

    /// Reads the trajectory of an instance, where there is one: actions and requests follow from it. Its tokens are doubted, for the totals
    /// of this harness are the largest request; those of the results count.
    fn add_trajectory(
        &self,
        found: &mut Found,
        instance: &str,
        sink: &mut dyn Sink,
    ) -> Result<(), ImportError> {
        let below = Path::new("instances").join(instance).join("trajectory.json");
        let is_below = below.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        let file = self.directory.join(&below);
        if !is_below || !file.is_file() {
            return Ok(());
        }
        let (read, bytes) = atif::read_trajectory_file(&file)?;
        sink.progress(bytes);
        for doubt in &read.doubts {
            sink.doubt(&Place::file(&file), doubt);
        }
        (found.calls, found.requests) = (read.calls, read.requests);
        found.started_at = found.started_at.or(read.started_at);
        found.evidence.trajectory = Some(read.trajectory);
        Ok(())
    }
}

/// How an instance ended and what its test said; none where it has no result.
fn outcome(state: &str, reason: &str) -> Option<(Ending, Verdict)> {
    let ungraded = |why| Verdict::Ungraded(why);
    Some(match (state, reason) {
        ("succeeded", _) => (Ending::NotRecorded, Verdict::Passed),
        ("test_failed", _) => (Ending::NotRecorded, Verdict::Failed),
        // These two are the agent's, whatever the harness calls them.
        ("infra_failed", "agent_failed") => (crashed(reason), ungraded(UngradedReason::NotRecorded)),
        ("infra_failed", "instance_timeout") => (Ending::Timeout, ungraded(UngradedReason::NotRecorded)),
        ("infra_failed", _) => {
            let phase = if reason == "oracle_failed" { Phase::Verify } else { Phase::Setup };
            (infrastructure(phase, reason), ungraded(UngradedReason::Infrastructure))
        }
        _ => return None,
    })
}

/// Tokens. Whether the input counts those of a cache is not said.
fn usage(row: &Pointed<'_>) -> Result<Fact<Usage>, ImportError> {
    let Some(usage) = row.member("usage") else { return Ok(Fact::Missing(MissingReason::NotRecorded)) };
    let count = |name: &str| usage.member(name).map(|count| count.count()).transpose();
    Ok(match (count("input_tokens")?, count("output_tokens")?) {
        (Some(uncached_input), Some(output)) => {
            Fact::known(Usage { uncached_input, output, ..Usage::default() }, Source::Imported)
        }
        _ => Fact::Missing(MissingReason::NoUsage),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::Format;
    use crate::testing::Reader;

    const MARGIN: Reader = Reader(Format::Margin);

    fn refused(content: &str) -> String {
        MARGIN.refused("results.json", content)
    }

    #[test]
    fn failures_of_the_agent_are_not_infrastructure_whatever_they_are_called() {
        let run = MARGIN.fixture("run-1");
        let sink = MARGIN.import(&run).unwrap();
        insta::assert_snapshot!(sink.rendered(&run));
        let by_file = MARGIN.import(&run.join("results.json")).unwrap();
        assert_eq!(by_file, sink);
    }

    #[test]
    fn what_is_no_result_is_refused_where_it_is_wrong() {
        insta::assert_debug_snapshot!([
            refused("{}"),
            refused("[]"),
            refused("{\"instances\": [{\"case_id\": \"a\"}]}"),
            refused(
                "{\"instances\": [{\"case_id\": \"a\", \"final_state\": \"succeeded\", \"sample_index\": 0}]}"
            ),
            refused("{\"instances\": [{\"case_id\": \"a\", \"final_state\": \"succ"),
        ]);
        let empty = tempfile::tempdir().unwrap();
        assert!(MARGIN.import(empty.path()).unwrap_err().contains("holds no `results.json`"));
    }

    proptest! {
        #[test]
        fn any_cut_of_the_results_is_an_error(cut in any::<prop::sample::Index>()) {
            let whole = fs_err::read_to_string(MARGIN.fixture("run-1/results.json")).unwrap();
            let text = &whole[..cut.index(whole.trim_end().len())];
            prop_assert!(!refused(text).is_empty());
        }
    }
}
