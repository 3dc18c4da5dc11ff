//! Left join by a unique key: what the declaration says, checked against both datasets.

mod table;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use arrow::compute::concat_batches;
use trueline_table::{DataType, Field, Role, Schema};

use self::table::BuildError;
pub(crate) use self::table::JoinTable;
use crate::dataset::{Dataset, ScanOptions};
use crate::read::unknown_column;
use crate::spec::JoinSpec;
use crate::suggest::{did_you_mean, list_some};
use crate::{Error, Result};

/// The memory that a joined dataset may take: its taken columns and its keys. A run reads few enough
/// of them that this bounds the whole; what is larger belongs in a query engine.
pub const MAX_JOIN_BYTES: usize = 256 << 20;

/// One join of a dataset, its names checked.
#[derive(Debug)]
pub(crate) struct Join {
    /// The dataset that joins, for messages.
    dataset: String,
    with: Dataset,
    /// This side's key columns.
    on: Vec<String>,
    /// The other side's.
    on_other: Vec<String>,
    /// The other side's names of the columns to take.
    take: Vec<String>,
    /// The same columns as this side has them.
    fields: Vec<Field>,
    /// The other dataset's rows, read when they are first needed.
    table: OnceLock<Arc<JoinTable>>,
}

impl Join {
    /// Checks a join to `with` against `schema`, the columns so far.
    pub(crate) fn new(
        dataset: &str,
        index: usize,
        spec: &JoinSpec,
        with: Dataset,
        schema: &Schema,
    ) -> Result<Self> {
        let key = |part: &str| format!("join[{index}].{part}");
        let wrong = |part: &str, problem: String, hint: &str| Error::Spec {
            dataset: dataset.to_owned(),
            key: key(part),
            problem,
            hint: Some(hint.to_owned()),
        };
        let no_such_column = |part: &str, name: &str| {
            let names = || with.schema().names();
            let hint = did_you_mean(name, names())
                .unwrap_or_else(|| format!("its columns are {}", list_some(names())));
            wrong(
                part,
                format!("`{}` has no column `{name}`", spec.with),
                &hint,
            )
        };
        let pairs = spec.on.pairs();
        if pairs.is_empty() {
            return Err(wrong(
                "on",
                "no column to join by".to_owned(),
                "name the key: on = [\"origin\"]",
            ));
        }
        for (this, other) in &pairs {
            let left = schema
                .field(this)
                .ok_or_else(|| unknown_column(dataset, &key("on"), this, schema))?;
            let right = with.schema().field(other);
            let right = right.ok_or_else(|| no_such_column("on", other))?;
            if left.data_type != right.data_type {
                let problem = format!(
                    "`{this}` is {}, and `{other}` of `{}` is {}",
                    left.data_type, spec.with, right.data_type
                );
                return Err(wrong(
                    "on",
                    problem,
                    "give both columns one type with `types`",
                ));
            }
            if !is_key_type(left.data_type) {
                let problem = format!(
                    "`{this}` is {}, of which two are rarely the same",
                    left.data_type
                );
                return Err(wrong(
                    "on",
                    problem,
                    "join by whole numbers, texts, times or dates",
                ));
            }
        }
        let take: Vec<String> = match &spec.take {
            Some(names) => names.clone(),
            None => {
                let is_key = |name: &&str| pairs.iter().any(|(_, other)| other == name);
                with.schema()
                    .names()
                    .filter(|name| !is_key(name))
                    .map(str::to_owned)
                    .collect()
            }
        };
        let mut fields: Vec<Field> = Vec::new();
        for name in &take {
            let field = with.schema().field(name);
            let field = field.ok_or_else(|| no_such_column("take", name))?;
            let name = format!("{}{name}", spec.prefix);
            if schema.field(&name).is_some() || fields.iter().any(|field| field.name == name) {
                let problem = format!("there is a column `{name}` already");
                return Err(wrong(
                    "take",
                    problem,
                    "list other columns, or set `prefix`",
                ));
            }
            // What it is for over there says nothing about here, and there may be no row to take from.
            fields.push(Field {
                name,
                nullable: true,
                role: Role::Feature,
                ..field.clone()
            });
        }
        let (on, on_other) = pairs
            .into_iter()
            .map(|(this, other)| (this.to_owned(), other.to_owned()))
            .unzip();
        Ok(Self {
            dataset: dataset.to_owned(),
            with,
            on,
            on_other,
            take,
            fields,
            table: OnceLock::new(),
        })
    }

