//! Whole tables in every format.

use std::path::PathBuf;

use proptest::prelude::*;
use retrial_spec::{Claim, Fact, MissingReason, UngradedReason, Verdict};

use super::*;
use crate::collected::Collected;

fn mapping(said: &[&str]) -> Mapping {
    let mut mapping = Mapping::default();
    for said in said {
        mapping.set(said).unwrap();
    }
    mapping
}

/// Reads a table of this name and content.
fn read_bytes(name: &str, content: &[u8], mapping: &Mapping) -> Result<Collected, String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join(name);
    fs_err::write(&file, content).unwrap();
    let mut sink = Collected::default();
    let read = read(&[file], mapping, &mut sink);
    let here = format!("{}/", directory.path().display());
    for note in sink.left_out.iter_mut().chain(&mut sink.doubts) {
        *note = note.replace(&here, "");
    }
    read.map(|()| sink).map_err(|error| error.to_string().replace(&here, ""))
}

fn read_text(name: &str, content: &str, said: &[&str]) -> Result<Collected, String> {
    read_bytes(name, content.as_bytes(), &mapping(said))
}

fn refused(name: &str, content: &str, said: &[&str]) -> String {
    read_text(name, content, said).unwrap_err()
}

#[test]
fn every_fact_is_read_by_the_obvious_names() {
    let text = "task,agent,model,version,condition,trial,passed,status,input_tokens,cache_read_tokens,output_tokens,\
        reasoning_tokens,requests,cost_usd,agent_seconds,verify_ms,started_at,confidence,claim,actions,category\n\
        one,mini,gpt,1.2,faults,3,pass,timeout,100,40,20,5,7,0.25,12.5,300,2026-01-02T03:04:05Z,0.8,done,\"bash;edit\",easy\n\
        two,mini,,,,,,,,,,,,,,,,,,,\n";
    let sink = read_text("t.csv", text, &["input_includes_cache=true"]).unwrap();
    insta::assert_debug_snapshot!((&sink.trials[0].without_place(), &sink.left_out, &sink.doubts));
    let empty = &sink.trials[1];
    let nothing = crate::Found::new(empty.place.clone(), empty.agent.clone(), "two");
    assert_eq!(*empty, crate::Found { status: "no verdict".to_owned(), ..nothing });
    assert_eq!(sink.bytes, text.len() as u64);
}

impl crate::Found {
    fn without_place(&self) -> Self {
        Self { place: crate::Place::file("t".as_ref()), ..self.clone() }
    }
}

#[test]
fn the_same_table_reads_the_same_in_every_format() {
    let csv = "task,agent,trial,passed,reward,confidence,actions,started_at\n\
        a,x,1,,0.5,0.25,\"[\"\"ls\"\",\"\"cat\"\"]\",2026-01-02T03:04:05Z\nb,x,2,,,,,\n";
    let tsv = "task\tagent\ttrial\tpassed\treward\tconfidence\tactions\tstarted_at\n\
        a\tx\t1\t\t0.5\t0.25\tls;cat\t2026-01-02T03:04:05Z\nb\tx\t2\t\t\t\t\t\n";
    let json = "{\"task\":\"a\",\"agent\":\"x\",\"trial\":1.0,\"reward\":0.5,\"confidence\":0.25,\"actions\":[\"ls\",\"cat\"],\
        \"started_at\":1767323045}\n\n{\"task\":\"b\",\"agent\":\"x\",\"trial\":2,\"passed\":null,\"reward\":null}";
    let said = ["passed="];
    let trials = |name: &str, text: &str| -> Vec<crate::Found> {
        let sink = read_text(name, text, &said).unwrap();
        sink.trials.iter().map(crate::Found::without_place).collect()
    };
    let first = trials("t.csv", csv);
    assert_eq!(first[0].verdict, Verdict::Reward(0.5));
    assert_eq!(first[1].verdict, Verdict::Ungraded(UngradedReason::NotRecorded));
    assert_eq!(first, trials("t.tsv", tsv));
    assert_eq!(first, trials("t.jsonl", json));
}

