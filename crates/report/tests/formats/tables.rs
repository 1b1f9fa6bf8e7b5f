//! Tables, read back.

use std::collections::BTreeMap;

use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use retrial_metrics::{Bounds, Settings, Value};
use retrial_report::{Report, RunOutcomes, TableError, TableFormat, TrialTable, write_measures};
use retrial_spec::{Fact, ReplayFacts, RunId, TrialRecord};
use retrial_testkit::{Change, SyntheticRun, measured_mut};

use crate::fixture::{manifest, records, report, report_of, reported};

/// A row by column; missing cells are left out.
type Row = BTreeMap<String, String>;

fn trials(report: &Report, records: &[TrialRecord], format: TableFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    let outcomes = RunOutcomes::of(&report.runs[0]);
    let mut table = TrialTable::new(format, &mut bytes).unwrap();
    for record in records {
        table.add(&outcomes, record).unwrap();
    }
    table.finish().unwrap();
    bytes
}

fn measures(report: &Report, format: TableFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_measures(report, format, &mut bytes).unwrap();
    bytes
}

fn csv_rows(bytes: &[u8]) -> (Vec<String>, Vec<Row>) {
    let mut reader = csv::Reader::from_reader(bytes);
    let columns: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let row = |record: csv::StringRecord| {
        let cells = columns.iter().zip(record.iter()).filter(|(_, cell)| !cell.is_empty());
        // One apostrophe before a text is never part of it.
        cells.map(|(name, cell)| (name.clone(), cell.strip_prefix('\'').unwrap_or(cell).to_owned())).collect()
    };
    let rows = reader.records().map(|record| row(record.unwrap())).collect();
    (columns, rows)
}

/// The rows of JSON Lines that have exactly these columns.
fn json_rows(columns: Vec<String>, bytes: &[u8]) -> (Vec<String>, Vec<Row>) {
    let written = |value: &serde_json::Value| match value {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) if number.is_f64() => Some(number.as_f64().unwrap().to_string()),
        other => Some(other.to_string()),
    };
    let row = |line: &str| {
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
        assert!(
            columns.iter().all(|name| object.contains_key(name)) && object.len() == columns.len(),
            "{line}"
        );
        assert!(line.starts_with(&format!("{{\"{}\":", columns[0])), "{line}");
        object.iter().filter_map(|(name, value)| Some((name.clone(), written(value)?))).collect()
    };
    let rows = std::str::from_utf8(bytes).unwrap().lines().map(row).collect();
    (columns, rows)
}

fn parquet_rows(bytes: Vec<u8>) -> (Vec<String>, Vec<Row>) {
    let reader = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr();
    let columns = schema.columns().iter().map(|column| column.name().to_owned()).collect();
    let written = |field: &Field| match field {
        Field::Null => None,
        Field::Str(text) => Some(text.clone()),
        Field::Long(count) => Some(count.to_string()),
        Field::Double(number) => Some(number.to_string()),
        Field::Bool(flag) => Some(flag.to_string()),
        Field::Date(days) => {
            Some((jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(*days)).to_string())
        }
        Field::TimestampMicros(moment) => {
            Some(jiff::Timestamp::from_microsecond(*moment).unwrap().to_string())
        }
        other => panic!("no column has {other:?}"),
    };
    let row = |row: parquet::record::Row| {
        row.get_column_iter().filter_map(|(name, field)| Some((name.clone(), written(field)?))).collect()
    };
    let rows = reader.get_row_iter(None).unwrap().map(|read| row(read.unwrap())).collect();
    (columns, rows)
}

#[test]
fn all_formats_hold_the_same_columns_and_rows() {
    let report = report();
    let by_csv = csv_rows(&trials(&report, &records(), TableFormat::Csv));
    assert_eq!(by_csv, parquet_rows(trials(&report, &records(), TableFormat::Parquet)));
    assert_eq!(by_csv, json_rows(by_csv.0.clone(), &trials(&report, &records(), TableFormat::JsonLines)));
    assert_eq!(by_csv.1.len(), 96);
    let by_csv = csv_rows(&measures(&report, TableFormat::Csv));
    assert_eq!(by_csv, parquet_rows(measures(&report, TableFormat::Parquet)));
    assert_eq!(by_csv, json_rows(by_csv.0.clone(), &measures(&report, TableFormat::JsonLines)));
}

