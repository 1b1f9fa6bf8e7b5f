//! Plain tables without borders, readable in a log and at 80 columns.

use comfy_table::{ContentArrangement, Table, presets::NOTHING};

/// Writes rows under a header; no header line where it is empty. Ends with a line feed.
pub(crate) fn plain<const N: usize>(header: &[&str], rows: &[[String; N]]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if !header.is_empty() {
        table.set_header(header.iter().copied());
    }
    for row in rows {
        table.add_row(row.iter());
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let mut text: String = table.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    if text.is_empty() {
        text.push('\n');
    }
    text
}
