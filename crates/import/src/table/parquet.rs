//! Tables as Parquet, read in batches of rows: no more than one batch and the pages it lies in are held.

use std::path::Path;

use fs_err::File;
use parquet::column::reader::ColumnReader;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::{SchemaDescriptor, Type};

use super::cell::Cell;
use super::mapping::Mapping;
use super::parquet_column::{OwnedCell, guarded, read_batch};
use super::row::{Row, Rows};
use crate::{ImportError, Place, Sink};

/// How many rows are held.
const BATCH: usize = 1024;

/// Gives every row of a table to the sink.
///
/// # Errors
/// [`ImportError`] where it cannot be read, is cut or has no rows.
pub(crate) fn read(path: &Path, mapping: &Mapping, sink: &mut dyn Sink) -> Result<(), ImportError> {
    let unreadable = |error: ParquetError| Place::file(path).caused("cannot be read as Parquet", error);
    let file = File::open(path)
        .map_err(|error| Place::file(path).caused("cannot be read; expected a table", error))?;
    let reader = guarded(|| SerializedFileReader::new(file.into_file())).map_err(unreadable)?;
    let schema = reader.metadata().file_metadata().schema_descr();
    let fields = schema.root_schema().get_fields();
    let names: Vec<String> = fields.iter().map(|field| field.name().to_owned()).collect();
    let mut rows = Rows::new(path, &names, mapping, sink)?;
    let leaves: Vec<Leaf> = rows.used().into_iter().map(|column| Leaf::of(schema, &names, column)).collect();
    let mut number = 0;
    for index in 0..reader.num_row_groups() {
        let group = guarded(|| reader.get_row_group(index)).map_err(unreadable)?;
        number = read_group(path, group.as_ref(), &leaves, &mut rows, (number, &mut *sink))?;
        sink.progress(u64::try_from(group.metadata().compressed_size()).unwrap_or(0));
    }
    if number == 0 {
        return Err(Place::file(path).error("holds no row; expected one for every trial"));
    }
    Ok(())
}

/// Where the values of a column lie.
struct Leaf {
    column: usize,
    /// The only leaf of the column; none where it has several.
    leaf: Option<usize>,
}

impl Leaf {
    fn of(schema: &SchemaDescriptor, names: &[String], column: usize) -> Self {
        let name = names.get(column);
        let own = |leaf: &usize| schema.column(*leaf).path().parts().first() == name;
        let mut leaves = (0..schema.num_columns()).filter(own);
        let is_shallow = |leaf: &usize| schema.column(*leaf).max_rep_level() <= 1;
        let is_plain =
            schema.root_schema().get_fields().get(column).is_some_and(|field| is_plain_or_list(field));
        let leaf = match (leaves.next().filter(is_shallow), leaves.next()) {
            (Some(leaf), None) if is_plain => Some(leaf),
            _ => None,
        };
        Self { column, leaf }
    }
}

/// Whether a field is a value, or a list of values: not an object, of which one could not tell the member.
fn is_plain_or_list(field: &Type) -> bool {
    let is_list = field.get_basic_info().converted_type() == parquet::basic::ConvertedType::LIST
        || field.get_basic_info().logical_type_ref() == Some(&parquet::basic::LogicalType::List);
    field.is_primitive() || is_list
}

/// The rows of a group, from the row after number `before` of the file on; returns the number of its last.
fn read_group(
    path: &Path,
    group: &dyn RowGroupReader,
    leaves: &[Leaf],
    rows: &mut Rows<'_>,
    (before, sink): (usize, &mut dyn Sink),
) -> Result<usize, ImportError> {
    let in_row = |number: usize| Place::within(path, format!("row {number}"));
    let unreadable = |number: usize, error| in_row(number).caused("cannot be read as Parquet", error);
    let count = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
    let mut readers: Vec<(usize, Option<(ColumnReader, _)>)> = Vec::new();
    for leaf in leaves {
        let open = |index: usize| {
            let facts = group.metadata().column(index).column_descr_ptr();
            guarded(|| group.get_column_reader(index)).map(|reader| (reader, facts))
        };
        let reader = leaf.leaf.map(open).transpose().map_err(|error| unreadable(before + 1, error))?;
        readers.push((leaf.column, reader));
    }
    let mut done = 0;
    while done < count {
        let size = BATCH.min(count - done);
        let mut batch = Vec::with_capacity(readers.len());
        for (column, reader) in &mut readers {
            let cells = match reader {
                Some((reader, facts)) => guarded(|| read_batch(reader, facts, size))
                    .map_err(|error| unreadable(before + done + 1, error))?,
                None => vec![OwnedCell::Other("a nested value"); size],
            };
            if cells.len() != size {
                let why = format!("is cut: a column ends here, and its group has {count} rows");
                return Err(in_row(before + done + cells.len() + 1).error(why));
            }
            batch.push((*column, cells));
        }
        for index in 0..size {
            rows.take(
                &BatchRow { batch: &batch, index },
                format!("row {}", before + done + index + 1),
                sink,
            )?;
        }
        done += size;
    }
    Ok(before + count)
}

struct BatchRow<'a> {
    batch: &'a [(usize, Vec<OwnedCell>)],
    index: usize,
}

impl Row for BatchRow<'_> {
    fn cell(&self, column: usize) -> Cell<'_> {
        let cells = self.batch.iter().find(|(own, _)| *own == column);
        cells.and_then(|(_, cells)| cells.get(self.index)).map_or(Cell::Missing, OwnedCell::cell)
    }
}
