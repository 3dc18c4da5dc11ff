//! Naming rows while they are read for another purpose.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use trueline_dataset::TablePin;
use trueline_table::{Schema, TableDigest};

use crate::Result;

/// Digests the batches of a table, which may come in any order, as workers finish them. One that comes too
/// early waits; there are never many of them, since every worker holds one batch at a time.
pub(crate) struct Tee {
    digest: TableDigest,
    next: usize,
    early: BTreeMap<usize, RecordBatch>,
}

impl Tee {
    pub(crate) fn new(schema: &Schema) -> Self {
        Self {
            digest: TableDigest::new(schema),
            next: 0,
            early: BTreeMap::new(),
        }
    }

    /// Takes the batch with this number, counted from 0.
    pub(crate) fn take(&mut self, number: usize, batch: RecordBatch) -> Result<()> {
        self.early.insert(number, batch);
        while let Some(batch) = self.early.remove(&self.next) {
            self.digest.update(&batch)?;
            self.next += 1;
        }
        Ok(())
    }

    /// The table that the batches were.
    pub(crate) fn finish(self) -> Result<TablePin> {
        debug_assert!(self.early.is_empty(), "a batch is missing");
        let rows = self.digest.rows();
        Ok(TablePin {
            digest: self.digest.finish()?,
            rows,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array};

    use super::*;

    #[test]
    fn the_order_of_arrival_does_not_matter() {
        let batch = |number: i64| {
            let column: ArrayRef = Arc::new(Int64Array::from_iter_values([number, 10 * number]));
            RecordBatch::try_from_iter([("n", column)]).unwrap()
        };
        let schema = Schema::from_arrow(&batch(0).schema()).unwrap();
        let named = |order: &[i64]| {
            let mut tee = Tee::new(&schema);
            for &number in order {
                tee.take(usize::try_from(number).unwrap(), batch(number))
                    .unwrap();
            }
            tee.finish().unwrap()
        };
        let expected = named(&[0, 1, 2, 3]);
        assert_eq!(expected.rows, 8);
        assert_eq!(named(&[3, 1, 0, 2]), expected);
        assert_ne!(named(&[0, 1, 2]), expected);
    }
}
