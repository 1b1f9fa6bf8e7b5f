//! What `docs/reports.md` says of columns is what is written.

use retrial_report::documented_columns;

#[test]
fn every_column_is_documented() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reports.md");
    let page = fs_err::read_to_string(path).unwrap();
    for table in documented_columns() {
        assert!(page.contains(&table), "`docs/reports.md` should hold:\n\n{table}");
    }
}
