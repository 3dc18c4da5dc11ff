//! The ingest log: every row that was ever taken in, in one sequence. Both stores are made from it, so
//! they cannot diverge.
//!
//! A row of a source has the source's columns and five of the log's own: when it happened, when it was
//! made (if the source says so), when it was known, when it was taken in, and its offset from the first
//! sequence number of its entry.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, RecordBatch, TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use trueline_files::fault;
use trueline_table::{DataType, Digest, Field, Schema};

use crate::contract::Order;
use crate::definition::Source;
use crate::segments::{Newest, Segments};
use crate::{Error, Result, times};

/// Everything belongs to a tenant; there is one so far.
pub(crate) const TENANT: &str = "default";

pub(crate) const EVENT: &str = "__event";
const CREATED: &str = "__created";
const KNOWN: &str = "__known";
pub(crate) const INGESTED: &str = "__ingested";
const OFFSET: &str = "__offset";

/// When rows of files without times happened: 0001-01-01T00:00:00Z, which every format of times can write.
const ALWAYS_US: i64 = -62_135_596_800_000_000;

/// How rows came, which decides when they were known if their source does not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// History from files: known when it happened.
    Loaded,
    /// Known when it was taken in.
    Pushed,
}

/// What the log answers for rows that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Receipt {
    pub first_sequence: i64,
    pub rows: i64,
    /// Whether they had been there already.
    pub repeated: bool,
}

/// Where the rows of an entry are.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Segment(Digest),
    Inline(Vec<u8>),
}

/// Rows that came together, or were put together.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) first_sequence: i64,
    pub(crate) last_sequence: i64,
    pub(crate) rows: i64,
    pub(crate) content: Content,
}

/// Rows of the log with the times that decide about them.
#[derive(Debug)]
pub(crate) struct LoggedRows {
    /// The wanted columns, in their order.
    pub(crate) rows: RecordBatch,
    event: TimestampMicrosecondArray,
    created: TimestampMicrosecondArray,
    known: TimestampMicrosecondArray,
    offset: Int64Array,
    first_sequence: i64,
}

impl LoggedRows {
    pub(crate) fn order(&self, row: usize) -> Order {
        Order {
            event_us: self.event.value(row),
            created_us: self.created.is_valid(row).then(|| self.created.value(row)),
            sequence: self.first_sequence + self.offset.value(row),
        }
    }

    pub(crate) fn known_us(&self, row: usize) -> i64 {
        self.known.value(row)
    }
}

/// The columns of a source in the log.
pub(crate) fn logged_schema(source: &Source) -> Schema {
    let mut schema = source.schema();
    let required = |name, data_type| Field {
        nullable: false,
        ..Field::new(name, data_type)
    };
    schema.fields.extend([
        required(EVENT, DataType::Timestamp),
        Field::new(CREATED, DataType::Timestamp),
        required(KNOWN, DataType::Timestamp),
        required(INGESTED, DataType::Timestamp),
        required(OFFSET, DataType::Int64),
    ]);
    schema
}