#[test]
fn the_table_of_trials_says_what_the_records_say() {
    let records = records();
    let (_, rows) = csv_rows(&trials(&report(), &records, TableFormat::Csv));
    assert_eq!(rows.len(), records.len());
    for (row, record) in rows.iter().zip(&records) {
        let cell = |name: &str| row.get(name).cloned();
        let count = |name: &str| cell(name).map(|text| text.parse::<u64>().unwrap());
        let id = &record.trial;
        assert_eq!(cell("task").as_deref(), Some(id.task.as_str()));
        assert_eq!(cell("agent").as_deref(), Some(id.agent.as_str()));
        assert_eq!(count("number"), Some(u64::from(id.number)));
        assert_eq!(cell("ending").as_deref(), Some(record.ending.as_str()));
        assert_eq!(cell("verdict").as_deref(), Some(record.verdict.as_str()));
        let usage = record.usage.value();
        assert_eq!(count("uncached_input_tokens"), usage.map(|usage| usage.uncached_input));
        assert_eq!(count("cache_read_tokens"), usage.and_then(|usage| usage.cache_read));
        assert_eq!(count("cache_write_tokens"), None);
        assert_eq!(count("reasoning_tokens"), usage.and_then(|usage| usage.reasoning));
        assert_eq!(count("total_tokens"), usage.map(retrial_spec::Usage::total));
        assert_eq!(count("cost_usd_micros"), record.cost.value().map(|cost| cost.usd_micros));
        let day = record.cost.value().and_then(|cost| cost.priced_on);
        assert_eq!(cell("priced_on"), day.map(|day| day.to_string()));
        let confidence = cell("confidence").map(|text| text.parse::<f64>().unwrap());
        assert_eq!(confidence, record.confidence.value().copied());
        assert_eq!(cell("confidence_missing").is_some(), matches!(record.confidence, Fact::Missing(_)));
        assert_eq!(count("working_ms"), record.times.working_ms());
        assert_eq!(cell("started_at").as_deref(), Some("2026-01-02T03:04:05Z"));
    }
}

#[test]
fn what_trials_count_as_adds_up_to_the_scorecard() {
    let report = report();
    let (_, rows) = csv_rows(&trials(&report, &records(), TableFormat::Csv));
    for card in &report.runs[0].scored.scorecards {
        let counted = |what: &str| {
            rows.iter().filter(|row| row["agent"] == card.agent.as_str() && row["counts_as"] == what).count()
                as u64
        };
        let of = &card.denominators;
        assert_eq!(
            [counted("passed"), counted("failed"), counted("excluded")],
            [of.passed, of.failed, of.excluded]
        );
    }
}

#[test]
fn the_table_of_measures_says_what_the_scorecards_say() {
    let report = report();
    let (_, rows) = parquet_rows(measures(&report, TableFormat::Parquet));
    let scored = &report.runs[0].scored;
    let all: Vec<_> = scored.scorecards.iter().flat_map(|card| &card.measures).collect();
    assert_eq!(rows.len(), all.len());
    let number = |row: &Row, name: &str| row.get(name).map(|text| text.parse::<f64>().unwrap());
    for (row, measure) in rows.iter().zip(all) {
        assert_eq!(row["measure"], measure.id.as_str());
        assert_eq!(row.get("k").cloned(), measure.k.map(|k| k.to_string()));
        match &measure.value {
            Value::Undefined(reason) => {
                assert_eq!(row["reason_code"], reason.code());
                for absent in ["point", "low", "high", "level", "method", "n_trials", "n_tasks"] {
                    assert!(!row.contains_key(absent), "{row:?}");
                }
            }
            Value::Estimate(found) => {
                assert_eq!(number(row, "point"), Some(found.point.value()));
                assert_eq!(row["n_trials"], found.n.trials.to_string());
                assert!(!row.contains_key("reason_code"));
                match &found.interval {
                    Bounds::Interval(known) => {
                        assert_eq!(number(row, "low"), Some(known.low.value()));
                        assert_eq!(number(row, "high"), Some(known.high.value()));
                        assert_eq!(row["method"], known.method.to_string());
                    }
                    Bounds::Undefined(reason) => {
                        assert_eq!(row["interval_reason_code"], reason.code());
                        assert!(!row.contains_key("low"));
                    }
                }
            }
        }
    }
}

