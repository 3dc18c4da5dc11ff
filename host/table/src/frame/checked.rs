//! Frames that were checked, whose columns go on as they are.

use std::ops::Range;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::buffer::Buffer;

use super::decode::{Layout, aligned, array, batch, mend};
use crate::{Field, Result, Schema};

/// A frame that keeps every rule of the encoding, NaNs mended. Its columns can be written into another
/// frame as they lie, or read as Arrow.
#[derive(Debug)]
pub struct Frame {
    bytes: Buffer,
    layout: Layout,
}

impl Frame {
    /// Checks a frame of this schema.
    ///
    /// # Errors
    /// As [`decode`](super::decode).
    pub fn read(schema: &Schema, mut bytes: Vec<u8>) -> Result<Self> {
        let layout = Layout::read(schema, &bytes)?;
        mend(schema, &layout, &mut bytes);
        for (field, place) in schema.fields.iter().zip(&layout.columns) {
            place.check_texts(field, &bytes)?;
        }
        Ok(Self {
            bytes: aligned(bytes),
            layout,
        })
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.layout.rows
    }

    /// A column, which lies at this place of the schema, as Arrow; not a copy.
    ///
    /// # Errors
    /// If `field` is not what the frame was read as.
    ///
    /// # Panics
    /// If the schema has no such place.
    pub fn array(&self, field: &Field, place: usize) -> Result<ArrayRef> {
        let place = &self.layout.columns[place];
        array(field, place, self.layout.rows, &self.bytes)
    }

    /// All columns as Arrow.
    ///
    /// # Errors
    /// If the frame was read as another schema's.
    pub fn batch(&self, schema: &Schema) -> Result<RecordBatch> {
        let fields = schema.fields.iter().enumerate();
        let columns = fields.map(|(place, field)| self.array(field, place));
        batch(schema, columns.collect::<Result<_>>()?, self.rows())
    }

    /// How many rows of a column are null, how many bytes its texts have, and all of its buffers.
    pub(super) fn column(&self, place: usize) -> (usize, usize, &[u8]) {
        let place = &self.layout.columns[place];
        (place.nulls, place.data.len(), &self.bytes[place.body()])
    }
}

impl super::decode::Place {
    /// All buffers with their padding: they lie one behind the other.
    fn body(&self) -> Range<usize> {
        self.validity.start..self.data.end.next_multiple_of(8)
    }
}
