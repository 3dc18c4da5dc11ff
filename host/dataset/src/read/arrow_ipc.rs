//! Arrow IPC, in the file format (also called Feather) or as a stream.

use std::fs::File;
use std::io::{BufReader, Read, Seek};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};
use trueline_table::Schema;

use super::{Batches, DataFile};
use crate::Result;

/// What a file begins with; a stream does not.
const FILE_MAGIC: &[u8; 6] = b"ARROW1";

type Raw = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

pub(super) fn schema(file: &DataFile) -> Result<SchemaRef> {
    Ok(open(file)?.0)
}

pub(super) fn scan(file: &DataFile, schema: &Schema, batch_rows: usize) -> Result<Batches> {
    let (file, schema, (_, batches)) = (file.clone(), schema.clone(), open(file)?);
    Ok(Box::new(batches.flat_map(move |batch| {
        let batch = batch
            .map_err(|error| damaged(&file, &error))
            .and_then(|batch| file.contract_batch(&batch, &schema));
        slices(batch, batch_rows)
    })))
}

/// The batches of a file are as large as its writer made them.
fn slices(batch: Result<RecordBatch>, batch_rows: usize) -> Vec<Result<RecordBatch>> {
    match batch {
        Ok(batch) => {
            let rows = batch.num_rows();
            (0..rows)
                .step_by(batch_rows)
                .map(|start| Ok(batch.slice(start, batch_rows.min(rows - start))))
                .collect()
        }
        Err(error) => vec![Err(error)],
    }
}

fn open(file: &DataFile) -> Result<(SchemaRef, Raw)> {
    let mut opened = file.open()?;
    let is_file = is_file_format(&mut opened).map_err(|error| damaged(file, &error))?;
    let opened = BufReader::new(opened);
    if is_file {
        let reader = FileReader::try_new(opened, None).map_err(|error| damaged(file, &error))?;
        Ok((reader.schema(), Box::new(reader)))
    } else {
        let reader = StreamReader::try_new(opened, None).map_err(|error| damaged(file, &error))?;
        Ok((reader.schema(), Box::new(reader)))
    }
}

fn is_file_format(file: &mut File) -> std::io::Result<bool> {
    let mut magic = Vec::new();
    file.take(FILE_MAGIC.len() as u64).read_to_end(&mut magic)?;
    file.rewind()?;
    Ok(magic == FILE_MAGIC)
}

fn damaged(file: &DataFile, error: &dyn std::error::Error) -> crate::Error {
    let hint = "the file is compressed, damaged, cut short or of another format: write it again, \
                without compression, or set `format`";
    file.error(format!("cannot be read as Arrow: {error}"), Some(hint))
}
