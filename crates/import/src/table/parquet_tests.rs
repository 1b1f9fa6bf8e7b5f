//! Parquet as others write it: every compression, nulls, lists, times; and files that are damaged.

use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;
use retrial_spec::Verdict;

use super::{Mapping, read};
use crate::collected::Collected;

const SCHEMA: &str = "message trials {
    required binary task (UTF8);
    required binary agent (UTF8);
    optional boolean passed;
    optional double cost_usd;
    optional int64 started_at (TIMESTAMP(MICROS,false));
    optional group actions (LIST) { repeated group list { optional binary element (UTF8); } }
    optional group nested { optional int64 member; }
}";

/// A table of `rows` rows in groups of at most `group` rows: every second is passed, every third has no cost.
fn table(rows: usize, group: usize, compression: Compression) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    for start in (0..rows).step_by(group) {
        let own: Vec<usize> = (start..rows.min(start + group)).collect();
        let texts = |text: &dyn Fn(usize) -> String| -> Vec<ByteArray> {
            own.iter().map(|row| ByteArray::from(text(*row).as_str())).collect()
        };
        let defined: Vec<i16> = own.iter().map(|_| 1).collect();
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column
            .typed::<ByteArrayType>()
            .write_batch(&texts(&|row| format!("task-{row}")), None, None)
            .unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&texts(&|_| "mini".to_owned()), None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let passed: Vec<bool> = own.iter().map(|row| row % 2 == 0).collect();
        column.typed::<BoolType>().write_batch(&passed, Some(&defined), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let levels: Vec<i16> = own.iter().map(|row| i16::from(row % 3 != 0)).collect();
        let costs: Vec<f64> = own
            .iter()
            .filter(|row| *row % 3 != 0)
            .map(|row| if row % 3 == 1 { 0.25 } else { f64::NAN })
            .collect();
        column.typed::<DoubleType>().write_batch(&costs, Some(&levels), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let times: Vec<i64> = (1_767_323_045_000_000..).take(own.len()).collect();
        column.typed::<Int64Type>().write_batch(&times, Some(&defined), None).unwrap();
        column.close().unwrap();
        // Rows in turn: two actions, an empty list, no list.
        let mut column = group.next_column().unwrap().unwrap();
        let (mut values, mut definitions, mut repetitions) = (Vec::new(), Vec::new(), Vec::new());
        for row in &own {
            match row % 3 {
                0 => {
                    values.extend([ByteArray::from("bash"), ByteArray::from("edit")]);
                    definitions.extend([3, 3]);
                    repetitions.extend([0, 1]);
                }
                left => {
                    definitions.push(i16::from(left == 1));
                    repetitions.push(0);
                }
            }
        }
        column.typed::<ByteArrayType>().write_batch(&values, Some(&definitions), Some(&repetitions)).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let nothing: Vec<i16> = own.iter().map(|_| 0).collect();
        column.typed::<Int64Type>().write_batch(&[], Some(&nothing), None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

fn read_bytes(bytes: &[u8], said: &[&str]) -> Result<Collected, String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("t.parquet");
    fs_err::write(&file, bytes).unwrap();
    read_file(&file, said).map_err(|error| error.replace(&format!("{}/", directory.path().display()), ""))
}

fn read_file(file: &Path, said: &[&str]) -> Result<Collected, String> {
    let mut mapping = Mapping::default();
    for said in said {
        mapping.set(said).unwrap();
    }
    let mut sink = Collected::default();
    read(&[file.to_owned()], &mapping, &mut sink).map(|()| sink).map_err(|error| error.to_string())
}

#[test]
fn every_compression_reads_alike_over_batches_and_groups() {
    let zstd = Compression::ZSTD(ZstdLevel::default());
    let gzip = Compression::GZIP(parquet::basic::GzipLevel::default());
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, zstd, gzip] {
        let sink = read_bytes(&table(3500, 1500, compression), &[]).unwrap();
        assert_eq!(sink.trials.len(), 3500);
        for (row, found) in sink.trials.iter().enumerate() {
            assert_eq!(found.task, format!("task-{row}"));
            assert_eq!(found.place.within, Some(format!("row {}", row + 1)));
            assert_eq!(found.verdict, if row % 2 == 0 { Verdict::Passed } else { Verdict::Failed });
            assert_eq!(found.cost.value().map(|cost| cost.usd_micros), (row % 3 == 1).then_some(250_000));
            let actions = found.calls.value().map(Vec::len);
            assert_eq!(actions, [Some(2), Some(0), None][row % 3]);
        }
        assert_eq!(sink.trials[0].calls.value().unwrap()[1].name, "edit");
        assert_eq!(sink.doubts.len(), 1, "the times state no zone: {:?}", sink.doubts);
        assert_eq!(sink.left_out.len(), 1);
        assert!(sink.bytes > 1000);
    }
}

#[test]
fn a_column_of_another_kind_is_an_error_with_row_and_column() {
    let bytes = table(3, 3, Compression::UNCOMPRESSED);
    insta::assert_debug_snapshot!([
        read_bytes(&bytes, &["confidence=nested"]).unwrap_err(),
        read_bytes(&bytes, &["passed=", "reward=task"]).unwrap_err(),
        read_bytes(&bytes, &["task=actions"]).unwrap_err(),
        read_bytes(&table(0, 1, Compression::UNCOMPRESSED), &[]).unwrap_err(),
    ]);
}

#[test]
fn a_table_that_is_cut_is_an_error() {
    let bytes = table(50, 20, Compression::SNAPPY);
    for length in [0, 3, 4, 100, bytes.len() / 2, bytes.len() - 1] {
        let error = read_bytes(&bytes[..length], &[]).unwrap_err();
        assert!(error.starts_with("`t.parquet`"), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn a_damaged_table_is_read_or_refused(place in any::<prop::sample::Index>(), change in 1_u8..) {
        let mut bytes = table(10, 6, Compression::UNCOMPRESSED);
        let place = place.index(bytes.len());
        bytes[place] ^= change;
        let _ = read_bytes(&bytes, &[]);
    }
}
