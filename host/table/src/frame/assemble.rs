//! From many frames to one batch.

use arrow::array::{ArrayRef, BooleanBufferBuilder, RecordBatch};
use arrow::buffer::{Buffer, MutableBuffer, NullBuffer};

use super::decode::{Buffers, Layout, Place, WRONG_OFFSETS, are_ends, batch};
use super::mend_nans;
use crate::{DataType, Error, Field, Result, Schema};

/// Puts the rows of several frames below each other. Every value is copied once, from its frame to its
/// place, and looked at on the way.
#[derive(Debug, Default)]
pub struct Assembler {
    schema: Schema,
    rows: usize,
    columns: Vec<Column>,
}

/// The rows of a column that came so far.
#[derive(Debug)]
struct Column {
    /// There once a row is null.
    validity: Option<BooleanBufferBuilder>,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Bits(BooleanBufferBuilder),
    Numbers(MutableBuffer),
    Texts {
        /// Where each text ends, a zero before the first.
        offsets: MutableBuffer,
        data: MutableBuffer,
    },
}

impl Assembler {
    /// For frames of this schema, with room for so many rows.
    pub fn new(schema: &Schema, rows: usize) -> Self {
        let column = |field: &Field| Column {
            validity: None,
            values: match (field.data_type, field.data_type.byte_width()) {
                (DataType::Boolean, _) => Values::Bits(BooleanBufferBuilder::new(rows)),
                (_, Some(width)) => Values::Numbers(MutableBuffer::with_capacity(rows * width)),
                (_, None) => {
                    let mut offsets = MutableBuffer::with_capacity(4 * (rows + 1));
                    offsets.push(0_i32);
                    Values::Texts {
                        offsets,
                        data: MutableBuffer::default(),
                    }
                }
            },
        };
        Self {
            schema: schema.clone(),
            rows: 0,
            columns: schema.fields.iter().map(column).collect(),
        }
    }

    /// Adds the rows of a frame and answers with how many they are. NaNs are mended.
    ///
    /// # Errors
    /// [`Error::Frame`] with the column and the rule, if the bytes break a rule of the encoding, save
    /// those about what texts hold, which [`finish`](Self::finish) looks at; [`Error::TooLarge`] if all
    /// texts of a column take 2 GiB. The rows are of no use then.
    pub fn push(&mut self, frame: &[u8]) -> Result<usize> {
        let layout = Layout::read(&self.schema, frame)?;
        let columns = self.columns.iter_mut().zip(&self.schema.fields);
        for ((column, field), place) in columns.zip(&layout.columns) {
            column.push_validity(place, self.rows, layout.rows, frame);
            column.push_values(field, place, layout.rows, frame)?;
        }
        self.rows += layout.rows;
        Ok(layout.rows)
    }

    /// The batch.
    ///
    /// # Errors
    /// [`Error::Frame`] if a text is not UTF-8.
    pub fn finish(self) -> Result<RecordBatch> {
        let columns = self.columns.into_iter().zip(&self.schema.fields);
        let columns = columns.map(|(column, field)| column.finish(field, self.rows));
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        batch(&self.schema, columns, self.rows)
    }
}

impl Column {
    fn push_validity(&mut self, place: &Place, before: usize, rows: usize, frame: &[u8]) {
        if place.nulls == 0 {
            if let Some(validity) = &mut self.validity {
                validity.append_n(rows, true);
            }
            return;
        }
        let validity = self.validity.get_or_insert_with(|| {
            let mut validity = BooleanBufferBuilder::new(before + rows);
            validity.append_n(before, true);
            validity
        });
        validity.append_packed_range(0..rows, &frame[place.validity.clone()]);
    }

    fn push_values(
        &mut self,
        field: &Field,
        place: &Place,
        rows: usize,
        frame: &[u8],
    ) -> Result<()> {
        let bytes = &frame[place.values.clone()];
        match &mut self.values {
            Values::Bits(bits) => bits.append_packed_range(0..rows, bytes),
            Values::Numbers(numbers) => {
                let at = numbers.len();
                numbers.extend_from_slice(bytes);
                mend_nans(field.data_type, &mut numbers.as_slice_mut()[at..]);
            }
            Values::Texts { offsets, data } => {
                let before = i32::try_from(data.len()).unwrap_or(i32::MAX);
                data.extend_from_slice(&frame[place.data.clone()]);
                if i32::try_from(data.len()).is_err() {
                    return Err(Error::TooLarge {
                        column: field.name.clone(),
                        bytes: data.len(),
                    });
                }
                let at = offsets.len() / 4;
                offsets.extend_from_slice(&bytes[4..]);
                let ends = &mut offsets.typed_data_mut::<i32>()[at..];
                if bytes[..4] != [0; 4] || !are_ends(ends.iter().copied(), place.data.len()) {
                    return Err(Error::Frame {
                        column: field.name.clone(),
                        rule: WRONG_OFFSETS,
                    });
                }
                ends.iter_mut().for_each(|end| *end += before);
            }
        }
        Ok(())
    }

    fn finish(self, field: &Field, rows: usize) -> Result<ArrayRef> {
        let (values, data) = match self.values {
            Values::Bits(mut bits) => (bits.finish().into_inner(), Buffer::default()),
            Values::Numbers(numbers) => (numbers.into(), Buffer::default()),
            Values::Texts { offsets, data } => (offsets.into(), data.into()),
        };
        let nulls = self.validity.map(|mut bits| NullBuffer::new(bits.finish()));
        let buffers = Buffers {
            nulls,
            values,
            data,
        };
        buffers.into_array(field, rows)
    }
}
