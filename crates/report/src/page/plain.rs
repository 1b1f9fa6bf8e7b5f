//! Foreign text: made harmless to the eye. Markup is escaped where it is written.

use std::fmt::Write;

/// Returns text in which nothing acts on a reader's screen: colour codes of terminals are left out, and other control characters and
/// those that change the direction of writing are shown as signs.
pub(crate) fn plain(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\u{1b}' if rest.peek() == Some(&'[') => {
                rest.next();
                // A control sequence ends with its first character from `@` to `~`.
                let _ = rest.find(|end| ('@'..='~').contains(end));
            }
            '\r' if rest.peek() == Some(&'\n') => {}
            '\n' | '\t' => result.push(character),
            '\0'..='\u{1f}' => {
                result.push(char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}'));
            }
            '\u{7f}' => result.push('\u{2421}'),
            '\u{80}'..='\u{9f}' => result.push('\u{fffd}'),
            '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{2028}'
            | '\u{2029}' => {
                // Into a string nothing fails.
                let _ = write!(result, "⟨U+{:04X}⟩", u32::from(character));
            }
            _ => result.push(character),
        }
    }
    result
}

/// Returns the beginning of a text, of at most so many bytes and whole characters, and whether it is less than all.
pub(super) fn cut(text: &str, most: usize) -> (&str, bool) {
    let end = text.floor_char_boundary(most);
    text.get(..end).map_or((text, false), |start| (start, end < text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_of_terminals_are_left_out_and_other_control_characters_shown() {
        assert_eq!(plain("\u{1b}[31;1mred\u{1b}[0m\r\n\u{7}\0\u{1b}]0;x"), "red\n␇␀␛]0;x");
    }

    #[test]
    fn characters_that_turn_writing_around_are_named() {
        assert_eq!(plain("a\u{202e}b\u{2028}"), "a⟨U+202E⟩b⟨U+2028⟩");
    }

    #[test]
    fn a_cut_text_ends_with_a_whole_character() {
        assert_eq!(cut("aéb", 2), ("a", true));
        assert_eq!(cut("aéb", 9), ("aéb", false));
    }
}
