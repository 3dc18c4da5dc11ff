//! The digest of a table: over what it holds, not over the file that holds it.

use std::collections::VecDeque;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;

use crate::{Digest, Hasher, Result, Schema, frame};

/// Rows that are digested together. Part of the digest's definition in `wit/encoding.md`.
const BLOCK_ROWS: usize = 65_536;

/// Computes a table digest from batches of any size; how the rows are cut does not matter.
///
/// ```
/// use arrow::array::{ArrayRef, Int64Array, RecordBatch};
/// use trueline_table::{Schema, TableDigest};
/// # use std::sync::Arc;
/// let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..10));
/// let batch = RecordBatch::try_from_iter([("n", column)])?;
/// let schema = Schema::from_arrow(&batch.schema())?;
///
/// let mut whole = TableDigest::new(&schema);
/// whole.update(&batch)?;
/// let mut pieces = TableDigest::new(&schema);
/// pieces.update(&batch.slice(0, 3))?;
/// pieces.update(&batch.slice(3, 7))?;
/// assert_eq!(whole.finish()?, pieces.finish()?);
/// # Ok::<(), trueline_table::Error>(())
/// ```
#[derive(Debug)]
pub struct TableDigest {
    schema: Schema,
    hasher: Hasher,
    rows: u64,
    pending: VecDeque<RecordBatch>,
    pending_rows: usize,
    frame: Vec<u8>,
}

impl TableDigest {
    /// Begins the digest of a table of this schema.
    pub fn new(schema: &Schema) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(b"trueline-table-1\0");
        hasher.update(&length(schema.fields.len()));
        for field in &schema.fields {
            let (code, width) = field.data_type.code();
            hasher.update(&length(field.name.len()));
            hasher.update(field.name.as_bytes());
            hasher.update(&[code]);
            hasher.update(&width.to_le_bytes());
        }
        Self {
            schema: schema.clone(),
            hasher,
            rows: 0,
            pending: VecDeque::new(),
            pending_rows: 0,
            frame: Vec::new(),
        }
    }

    /// Takes the next rows.
    ///
    /// # Errors
    /// If they are not of the schema.
    pub fn update(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        self.pending_rows += batch.num_rows();
        self.pending.push_back(batch.clone());
        while self.pending_rows >= BLOCK_ROWS {
            self.block(BLOCK_ROWS)?;
        }
        Ok(())
    }

    /// How many rows were taken.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The digest.
    ///
    /// # Errors
    /// If the last rows are not of the schema.
    pub fn finish(mut self) -> Result<Digest> {
        if self.pending_rows > 0 {
            self.block(self.pending_rows)?;
        }
        self.hasher.update(&self.rows.to_le_bytes());
        Ok(self.hasher.finish())
    }

    /// Digests the first `rows` of what is pending.
    fn block(&mut self, rows: usize) -> Result<()> {
        let mut pieces = Vec::new();
        let mut missing = rows;
        while missing > 0 {
            let Some(next) = self.pending.pop_front() else {
                break;
            };
            let taken = next.num_rows().min(missing);
            pieces.push(next.slice(0, taken));
            if taken < next.num_rows() {
                self.pending
                    .push_front(next.slice(taken, next.num_rows() - taken));
            }
            missing -= taken;
        }
        self.pending_rows -= rows;
        let block = match pieces.as_slice() {
            [one] => one.clone(),
            several => concat_batches(&several[0].schema(), several)?,
        };
        frame::encode(&self.schema, &block, &mut self.frame)?;
        self.hasher.update(&self.frame);
        Ok(())
    }
}

/// No schema has 2^32 columns, no name 4 GiB.
fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}