    /// The columns that it adds.
    pub(crate) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The columns that it finds the other row by.
    pub(crate) fn on(&self) -> &[String] {
        &self.on
    }

    pub(crate) fn with(&self) -> &Dataset {
        &self.with
    }

    /// The same join, the other dataset read from copies of its files where there are some.
    pub(crate) fn with_copies(&self, copies: &BTreeMap<PathBuf, PathBuf>) -> Self {
        Self {
            dataset: self.dataset.clone(),
            with: self.with.with_copies(copies),
            on: self.on.clone(),
            on_other: self.on_other.clone(),
            take: self.take.clone(),
            fields: self.fields.clone(),
            table: OnceLock::new(),
        }
    }

    /// The other side's rows, read at the first call.
    ///
    /// # Errors
    /// If they cannot be read, are too many, or two have one key.
    pub(crate) fn table(&self) -> Result<Arc<JoinTable>> {
        if let Some(table) = self.table.get() {
            return Ok(table.clone());
        }
        let table = Arc::new(self.read_table()?);
        Ok(self.table.get_or_init(|| table).clone())
    }

    fn read_table(&self) -> Result<JoinTable> {
        let mut columns = self.on_other.clone();
        columns.extend(
            self.take
                .iter()
                .filter(|name| !self.on_other.contains(name))
                .cloned(),
        );
        let too_large = |problem: String| Error::Data {
            dataset: self.dataset.clone(),
            problem,
            hint: Some(
                "take fewer columns, or join the files before with a query engine".to_owned(),
            ),
        };
        let scan = self.with.scan(&ScanOptions {
            columns: Some(columns),
            ..ScanOptions::default()
        })?;
        let schema = scan.schema().clone();
        let (mut batches, mut bytes) = (Vec::new(), 0);
        for batch in scan {
            let batch = batch?;
            bytes += batch.get_array_memory_size();
            if bytes > MAX_JOIN_BYTES {
                let problem = format!(
                    "the columns joined from `{}` take more than {} MiB",
                    self.with.name(),
                    MAX_JOIN_BYTES >> 20
                );
                return Err(too_large(problem));
            }
            batches.push(batch);
        }
        let rows = concat_batches(&schema.to_arrow(), &batches)
            .map_err(|error| too_large(error.to_string()))?;
        if u32::try_from(rows.num_rows()).is_err() {
            return Err(too_large(format!(
                "`{}` has more than 2^32 rows",
                self.with.name()
            )));
        }
        let table = JoinTable::build(&rows, &self.on, &self.on_other, &self.take, &self.fields);
        table.map_err(|error| self.build_error(error))
    }

    fn build_error(&self, error: BuildError) -> Error {
        let with = self.with.name();
        let (problem, hint) = match error {
            BuildError::Duplicate(key) => (
                format!("`{with}` has more than one row with {key}, so it cannot be joined by it"),
                "join by a key that is unique, or leave rows out with `where`",
            ),
            BuildError::Arrow(error) => (
                format!("`{with}` cannot be joined: {error}"),
                "check the types of the key columns",
            ),
        };
        Error::Data {
            dataset: self.dataset.clone(),
            problem,
            hint: Some(hint.to_owned()),
        }
    }
}

/// Whether values of the type can be told to be the same: NaN and rounding speak against floats.
pub(crate) fn is_key_type(data_type: DataType) -> bool {
    matches!(
        data_type,
        DataType::Boolean
            | DataType::Int32
            | DataType::Int64
            | DataType::Utf8
            | DataType::Binary
            | DataType::Timestamp
            | DataType::Date
    )
}
