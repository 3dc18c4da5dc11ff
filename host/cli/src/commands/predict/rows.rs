//! Rows as CSV, NDJSON or Parquet, as they come.

use std::io::Write;

use anyhow::Context as _;
use arrow::array::RecordBatch;
use arrow::csv::writer::{Writer as CsvWriter, WriterBuilder as CsvBuilder};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::json::writer::{LineDelimited, Writer as JsonWriter, WriterBuilder as JsonBuilder};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use trueline_table::with_utc_offsets;

use crate::errors::Problem;

/// What rows are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Comma-separated, with a head
    Csv,
    /// One object a line
    Json,
    /// Columns, compressed
    Parquet,
}

impl Format {
    /// The format that a file's extension names.
    pub(crate) fn of_extension(extension: &str) -> Option<Self> {
        Some(match extension.to_ascii_lowercase().as_str() {
            "csv" => Self::Csv,
            "json" | "ndjson" | "jsonl" => Self::Json,
            "parquet" => Self::Parquet,
            _ => return None,
        })
    }
}

/// Writes batches of one schema.
pub(crate) enum RowWriter<W: Write + Send> {
    Csv(Box<CsvWriter<W>>),
    Json(Box<JsonWriter<W, LineDelimited>>),
    Parquet(Box<ArrowWriter<W>>),
}

impl<W: Write + Send> RowWriter<W> {
    /// A writer of rows with these columns. A head is written even if no rows follow.
    ///
    /// # Errors
    /// If the format cannot hold such columns, or `out` cannot be written to.
    pub(crate) fn new(format: Format, out: W, schema: SchemaRef) -> anyhow::Result<Self> {
        let mut writer = match format {
            Format::Csv => {
                let is_vector =
                    |data_type: &DataType| matches!(data_type, DataType::FixedSizeList(..));
                if let Some(field) = schema
                    .fields()
                    .iter()
                    .find(|field| is_vector(field.data_type()))
                {
                    let problem = Problem::new(format!(
                        "column `{}` holds vectors, which CSV has no place for",
                        field.name()
                    ));
                    return Err(problem
                        .hint("take --format json or --format parquet")
                        .into());
                }
                Self::Csv(Box::new(CsvBuilder::new().with_header(true).build(out)))
            }
            Format::Json => Self::Json(Box::new(
                JsonBuilder::new().with_explicit_nulls(true).build(out),
            )),
            Format::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::SNAPPY)
                    .build();
                Self::Parquet(Box::new(ArrowWriter::try_new(
                    out,
                    schema.clone(),
                    Some(properties),
                )?))
            }
        };
        writer.write(&RecordBatch::new_empty(schema))?;
        Ok(writer)
    }

    /// Writes some rows.
    ///
    /// # Errors
    /// If they cannot be written.
    pub(crate) fn write(&mut self, rows: &RecordBatch) -> anyhow::Result<()> {
        const FAILED: &str = "the answers cannot be written";
        match self {
            Self::Csv(writer) => writer.write(&with_utc_offsets(rows)?).context(FAILED),
            Self::Json(writer) => writer.write(&with_utc_offsets(rows)?).context(FAILED),
            Self::Parquet(writer) => writer.write(rows).context(FAILED),
        }
    }

    /// Ends the file, and gives back where it went.
    ///
    /// # Errors
    /// If its end cannot be written.
    pub(crate) fn finish(self) -> anyhow::Result<W> {
        Ok(match self {
            Self::Csv(writer) => writer.into_inner(),
            Self::Json(mut writer) => {
                writer.finish()?;
                writer.into_inner()
            }
            Self::Parquet(writer) => writer.into_inner()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float32Array, StringArray, TimestampMicrosecondArray};
    use trueline_table::{DataType as Type, Field, Schema};

    use super::*;

    fn rows() -> RecordBatch {
        let names: ArrayRef = Arc::new(StringArray::from(vec![Some("a, b"), None]));
        let values: ArrayRef = Arc::new(Float32Array::from(vec![0.1, 3.0e-9]));
        let times = TimestampMicrosecondArray::from(vec![Some(1), None]).with_timezone("UTC");
        let times: ArrayRef = Arc::new(times);
        let columns = [
            ("name", names, true),
            ("p", values, true),
            ("at", times, true),
        ];
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    }

    fn written(format: Format, batches: &[RecordBatch]) -> Vec<u8> {
        let mut writer = RowWriter::new(format, Vec::new(), rows().schema()).unwrap();
        for batch in batches {
            writer.write(batch).unwrap();
        }
        writer.finish().unwrap()
    }

    #[test]
    fn texts_hold_every_digit() {
        let check = |format, batches: &[RecordBatch], expected: &str| {
            assert_eq!(
                String::from_utf8(written(format, batches)).unwrap(),
                expected,
                "{format:?}"
            );
        };
        check(
            Format::Csv,
            &[rows(), rows().slice(1, 1)],
            "name,p,at\n\"a, b\",0.1,1970-01-01T00:00:00.000001Z\n,3e-9,\n,3e-9,\n",
        );
        check(Format::Csv, &[], "name,p,at\n");
        check(
            Format::Json,
            &[rows()],
            "{\"name\":\"a, b\",\"p\":0.1,\"at\":\"1970-01-01T00:00:00.000001Z\"}\n{\"name\":null,\"p\":3.0e-9,\"at\":null}\n",
        );
        check(Format::Json, &[], "");
    }

    #[test]
    fn parquet_is_a_file() {
        for batches in [&[rows()][..], &[]] {
            let bytes = written(Format::Parquet, batches);
            assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
        }
    }

    #[test]
    fn vectors_have_no_place_in_csv() {
        let schema = Schema::new([Field::new("features", Type::Float32List(3))]).to_arrow();
        let error = RowWriter::new(Format::Csv, Vec::new(), schema.clone())
            .err()
            .unwrap()
            .to_string();
        assert_eq!(
            error,
            "column `features` holds vectors, which CSV has no place for"
        );
        assert!(RowWriter::new(Format::Json, Vec::new(), schema).is_ok());
    }

    #[test]
    fn a_name_says_the_format() {
        for (extension, expected) in [
            ("csv", Some(Format::Csv)),
            ("NDJSON", Some(Format::Json)),
            ("xlsx", None),
        ] {
            assert_eq!(Format::of_extension(extension), expected, "{extension}");
        }
    }
}