/// Adds the log's own columns to rows of a source; `offset` is that of the first of them.
///
/// # Errors
/// If a column is missing or of another type, or a row has no event time.
pub(crate) fn logged(
    source: &Source,
    rows: &RecordBatch,
    arrival: Arrival,
    now_us: i64,
    offset: i64,
) -> Result<RecordBatch> {
    let count = rows.num_rows();
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(source.columns.len() + 5);
    for column in &source.columns {
        let wanted = column.data_type.to_arrow();
        match rows.column_by_name(&column.name) {
            Some(found) if found.data_type() == &wanted => columns.push(found.clone()),
            Some(found) => {
                let found = DataType::from_arrow(found.data_type())
                    .map_or_else(|| found.data_type().to_string(), |found| found.to_string());
                return Err(Error::input(
                    format!(
                        "source `{}`: column `{}` is {found}, not {}",
                        source.name, column.name, column.data_type
                    ),
                    "send the column with the type that the feature file declares",
                ));
            }
            None => {
                return Err(Error::input(
                    format!(
                        "source `{}`: column `{}` is missing",
                        source.name, column.name
                    ),
                    "every column of the source is sent; one without a value is null",
                ));
            }
        }
    }
    let created_times = |name: &str| -> Result<TimestampMicrosecondArray> {
        let column = rows.column_by_name(name).ok_or_else(|| {
            Error::input(format!("source `{}`: no column `{name}`", source.name), "")
        })?;
        let times = cast(column, &DataType::Timestamp.to_arrow())?;
        Ok(times.as_primitive::<TimestampMicrosecondType>().clone())
    };
    let event = match &source.event_time {
        Some(text) => {
            let whose = format!("source `{}`", source.name);
            times::times(text, rows, &whose, 0)?
        }
        None => {
            let event_us = if arrival == Arrival::Loaded {
                ALWAYS_US
            } else {
                now_us
            };
            TimestampMicrosecondArray::from_value(event_us, count).with_timezone("UTC")
        }
    };
    let created = match &source.created {
        Some(name) => Some(created_times(name)?),
        None => None,
    };
    let known = (0..count).map(|row| match &created {
        Some(created) if created.is_valid(row) => created.value(row),
        // Who does not say when a row was made has no proof that it was earlier.
        Some(_) => now_us,
        None if arrival == Arrival::Pushed => now_us,
        None => event.value(row),
    });
    let known = TimestampMicrosecondArray::from_iter_values(known).with_timezone("UTC");
    let created: ArrayRef = match created {
        Some(created) => Arc::new(created),
        None => new_null_array(&DataType::Timestamp.to_arrow(), count),
    };
    let ingested = TimestampMicrosecondArray::from_value(now_us, count).with_timezone("UTC");
    let last = offset + i64::try_from(count).unwrap_or(i64::MAX);
    columns.push(Arc::new(event));
    columns.push(created);
    columns.push(Arc::new(known));
    columns.push(Arc::new(ingested));
    columns.push(Arc::new(Int64Array::from_iter_values(offset..last)));
    Ok(RecordBatch::try_new(
        logged_schema(source).to_arrow(),
        columns,
    )?)
}

/// The rows of an Arrow stream.
pub(crate) fn of_stream(stream: &[u8]) -> Result<Vec<RecordBatch>> {
    Ok(StreamReader::try_new(Cursor::new(stream), None)?.collect::<Result<_, _>>()?)
}

/// Rows as an Arrow stream.
pub(crate) fn to_stream(rows: &RecordBatch) -> Result<Vec<u8>> {
    let mut writer = StreamWriter::try_new(Vec::new(), rows.schema_ref())?;
    writer.write(rows)?;
    Ok(writer.into_inner()?)
}

/// Begins a transaction that writes, waiting for whoever writes already.
pub(crate) fn write(connection: &mut Connection) -> Result<Transaction<'_>> {
    Ok(connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
}

/// Commits, between two points at which tests end the process.
pub(crate) fn commit(point: &str, transaction: Transaction<'_>) -> Result<()> {
    let failed = Error::io("the ingest log".as_ref());
    fault::around(point, || Ok(transaction.commit())).map_err(failed)??;
    Ok(())
}

/// What the log holds under an identifier.
pub(crate) fn receipt(connection: &Connection, source: &str, id: &str) -> Result<Option<Receipt>> {
    let sql = "SELECT first_sequence, row_count FROM receipts WHERE tenant = ?1 AND source = ?2 AND id = ?3";
    let found = connection
        .prepare_cached(sql)?
        .query_row(params![TENANT, source, id], |row| {
            Ok(Receipt {
                first_sequence: row.get(0)?,
                rows: row.get(1)?,
                repeated: true,
            })
        });
    Ok(found.optional()?)
}

/// Appends rows as one entry. With an identifier that the log has seen, nothing happens.
pub(crate) fn append(
    connection: &mut Connection,
    source: &str,
    id: Option<&str>,
    rows: i64,
    content: Content,
) -> Result<Receipt> {
    let transaction = write(connection)?;
    let receipt = append_in(&transaction, source, id, rows, content)?;
    if !receipt.repeated {
        commit("log.append", transaction)?;
    }
    Ok(receipt)
}

/// [`append`] in a transaction that does more.
pub(crate) fn append_in(
    transaction: &Transaction<'_>,
    source: &str,
    id: Option<&str>,
    rows: i64,
    content: Content,
) -> Result<Receipt> {
    if let Some(id) = id
        && let Some(receipt) = receipt(transaction, source, id)?
    {
        return Ok(receipt);
    }
    let first_sequence = last_sequence(transaction)? + 1;
    let entry = Entry {
        first_sequence,
        last_sequence: first_sequence + rows - 1,
        rows,
        content,
    };
    if rows > 0 {
        insert(transaction, source, &entry)?;
    }
    if let Some(id) = id {
        let sql = "INSERT INTO receipts (tenant, source, id, first_sequence, row_count) VALUES (?1, ?2, ?3, ?4, ?5)";
        transaction.execute(sql, params![TENANT, source, id, first_sequence, rows])?;
    }
    Ok(Receipt {
        first_sequence,
        rows,
        repeated: false,
    })
}

