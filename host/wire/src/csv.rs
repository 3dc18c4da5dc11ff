//! CSV (RFC 4180): with a header, which names the columns, or without one, in the order of the schema.
//!
//! An empty cell is null, in a column of texts as well. NaN is `NaN`, the infinities are `inf`,
//! `Infinity` and their negatives. A blank line is no row.

use arrow::array::RecordBatch;
use csv::{ReaderBuilder, StringRecord, WriterBuilder};
use trueline_table::{AnySchema, Schema};

use crate::cells::Cells;
use crate::rows::{Rows, repeated};
use crate::{Error, Result};

/// Whether the first line names the columns. It is said, never guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    Present,
    Absent,
}

/// Reads rows of this schema, with all of its columns and no others.
///
/// # Errors
/// With what is wrong, by column and row.
pub fn read(schema: &dyn AnySchema, body: &[u8], header: Header) -> Result<RecordBatch> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(body);
    let mut record = StringRecord::new();
    let mut next = |record: &mut StringRecord| {
        reader
            .read_record(record)
            .map_err(|error| Error::Csv(error.to_string()))
    };
    let mut rows = Rows::new(schema);
    let order = match header {
        Header::Absent => None,
        Header::Present if next(&mut record)? => Some(order(&rows, schema.schema(), &record)?),
        Header::Present => {
            return Err(Error::shape(
                "the body is empty; its first line names the columns",
            ));
        }
    };
    let mut is_first = true;
    while next(&mut record)? {
        match &order {
            None if is_first && schema.schema().names().eq(&record) => {
                return Err(Error::shape(
                    "the first row holds the names of the columns; say `text/csv; header=present` if it is \
                     a header",
                ));
            }
            None => rows.cells(record.iter())?,
            Some(order) => {
                if record.len() > order.len() {
                    return Err(Error::shape(format!(
                        "a row has {} cells, the header {}",
                        record.len(),
                        order.len()
                    )));
                }
                rows.cells(order.iter().map_while(|&place| record.get(place)))?;
            }
        }
        is_first = false;
    }
    rows.finish()
}

/// For each column of the schema the place in a row where it stands.
fn order(rows: &Rows<'_>, schema: &Schema, header: &StringRecord) -> Result<Vec<usize>> {
    let mut places = vec![None; schema.fields.len()];
    for (place, name) in header.iter().enumerate() {
        // A byte-order mark is not part of the first name.
        let name = name.trim_start_matches('\u{feff}');
        let index = rows.index(name, place)?;
        if places[index].replace(place).is_some() {
            return Err(repeated(name));
        }
    }
    let fields = schema.fields.iter().zip(places);
    let place = fields.map(|(field, place)| {
        place.ok_or_else(|| Error::MissingColumn {
            column: field.name.clone(),
            row: None,
            expected: field.data_type.to_string(),
        })
    });
    place.collect()
}

/// Writes rows, each line ended.
///
/// # Errors
/// If the rows are not of the schema.
pub fn write(schema: &Schema, rows: &RecordBatch, header: Header) -> Result<String> {
    let wrong = |error: csv::Error| Error::Csv(error.to_string());
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    if header == Header::Present {
        writer.write_record(schema.names()).map_err(wrong)?;
    }
    let columns = schema.fields.iter().zip(rows.columns());
    let columns: Vec<_> = columns
        .map(|(field, column)| Cells::new(field, column))
        .collect::<Result<_>>()?;
    let mut cell = String::new();
    for row in 0..rows.num_rows() {
        for column in &columns {
            cell.clear();
            column.text(row, &mut cell);
            writer.write_field(&cell).map_err(wrong)?;
        }
        writer.write_record(None::<&[u8]>).map_err(wrong)?;
    }
    let bytes = writer.into_inner();
    let bytes = bytes.map_err(|error| Error::Csv(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| Error::Csv(error.to_string()))
}
