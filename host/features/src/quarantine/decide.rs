//! Looking at a batch in quarantine, and deciding about it: taken in as it is, or forgotten.

use std::path::Path;
use std::sync::Arc;

use super::{QuarantineState, Quarantined, SELECT, Sent, checked, record};
use crate::definition::Source;
use crate::log::{self, Arrival, Content, Receipt, TENANT, commit, of_schema, write};
use crate::streams::Entry;
use crate::table_file::TableFile;
use crate::{Error, FeatureStore, Result};
use arrow::array::{ArrayRef, RecordBatch, StringArray};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

impl FeatureStore {
    /// A batch in quarantine, and its rows: with the columns of its source, or, of an entry of a stream, its
    /// fields as texts. A dropped one has none.
    ///
    /// # Errors
    /// If there is no such number, or its segment was damaged.
    pub fn quarantined_rows(&self, number: i64) -> Result<(Quarantined, Vec<RecordBatch>)> {
        let (quarantined, content) = find(&self.connection(), number)?;
        let rows = match content {
            None => Vec::new(),
            Some(content) if quarantined.sent == Sent::Streamed => {
                vec![as_texts(&Entry::of_content(&content)?)?]
            }
            Some(content) => {
                let source = self.source(&quarantined.source)?;
                self.sent_rows(&source, &content)?
            }
        };
        Ok((quarantined, rows))
    }

    /// Writes the rows of a batch in quarantine into a file, to be mended and pushed.
    ///
    /// # Errors
    /// If there is nothing to write, or the file cannot be written.
    pub fn write_quarantined(&self, number: i64, path: &Path) -> Result<Quarantined> {
        let (quarantined, rows) = self.quarantined_rows(number)?;
        let Some(first) = rows.first() else {
            return Err(Error::input(
                format!("number {number} has no rows any more"),
                "it was dropped, or released into the log",
            ));
        };
        let schema = trueline_table::Schema::from_arrow(&first.schema())?;
        let mut file = TableFile::create(path, &schema)?;
        for batch in &rows {
            file.write(batch)?;
        }
        file.finish()?;
        Ok(quarantined)
    }

    /// Takes a batch in as it is, whatever its source expects; rows that were pushed or streamed are known
    /// from now on. Releasing it again changes nothing.
    ///
    /// # Errors
    /// If there is no such batch, it was dropped, or its rows do not fit their source at all.
    pub fn release(&self, number: i64, now_us: i64) -> Result<Receipt> {
        self.agree(now_us)?;
        let (quarantined, content) = find(&self.connection(), number)?;
        let revision = self.revision()?;
        let source = self.source(&quarantined.source)?;
        let name = format!("quarantine:{number}");
        let id = quarantined.id.as_deref().unwrap_or(&name);
        let logged = match content {
            None => None,
            Some(content) => {
                let rows = match quarantined.sent {
                    Sent::Streamed => vec![Entry::of_content(&content)?.row(&source)?],
                    _ => self.sent_rows(&source, &content)?,
                };
                Some((self.again(&quarantined, &source, &rows, now_us)?, content))
            }
        };
        if quarantined.state == QuarantineState::Dropped {
            return Err(Error::input(
                format!("number {number} was dropped: its rows are gone"),
                "have them sent again, under another identifier if they have one",
            ));
        }
        let receipt = match logged {
            Some((logged, content)) => {
                let rows = quarantined.rows;
                let mut connection = self.connection();
                let transaction = write(&mut connection)?;
                let receipt = log::append_in(&transaction, &source.name, Some(id), rows, logged)?;
                if decide(&transaction, number, QuarantineState::Released, now_us)? {
                    commit("quarantine.release", transaction)?;
                    self.forget(&connection, &content)?;
                    receipt
                } else {
                    drop(transaction);
                    released(&connection, &source, id, number)?
                }
            }
            None => released(&self.connection(), &source, id, number)?,
        };
        self.bring_online(&revision, &source, receipt, now_us)?;
        Ok(receipt)
    }

    /// Forgets a batch. Its record stays, so that sending it again under its identifier changes nothing.
    ///
    /// # Errors
    /// If there is no such batch, or it was released.
    pub fn drop_quarantined(&self, number: i64, now_us: i64) -> Result<Quarantined> {
        let (_, content) = find(&self.connection(), number)?;
        let mut connection = self.connection();
        let transaction = write(&mut connection)?;
        if decide(&transaction, number, QuarantineState::Dropped, now_us)? {
            commit("quarantine.drop", transaction)?;
            if let Some(content) = &content {
                self.forget(&connection, content)?;
            }
        } else {
            drop(transaction);
        }
        let (quarantined, _) = find(&connection, number)?;
        if quarantined.state == QuarantineState::Released {
            return Err(Error::input(
                format!("number {number} was released: its rows are in the log"),
                "what is in the log stays there",
            ));
        }
        Ok(quarantined)
    }

