//! Tables as Apache Parquet, column by column, without arrow.

use std::io::Write;
use std::marker::PhantomData;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::column::writer::ColumnWriterImpl;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

use super::{Cell, Column, Kind, TABLES_VERSION, Table, TableError};

/// Rows that are kept in memory before they are written: a few tens of megabytes at most.
const GROUP: usize = 20_000;

/// Writes a table as Parquet.
pub(super) struct Sink<T, W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: Vec<Values>,
    rows: usize,
    table: PhantomData<T>,
}

impl<T: Table, W: Write + Send> Sink<T, W> {
    pub(super) fn new(to: W) -> Result<Self, TableError> {
        let facts = [("retrial.table", T::NAME.to_owned()), ("retrial.schema", TABLES_VERSION.to_string())];
        let facts = facts.map(|(key, value)| KeyValue::new(key.to_owned(), value)).into();
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("retrial-report ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_key_value_metadata(Some(facts))
            .build();
        let writer = SerializedFileWriter::new(to, schema::<T>()?, Arc::new(properties))?;
        Ok(Self { writer, columns: empty::<T>(), rows: 0, table: PhantomData })
    }

    pub(super) fn add(&mut self, row: &T::Row<'_>) -> Result<(), TableError> {
        for (Column { name, cell, .. }, values) in T::COLUMNS.iter().zip(&mut self.columns) {
            values.push(cell(row)).map_err(|value| TableError::TooLarge { column: name, value })?;
        }
        self.rows += 1;
        if self.rows == GROUP { self.write_group() } else { Ok(()) }
    }

    fn write_group(&mut self) -> Result<(), TableError> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for values in std::mem::replace(&mut self.columns, empty::<T>()) {
            let Some(column) = group.next_column()? else {
                return Err(ParquetError::General("a column has no place in the schema".to_owned()).into());
            };
            values.write(column)?;
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), TableError> {
        self.write_group()?;
        self.writer.close()?;
        Ok(())
    }
}

fn schema<T: Table>() -> Result<TypePtr, ParquetError> {
    let field = |column: &Column<T>| {
        let (physical, logical) = types(column.kind);
        Type::primitive_type_builder(column.name, physical)
            .with_logical_type(logical)
            .with_repetition(Repetition::OPTIONAL)
            .build()
            .map(Arc::new)
    };
    let fields = T::COLUMNS.iter().map(field).collect::<Result<Vec<TypePtr>, _>>()?;
    Type::group_type_builder(T::NAME).with_fields(fields).build().map(Arc::new)
}

fn types(kind: Kind) -> (Physical, Option<LogicalType>) {
    match kind {
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Count => (Physical::INT64, None),
        Kind::Number => (Physical::DOUBLE, None),
        Kind::Flag => (Physical::BOOLEAN, None),
        Kind::Day => (Physical::INT32, Some(LogicalType::Date)),
        Kind::Moment => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
    }
}

fn empty<T: Table>() -> Vec<Values> {
    T::COLUMNS.iter().map(|column| Values::new(column.kind)).collect()
}

/// The known values of a column, with 1 for every row that has one and 0 for every row that has none.
struct Known<T> {
    values: Vec<T>,
    levels: Vec<i16>,
}

impl<T> Known<T> {
    fn new() -> Self {
        Self { values: Vec::new(), levels: Vec::new() }
    }

    fn push(&mut self, value: Option<T>) {
        self.levels.push(i16::from(value.is_some()));
        self.values.extend(value);
    }

    fn write<D: DataType<T = T>>(&self, column: &mut ColumnWriterImpl<'_, D>) -> Result<(), ParquetError> {
        column.write_batch(&self.values, Some(&self.levels), None).map(|_| ())
    }
}

/// The values of a column of a row group.
enum Values {
    Text(Known<ByteArray>),
    Count(Known<i64>),
    Number(Known<f64>),
    Flag(Known<bool>),
    Day(Known<i32>),
    Moment(Known<i64>),
}

impl Values {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text(Known::new()),
            Kind::Count => Self::Count(Known::new()),
            Kind::Number => Self::Number(Known::new()),
            Kind::Flag => Self::Flag(Known::new()),
            Kind::Day => Self::Day(Known::new()),
            Kind::Moment => Self::Moment(Known::new()),
        }
    }

    /// Adds a cell; a cell of another kind than the column's is missing, which a test rules out.
    fn push(&mut self, cell: Cell<'_>) -> Result<(), u64> {
        match (self, cell) {
            (Self::Text(known), Cell::Text(text)) => {
                known.push(Some(ByteArray::from(text.into_owned().into_bytes())));
            }
            (Self::Count(known), Cell::Count(count)) => {
                known.push(Some(i64::try_from(count).map_err(|_| count)?));
            }
            (Self::Number(known), Cell::Number(number)) => known.push(Some(number)),
            (Self::Flag(known), Cell::Flag(flag)) => known.push(Some(flag)),
            (Self::Day(known), Cell::Day(day)) => known.push(days(day)),
            (Self::Moment(known), Cell::Moment(moment)) => known.push(Some(moment.as_microsecond())),
            (Self::Text(known), _) => known.push(None),
            (Self::Number(known), _) => known.push(None),
            (Self::Flag(known), _) => known.push(None),
            (Self::Day(known), _) => known.push(None),
            (Self::Count(known) | Self::Moment(known), _) => known.push(None),
        }
        Ok(())
    }

    fn write(&self, mut column: SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        match self {
            Self::Text(known) => known.write(column.typed::<ByteArrayType>())?,
            Self::Count(known) | Self::Moment(known) => known.write(column.typed::<Int64Type>())?,
            Self::Number(known) => known.write(column.typed::<DoubleType>())?,
            Self::Flag(known) => known.write(column.typed::<BoolType>())?,
            Self::Day(known) => known.write(column.typed::<Int32Type>())?,
        }
        column.close()
    }
}

/// Days since 1970-01-01.
fn days(day: jiff::civil::Date) -> Option<i32> {
    let first = jiff::civil::date(1970, 1, 1);
    day.since((jiff::Unit::Day, first)).ok().map(|span| span.get_days())
}
