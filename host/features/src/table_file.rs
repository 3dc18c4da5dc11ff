//! Tables as files, which appear whole or not at all.

use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::ipc::writer::FileWriter;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use trueline_dataset::Format;
use trueline_files::{Audience, NewFile};
use trueline_table::{Digest, Hasher, Schema, with_utc_offsets};

use crate::{Error, Result};

/// A table in the making, under another name until it is finished.
pub(crate) struct TableFile {
    path: PathBuf,
    writer: Writer,
}

enum Writer {
    Parquet(Box<ArrowWriter<Hashed>>),
    Arrow(Box<FileWriter<Hashed>>),
    Csv(Box<arrow::csv::Writer<Hashed>>),
    Ndjson(Box<arrow::json::LineDelimitedWriter<Hashed>>),
}

/// A file whose bytes are hashed as they are written.
struct Hashed {
    file: NewFile,
    hasher: Hasher,
}

impl TableFile {
    /// Begins a table beside where it will be.
    ///
    /// # Errors
    /// If its extension names no format, or its folder cannot be written to.
    pub(crate) fn create(path: &Path, schema: &Schema) -> Result<Self> {
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        let format = Format::of_extension(&extension).ok_or_else(|| {
            Error::input(
                format!("the name of {} does not tell its format", path.display()),
                "end it with .parquet, .csv, .ndjson or .arrow",
            )
        })?;
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let file = NewFile::begin("training-set", folder, Audience::Everyone);
        let file = Hashed {
            file: file.map_err(Error::io(path))?,
            hasher: Hasher::new(),
        };
        let arrow = schema.to_arrow();
        let broken = Error::corrupt(path);
        let writer = match format {
            Format::Parquet => {
                let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
                let writer = ArrowWriter::try_new(file, arrow, Some(properties.build()));
                Writer::Parquet(Box::new(writer.map_err(|error| broken(&error))?))
            }
            Format::Arrow => Writer::Arrow(Box::new(FileWriter::try_new(file, &arrow)?)),
            Format::Csv => Writer::Csv(Box::new(arrow::csv::Writer::new(file))),
            Format::Ndjson => Writer::Ndjson(Box::new(arrow::json::LineDelimitedWriter::new(file))),
        };
        Ok(Self {
            path: path.to_owned(),
            writer,
        })
    }

    pub(crate) fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let broken = Error::corrupt(&self.path);
        match &mut self.writer {
            Writer::Parquet(writer) => writer.write(rows).map_err(|error| broken(&error)),
            Writer::Arrow(writer) => Ok(writer.write(rows)?),
            Writer::Csv(writer) => Ok(writer.write(&with_utc_offsets(rows)?)?),
            Writer::Ndjson(writer) => Ok(writer.write(&with_utc_offsets(rows)?)?),
        }
    }

    /// Gives the file its name, in place of one that had it; answers the digest of its bytes.
    pub(crate) fn finish(self) -> Result<Digest> {
        let Self { path, writer } = self;
        let broken = Error::corrupt(&path);
        let hashed = match writer {
            Writer::Parquet(writer) => writer.into_inner().map_err(|error| broken(&error))?,
            Writer::Arrow(mut writer) => {
                writer.finish()?;
                writer.into_inner()?
            }
            Writer::Csv(writer) => writer.into_inner(),
            Writer::Ndjson(mut writer) => {
                writer.finish()?;
                writer.into_inner()
            }
        };
        let Hashed { file, hasher } = hashed;
        file.finish(&path).map_err(Error::io(&path))?;
        Ok(hasher.finish())
    }
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The digest of a file's bytes.
pub(crate) fn digest_of_file(path: &Path) -> Result<Digest> {
    let mut file = File::open(path).map_err(Error::io(path))?;
    digest_of(&mut file).map_err(Error::io(path))
}

/// The digest of what is left of a file.
pub(crate) fn digest_of(file: &mut File) -> io::Result<Digest> {
    // How much is read at a time.
    let mut chunk = vec![0; 256 * 1024];
    let mut hasher = Hasher::new();
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(hasher.finish()),
            count => hasher.update(&chunk[..count]),
        }
    }
}