    /// The rows of a batch, with the columns that its source has now.
    fn sent_rows(&self, source: &Source, content: &Content) -> Result<Vec<RecordBatch>> {
        let schema = source.schema();
        let rows = match content {
            Content::Segment(digest) => {
                let names: Vec<&str> = schema.names().collect();
                self.segments.read(digest, &names)?
            }
            Content::Inline(bytes) => log::of_stream(bytes)?,
        };
        rows.iter().map(|rows| of_schema(rows, &schema)).collect()
    }

    /// Rows as they go into the log now.
    fn again(
        &self,
        quarantined: &Quarantined,
        source: &Source,
        rows: &[RecordBatch],
        now_us: i64,
    ) -> Result<Content> {
        let revision = self.revision()?;
        if quarantined.sent == Sent::Loaded {
            return self
                .segment_of(source, rows.iter().cloned().map(Ok), now_us)
                .map(|(segment, _)| Content::Segment(segment));
        }
        let schema = source.schema().to_arrow();
        let rows = arrow::compute::concat_batches(&schema, rows)?;
        let logged = log::logged(source, &rows, Arrival::Pushed, now_us, 0)?;
        self.check_rows(&revision, source, &rows, &logged)?;
        Ok(Content::Inline(log::to_stream(&logged)?))
    }

    /// Removes the file of rows that nothing refers to any more.
    fn forget(&self, connection: &Connection, content: &Content) -> Result<()> {
        if let Content::Segment(digest) = content
            && !log::has_segment(connection, digest)?
        {
            // One that stays behind does no harm.
            let _ = std::fs::remove_file(self.segments.path(digest));
        }
        Ok(())
    }
}

/// Marks what is held as decided about; no if someone else was faster.
fn decide(
    transaction: &Transaction<'_>,
    number: i64,
    state: QuarantineState,
    now_us: i64,
) -> Result<bool> {
    let sql = "UPDATE quarantine SET state = ?3, decided_us = ?4, content = NULL, segment = NULL
               WHERE tenant = ?1 AND number = ?2 AND state = 'held'";
    let changed = transaction.execute(sql, params![TENANT, number, state.name(), now_us])?;
    Ok(changed == 1)
}

/// What the log answered when it was released.
fn released(connection: &Connection, source: &Source, id: &str, number: i64) -> Result<Receipt> {
    log::receipt(connection, &source.name, id)?.ok_or_else(|| {
        Error::input(
            format!("number {number} was dropped in the meantime"),
            "have its rows sent again",
        )
    })
}

/// A batch and its content.
fn find(connection: &Connection, number: i64) -> Result<(Quarantined, Option<Content>)> {
    let sql = format!("{SELECT} WHERE tenant = ?1 AND number = ?2");
    let found = connection.query_row(&sql, params![TENANT, number], record);
    let Some(found) = found.optional()? else {
        return Err(Error::Unknown {
            kind: "batch in quarantine with the number",
            name: number.to_string(),
            hint: "`trueline features quarantine list` shows those that there are".to_owned(),
        });
    };
    let sql = "SELECT segment, content FROM quarantine WHERE tenant = ?1 AND number = ?2";
    let (segment, content): (Option<String>, Option<Vec<u8>>) =
        connection.query_row(sql, params![TENANT, number], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let segment = segment.map(|text| {
        text.parse()
            .map(Content::Segment)
            .map_err(|error: trueline_table::ParseDigestError| {
                Error::input(error.to_string(), "the store was changed by hand")
            })
    });
    let content = segment.transpose()?.or(content.map(Content::Inline));
    Ok((checked(found)?, content))
}

/// The fields of an entry, each as a text.
fn as_texts(entry: &Entry) -> Result<RecordBatch> {
    let columns = entry.fields.iter().map(|(name, value)| {
        let text = String::from_utf8_lossy(value).into_owned();
        let column: ArrayRef = Arc::new(StringArray::from(vec![text]));
        (String::from_utf8_lossy(name).into_owned(), column)
    });
    Ok(RecordBatch::try_from_iter(columns)?)
}
