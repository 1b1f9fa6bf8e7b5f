//! Rows of fixed columns that fit 80 characters.

/// Writes one row: each cell padded to its width, or cut to it with a mark. Ends with a line feed.
pub(super) fn row(widths: &[usize], cells: &[&str]) -> String {
    let mut line = String::new();
    for (width, cell) in widths.iter().zip(cells) {
        line.push_str(&pad(cell, *width));
    }
    format!("{}\n", line.trim_end())
}

/// Pads to the width, or cuts with a mark so that a space is left.
pub(super) fn pad(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length < width {
        return format!("{text}{}", " ".repeat(width - length));
    }
    let kept: String = text.chars().take(width.saturating_sub(2)).collect();
    format!("{kept}… ")
}

/// Says how many rows are left out; nothing where none is.
pub(super) fn rule(left: usize, what: &str) -> String {
    if left == 0 { String::new() } else { format!("… and {left} more {what}\n") }
}

/// Wraps a paragraph at 80 characters, with its further lines indented. Ends with a line feed.
pub(super) fn paragraph(text: &str) -> String {
    let options = textwrap::Options::new(80)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .subsequent_indent("  ");
    textwrap::fill(text, options) + "\n"
}
