//! Reading a dataset: one batch at a time through joins, conditions, label and part.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::{BatchCoalescer, filter_record_batch};
use arrow::error::ArrowError;
use trueline_table::Schema;

use crate::dataset::{Dataset, Inner, ScanOptions};
use crate::join::JoinTable;
use crate::read::unknown_column;
use crate::split::Part;
use crate::{Error, Result};

/// A stream of batches, all of one schema and, but for the last, of as many rows as asked for.
pub struct Scan {
    schema: Schema,
    pipeline: Pipeline,
    rows: Box<dyn Iterator<Item = Result<RecordBatch>> + Send>,
    coalescer: BatchCoalescer,
    finished: bool,
}

/// What is done to each batch of the files.
struct Pipeline {
    dataset: Arc<Inner>,
    part: Option<Part>,
    tables: Vec<Arc<JoinTable>>,
    /// The columns of files and joins that are used.
    needed: BTreeSet<String>,
    schema: arrow::datatypes::SchemaRef,
}

impl Scan {
    pub(crate) fn new(dataset: &Dataset, options: &ScanOptions) -> Result<Self> {
        let inner = &dataset.inner;
        if let Some(part) = options.part
            && !dataset.parts().contains(&part)
        {
            return Err(no_such_part(dataset, part));
        }
        let schema = match &options.columns {
            None => inner.schema.clone(),
            Some(names) => {
                let unknown = names.iter().find(|name| inner.schema.field(name).is_none());
                if let Some(name) = unknown {
                    return Err(unknown_column(&inner.name, "columns", name, &inner.schema));
                }
                inner.schema.select(names).map_err(|source| Error::Table {
                    dataset: inner.name.clone(),
                    source,
                })?
            }
        };
        let mut needed = needed_columns(inner, &schema, options.part);
        let mut tables = Vec::new();
        // The last first, as a join may go by a column of one before it.
        for join in inner.joins.iter().rev() {
            if join
                .fields()
                .iter()
                .any(|field| needed.contains(&field.name))
            {
                needed.extend(join.on().iter().cloned());
                tables.push(join.table()?);
            }
        }
        tables.reverse();
        let source = inner
            .source
            .schema()
            .fields
            .iter()
            .filter(|field| needed.contains(&field.name));
        let source = Schema::new(source.cloned());
        let range = options
            .part
            .and_then(|part| inner.split.as_ref()?.range(part));
        let batch_rows = options.batch_rows.max(1);
        let rows = inner.source.scan(&source, batch_rows, range);
        let arrow = schema.to_arrow();
        let coalescer = BatchCoalescer::new(arrow.clone(), batch_rows);
        let pipeline = Pipeline {
            dataset: inner.clone(),
            part: options.part,
            tables,
            needed,
            schema: arrow,
        };
        Ok(Self {
            schema,
            pipeline,
            rows,
            coalescer,
            finished: false,
        })
    }

    /// The columns of every batch.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.coalescer.next_completed_batch() {
                return Ok(Some(batch));
            }
            if self.finished {
                return Ok(None);
            }
            let pushed = match self.rows.next() {
                Some(batch) => self.coalescer.push_batch(self.pipeline.apply(batch?)?),
                None => {
                    self.finished = true;
                    self.coalescer.finish_buffered_batch()
                }
            };
            pushed.map_err(|error| self.pipeline.error(error))?;
        }
    }
}

impl Iterator for Scan {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.next_batch();
        self.finished |= batch.is_err();
        batch.transpose()
    }
}

impl std::fmt::Debug for Scan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scan")
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

impl Pipeline {
    fn apply(&self, mut batch: RecordBatch) -> Result<RecordBatch> {
        let dataset = &*self.dataset;
        let split = self.part.zip(dataset.split.as_ref());
        if let Some((part, split)) = split {
            batch = self.filter(&batch, split.select(&batch, part))?;
        }
        for table in &self.tables {
            let joined = table.join(&batch, |name| self.needed.contains(name));
            batch = joined.map_err(|error| self.error(error))?;
        }
        if let Some(condition) = &dataset.condition {
            batch = self.filter(&batch, condition.select(&batch))?;
        }
        if let Some((_, split)) = split
            && let Some(time) = split.time_column()
            && batch
                .column_by_name(time)
                .is_some_and(|column| column.null_count() > 0)
        {
            return Err(Error::Data {
                dataset: dataset.name.clone(),
                problem: format!("a row has no `{time}`, by which the rows are split"),
                hint: Some(format!("leave such rows out: where = \"{time} != null\"")),
            });
        }
        self.project(&batch).map_err(|error| self.error(error))
    }

    fn filter(
        &self,
        batch: &RecordBatch,
        selected: Result<BooleanArray, ArrowError>,
    ) -> Result<RecordBatch> {
        let selected = selected.map_err(|error| self.error(error))?;
        if selected.true_count() == batch.num_rows() {
            return Ok(batch.clone());
        }
        filter_record_batch(batch, &selected).map_err(|error| self.error(error))
    }

    /// The columns asked for, the label computed if it is among them.
    fn project(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let column = |field: &Arc<arrow::datatypes::Field>| -> Result<ArrayRef, ArrowError> {
            match &self.dataset.label {
                Some((name, expression)) if name == field.name() => expression.evaluate(batch),
                _ => {
                    let column = batch.column_by_name(field.name());
                    column.cloned().ok_or_else(|| {
                        ArrowError::SchemaError(format!("no column `{}`", field.name()))
                    })
                }
            }
        };
        let columns = self
            .schema
            .fields()
            .iter()
            .map(column)
            .collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
    }

    fn error(&self, error: ArrowError) -> Error {
        Error::Table {
            dataset: self.dataset.name.clone(),
            source: error.into(),
        }
    }
}

/// The columns of files and joins that a scan with these columns reads.
fn needed_columns(dataset: &Inner, schema: &Schema, part: Option<Part>) -> BTreeSet<String> {
    let mut needed: BTreeSet<String> = schema.names().map(str::to_owned).collect();
    if let Some((label, expression)) = &dataset.label
        && needed.remove(label)
    {
        needed.extend(expression.columns());
    }
    if let Some(condition) = &dataset.condition {
        needed.extend(condition.columns());
    }
    if let (Some(split), Some(_)) = (&dataset.split, part) {
        needed.extend(split.columns().iter().cloned());
    }
    needed
}

fn no_such_part(dataset: &Dataset, part: Part) -> Error {
    let hint = match (dataset.parts(), part) {
        ([], _) => "split it: split = { by = \"time\", test_from = \"2013-10-01\" }".to_owned(),
        (_, Part::Valid) => "add `valid_from` or `valid` to `split`".to_owned(),
        (parts, _) => format!(
            "its parts are {}",
            parts
                .iter()
                .map(Part::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        ),
    };
    Error::Spec {
        dataset: dataset.name().to_owned(),
        key: "split".to_owned(),
        problem: format!("there is no part `{part}`"),
        hint: Some(hint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datasets_and_scans_may_move_between_threads() {
        fn check<T: Send>() {}
        fn check_shared<T: Send + Sync>() {}
        check::<Scan>();
        check_shared::<Dataset>();
    }
}
