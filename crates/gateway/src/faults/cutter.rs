//! Cuts the bytes of a stream of server-sent events after each event, and changes none of them.

use bytes::Bytes;

use crate::sse::Events;

/// An event longer than this is cut somewhere and taken for none.
const LONGEST: usize = 16 << 20;

/// Holds bytes back until their event is whole.
#[derive(Debug)]
pub(super) struct Cutter {
    held: Vec<u8>,
    /// Whether the line under way has no byte yet.
    is_line_empty: bool,
    /// A blank line ended with a carriage return, to which a line feed may still belong.
    ends_after_lf: bool,
    after_cr: bool,
}

impl Cutter {
    pub(super) fn new() -> Self {
        Self { held: Vec::new(), is_line_empty: true, ends_after_lf: false, after_cr: false }
    }

    /// Takes the next piece and returns the events that are whole now, each with the blank line that ends it.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Bytes> {
        let mut whole = Vec::new();
        for &byte in bytes {
            if std::mem::take(&mut self.ends_after_lf) {
                if byte == b'\n' {
                    self.held.push(byte);
                    self.after_cr = false;
                    whole.push(self.cut());
                    continue;
                }
                whole.push(self.cut());
            }
            self.held.push(byte);
            self.line(byte, &mut whole);
            if self.held.len() > LONGEST {
                whole.push(self.cut());
            }
        }
        whole
    }

    fn line(&mut self, byte: u8, whole: &mut Vec<Bytes>) {
        let after_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
        match byte {
            // The second half of a line end.
            b'\n' if after_cr => {}
            b'\n' if self.is_line_empty => whole.push(self.cut()),
            b'\r' if self.is_line_empty => self.ends_after_lf = true,
            b'\n' | b'\r' => self.is_line_empty = true,
            _ => self.is_line_empty = false,
        }
    }

    fn cut(&mut self) -> Bytes {
        // The line end that was just taken is the end of this event's last line, and the next line is empty so far; a line end
        // right after it makes an event without content, which holds no data.
        self.is_line_empty = true;
        std::mem::take(&mut self.held).into()
    }

    /// Returns what is left at the stream's end.
    pub(super) fn rest(&mut self) -> Bytes {
        self.ends_after_lf = false;
        self.cut()
    }
}

/// Returns the data of one event; none where it holds only comments, or nothing.
pub(super) fn data_of(event: &[u8]) -> Option<String> {
    let mut found = None;
    let mut events = Events::default();
    let mut take = |data: &str| found = Some(data.to_owned());
    events.feed(event, &mut take);
    events.end(&mut take);
    found
}

/// Returns an event with each line of its data broken off in the middle.
pub(super) fn broken(event: &[u8]) -> Bytes {
    let mut text = Vec::with_capacity(event.len());
    for line in event.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
        let end = line.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |last| last + 1);
        let start = match line.strip_prefix(b"data:") {
            Some(rest) => line.len() - rest.strip_prefix(b" ").unwrap_or(rest).len(),
            None => end,
        };
        let mut keep = start.min(end) + end.saturating_sub(start) / 2;
        // Not within a character: what is broken is the JSON.
        while keep < end && keep > start && line[keep] & 0xc0 == 0x80 {
            keep -= 1;
        }
        text.extend_from_slice(&line[..keep]);
        text.extend_from_slice(&line[end..]);
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(pieces: &[&[u8]]) -> Vec<Bytes> {
        let mut cutter = Cutter::new();
        let mut events: Vec<Bytes> = pieces.iter().flat_map(|piece| cutter.feed(piece)).collect();
        events.push(cutter.rest());
        events.retain(|event| !event.is_empty());
        events
    }

    #[test]
    fn events_are_cut_at_blank_lines_of_every_kind() {
        for end in ["\n", "\r", "\r\n"] {
            let events = [format!(": note{end}data: a{end}{end}"), format!("event: x{end}data: b{end}{end}")];
            assert_eq!(cut(&[events.concat().as_bytes()]), events, "{end:?}");
        }
    }

    #[test]
    fn a_broken_event_keeps_its_frame_and_no_valid_json() {
        let event = b"event: delta\r\ndata: {\"text\": \"gr\xc3\xbcn\"}\r\n\r\n";
        let broken = broken(event);
        assert!(broken.starts_with(b"event: delta\r\ndata: {\"text\"") && broken.ends_with(b"\r\n\r\n"));
        let data = data_of(&broken).unwrap();
        assert!(serde_json::from_str::<serde_json::Value>(&data).is_err(), "{data}");
        assert_eq!(super::broken(b"data: [DONE]\n\n"), &b"data: [DO\n\n"[..]);
        assert_eq!(super::broken(b": note\n\n"), &b": note\n\n"[..]);
    }

    proptest! {
        #[test]
        fn no_byte_is_lost_and_the_pieces_do_not_matter(
            text in "(data: ?|: |event: |[a-zé]{0,5}|\r\n|\n|\r){0,60}", size in 1_usize..9,
        ) {
            let bytes = text.as_bytes();
            let whole = cut(&[bytes]);
            prop_assert_eq!(whole.concat(), bytes);
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            prop_assert_eq!(cut(&pieces), whole);
        }

        #[test]
        fn the_events_hold_the_data_of_the_stream(text in "(data: |[a-z]{1,5}|\r\n|\n|\r|: ){0,60}") {
            let mut expected = Vec::new();
            let mut events = Events::default();
            events.feed(text.as_bytes(), |data| expected.push(data.to_owned()));
            events.end(|data| expected.push(data.to_owned()));
            let found: Vec<String> = cut(&[text.as_bytes()]).iter().filter_map(|event| data_of(event)).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn half_of_an_object_is_no_json(fields in proptest::collection::btree_map("[a-zé]{1,8}", "[^\u{0}-\u{1f}]{0,20}", 0..4)) {
            let event = format!("data: {}\n\n", serde_json::to_string(&fields).unwrap());
            let data = data_of(&broken(event.as_bytes())).unwrap();
            prop_assert!(serde_json::from_str::<serde_json::Value>(&data).is_err(), "{}", data);
        }
    }
}
