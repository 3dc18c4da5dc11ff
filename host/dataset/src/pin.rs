//! Pinning: naming exactly the rows that a run read.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use trueline_table::{Digest, Hasher, TableDigest};

use crate::dataset::{BATCH_ROWS, Dataset, ScanOptions};
use crate::read::DataFile;
use crate::spec::{CsvOptions, Format, LabelSpec, SplitSpec};
use crate::split::Part;
use crate::{Error, Result};

/// What a run read of a dataset: enough to find it again and to tell whether it is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The files, in the order in which they were read.
    pub files: Vec<FilePin>,
    /// What the files hold, whatever their format: all their columns, before joins and conditions.
    pub table: TablePin,
    /// The view: the tables of this dataset and of those it joins, and what the declaration makes of
    /// them. Equal views have equal rows in every part, so this is what a cached result may depend on.
    pub view: Digest,
    /// What the view is the digest of, as JSON, to say what changed when it did.
    pub declared: serde_json::Value,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePin {
    /// Where it was, relative to the pipeline file if it was beside or below it.
    pub path: String,
    /// Of its bytes.
    pub digest: Digest,
    pub size_bytes: u64,
}

/// The content of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TablePin {
    pub digest: Digest,
    pub rows: u64,
}

/// Remembers what files hold, so that files which were read before need not be decoded again. The key
/// covers the bytes of the files and everything that decides how they are read.
pub trait Memo {
    fn get(&self, key: &Digest) -> Option<TablePin>;
    fn put(&self, key: &Digest, table: &TablePin);
}

/// Remembers nothing.
#[derive(Clone, Copy, Debug)]
pub struct NoMemo;

impl Memo for NoMemo {
    fn get(&self, _key: &Digest) -> Option<TablePin> {
        None
    }

    fn put(&self, _key: &Digest, _table: &TablePin) {}
}

/// What decides how the bytes of files become a table. Changing its shape or the meaning of what it
/// holds needs another version.
#[derive(Serialize)]
struct Reading<'a> {
    version: u32,
    files: Vec<Digest>,
    format: Format,
    csv: Option<&'a CsvOptions>,
    schema: &'a trueline_table::Schema,
}

/// What decides how tables become a view, under the same rule.
#[derive(Serialize)]
struct View<'a> {
    version: u32,
    table: Digest,
    joins: Vec<ViewJoin<'a>>,
    #[serde(rename = "where")]
    condition: Option<&'a str>,
    label: Option<&'a LabelSpec>,
    split: Option<&'a SplitSpec>,
    schema: &'a trueline_table::Schema,
}

#[derive(Serialize)]
struct ViewJoin<'a> {
    with: Digest,
    on: Vec<(&'a str, &'a str)>,
    prefix: &'a str,
    fields: Vec<&'a str>,
}

impl Dataset {
    /// Digests the files and what they hold. The bytes of every file are read, and decoded unless
    /// `memo` knows them; memory is bounded.
    ///
    /// A file that changes later is another dataset: to be sure that a run reads what was pinned, read
    /// a copy that was stored under its digest.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn pin(&self, memo: &dyn Memo) -> Result<Pin> {
        let source = &self.inner.source;
        let files = source.files().iter().map(|file| self.pin_file(file));
        let files = files.collect::<Result<Vec<_>>>()?;
        let reading = Reading {
            version: 1,
            files: files.iter().map(|file| file.digest).collect(),
            format: source.format(),
            csv: (source.format() == Format::Csv).then_some(&self.inner.spec.csv),
            schema: source.schema(),
        };
        let key = self.digest_json(&reading)?;
        let table = match memo.get(&key) {
            Some(table) => table,
            None => {
                let table = self.digest(
                    source.schema(),
                    source.scan(source.schema(), BATCH_ROWS, None),
                )?;
                memo.put(&key, &table);
                table
            }
        };
        let declared = self.view(&table, memo)?;
        Ok(Pin {
            files,
            table,
            view: self.digest_json(&declared)?,
            declared,
        })
    }

    /// Digests the rows of a part as a scan gives them, which takes a scan.
    ///
    /// # Errors
    /// As [`scan`](Self::scan).
    pub fn digest_part(&self, part: Option<Part>) -> Result<TablePin> {
        let scan = self.scan(&ScanOptions {
            part,
            ..ScanOptions::default()
        })?;
        self.digest(self.schema(), scan)
    }

    fn pin_file(&self, file: &DataFile) -> Result<FilePin> {
        let (digest, size_bytes) = hash(file.open()?)
            .map_err(|error| file.error(format!("cannot be read: {error}"), None))?;
        let path = file.path().strip_prefix(&self.inner.base_dir);
        let path = path.unwrap_or(file.path()).to_string_lossy().into_owned();
        Ok(FilePin {
            path,
            digest,
            size_bytes,
        })
    }

    fn view(&self, table: &TablePin, memo: &dyn Memo) -> Result<serde_json::Value> {
        let spec = &self.inner.spec;
        let mut joins = Vec::new();
        for (join, spec) in self.inner.joins.iter().zip(&spec.join) {
            joins.push(ViewJoin {
                with: join.with().pin(memo)?.view,
                on: spec.on.pairs(),
                prefix: &spec.prefix,
                fields: join
                    .fields()
                    .iter()
                    .map(|field| field.name.as_str())
                    .collect(),
            });
        }
        serde_json::to_value(View {
            version: 1,
            table: table.digest,
            joins,
            condition: spec.condition.as_deref(),
            label: spec.label.as_ref(),
            split: spec.split.as_ref(),
            schema: self.schema(),
        })
        .map_err(|error| self.no_json(&error))
    }

    fn digest(
        &self,
        schema: &trueline_table::Schema,
        batches: impl Iterator<Item = Result<arrow::array::RecordBatch>>,
    ) -> Result<TablePin> {
        let table_error = |source| Error::Table {
            dataset: self.name().to_owned(),
            source,
        };
        let (mut digest, mut rows) = (TableDigest::new(schema), 0);
        for batch in batches {
            let batch = batch?;
            rows += batch.num_rows() as u64;
            digest.update(&batch).map_err(table_error)?;
        }
        Ok(TablePin {
            digest: digest.finish().map_err(table_error)?,
            rows,
        })
    }

    fn digest_json(&self, value: &impl Serialize) -> Result<Digest> {
        let json = serde_json::to_vec(value).map_err(|error| self.no_json(&error))?;
        Ok(Digest::of(&json))
    }

    fn no_json(&self, error: &serde_json::Error) -> Error {
        Error::Data {
            dataset: self.name().to_owned(),
            problem: format!("its declaration cannot be written as JSON: {error}"),
            hint: None,
        }
    }
}

fn hash(mut file: impl Read) -> io::Result<(Digest, u64)> {
    let (mut hasher, mut size, mut buffer) = (Hasher::new(), 0, vec![0; 1 << 18]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((hasher.finish(), size));
        }
        hasher.update(&buffer[..read]);
        size += read as u64;
    }
}