#[test]
fn a_cell_that_holds_something_else_is_an_error_with_line_and_column() {
    let head = "task,agent,trial,passed,reward,cost_usd,claim\n";
    let cases = [
        "a,x,1,maybe,,,\n",
        "a,x,0,true,,,\n",
        ",x,1,true,,,\n",
        "a,,1,true,,,\n",
        "a,x,1,true,,-1,\n",
        "a,x,1,true,,,perhaps\n",
        "a,x,1,true,\n",
    ];
    let errors: Vec<String> =
        cases.iter().map(|row| refused("t.csv", &format!("{head}b,x,2,1,,,\n{row}"), &["reward="])).collect();
    insta::assert_debug_snapshot!(errors);
    insta::assert_debug_snapshot!([
        refused("t.jsonl", "{\"task\":\"a\",\"agent\":\"x\",\"passed\":{}}\n", &[]),
        refused("t.jsonl", "{\"task\":\"a\",\"agent\":\"x\"}\n[1]\n", &[]),
        refused("t.jsonl", "{\"task\":\"a\",\"agent\":\"x\"}\n{\"task\":\"b\",\"ag", &[]),
        refused("t.jsonl", "{\"task\":\"a\",\"agent\":\"x\",\"requests\":-3}\n", &[]),
        refused("t.jsonl", "{\"task\":[\"a\"],\"agent\":\"x\"}\n", &[]),
        refused("t.jsonl", "\n", &[]),
    ]);
}

#[test]
fn a_table_whose_columns_could_mean_two_things_is_refused() {
    insta::assert_debug_snapshot!([
        refused("t.csv", "task,task_id,agent\na,a,x\n", &[]),
        refused("t.csv", "name,agent\na,x\n", &[]),
        refused("t.csv", "task\na\n", &[]),
        refused("t.csv", "task,agent,passed,score\na,x,1,1\n", &[]),
        refused("t.csv", "task,agent\na,x\n", &["passed=ok"]),
        refused("t.csv", "task,agent,ok,ok\na,x,1,0\n", &["passed=ok"]),
        refused("t.csv", "task,agent,input_tokens,cached_tokens,output_tokens\na,x,1,1,1\n", &[]),
        refused("t.csv", "task,agent,status\na,x,weird\n", &[]),
    ]);
    assert_eq!(
        read_text("t.csv", "task,agent,passed,score\na,x,1,0\n", &["passed=passed"]).unwrap().left_out.len(),
        1
    );
}

#[test]
fn files_that_are_cut_foreign_or_absent_are_refused() {
    insta::assert_debug_snapshot!([
        refused("t.csv", "", &[]),
        refused("t.csv", "task,agent\n", &[]),
        refused("t.csv", "task,agent\na,x\nb\n", &[]),
        refused("t.csv", "task,agent\na,\"x\nb,y\n", &[]),
        refused("t.parquet", "PAR1 is not all of it", &[]),
        refused("t.xlsx", "PK", &[]),
        read_bytes("t.csv", b"task,agent\n\xff,x\n", &Mapping::default()).unwrap_err(),
        read_bytes("t.csv", b"task,\xff\na,x\n", &Mapping::default()).unwrap_err(),
    ]);
    let absent =
        read(&[PathBuf::from("no/such.csv")], &Mapping::default(), &mut Collected::default()).unwrap_err();
    assert_eq!(absent.to_string(), "`no/such.csv`: cannot be read; expected a table");
    let directory = tempfile::tempdir().unwrap();
    let named = directory.path().join("t.csv");
    fs_err::create_dir(&named).unwrap();
    let is_directory = read(&[named], &Mapping::default(), &mut Collected::default()).unwrap_err();
    assert_eq!(is_directory.message, "is a directory; expected a table");
}

#[test]
fn a_status_says_ending_and_verdict_and_infrastructure_is_never_graded() {
    let text = "task,agent,how,passed\na,x,late,1\nb,x,broke,0\nc,x,down,0\nd,x,down,1\ne,x,planned,\nf,x,,1\ng,x,nograde,0\n";
    let said = [
        "status=how",
        "status.late=timeout",
        "status.broke=crash",
        "status.down=infrastructure",
        "status.planned=unfinished",
        "status.nograde=verifier_failed",
    ];
    let sink = read_text("t.csv", text, &said).unwrap();
    let seen: Vec<(&str, &str, &str)> = sink
        .trials
        .iter()
        .map(|found| (found.status.as_str(), found.ending.as_str(), found.verdict.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("late, passed", "timeout", "passed"),
            ("broke, failed", "crash", "failed"),
            ("down, failed", "infrastructure", "ungraded"),
            ("down, passed", "infrastructure", "ungraded"),
            ("passed", "not_recorded", "passed"),
            ("nograde, failed", "not_recorded", "ungraded"),
        ]
    );
    assert_eq!(sink.unfinished.iter().map(|trial| trial.task.as_str()).collect::<Vec<_>>(), ["e"]);
    assert_eq!(sink.doubts.len(), 1);
    assert_eq!(sink.trials[2].verdict, Verdict::Ungraded(UngradedReason::Infrastructure));
}

