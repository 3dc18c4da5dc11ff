//! The parity log: a sample of what was asked and answered, to be computed again by `trueline replay`.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use trueline_table::{Digest, Schema, TableDigest};
use trueline_wire::native::{self, Shape};

use crate::aside::Answered;

/// Which rows are recorded, and where.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The log, which is appended to.
    pub path: PathBuf,
    /// The share of rows, from 0 to 1.
    pub share: f64,
    /// The column whose values say which: all rows of a value are recorded, or none. Without one, rows are
    /// taken as they come.
    pub key: Option<String>,
}

/// An open log.
pub(crate) struct Recorder {
    file: File,
    recording: Recording,
    /// Rows so far, recorded or not.
    rows: u64,
}

impl Recorder {
    /// # Errors
    /// If the log cannot be written to.
    pub(crate) fn open(recording: Recording) -> io::Result<Self> {
        let file = open(&recording.path)?;
        Ok(Self {
            file,
            recording,
            rows: 0,
        })
    }

    /// Appends one line for the rows of a request that belong to the sample.
    pub(crate) fn record(&mut self, answered: &Answered) -> io::Result<()> {
        let Answered {
            model,
            rows,
            answers,
        } = answered;
        let sample = self.sample(model.input(), rows)?;
        if sample.true_count() == 0 {
            return Ok(());
        }
        let taken = |rows| filter_record_batch(rows, &sample).map_err(io::Error::other);
        let (rows, answers) = (taken(rows)?, taken(answers)?);
        let line = line(
            model.digest(),
            (model.input(), &rows),
            (model.output(), &answers),
        );
        // One write, so that lines of several servers do not mix.
        self.file
            .write_all(line.map_err(io::Error::other)?.as_bytes())
    }

    fn sample(&mut self, schema: &Schema, rows: &RecordBatch) -> io::Result<BooleanArray> {
        let Recording { share, key, .. } = &self.recording;
        let key =
            match key {
                None => None,
                Some(key) => Some(schema.index_of(key).ok_or_else(|| {
                    io::Error::other(format!("the package reads no column `{key}`"))
                })?),
            };
        let mut is_taken = Vec::with_capacity(rows.num_rows());
        for row in 0..rows.num_rows() {
            is_taken.push(match key {
                Some(index) => {
                    let value = rows.project(&[index]).map_err(io::Error::other)?;
                    let field = Schema::new([schema.fields[index].clone()]);
                    let digest = digest(&field, &value.slice(row, 1)).map_err(io::Error::other)?;
                    fraction(digest) < *share
                }
                None => {
                    let before = whole(self.rows, *share);
                    self.rows += 1;
                    whole(self.rows, *share) > before
                }
            });
        }
        Ok(is_taken.into())
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    // What people asked is for nobody else's eyes.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A digest as a number from 0 to 1, 1 excluded.
fn fraction(digest: Digest) -> f64 {
    let (first, _) = digest
        .as_bytes()
        .split_first_chunk()
        .unwrap_or((&[0; 4], &[]));
    f64::from(u32::from_be_bytes(*first)) / 2f64.powi(32)
}

/// How many of the first `rows` belong to the sample.
fn whole(rows: u64, share: f64) -> f64 {
    // So many rows that float64 cannot count them are not answered in a life.
    (rows as f64 * share).floor()
}

/// The digest of some rows.
pub(crate) fn digest(schema: &Schema, rows: &RecordBatch) -> trueline_table::Result<Digest> {
    let mut digest = TableDigest::new(schema);
    digest.update(rows)?;
    digest.finish()
}

/// A line of the log.
fn line(
    package: Digest,
    (input, rows): (&Schema, &RecordBatch),
    (output, answers): (&Schema, &RecordBatch),
) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    Ok(format!(
        "{{\"package\":\"{package}\",\"input_digest\":\"{}\",\"output_digest\":\"{}\",\"input\":{},\"output\":{}}}\n",
        digest(input, rows)?,
        digest(output, answers)?,
        native::write_request(Shape::Columns, input, rows)?,
        native::write_request(Shape::Columns, output, answers)?,
    ))
}
