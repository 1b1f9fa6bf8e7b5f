//! Plain tables without borders, readable in a log and at 80 columns.

use comfy_table::{ContentArrangement, Table, presets::NOTHING};

/// Writes rows under a header; no header line where it is empty. Ends with a line feed.
pub(crate) fn plain<R: AsRef<[String]>>(header: &[&str], rows: &[R]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if !header.is_empty() {
        table.set_header(header.iter().copied());
    }
    for row in rows {
        table.add_row(row.as_ref());
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines: Vec<String> = table.lines().collect();
    lines.iter().flat_map(|line| [line.trim_end(), "\n"]).collect()
}