#[test]
fn tokens_that_contradict_each_other_are_missing_and_doubtful() {
    let text = "task,agent,input_tokens,cached_tokens,output_tokens,reasoning_tokens\n\
        a,x,10,4,5,\nb,x,3,4,5,\nc,x,10,4,5,6\nd,x,10,,,\n";
    let sink = read_text("t.csv", text, &["input_includes_cache=true"]).unwrap();
    let usage = sink.trials[0].usage.value().unwrap();
    assert_eq!((usage.uncached_input, usage.cache_read, usage.cache_write), (6, Some(4), None));
    assert_eq!(sink.trials[1].usage, Fact::Missing(MissingReason::Unparsable));
    assert_eq!(sink.trials[2].usage, Fact::Missing(MissingReason::Unparsable));
    assert_eq!(sink.trials[3].usage, Fact::Missing(MissingReason::NotRecorded));
    assert_eq!(sink.doubts.len(), 3);
    let apart = read_text("t.csv", text, &["input_includes_cache=false"]).unwrap();
    assert_eq!(apart.trials[1].usage.value().unwrap().uncached_input, 3);
}

#[test]
fn words_for_missing_and_one_value_for_every_row_are_kept_to() {
    let text = "\u{feff}Task ID,passed,confidence\r\na,NA,\r\nb,true,NA\r\n";
    let sink = read_text("t.csv", text, &["missing=NA", "agent:=mine", "model:=m"]).unwrap();
    assert_eq!(sink.trials[0].agent.model.as_deref(), Some("m"));
    assert_eq!(sink.trials[0].verdict, Verdict::Ungraded(UngradedReason::NotRecorded));
    assert_eq!((sink.trials[1].task.as_str(), &sink.trials[1].verdict), ("b", &Verdict::Passed));
    assert_eq!(sink.trials[1].place.within.as_deref(), Some("line 3"));
}

#[test]
fn times_without_a_zone_are_doubted_once() {
    let text = "task,agent,started_at,claim\na,x,2026-01-02 03:04:05,not_done\nb,x,2026-01-02T03:04:06,\n";
    let sink = read_text("t.csv", text, &[]).unwrap();
    assert_eq!(sink.doubts.len(), 1);
    assert_eq!(sink.trials[0].started_at.unwrap().to_string(), "2026-01-02T03:04:05Z");
    assert_eq!(sink.trials[0].claim.value(), Some(&Claim::NotDone));
}

proptest! {
    #[test]
    fn any_bytes_are_a_table_or_an_error(content in proptest::collection::vec(any::<u8>(), 0..200)) {
        for name in ["t.csv", "t.tsv", "t.jsonl", "t.parquet"] {
            let _ = read_bytes(name, &content, &Mapping::default());
        }
    }

    #[test]
    fn a_table_cut_anywhere_is_an_error_or_holds_whole_rows(cut in 0_usize..60) {
        let text = "task,agent,passed\n\"a, b\",x,true\n\"c \"\"d\"\"\",y,false\n";
        let cut = text.get(..cut).unwrap_or(text);
        if let Ok(sink) = read_text("t.csv", cut, &[]) {
            prop_assert!(sink.trials.iter().all(|found| ["a, b", "c \"d\""].contains(&found.task.as_str())));
        }
    }

    #[test]
    fn rewards_and_numbers_read_back(reward in 0.0_f64..=1.0, number in 1_u32.., task in "[a-z][a-z ,\"]{0,8}") {
        let quoted = task.replace('"', "\"\"");
        let csv = format!("task,agent,trial,reward\n\"{quoted}\",x,{number},{reward}\n");
        let json = serde_json::json!({ "task": task, "agent": "x", "trial": number, "reward": reward }).to_string();
        for (name, text) in [("t.csv", csv), ("t.jsonl", json)] {
            let sink = read_text(name, &text, &[]).unwrap();
            prop_assert_eq!(&sink.trials[0].task, &task);
            prop_assert_eq!(sink.trials[0].number, Some(number));
            prop_assert_eq!(&sink.trials[0].verdict, &Verdict::from_reward(reward));
        }
    }
}
