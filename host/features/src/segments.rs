//! Segments: Parquet files that hold rows of the log, named by the digest of their bytes. A segment is
//! written under another name, flushed, renamed and its folder flushed, so that a name stands for all of
//! its bytes; they are hashed again whenever they are read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek as _, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::file::statistics::Statistics;
use trueline_files::{Audience, NewFile};
use trueline_table::{Digest, Hasher};

use crate::log::{EVENT, INGESTED};
use crate::table_file::digest_of;
use crate::{Error, Result};

/// Rows of a batch that is read.
const BATCH_ROWS: usize = 65_536;

/// When the newest row happened, and when the last one was taken in.
pub(crate) type Newest = (Option<i64>, Option<i64>);

/// The folder of the segments.
#[derive(Clone, Debug)]
pub(crate) struct Segments {
    folder: PathBuf,
    /// What was asked for before; segments never change.
    newest: Arc<Mutex<BTreeMap<Digest, Newest>>>,
}

/// A segment in the making.
pub(crate) struct SegmentWriter {
    folder: PathBuf,
    writer: ArrowWriter<HashedFile>,
}

struct HashedFile {
    file: NewFile,
    hasher: Hasher,
}

impl Segments {
    pub(crate) fn open(folder: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
        Ok(Self {
            folder,
            newest: Arc::default(),
        })
    }

    /// How many there are.
    pub(crate) fn count(&self) -> Result<usize> {
        let files = std::fs::read_dir(&self.folder).map_err(Error::io(&self.folder))?;
        let is_segment = |path: &Path| path.extension().is_some_and(|end| end == "parquet");
        let files = files.filter(|file| file.as_ref().is_ok_and(|file| is_segment(&file.path())));
        Ok(files.count())
    }

    pub(crate) fn path(&self, digest: &Digest) -> PathBuf {
        path_in(&self.folder, digest)
    }

    pub(crate) fn writer(&self, schema: SchemaRef) -> Result<SegmentWriter> {
        let file = NewFile::begin("segment", &self.folder, Audience::Owner);
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
        let file = HashedFile {
            file: file.map_err(Error::io(&self.folder))?,
            hasher: Hasher::new(),
        };
        let writer = ArrowWriter::try_new(file, schema, Some(properties.build()));
        Ok(SegmentWriter {
            folder: self.folder.clone(),
            writer: writer.map_err(|error| broken(&self.folder, &error))?,
        })
    }

    /// The rows of a segment with those of `columns` that it has.
    pub(crate) fn read(&self, digest: &Digest, columns: &[&str]) -> Result<Vec<RecordBatch>> {
        let path = self.path(digest);
        let mut file = open(&path)?;
        if digest_of(&mut file).map_err(Error::io(&path))? != *digest {
            return Err(Error::corrupt(&path)(
                &"its bytes are not those of its name",
            ));
        }
        file.rewind().map_err(Error::io(&path))?;
        read_parquet(file, columns, None).map_err(|error| broken(&path, &error))
    }

    /// The newest event and the last ingest time, from the bounds that Parquet keeps; for people, so its bytes are not
    /// hashed.
    pub(crate) fn newest(&self, digest: &Digest) -> Result<Newest> {
        let known = |segments: &Self| {
            let newest = segments.newest.lock();
            newest
                .unwrap_or_else(PoisonError::into_inner)
                .get(digest)
                .copied()
        };
        if let Some(newest) = known(self) {
            return Ok(newest);
        }
        let path = self.path(digest);
        let file = open(&path)?;
        let reader = SerializedFileReader::new(file).map_err(|error| broken(&path, &error))?;
        let latest = |name: &str| {
            let columns = reader
                .metadata()
                .row_groups()
                .iter()
                .flat_map(|group| group.columns());
            let own = columns.filter(|column| column.column_path().string() == name);
            let highest = own.filter_map(|column| match column.statistics()? {
                Statistics::Int64(bounds) => bounds.max_opt().copied(),
                _ => None,
            });
            highest.max()
        };
        let newest = (latest(EVENT), latest(INGESTED));
        let mut all = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(*digest, newest);
        Ok(newest)
    }

    /// The first rows of a segment with those of `columns` that it has; for people, so its bytes are not hashed.
    pub(crate) fn head(
        &self,
        digest: &Digest,
        columns: &[&str],
        rows: usize,
    ) -> Result<Vec<RecordBatch>> {
        let path = self.path(digest);
        let file = open(&path)?;
        read_parquet(file, columns, Some(rows)).map_err(|error| broken(&path, &error))
    }
}

/// A segment that the log names is there.
fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::corrupt(path)(&"it is missing"),
        _ => Error::io(path)(error),
    })
}

fn path_in(folder: &Path, digest: &Digest) -> PathBuf {
    folder.join(format!("{}.parquet", digest.hex()))
}

fn read_parquet(
    file: File,
    columns: &[&str],
    limit: Option<usize>,
) -> parquet::errors::Result<Vec<RecordBatch>> {
    let mut builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
    if let Some(limit) = limit {
        builder = builder.with_limit(limit);
    }
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
    let reader = builder
        .with_projection(mask)
        .with_batch_size(BATCH_ROWS)
        .build()?;
    Ok(reader.collect::<Result<_, _>>()?)
}

impl SegmentWriter {
    pub(crate) fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let written = self.writer.write(rows);
        written.map_err(|error| broken(&self.folder, &error))
    }

    /// Gives the segment its name, once all of it is on the disk.
    pub(crate) fn finish(self) -> Result<Digest> {
        let Self { folder, writer } = self;
        let HashedFile { file, hasher } = writer
            .into_inner()
            .map_err(|error| broken(&folder, &error))?;
        let digest = hasher.finish();
        let path = path_in(&folder, &digest);
        file.finish(&path).map_err(Error::io(&path))?;
        Ok(digest)
    }
}

impl Write for HashedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn broken(path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::corrupt(path)(error)
}
