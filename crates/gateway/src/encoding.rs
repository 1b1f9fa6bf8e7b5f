//! Compressed bodies: a copy is decompressed piece by piece as it passes, in bounded memory.

use std::io::{self, Write};

use brotli_decompressor::DecompressorWriter;
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Gzip.
    Gzip,
    /// Deflate, which some send with zlib's head, as it should be, and some without.
    Deflate,
    /// Brotli.
    Brotli,
    /// Zstandard.
    Zstd,
}

/// The largest window of Zstandard that is decoded, as its registration asks for: 8 MiB.
const ZSTD_WINDOW_LOG: u32 = 23;

/// The buffer between Brotli's decoder and what takes its output.
const BROTLI_BUFFER: usize = 16 << 10;

impl Coding {
    /// Returns how a body is compressed, or none where it is not.
    ///
    /// # Errors
    /// The header's text, where it names what cannot be decoded: another coding, or several on top of each other.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Option<Self>, String> {
        let values = headers.get_all(CONTENT_ENCODING).iter();
        let text: Vec<&str> = values.map(|value| value.to_str().unwrap_or("?")).collect();
        let text = text.join(",");
        let named = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let mut named = named.filter(|name| !name.eq_ignore_ascii_case("identity"));
        match (named.next(), named.next()) {
            (None, _) => Ok(None),
            (Some(name), None) => Self::named(name).map(Some).ok_or_else(|| name.to_owned()),
            (Some(_), Some(_)) => Err(text),
        }
    }

    fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            "br" => Some(Self::Brotli),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// Decompresses what is written to it and writes that to its sink, up to a limit.
pub(crate) struct Decoder<W: Write> {
    codec: Codec<W>,
}

enum Codec<W: Write> {
    /// Deflate before its first byte, which tells the two kinds apart.
    Undecided(Bounded<W>),
    Gzip(MultiGzDecoder<Bounded<W>>),
    Zlib(ZlibDecoder<Bounded<W>>),
    Deflate(DeflateDecoder<Bounded<W>>),
    Brotli(Box<DecompressorWriter<Bounded<W>>>),
    Zstd(zstd::stream::write::Decoder<'static, Bounded<W>>),
    /// Between two states.
    Gone,
}

/// Passes so many bytes on and no more.
struct Bounded<W> {
    inner: Option<W>,
    left: usize,
}

impl<W: Write> Decoder<W> {
    /// Makes a decoder that gives at most `limit` bytes.
    ///
    /// # Errors
    /// Where memory for it cannot be had.
    pub(crate) fn new(coding: Coding, sink: W, limit: usize) -> io::Result<Self> {
        let sink = Bounded { inner: Some(sink), left: limit };
        let codec = match coding {
            Coding::Gzip => Codec::Gzip(MultiGzDecoder::new(sink)),
            Coding::Deflate => Codec::Undecided(sink),
            Coding::Brotli => Codec::Brotli(Box::new(DecompressorWriter::new(sink, BROTLI_BUFFER))),
            Coding::Zstd => {
                let mut decoder = zstd::stream::write::Decoder::new(sink)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Codec::Zstd(decoder)
            }
        };
        Ok(Self { codec })
    }

    /// Takes the next piece; what it decompresses to has reached the sink when this returns.
    ///
    /// # Errors
    /// Where it is not what it should be, or comes to more than the limit.
    pub(crate) fn take(&mut self, piece: &[u8]) -> io::Result<()> {
        let Some(first) = piece.first() else { return Ok(()) };
        if matches!(self.codec, Codec::Undecided(_))
            && let Codec::Undecided(sink) = std::mem::replace(&mut self.codec, Codec::Gone)
        {
            // Zlib's first byte: method 8, window of at most 32 KiB. Without it, these bits would be a stored block whose padding is
            // not zero.
            let is_zlib = first & 0x0f == 8 && first >> 4 <= 7;
            self.codec = if is_zlib {
                Codec::Zlib(ZlibDecoder::new(sink))
            } else {
                Codec::Deflate(DeflateDecoder::new(sink))
            };
        }
        let codec: &mut dyn Write = match &mut self.codec {
            Codec::Gzip(codec) => codec,
            Codec::Zlib(codec) => codec,
            Codec::Deflate(codec) => codec,
            Codec::Brotli(codec) => codec,
            Codec::Zstd(codec) => codec,
            Codec::Undecided(_) | Codec::Gone => return Ok(()),
        };
        codec.write_all(piece)?;
        codec.flush()
    }

    /// Takes the end, where the coding says whether it is one.
    fn end(&mut self) -> io::Result<()> {
        match &mut self.codec {
            Codec::Gzip(codec) => codec.try_finish(),
            Codec::Brotli(codec) => codec.close(),
            _ => Ok(()),
        }
    }

    /// Returns the sink.
    pub(crate) fn sink(&self) -> Option<&W> {
        let bounded = match &self.codec {
            Codec::Undecided(sink) => sink,
            Codec::Gzip(codec) => codec.get_ref(),
            Codec::Zlib(codec) => codec.get_ref(),
            Codec::Deflate(codec) => codec.get_ref(),
            Codec::Brotli(codec) => codec.get_ref(),
            Codec::Zstd(codec) => codec.get_ref(),
            Codec::Gone => return None,
        };
        bounded.inner.as_ref()
    }