fn insert(connection: &Connection, source: &str, entry: &Entry) -> Result<()> {
    let sql = "INSERT INTO entries (tenant, source, first_sequence, last_sequence, row_count, segment, content)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let (segment, content) = match &entry.content {
        Content::Segment(digest) => (Some(digest.to_string()), None),
        Content::Inline(bytes) => (None, Some(bytes)),
    };
    let Entry {
        first_sequence,
        last_sequence,
        rows,
        ..
    } = entry;
    connection.prepare_cached(sql)?.execute(params![
        TENANT,
        source,
        first_sequence,
        last_sequence,
        rows,
        segment,
        content
    ])?;
    Ok(())
}

/// The greatest sequence number that was given.
pub(crate) fn last_sequence(connection: &Connection) -> Result<i64> {
    let sql = "SELECT coalesce(max(last_sequence), 0) FROM entries WHERE tenant = ?1";
    Ok(connection
        .prepare_cached(sql)?
        .query_row([TENANT], |row| row.get(0))?)
}

/// Whether a segment holds rows of the log.
pub(crate) fn has_segment(connection: &Connection, segment: &Digest) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM entries WHERE tenant = ?1 AND segment = ?2)";
    let key = params![TENANT, segment.to_string()];
    Ok(connection.query_row(sql, key, |row| row.get(0))?)
}

/// How many rows of a source are in the database itself, and in how many entries.
pub(crate) fn in_place(connection: &Connection, source: &str) -> Result<(i64, i64)> {
    let sql = "SELECT coalesce(sum(row_count), 0), count(*) FROM entries
               WHERE tenant = ?1 AND source = ?2 AND segment IS NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row([TENANT, source], |row| Ok((row.get(0)?, row.get(1)?)));
    Ok(found?)
}

/// The entries of a source that hold rows after a sequence number, in order.
pub(crate) fn entries(connection: &Connection, source: &str, after: i64) -> Result<Vec<Entry>> {
    let sql = "SELECT first_sequence, last_sequence, row_count, segment, content FROM entries
               WHERE tenant = ?1 AND source = ?2 AND last_sequence > ?3 ORDER BY first_sequence";
    let mut statement = connection.prepare_cached(sql)?;
    let entries = statement.query_map(params![TENANT, source, after], |row| {
        let segment: Option<String> = row.get(3)?;
        let content = match segment {
            Some(text) => Content::Segment(text.parse().map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(
                    3,
                    rusqlite::types::Type::Text,
                    Box::<trueline_table::ParseDigestError>::new(error),
                )
            })?),
            None => Content::Inline(row.get(4)?),
        };
        Ok(Entry {
            first_sequence: row.get(0)?,
            last_sequence: row.get(1)?,
            rows: row.get(2)?,
            content,
        })
    })?;
    Ok(entries.collect::<Result<_, _>>()?)
}

/// The rows of an entry with some columns of their source; a column that the source did not have when they
/// were taken in is null.
pub(crate) fn read(
    entry: &Entry,
    segments: &Segments,
    columns: &Schema,
) -> Result<Vec<LoggedRows>> {
    let mut names: Vec<&str> = columns.names().collect();
    names.extend([EVENT, CREATED, KNOWN, OFFSET]);
    let batches = match &entry.content {
        Content::Segment(digest) => segments.read(digest, &names)?,
        Content::Inline(bytes) => of_stream(bytes)?,
    };
    batches
        .iter()
        .map(|batch| LoggedRows::new(batch, columns, entry.first_sequence))
        .collect()
}

/// The columns of a source in the first rows of an entry, for people: the bytes of a segment are not hashed.
pub(crate) fn head(
    entry: &Entry,
    segments: &Segments,
    columns: &Schema,
    rows: usize,
) -> Result<Vec<RecordBatch>> {
    let names: Vec<&str> = columns.names().collect();
    let batches = match &entry.content {
        Content::Segment(digest) => segments.head(digest, &names, rows)?,
        Content::Inline(bytes) => {
            let rows_of = |batch: RecordBatch| batch.slice(0, batch.num_rows().min(rows));
            let batches = StreamReader::try_new(Cursor::new(bytes), None)?;
            batches
                .map(|batch| Ok(rows_of(batch?)))
                .collect::<Result<_>>()?
        }
    };
    batches
        .iter()
        .map(|batch| of_schema(batch, columns))
        .collect()
}

