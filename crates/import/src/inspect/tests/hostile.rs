//! Logs that are cut, corrupt or foreign.

use std::io::Write;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::collect;

fn header() -> Value {
    json!({"version": 2, "status": "success", "eval": {
        "task": "t", "model": "m/1", "dataset": {}, "config": {}, "scorers": [{"name": "s"}]}})
}

fn sample(id: &Value, epoch: u32) -> Value {
    json!({"id": id, "epoch": epoch, "input": "q", "target": "a", "scores": {"s": {"value": "C"}}})
}

fn archive(directory: &Path, members: &[(&str, Vec<u8>)]) -> PathBuf {
    let path = directory.join("log.eval");
    let mut zip = ZipWriter::new(fs_err::File::create(&path).unwrap());
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, text) in members {
        zip.start_file(*name, stored).unwrap();
        zip.write_all(text).unwrap();
    }
    zip.finish().unwrap();
    path
}

fn error(path: &Path) -> String {
    let error = collect(&[path.to_owned()], None).unwrap_err();
    let cause = error.source.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{error}: {cause}")
}

#[test]
fn a_stored_member_and_odd_ids_read_as_any_other() {
    let directory = TempDir::new().unwrap();
    let ids = [json!(7), json!("../x/y"), json!("a_epoch_3"), json!("ü \"'")];
    let samples: Vec<(String, Vec<u8>)> = ids
        .iter()
        .map(|id| (format!("samples/{id}_epoch_1.json"), sample(id, 1).to_string().into_bytes()))
        .collect();
    let mut members: Vec<(&str, Vec<u8>)> =
        samples.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
    members.push(("header.json", header().to_string().into_bytes()));
    let sink = collect(&[archive(directory.path(), &members)], None).unwrap();
    let tasks: Vec<&str> = sink.trials.iter().map(|found| found.task.as_str()).collect();
    assert_eq!(tasks, ["t/7", "t/../x/y", "t/a_epoch_3", "t/ü \"'"]);
}

#[test]
fn a_member_of_several_frames_is_read_to_its_end() {
    let directory = TempDir::new().unwrap();
    let text = sample(&json!("a"), 1).to_string();
    let (one, two) = text.as_bytes().split_at(20);
    let frames = [zstd::encode_all(one, 3).unwrap(), zstd::encode_all(two, 3).unwrap()].concat();
    // Written as stored, and then said to be zstd, in the member's own header and in the list of members.
    let path = archive(
        directory.path(),
        &[("samples/a_epoch_1.json", frames), ("header.json", header().to_string().into_bytes())],
    );
    let mut bytes = fs_err::read(&path).unwrap();
    let list = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let sum = crc32fast_of(text.as_bytes());
    for (method, check, size) in [(8, 14, 22), (list + 10, list + 16, list + 24)] {
        bytes[method..method + 2].copy_from_slice(&93_u16.to_le_bytes());
        bytes[check..check + 4].copy_from_slice(&sum.to_le_bytes());
        bytes[size..size + 4].copy_from_slice(&(text.len() as u32).to_le_bytes());
    }
    fs_err::write(&path, bytes).unwrap();
    assert_eq!(collect(&[path], None).unwrap().trials.len(), 1);
}

/// The check sum of archives, bit by bit.
fn crc32fast_of(bytes: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| {
        (0..8).fold(
            sum ^ u32::from(*byte),
            |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xEDB8_8320 } else { sum >> 1 },
        )
    };
    !bytes.iter().fold(!0, step)
}

