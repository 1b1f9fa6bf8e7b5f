//! Server-sent events: the data of each event out of bytes that come in any pieces.
//!
//! Follows the WHATWG HTML standard, section 9.2.6, for what matters here: lines end in LF, CR or CRLF, lines that begin with a colon are
//! comments, the `data` lines of an event are joined by LF, and a byte order mark at the start is dropped. Other fields are ignored,
//! and bytes that are not UTF-8 are replaced. An event that is too long to be held is dropped, which is a fault.

use memchr::memchr2;

/// The longest event, and the longest line.
const EVENT_LIMIT: usize = 16 << 20;

/// Room that is kept from one event to the next.
const USUAL: usize = 16 << 10;

/// Finds the data of events.
#[derive(Debug, Default)]
pub(crate) struct Events {
    line: Vec<u8>,
    /// The lines of data of the event under way, each after an LF; empty where it has none.
    data: Vec<u8>,
    after_cr: bool,
    lines: u64,
    /// Whether the line under way, or the event, lost a part.
    is_line_torn: bool,
    is_event_torn: bool,
    dropped: u64,
}

impl Events {
    /// Takes the next piece and calls `event` with the data of each event that it completes.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], mut event: impl FnMut(&str)) {
        if self.after_cr && !bytes.is_empty() {
            self.after_cr = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = memchr2(b'\n', b'\r', bytes) {
            let line = &bytes[..end];
            let ended_by_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            if ended_by_cr && bytes.is_empty() {
                self.after_cr = true;
            } else if ended_by_cr {
                bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
            }
            self.end_line(line, &mut event);
        }
        self.extend_line(bytes);
    }

    /// Takes the end of the stream; returns what was wrong with it. An event that no blank line ended counts too, as clients take it.
    pub(crate) fn end(&mut self, mut event: impl FnMut(&str)) -> Option<String> {
        if !self.line.is_empty() || self.is_line_torn {
            self.end_line(&[], &mut event);
        }
        self.dispatch(&mut event);
        let dropped = self.dropped;
        (dropped > 0).then(|| format!("{dropped} events longer than {EVENT_LIMIT} bytes were not read"))
    }

    /// Returns how many bytes are held back until their line or event is whole.
    pub(crate) fn held(&self) -> usize {
        self.line.len() + self.data.len()
    }

    fn extend_line(&mut self, bytes: &[u8]) {
        if self.is_line_torn || self.held() + bytes.len() > EVENT_LIMIT {
            self.is_line_torn = true;
            self.line = Vec::new();
        } else {
            self.line.extend_from_slice(bytes);
        }
    }

    /// Ends the line under way with its last bytes. A line that came in one piece is not copied.
    fn end_line(&mut self, last: &[u8], event: &mut impl FnMut(&str)) {
        if self.line.is_empty() && !self.is_line_torn && self.held() + last.len() <= EVENT_LIMIT {
            return self.take_line(last, event);
        }
        self.extend_line(last);
        if std::mem::take(&mut self.is_line_torn) {
            self.is_event_torn = true;
            self.data = Vec::new();
            self.lines += 1;
            return;
        }
        let line = std::mem::take(&mut self.line);
        self.take_line(&line, event);
    }

    fn take_line(&mut self, mut line: &[u8], event: &mut impl FnMut(&str)) {
        if self.lines == 0 {
            line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        }
        self.lines += 1;
        if line.is_empty() {
            self.dispatch(event);
        } else if let Some(rest) = line.strip_prefix(b"data") {
            let value = match rest.split_first() {
                None => rest,
                Some((b':', value)) => value.strip_prefix(b" ").unwrap_or(value),
                Some(_) => return,
            };
            self.data.push(b'\n');
            self.data.extend_from_slice(value);
        }
    }

    fn dispatch(&mut self, event: &mut impl FnMut(&str)) {
        if std::mem::take(&mut self.is_event_torn) {
            self.dropped += 1;
        } else if let Some((_, data)) = self.data.split_first() {
            event(&String::from_utf8_lossy(data));
        }
        self.data.clear();
        self.data.shrink_to(USUAL);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
        let mut events = Events::default();
        let mut found = Vec::new();
        for piece in pieces {
            events.feed(piece, |data| found.push(data.to_owned()));
        }
        events.end(|data| found.push(data.to_owned()));
        found
    }

    #[test]
    fn every_kind_of_line_end_ends_a_line() {
        for end in ["\n", "\r", "\r\n"] {
            let text = format!("data: a{end}data: b{end}{end}: note{end}data:c{end}{end}");
            assert_eq!(parse([text.as_bytes()]), ["a\nb", "c"], "{end:?}");
        }
    }

    #[test]
    fn comments_other_fields_and_empty_events_are_no_data() {
        let text = ": hello\n\nevent: ping\nid: 4\nretry: 10\ndatax: no\n\n\n\ndata\n\ndata: x\n\n";
        assert_eq!(parse([text.as_bytes()]), ["", "x"]);
    }

    #[test]
    fn a_last_event_without_a_blank_line_counts() {
        assert_eq!(parse([&b"data: a\n\ndata: [DONE]"[..]]), ["a", "[DONE]"]);
        assert_eq!(parse([&b"data: a\n\n"[..]]), ["a"]);
    }

    #[test]
    fn what_is_not_utf_8_is_replaced_and_stops_nothing() {
        assert_eq!(parse([&b"\xef\xbb\xbfdata: a\xffb\n\ndata: c\n\n"[..]]), ["a\u{fffd}b", "c"]);
    }

    proptest! {
        #[test]
        fn the_pieces_do_not_matter(
            text in "(data: ?|: |event: |[a-zé\u{1f600}]{0,5}|\r\n|\n|\r){0,60}",
            cuts in proptest::collection::vec(0usize..200, 0..12),
        ) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]);
            prop_assert_eq!(parse(pieces), parse([bytes]));
            prop_assert_eq!(parse(bytes.chunks(1)), parse([bytes]));
        }

        #[test]
        fn any_bytes_are_taken_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            parse(bytes.chunks(7));
        }

        #[test]
        fn written_events_are_read(datas in proptest::collection::vec("[^\r\n]{1,20}", 0..8)) {
            let text = datas.iter().fold(String::new(), |text, data| text + "data: " + data + "\r\n\r\n");
            prop_assert_eq!(parse(text.as_bytes().chunks(3)), datas);
        }
    }
}
