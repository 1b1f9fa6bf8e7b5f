//! The values of one column of a Parquet table.

use jiff::Timestamp;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::schema::types::{ColumnDescPtr, ColumnDescriptor};
use serde_json::Value;

use super::cell::{Cell, Instant};

/// A cell that holds its text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum OwnedCell {
    Missing,
    Text(String),
    Flag(bool),
    Whole(i64),
    Unsigned(u64),
    Number(f64),
    Instant(Instant),
    List(Vec<Value>),
    Other(&'static str),
}

impl OwnedCell {
    /// Returns the cell as every format has it.
    pub(super) fn cell(&self) -> Cell<'_> {
        match self {
            // A table without nulls of numbers writes them as `NaN`.
            Self::Number(number) if number.is_nan() => Cell::Missing,
            Self::Missing => Cell::Missing,
            Self::Text(text) => Cell::Text(text),
            Self::Flag(flag) => Cell::Flag(*flag),
            Self::Whole(whole) => Cell::Whole(i128::from(*whole)),
            Self::Unsigned(whole) => Cell::Whole(i128::from(*whole)),
            Self::Number(number) => Cell::Number(*number),
            Self::Instant(instant) => Cell::Instant(*instant),
            Self::List(items) => Cell::List(items.into()),
            Self::Other(what) => Cell::Other(what),
        }
    }

    /// Returns the cell as an element of a list.
    fn item(self) -> Value {
        match self {
            Self::Text(text) => Value::String(text),
            _ => Value::Null,
        }
    }
}

/// Does what reads a foreign file. Its library panics at some damaged files, which is an error here.
///
/// # Errors
/// That of `read`, or one that tells of the panic.
pub(super) fn guarded<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    // What panicked is dropped with its reader: nobody sees it half changed.
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(read));
    done.unwrap_or_else(|_| Err(ParquetError::General("the file is damaged".to_owned())))
}

/// Reads the next rows of a column; fewer where it ends.
///
/// # Errors
/// [`ParquetError`] where its pages cannot be read.
pub(super) fn read_batch(
    reader: &mut ColumnReader,
    facts: &ColumnDescPtr,
    size: usize,
) -> Result<Vec<OwnedCell>, ParquetError> {
    match reader {
        ColumnReader::BoolColumnReader(reader) => read(reader, facts, size, |flag| OwnedCell::Flag(*flag)),
        ColumnReader::Int32ColumnReader(reader) => {
            read(reader, facts, size, |value| whole(i64::from(*value), facts))
        }
        ColumnReader::Int64ColumnReader(reader) => read(reader, facts, size, |value| whole(*value, facts)),
        ColumnReader::Int96ColumnReader(reader) => read(reader, facts, size, |_| {
            OwnedCell::Other("a time in 96 bits, which nothing states the zone of")
        }),
        // The shortest number that is this one: 0.1 stays 0.1.
        ColumnReader::FloatColumnReader(reader) => read(reader, facts, size, |value| {
            OwnedCell::Number(value.to_string().parse().unwrap_or(f64::NAN))
        }),
        ColumnReader::DoubleColumnReader(reader) => {
            read(reader, facts, size, |value| OwnedCell::Number(*value))
        }
        ColumnReader::ByteArrayColumnReader(reader) => read(reader, facts, size, |bytes| text(bytes, facts)),
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            read(reader, facts, size, |_| OwnedCell::Other("bytes of a fixed length"))
        }
    }
}

fn read<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    facts: &ColumnDescriptor,
    size: usize,
    convert: impl Fn(&T::T) -> OwnedCell,
) -> Result<Vec<OwnedCell>, ParquetError> {
    let (mut definitions, mut repetitions, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let (rows, _, levels) =
        reader.read_records(size, Some(&mut definitions), Some(&mut repetitions), &mut values)?;
    if facts.max_def_level() == 0 {
        return Ok(values.iter().map(convert).collect());
    }
    let mut values = values.iter();
    let mut cells: Vec<OwnedCell> = Vec::with_capacity(rows);
    for level in 0..levels {
        let definition = definitions.get(level).copied().unwrap_or(0);
        let repeats = repetitions.get(level).is_some_and(|repetition| *repetition > 0);
        let value = (definition == facts.max_def_level()).then(|| values.next()).flatten().map(&convert);
        if facts.max_rep_level() == 0 {
            cells.push(value.unwrap_or(OwnedCell::Missing));
        } else {
            extend_list(&mut cells, value, definition, repeats);
        }
    }
    Ok(cells)
}

/// Adds an element to the list of a row, or starts the next row.
fn extend_list(cells: &mut Vec<OwnedCell>, value: Option<OwnedCell>, definition: i16, repeats: bool) {
    if let (true, Some(OwnedCell::List(items))) = (repeats, cells.last_mut()) {
        items.push(value.map_or(Value::Null, OwnedCell::item));
        return;
    }
    cells.push(match value {
        Some(value) => OwnedCell::List(vec![value.item()]),
        None if definition == 0 => OwnedCell::Missing,
        None => OwnedCell::List(Vec::new()),
    });
}

fn whole(value: i64, facts: &ColumnDescriptor) -> OwnedCell {
    match (facts.logical_type_ref(), facts.converted_type()) {
        (Some(LogicalType::Timestamp(kind)), _) => instant(value, kind.unit, !kind.is_adjusted_to_u_t_c),
        (None, ConvertedType::TIMESTAMP_MILLIS) => instant(value, TimeUnit::MILLIS, false),
        (None, ConvertedType::TIMESTAMP_MICROS) => instant(value, TimeUnit::MICROS, false),
        (Some(LogicalType::Decimal(_)), _) | (_, ConvertedType::DECIMAL) => {
            OwnedCell::Other("a decimal number")
        }
        (Some(LogicalType::Date), _) | (_, ConvertedType::DATE) => OwnedCell::Other("a date without a time"),
        (Some(LogicalType::Time(_)), _) | (_, ConvertedType::TIME_MILLIS | ConvertedType::TIME_MICROS) => {
            OwnedCell::Other("a time without a date")
        }
        (_, ConvertedType::UINT_64) => OwnedCell::Unsigned(value as u64),
        (_, ConvertedType::UINT_32) => OwnedCell::Whole(i64::from(value as u32)),
        _ => OwnedCell::Whole(value),
    }
}

fn instant(value: i64, unit: TimeUnit, is_naive: bool) -> OwnedCell {
    let at = match unit {
        TimeUnit::MILLIS => Timestamp::from_millisecond(value),
        TimeUnit::MICROS => Timestamp::from_microsecond(value),
        TimeUnit::NANOS => Timestamp::from_nanosecond(i128::from(value)),
    };
    at.map_or(OwnedCell::Other("a time out of range"), |at| OwnedCell::Instant(Instant { at, is_naive }))
}

fn text(bytes: &ByteArray, facts: &ColumnDescriptor) -> OwnedCell {
    if facts.converted_type() == ConvertedType::DECIMAL {
        return OwnedCell::Other("a decimal number");
    }
    match str::from_utf8(bytes.data()) {
        Ok(text) => OwnedCell::Text(text.to_owned()),
        Err(_) => OwnedCell::Other("no UTF-8"),
    }
}
