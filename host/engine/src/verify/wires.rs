//! What clients and the server put on the wire: rows become a body and rows again, and so do their answers.
//!
//! The functions are those that the server calls; HTTP itself carries bytes and changes none.

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{and, filter_record_batch};
use arrow::datatypes::DataType;
use trueline_runtime::Loaded;
use trueline_wire::csv::{self, Header};
use trueline_wire::native::{self, Shape};
use trueline_wire::oip;

use crate::{Error, Result};

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    Json,
    Tensors,
    Csv,
}

impl Wire {
    pub(super) const ALL: [Self; 3] = [Self::Json, Self::Tensors, Self::Csv];

    /// What the way is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Json => "HTTP JSON",
            Self::Tensors => "OIP binary",
            Self::Csv => "CSV",
        }
    }

    /// The rows that it has a spelling for, with their answers: an empty cell of CSV is null, so rows with an
    /// empty text on either side cannot be sent that way.
    pub(super) fn sendable(
        self,
        rows: &RecordBatch,
        answers: &RecordBatch,
    ) -> Result<(RecordBatch, RecordBatch)> {
        if self != Self::Csv {
            return Ok((rows.clone(), answers.clone()));
        }
        let mut is_sendable = BooleanArray::from(vec![true; rows.num_rows()]);
        for column in rows.columns().iter().chain(answers.columns()) {
            if column.data_type() == &DataType::Utf8 {
                let texts = column.as_string::<i32>();
                let spelled = texts.iter().map(|text| Some(text != Some("")));
                is_sendable = and(&is_sendable, &spelled.collect()).map_err(table)?;
            }
        }
        let sendable = |rows| filter_record_batch(rows, &is_sendable).map_err(table);
        Ok((sendable(rows)?, sendable(answers)?))
    }

    /// What a server with this package reads of the rows, and what the client reads of its answer. Of the
    /// two shapes that a body can have, `first` says which.
    pub(super) fn exchange(
        self,
        package: &Loaded,
        rows: &RecordBatch,
        first: bool,
    ) -> Result<(RecordBatch, RecordBatch)> {
        let lost = |error: trueline_wire::Error| {
            Error::Mismatch(format!("{} cannot carry these rows: {error}", self.name()))
        };
        let (input, output, digest) = (package.input(), package.output(), package.digest());
        match self {
            Self::Json => {
                let shape = if first {
                    Shape::Records
                } else {
                    Shape::Columns
                };
                let body = native::write_request(shape, input, rows).map_err(lost)?;
                let (shape, read) = native::read(input, body.as_bytes()).map_err(lost)?;
                let answers = package.predict(&read)?;
                let body = native::write(shape, digest, output, &answers).map_err(lost)?;
                let answered = native::read_answer(output, body.as_bytes()).map_err(lost)?;
                Ok((read, answered))
            }
            Self::Tensors => {
                let body = oip::write_request(input, rows, true).map_err(lost)?;
                let request = oip::read(input, body.json_bytes, &body.bytes).map_err(lost)?;
                let answers = package.predict(&request.rows)?;
                let body = oip::write("", "", digest, &request, output, &answers).map_err(lost)?;
                let answered = oip::read_answer(output, body.json_bytes, &body.bytes);
                Ok((request.rows, answered.map_err(lost)?))
            }
            Self::Csv => {
                let header = if first {
                    Header::Present
                } else {
                    Header::Absent
                };
                let body = csv::write(input, rows, header).map_err(lost)?;
                let read = csv::read(input, body.as_bytes(), header).map_err(lost)?;
                let answers = package.predict(&read)?;
                let body = csv::write(output, &answers, header).map_err(lost)?;
                let answered = csv::read(output, body.as_bytes(), header).map_err(lost)?;
                Ok((read, answered))
            }
        }
    }
}

fn table(error: arrow::error::ArrowError) -> Error {
    Error::Table(error.into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int32Array, StringArray};

    use super::*;

    #[test]
    fn only_csv_leaves_empty_texts_out() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec![
            Some("a"),
            Some(""),
            None,
            Some("b"),
        ]));
        let rows = RecordBatch::try_from_iter([("text", texts)]).unwrap();
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3, 4]));
        let answers = RecordBatch::try_from_iter([("number", numbers)]).unwrap();
        for (wire, expected) in [(Wire::Json, 4), (Wire::Tensors, 4), (Wire::Csv, 3)] {
            let (rows, answers) = wire.sendable(&rows, &answers).unwrap();
            assert_eq!(
                (rows.num_rows(), answers.num_rows()),
                (expected, expected),
                "{wire:?}"
            );
        }
    }
}
