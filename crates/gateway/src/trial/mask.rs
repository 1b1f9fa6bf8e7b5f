//! What keeps the provider's key out of a sandbox even where the provider sends it back: every occurrence in a reply's headers and
//! body is overwritten, byte for byte, so that lengths stay as they were.
//!
//! A piece of the body that ends with what may be the beginning of the key is held back until it is clear that it is not; nothing
//! else of a reply waits. A key that was encoded or cut in two by other bytes is not recognised.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Response};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, SizeHint};

use crate::Secret;
use crate::upstream::{BoxError, ReplyBody};

/// Shorter keys are none, and would be found in innocent text.
const SHORTEST: usize = 8;

/// Returns the reply without the key.
pub(super) fn masked(response: Response<ReplyBody>, key: Option<&Secret>) -> Response<ReplyBody> {
    let Some(key) = key.map(Secret::reveal).filter(|key| key.len() >= SHORTEST) else { return response };
    let (mut head, inner) = response.into_parts();
    mask_headers(&mut head.headers, key.as_bytes());
    let body = MaskedBody { inner, mask: Mask::new(key.as_bytes()), waiting: None };
    Response::from_parts(head, body.boxed_unsync())
}

fn mask_headers(headers: &mut HeaderMap, key: &[u8]) {
    for value in headers.values_mut() {
        let mut bytes = BytesMut::from(value.as_bytes());
        if overwrite(&mut bytes, key) {
            // Stars are allowed wherever the key's letters were.
            *value = HeaderValue::from_bytes(&bytes).unwrap_or_else(|_| HeaderValue::from_static("***"));
        }
    }
}

/// Overwrites every occurrence of the key; returns whether there was one.
fn overwrite(bytes: &mut [u8], key: &[u8]) -> bool {
    let mut found = false;
    let mut place = 0;
    while let Some(step) = bytes[place..].iter().position(|byte| *byte == key[0]) {
        place += step;
        if bytes[place..].starts_with(key) {
            bytes[place..place + key.len()].fill(b'*');
            found = true;
        }
        place += 1;
    }
    found
}

/// Takes the key out of a text that comes in pieces.
#[derive(Debug)]
struct Mask {
    key: Vec<u8>,
    /// What may be the key's beginning.
    held: BytesMut,
}

impl Mask {
    fn new(key: &[u8]) -> Self {
        Self { key: key.to_vec(), held: BytesMut::new() }
    }

    /// Takes a piece and returns what may pass.
    fn take(&mut self, piece: Bytes) -> Bytes {
        if self.held.is_empty() && !piece.contains(&self.key[0]) {
            return piece;
        }
        let mut text = std::mem::take(&mut self.held);
        text.extend_from_slice(&piece);
        overwrite(&mut text, &self.key);
        let longest = text.len().min(self.key.len() - 1);
        let start = (text.len() - longest..text.len()).find(|start| self.key.starts_with(&text[*start..]));
        if let Some(start) = start {
            self.held = text.split_off(start);
        }
        text.freeze()
    }

    /// Returns what was held back, when nothing more comes.
    fn end(&mut self) -> Bytes {
        std::mem::take(&mut self.held).freeze()
    }
}

struct MaskedBody {
    inner: ReplyBody,
    mask: Mask,
    /// A frame that is no data and has to wait for what was held back.
    waiting: Option<Frame<Bytes>>,
}

impl Body for MaskedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(frame) = self.waiting.take() {
            return Poll::Ready(Some(Ok(frame)));
        }
        loop {
            let passed = match ready!(Pin::new(&mut self.inner).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(piece) => {
                        let passed = self.mask.take(piece);
                        // Nobody asks again after the last byte of a body of known length.
                        if self.inner.is_end_stream() {
                            [passed, self.mask.end()].concat().into()
                        } else {
                            passed
                        }
                    }
                    Err(frame) => {
                        let held = self.mask.end();
                        if held.is_empty() {
                            return Poll::Ready(Some(Ok(frame)));
                        }
                        self.waiting = Some(frame);
                        held
                    }
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    let held = self.mask.end();
                    return Poll::Ready((!held.is_empty()).then(|| Ok(Frame::data(held))));
                }
            };
            if !passed.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(passed))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream() && self.mask.held.is_empty() && self.waiting.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, held) = (self.inner.size_hint(), self.mask.held.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + held);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + held);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "sk-secret-1";

    fn through(pieces: &[&[u8]]) -> Vec<u8> {
        let mut mask = Mask::new(KEY.as_bytes());
        let mut passed: Vec<u8> = Vec::new();
        for piece in pieces {
            passed.extend_from_slice(&mask.take(Bytes::copy_from_slice(piece)));
        }
        passed.extend_from_slice(&mask.end());
        passed
    }

    #[test]
    fn a_key_is_overwritten_however_it_is_cut_and_lengths_stay() {
        let text = format!("a {KEY}{KEY} sk-sk-secret-1 sk-secret-2 sk-secr");
        let expected = "a ********************** sk-*********** sk-secret-2 sk-secr";
        for cut in 0..text.len() {
            let (left, right) = text.as_bytes().split_at(cut);
            assert_eq!(String::from_utf8(through(&[left, right])).unwrap(), expected, "{cut}");
        }
        let letters: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(through(&letters), expected.as_bytes());
    }

    #[test]
    fn nothing_but_a_keys_beginning_is_held_back() {
        let mut mask = Mask::new(KEY.as_bytes());
        let event = Bytes::from_static(b"data: {\"text\": \"sk-secret\"}\n\n");
        assert_eq!(mask.take(event.clone()), event);
        assert_eq!(&mask.take(Bytes::from_static(b"so sk-"))[..], b"so ");
    }

    #[test]
    fn a_header_with_the_key_is_overwritten() {
        let mut headers = HeaderMap::new();
        headers.insert("x-echo", HeaderValue::from_str(&format!("Bearer {KEY}")).unwrap());
        headers.insert("x-other", HeaderValue::from_static("sk-secret"));
        mask_headers(&mut headers, KEY.as_bytes());
        assert_eq!(
            (&headers["x-echo"], &headers["x-other"]),
            (&HeaderValue::from_static("Bearer ***********"), &HeaderValue::from_static("sk-secret"))
        );
    }

    proptest! {
        #[test]
        fn text_without_the_key_passes_as_it_is(
            pieces in proptest::collection::vec("[sk\\-ecrt ]{0,12}", 0..8),
        ) {
            let text = pieces.concat();
            prop_assume!(!text.contains(KEY));
            let pieces: Vec<&[u8]> = pieces.iter().map(String::as_bytes).collect();
            prop_assert_eq!(through(&pieces), text.into_bytes());
        }
    }
}
