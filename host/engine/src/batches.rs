//! The batches of a scan, each with its place among them.

use arrow::array::RecordBatch;
use trueline_dataset::Scan;

use crate::Result;

/// A batch, and what came before it.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    /// Batches before it.
    pub(crate) number: usize,
    /// Rows before it.
    pub(crate) first_row: u64,
    pub(crate) rows: RecordBatch,
}

/// A scan that counts.
pub(crate) struct Batches {
    scan: Scan,
    number: usize,
    first_row: u64,
}

impl Batches {
    pub(crate) fn new(scan: Scan) -> Self {
        Self {
            scan,
            number: 0,
            first_row: 0,
        }
    }
}

impl Iterator for Batches {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        let rows = match self.scan.next()? {
            Ok(rows) => rows,
            Err(error) => return Some(Err(error.into())),
        };
        let (number, first_row) = (self.number, self.first_row);
        self.number += 1;
        self.first_row += rows.num_rows() as u64;
        Some(Ok(Batch {
            number,
            first_row,
            rows,
        }))
    }
}