#[test]
fn groups_and_robustness_have_rows_of_their_own() {
    let synthetic = SyntheticRun { agents: 1, tasks: 4, trials: 4, actions: 5, with_faults: true, seed: 1 };
    let settings = Settings { groups: retrial_metrics::GroupBy::Task, ..Settings::default() };
    let records: Vec<TrialRecord> = synthetic.records().collect();
    let report = report_of(vec![reported(&synthetic.manifest(), &records, &settings)]);
    let (_, rows) = csv_rows(&measures(&report, TableFormat::Csv));
    let scored = &report.runs[0].scored;
    let of_block = |block: &str| rows.iter().filter(|row| row["block"] == block).count();
    assert_eq!(
        of_block("scorecard"),
        scored.scorecards.iter().map(|card| card.measures.len()).sum::<usize>()
    );
    assert_eq!(of_block("group"), scored.groups.iter().map(|card| card.measures.len()).sum::<usize>());
    assert_eq!(
        of_block("robustness"),
        scored.robustness.iter().map(|block| block.measures.len()).sum::<usize>()
    );
    assert!(of_block("group") > 0 && of_block("robustness") > 0);
    assert!(rows.iter().filter(|row| row["block"] == "group").all(|row| row.contains_key("group")));
}

#[test]
fn a_cause_that_looks_like_a_formula_is_guarded_in_csv_alone() {
    let mut records = records();
    let place = records.iter().position(|record| record.ending.as_str() == "infrastructure").unwrap();
    records[place] = records[place].clone().leaves("a", "=cmd()");
    let text = String::from_utf8(trials(&report(), &records, TableFormat::Csv)).unwrap();
    assert!(text.contains(",'=cmd(),"), "{text}");
    let (_, rows) = parquet_rows(trials(&report(), &records, TableFormat::Parquet));
    assert_eq!(rows[place]["patch"], "=cmd()");
}

#[test]
fn times_of_a_replayed_run_are_missing() {
    let mut manifest = manifest();
    measured_mut(&mut manifest).replay_of =
        Some(ReplayFacts { run: RunId::new("first").unwrap(), path: "results/first".to_owned() });
    let report = report_of(vec![reported(&manifest, &records(), &Settings::default())]);
    let (_, rows) = csv_rows(&trials(&report, &records(), TableFormat::Csv));
    assert!(rows.iter().all(|row| row.keys().all(|name| !name.ends_with("_ms"))));
    assert!(rows.iter().all(|row| row.contains_key("started_at")));
}

#[test]
fn a_number_that_no_column_holds_is_refused() {
    let report = report();
    let outcomes = RunOutcomes::of(&report.runs[0]);
    let huge = records()[0].clone().costs(u64::MAX);
    for format in [TableFormat::Csv, TableFormat::Parquet] {
        let error = TrialTable::new(format, Vec::new()).unwrap().add(&outcomes, &huge).unwrap_err();
        let expected = TableError::TooLarge { column: "cost_usd_micros", value: u64::MAX };
        assert_eq!(error.to_string(), expected.to_string());
    }
}

#[test]
fn many_rows_are_written_in_groups_and_come_back_in_order() {
    let report = report();
    let one = records();
    let many: Vec<TrialRecord> = one.iter().cycle().take(45_000).cloned().collect();
    let bytes = trials(&report, &many, TableFormat::Parquet);
    let reader = SerializedFileReader::new(Bytes::from(bytes.clone())).unwrap();
    let groups: Vec<i64> = reader
        .metadata()
        .row_groups()
        .iter()
        .map(parquet::file::metadata::RowGroupMetaData::num_rows)
        .collect();
    assert_eq!(groups, [20_000, 20_000, 5_000]);
    let (_, rows) = parquet_rows(bytes);
    assert_eq!(rows.len(), many.len());
    for (place, row) in rows.iter().enumerate().step_by(997) {
        assert_eq!(row["task"], one[place % one.len()].trial.task.as_str());
    }
}

#[test]
fn tables_of_the_small_run() {
    let trials = String::from_utf8(trials(&report(), &records(), TableFormat::Csv)).unwrap();
    let measures = String::from_utf8(measures(&report(), TableFormat::Csv)).unwrap();
    let first = |text: &str, lines: usize| text.lines().take(lines).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(format!("{}\n\n{}", first(&trials, 30), first(&measures, 60)));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let report = report();
    for format in [TableFormat::Csv, TableFormat::Parquet] {
        assert_eq!(trials(&report, &records(), format), trials(&report, &records(), format));
        assert_eq!(measures(&report, format), measures(&report, format));
    }
}