    /// Takes the sink out; what is left in the decoder is dropped.
    pub(crate) fn into_sink(mut self) -> Option<W> {
        let bounded = match &mut self.codec {
            Codec::Undecided(sink) => sink,
            Codec::Gzip(codec) => codec.get_mut(),
            Codec::Zlib(codec) => codec.get_mut(),
            Codec::Deflate(codec) => codec.get_mut(),
            Codec::Brotli(codec) => codec.get_mut(),
            Codec::Zstd(codec) => codec.get_mut(),
            Codec::Gone => return None,
        };
        bounded.inner.take()
    }
}

impl<W: Write> std::fmt::Debug for Decoder<W> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Decoder").finish_non_exhaustive()
    }
}

impl<W: Write> Write for Bounded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Without a sink it is being dropped, and decoders write what they have left.
        let Some(inner) = &mut self.inner else { return Ok(bytes.len()) };
        if bytes.len() > self.left {
            return Err(io::Error::other("it decompresses to more than is read"));
        }
        let written = inner.write(bytes)?;
        self.left -= written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Decompresses a whole body.
///
/// # Errors
/// Where it is not what it should be, or comes to more than `limit` bytes.
pub(crate) fn decompress(coding: Coding, body: &[u8], limit: usize) -> io::Result<Vec<u8>> {
    let mut decoder = Decoder::new(coding, Vec::new(), limit)?;
    decoder.take(body)?;
    decoder.end()?;
    Ok(decoder.into_sink().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    /// Brotli's form for bytes that are left as they are: a head of window and length, the bytes, and the empty last block.
    fn brotli(bytes: &[u8]) -> Vec<u8> {
        let blocks = bytes.chunks(1 << 16).enumerate().flat_map(|(place, block)| {
            // The first block follows the one bit that says how long the window is.
            let shift = u32::from(place == 0);
            let head = (((block.len() as u32 - 1) << 3) | (1 << 19)) << shift;
            head.to_le_bytes()[..3].iter().copied().chain(block.iter().copied()).collect::<Vec<_>>()
        });
        let start: &[u8] = if bytes.is_empty() { &[0x06] } else { &[] };
        let end: &[u8] = if bytes.is_empty() { &[] } else { &[0x03] };
        start.iter().copied().chain(blocks).chain(end.iter().copied()).collect()
    }

    fn forms(bytes: &[u8]) -> [(Coding, Vec<u8>); 5] {
        let level = Compression::default();
        let mut gzip = GzEncoder::new(Vec::new(), level);
        let mut zlib = ZlibEncoder::new(Vec::new(), level);
        let mut deflate = DeflateEncoder::new(Vec::new(), level);
        for encoder in [&mut gzip as &mut dyn Write, &mut zlib, &mut deflate] {
            encoder.write_all(bytes).unwrap();
        }
        [
            (Coding::Gzip, gzip.finish().unwrap()),
            (Coding::Deflate, zlib.finish().unwrap()),
            (Coding::Deflate, deflate.finish().unwrap()),
            (Coding::Zstd, zstd::encode_all(bytes, 3).unwrap()),
            (Coding::Brotli, brotli(bytes)),
        ]
    }

    #[test]
    fn what_a_brotli_encoder_made_of_a_repeated_text_is_read() {
        let form = [
            0x1b, 0x07, 0x02, 0xf8, 0x1d, 0x09, 0x76, 0x6c, 0xca, 0xba, 0xb8, 0xe8, 0xb3, 0x04, 0x21, 0x43,
            0x6b, 0x05, 0x1d, 0x36, 0x3a, 0x1d, 0x56, 0xc6, 0xf6, 0x26, 0x08, 0x8c, 0x06, 0xae, 0x8d, 0xd1,
            0xd6, 0x00,
        ];
        let text = decompress(Coding::Brotli, &form, 1 << 20).unwrap();
        assert_eq!(text, "data: hello\n\n".repeat(40).as_bytes());
    }

    #[test]
    fn a_small_body_that_grows_without_end_is_stopped_at_the_limit() {
        let zeros = vec![0; 8 << 20];
        for (coding, form) in forms(&zeros) {
            assert!(decompress(coding, &form, (8 << 20) - 1).is_err(), "{coding:?}");
            assert_eq!(decompress(coding, &form, 8 << 20).unwrap().len(), 8 << 20, "{coding:?}");
        }
    }

    #[test]
    fn the_header_names_one_coding_at_most() {
        let of = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(text));
            Coding::of(&headers)
        };
        assert_eq!(of("GZIP, identity"), Ok(Some(Coding::Gzip)));
        assert_eq!((of("identity"), of("")), (Ok(None), Ok(None)));
        assert_eq!(of("compress"), Err("compress".to_owned()));
        assert_eq!(of("gzip, br"), Err("gzip, br".to_owned()));
        assert_eq!(Coding::of(&HeaderMap::new()), Ok(None));
    }

    proptest! {
        #[test]
        fn what_was_compressed_comes_out_in_whatever_pieces_it_goes_in(
            bytes in proptest::collection::vec(any::<u8>(), 0..2000),
            repeats in 1usize..60,
            length in 1usize..400,
        ) {
            let bytes = bytes.repeat(repeats);
            for (coding, form) in forms(&bytes) {
                let mut decoder = Decoder::new(coding, Vec::new(), usize::MAX).unwrap();
                for piece in form.chunks(length) {
                    decoder.take(piece).unwrap();
                }
                prop_assert_eq!(decoder.sink().unwrap(), &bytes, "{:?}", coding);
                prop_assert_eq!(&decoder.into_sink().unwrap(), &bytes);
            }
        }

        #[test]
        fn any_bytes_are_taken_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd] {
                let mut decoder = Decoder::new(coding, Vec::new(), 1 << 20).unwrap();
                let _ = bytes.chunks(13).try_for_each(|piece| decoder.take(piece));
                prop_assert!(decoder.into_sink().is_some());
            }
        }
    }
}