/// The newest event and the last ingest time of rows in place.
pub(crate) fn newest(stream: &[u8]) -> Result<Newest> {
    let mut newest: Newest = (None, None);
    for batch in StreamReader::try_new(Cursor::new(stream), None)? {
        let batch = batch?;
        let latest = |name| {
            let column = batch.column_by_name(name)?;
            arrow::compute::max(column.as_primitive_opt::<TimestampMicrosecondType>()?)
        };
        newest = (newest.0.max(latest(EVENT)), newest.1.max(latest(INGESTED)));
    }
    Ok(newest)
}

impl LoggedRows {
    fn new(batch: &RecordBatch, columns: &Schema, first_sequence: i64) -> Result<Self> {
        let own = |name: &str| {
            batch.column_by_name(name).ok_or_else(|| Error::Input {
                problem: format!("rows of the ingest log have no column `{name}`"),
                hint: "the feature store was written by another program".to_owned(),
            })
        };
        let times = |name| -> Result<TimestampMicrosecondArray> {
            Ok(own(name)?
                .as_primitive::<TimestampMicrosecondType>()
                .clone())
        };
        Ok(Self {
            rows: of_schema(batch, columns)?,
            event: times(EVENT)?,
            created: times(CREATED)?,
            known: times(KNOWN)?,
            offset: own(OFFSET)?.as_primitive::<Int64Type>().clone(),
            first_sequence,
        })
    }
}

/// Rows with these columns; one that they do not have is null.
pub(crate) fn of_schema(batch: &RecordBatch, columns: &Schema) -> Result<RecordBatch> {
    let values = columns.fields.iter().map(|field| {
        let wanted = field.data_type.to_arrow();
        match batch.column_by_name(&field.name) {
            Some(column) => Ok(cast(column, &wanted)?),
            None => Ok(new_null_array(&wanted, batch.num_rows())),
        }
    });
    let values: Vec<ArrayRef> = values.collect::<Result<_>>()?;
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        columns.to_arrow(),
        values,
        &options,
    )?)
}

/// Puts the entries of a source that are in place into one segment; answers how many there were.
pub(crate) fn compact(
    connection: &mut Connection,
    segments: &Segments,
    source: &Source,
) -> Result<usize> {
    let inline: Vec<Entry> = entries(connection, &source.name, 0)?
        .into_iter()
        .filter(|entry| matches!(entry.content, Content::Inline(_)))
        .collect();
    // Rows of another source's columns stay as they are until there are such of the present ones.
    let (Some(first), Some(last)) = (inline.first(), inline.last()) else {
        return Ok(0);
    };
    let schema = logged_schema(source);
    let mut writer = segments.writer(schema.to_arrow())?;
    let mut rows = 0;
    for entry in &inline {
        let shift = entry.first_sequence - first.first_sequence;
        for logged in read(entry, segments, &schema)? {
            let offsets = logged.offset.unary::<_, Int64Type>(|offset| offset + shift);
            let mut columns = logged.rows.columns().to_vec();
            // The offset is the last of the log's own columns.
            columns.pop();
            columns.push(Arc::new(offsets));
            writer.write(&RecordBatch::try_new(schema.to_arrow(), columns)?)?;
        }
        rows += entry.rows;
    }
    let segment = Entry {
        first_sequence: first.first_sequence,
        last_sequence: last.last_sequence,
        rows,
        content: Content::Segment(writer.finish()?),
    };
    let transaction = write(connection)?;
    let mut removed = 0;
    for entry in &inline {
        let sql = "DELETE FROM entries WHERE tenant = ?1 AND source = ?2 AND first_sequence = ?3 AND content IS NOT NULL";
        let key = params![TENANT, source.name, entry.first_sequence];
        removed += transaction.execute(sql, key)?;
    }
    // Another process may have done the same in the meantime.
    if removed == inline.len() {
        insert(&transaction, &source.name, &segment)?;
        commit("log.compact", transaction)?;
    }
    Ok(inline.len())
}