#[test]
fn what_is_no_log_is_refused_with_what_was_expected() {
    let directory = TempDir::new().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        fs_err::write(&path, bytes).unwrap();
        path
    };
    assert!(
        error(&directory.path().join("absent")).contains("expected a log of Inspect or a directory of logs")
    );
    assert!(error(&file("a.eval", b"not an archive")).contains("is no log of Inspect; expected an archive"));
    assert!(error(&file("b.json", b"[1]")).contains("is no log of Inspect"));
    assert!(error(&file("c.json", b"{}")).contains("lacks `/eval`"));
    assert!(error(&file("d.json", br#"{"eval": {"model": "m"}}"#)).contains("missing field `task`"));
    assert!(error(&file("e.eval", b"PK\x03\x04 and no more")).contains("cannot be opened as an archive"));
    let empty = TempDir::new().unwrap();
    assert!(error(empty.path()).contains("holds no log of Inspect"));
}

#[test]
fn a_broken_sample_is_named() {
    let directory = TempDir::new().unwrap();
    let header = header().to_string();
    let log = |samples: &str| {
        let path = directory.path().join("log.json");
        let whole = format!("{},\"samples\":[{samples}]}}", header.strip_suffix('}').unwrap());
        fs_err::write(&path, whole).unwrap();
        error(&path)
    };
    let good = sample(&json!("a"), 1).to_string();
    assert!(log(&format!("{good},{{\"id\": 1}}")).contains("/samples/1: is not what was expected"));
    assert!(log(r#"{"id": 1, "epoch": -1}"#).contains("a count, a whole number from 0"));
    assert!(log(r#"{"id": 1, "epoch": 1, "total_time": -2}"#).contains("a number from 0"));
    assert!(log(r#"{"id": [1], "epoch": 1}"#).contains("a sample's id, a text or a whole number"));
    assert!(log("NaNs").contains("/samples/0"));
    let member = archive(
        directory.path(),
        &[("header.json", header.clone().into_bytes()), ("samples/a_epoch_1.json", b"{".to_vec())],
    );
    let text = error(&member);
    assert!(
        text.contains("member samples/a_epoch_1.json: is not what was expected") && text.contains("line 1"),
        "{text}"
    );
}

#[test]
fn members_with_large_sizes_and_a_list_beyond_the_old_limits_read() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("log.eval");
    let mut zip = ZipWriter::new(fs_err::File::create(&path).unwrap());
    let large = SimpleFileOptions::default().compression_method(CompressionMethod::Zstd).large_file(true);
    zip.start_file("header.json", large).unwrap();
    zip.write_all(header().to_string().as_bytes()).unwrap();
    // The old list of members counts to 65,535.
    for number in 0..65_600 {
        zip.start_file(format!("other/{number}.json"), large.compression_method(CompressionMethod::Stored))
            .unwrap();
    }
    zip.start_file("samples/a_epoch_1.json", large).unwrap();
    zip.write_all(sample(&json!("a"), 1).to_string().as_bytes()).unwrap();
    zip.finish().unwrap();
    assert_eq!(collect(&[path], None).unwrap().trials.len(), 1);
}

#[test]
fn a_sample_in_both_shapes_is_read_once_and_its_texts_found_by_number() {
    let directory = TempDir::new().unwrap();
    let mut shell = sample(&json!("b"), 1);
    shell["message_refs"] = json!([[0, 1]]);
    let bytes = |value: &Value| value.to_string().into_bytes();
    let members = [
        ("_journal/start.json", bytes(&header())),
        ("samples/a_epoch_1.json", bytes(&sample(&json!("a"), 1))),
        ("samples/a_epoch_1/sample.json", bytes(&sample(&json!("a"), 1))),
        ("samples/b_epoch_1/sample.json", bytes(&shell)),
        ("samples/b_epoch_1/messages/0.json", br#"[{"role": "user", "content": "attachment://2"}]"#.to_vec()),
        ("samples/b_epoch_1/attachments/0.json", br#"["x", "y"]"#.to_vec()),
        ("samples/b_epoch_1/attachments/2.json", br#"["the words"]"#.to_vec()),
        (
            "_journal/summaries/1.json",
            br#"[{"id": "a", "epoch": 1}, {"id": "c", "epoch": 2, "x": NaN}]"#.to_vec(),
        ),
    ];
    let sink = collect(&[archive(directory.path(), &members)], None).unwrap();
    assert_eq!(sink.trials.len(), 2);
    let trajectory = sink.trials[1].evidence.trajectory.as_ref().unwrap();
    assert_eq!(trajectory["steps"][0]["message"], "the words");
    let unfinished: Vec<String> =
        sink.unfinished.iter().map(|unfinished| unfinished.place.to_string()).collect();
    assert!(unfinished.len() == 1 && unfinished[0].ends_with("sample `c` in epoch 2"), "{unfinished:?}");
}

#[test]
fn a_gap_between_chunks_is_an_error() {
    let directory = TempDir::new().unwrap();
    let members = |start: &str, refs: Value| {
        let mut shell = sample(&json!("a"), 1);
        shell["message_refs"] = refs;
        let messages = json!([{"role": "user", "content": "q"}]).to_string().into_bytes();
        let path = archive(
            directory.path(),
            &[
                ("header.json", header().to_string().into_bytes()),
                ("samples/a_epoch_1/sample.json", shell.to_string().into_bytes()),
                (&format!("samples/a_epoch_1/messages/{start}.json"), messages),
            ],
        );
        collect(&[path], None)
    };
    assert_eq!(members("0", json!([[0, 1]])).unwrap().trials.len(), 1);
    let gap = members("5", json!([[0, 1]])).unwrap_err().to_string();
    assert!(gap.contains("starts at 5 where the chunks before it end at 0"), "{gap}");
    let outside = members("0", json!([[0, 2]])).unwrap_err().to_string();
    assert!(outside.contains("from 0 to 2; expected a range among its 1 messages"), "{outside}");
    assert!(members("0", json!([[1, 0]])).is_err());
}

#[test]
fn deeply_nested_events_are_refused_without_a_crash() {
    let directory = TempDir::new().unwrap();
    let mut text =
        String::from(r#"{"version":2,"eval":{"task":"t"},"samples":[{"id":1,"epoch":1,"events":["#);
    text.push_str(&r#"{"event":"tool","events":["#.repeat(20_000));
    let path = directory.path().join("deep.json");
    fs_err::write(&path, text).unwrap();
    assert!(error(&path).contains("recursion limit"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_cut_or_changed_archive_never_panics(cut in 0_usize..20_000, at in 0_usize..20_000, byte in any::<u8>()) {
        let Some(path) = retrial_testkit::shared("fixtures/inspect/demo_zstd.eval") else { return Ok(()) };
        let directory = TempDir::new().unwrap();
        let mut bytes = fs_err::read(path).unwrap();
        let place = at % bytes.len();
        bytes[place] = byte;
        let broken = directory.path().join("broken.eval");
        fs_err::write(&broken, &bytes).unwrap();
        let _ = collect(std::slice::from_ref(&broken), None);
        bytes.truncate(cut % bytes.len());
        fs_err::write(&broken, &bytes).unwrap();
        prop_assert!(collect(&[broken], None).is_err());
    }

    #[test]
    fn a_cut_json_log_is_an_error(cut in 1_usize..120_000) {
        let Some(path) = retrial_testkit::shared("fixtures/inspect/demo.json") else { return Ok(()) };
        let directory = TempDir::new().unwrap();
        let bytes = fs_err::read(path).unwrap();
        let broken = directory.path().join("broken.json");
        fs_err::write(&broken, &bytes[..cut]).unwrap();
        prop_assert!(collect(&[broken], None).is_err());
    }
}
