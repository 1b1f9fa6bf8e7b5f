//! A log as one JSON text, `.json`, read as a stream: its samples are taken one by one.

use std::cell::Cell;
use std::fmt;
use std::io::{BufReader, Read};
use std::path::Path;
use std::rc::Rc;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::BareNumbers;
use super::context::{InLog, Reading};
use super::header::{Header, OpenLog};
use crate::{ImportError, Place};

/// How much is read at once.
const PIECE: usize = 256 * 1024;

/// Reads a log. Its header stands before its samples as Inspect writes it; where it does not, the text is read twice.
pub(super) fn read(path: &Path, reading: &mut Reading<'_>) -> Result<(), ImportError> {
    let mut pass = Pass::new(path, reading);
    let header = pass.read(Header::default())?;
    if let Some(log) = pass.log.take() {
        return reading.close(&log, Vec::new());
    }
    let has_samples = pass.has_late_header;
    let log = open(path, header)?;
    let log = reading.open(log);
    if !has_samples {
        return reading.close(&log, Vec::new());
    }
    let mut pass = Pass { log: Some(log), ..Pass::new(path, reading) };
    pass.read(Header::default())?;
    match pass.log.take() {
        Some(log) => reading.close(&log, Vec::new()),
        None => Ok(()),
    }
}

fn open(path: &Path, header: Header) -> Result<OpenLog, ImportError> {
    OpenLog::new(path, header)
        .ok_or_else(|| Place::file(path).error("lacks `/eval`; expected a log of Inspect"))
}

/// One walk through the text.
struct Pass<'p, 'a> {
    path: &'p Path,
    reading: &'p mut Reading<'a>,
    log: Option<InLog>,
    /// Whether samples stood before the header.
    has_late_header: bool,
    /// The sample at hand, from 0.
    index: Option<usize>,
    bytes: Rc<Cell<u64>>,
    /// Why the walk stopped, where it was not for the text.
    failure: Option<ImportError>,
}

impl<'p, 'a> Pass<'p, 'a> {
    fn new(path: &'p Path, reading: &'p mut Reading<'a>) -> Self {
        let bytes = Rc::new(Cell::new(0));
        Self { path, reading, log: None, has_late_header: false, index: None, bytes, failure: None }
    }

    fn read(&mut self, header: Header) -> Result<Header, ImportError> {
        let place = Place::file(self.path);
        let file = fs_err::File::open(self.path).map_err(|error| place.caused("cannot be read", error))?;
        let counted = Counted { inner: file, bytes: Rc::clone(&self.bytes) };
        let text = BareNumbers::new(BufReader::with_capacity(PIECE, counted));
        let mut text = serde_json::Deserializer::from_reader(BufReader::with_capacity(PIECE, text));
        let walked = Whole { pass: self, header }.deserialize(&mut text);
        let ended = walked.and_then(|header| text.end().map(|()| header));
        self.progress();
        ended.map_err(|error| {
            let place = match self.index {
                Some(index) => Place::within(self.path, format!("/samples/{index}")),
                None => place,
            };
            self.failure
                .take()
                .unwrap_or_else(|| place.caused("is not what was expected, a log of Inspect", error))
        })
    }

    fn progress(&mut self) {
        self.reading.sink.progress(self.bytes.take());
    }
}

/// Counts what is read.
struct Counted<R> {
    inner: R,
    bytes: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes.set(self.bytes.get() + read as u64);
        Ok(read)
    }
}

/// The whole text.
struct Whole<'w, 'p, 'a> {
    pass: &'w mut Pass<'p, 'a>,
    header: Header,
}

impl<'de> DeserializeSeed<'de> for Whole<'_, '_, '_> {
    type Value = Header;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Header, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Whole<'_, '_, '_> {
    type Value = Header;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a log of Inspect, a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Header, A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "status" => self.header.status = map.next_value()?,
                "eval" => self.header.eval = map.next_value()?,
                "plan" => self.header.plan = map.next_value()?,
                "results" => self.header.results = map.next_value()?,
                "samples" => {
                    if self.pass.log.is_none() && self.header.eval.is_some() {
                        let header = std::mem::take(&mut self.header);
                        let log = open(self.pass.path, header).map_err(A::Error::custom)?;
                        self.pass.log = Some(self.pass.reading.open(log));
                    }
                    map.next_value_seed(Samples { pass: self.pass })?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(self.header)
    }
}

/// The list of samples.
struct Samples<'w, 'p, 'a> {
    pass: &'w mut Pass<'p, 'a>,
}

impl<'de> DeserializeSeed<'de> for Samples<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Samples<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of samples")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut samples: A) -> Result<(), A::Error> {
        let Pass { path, reading, log, index, has_late_header, failure, bytes } = self.pass;
        let Some(log) = log else {
            *has_late_header = true;
            while samples.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        };
        for number in 0.. {
            *index = Some(number);
            let Some(sample) = samples.next_element()? else { break };
            let place = Place::within(path, format!("/samples/{number}"));
            if let Err(error) = reading.sample(log, place, sample) {
                *failure = Some(error);
                return Err(A::Error::custom("stopped"));
            }
            reading.sink.progress(bytes.take());
        }
        *index = None;
        Ok(())
    }
}
