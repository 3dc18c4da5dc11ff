//! What CSV and NDJSON lack: files that carry a schema, and how it becomes the contract's.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType as Arrow, Field as ArrowField, Schema as ArrowSchema, SchemaRef};
use trueline_table::{DataType, Field, Schema, normalize, normalized_schema};

use super::DataFile;
use super::column::{ColumnBuilder, Value};
use crate::Result;
use crate::spec::DatasetSpec;
use crate::time::microseconds;

/// The schema of files that carry their own, which must agree; and the columns that are not read.
pub(super) fn common_schema(
    files: &[DataFile],
    spec: &DatasetSpec,
    read: impl Fn(&DataFile) -> Result<SchemaRef>,
) -> Result<(Schema, Vec<String>)> {
    let mut common: Option<Schema> = None;
    let mut unread = Vec::new();
    for file in files {
        let own = read(file)?;
        let schema = file.contract_schema(&own, spec)?;
        unread.extend(
            own.fields()
                .iter()
                .map(|field| field.name().clone())
                .filter(|name| schema.field(name).is_none()),
        );
        match &mut common {
            None => common = Some(schema),
            Some(common) => merge_schema(common, &schema, file, &files[0])?,
        }
    }
    Ok((common.unwrap_or_default(), unread))
}

/// Widens `common` by what `file` says: same names and types, nullable if it is anywhere.
fn merge_schema(
    common: &mut Schema,
    schema: &Schema,
    file: &DataFile,
    first: &DataFile,
) -> Result<()> {
    let first = first.path().display();
    if let Some(extra) = schema.names().find(|name| common.field(name).is_none()) {
        return Err(file.error(
            format!("has a column `{extra}`, which {first} does not have"),
            None,
        ));
    }
    for field in &mut common.fields {
        match schema.field(&field.name) {
            None => {
                return Err(file.error(
                    format!("has no column `{}`, which {first} has", field.name),
                    None,
                ));
            }
            Some(other) if other.data_type != field.data_type => {
                let problem = format!(
                    "column `{}` is {}, but {} in {first}",
                    field.name, other.data_type, field.data_type
                );
                return Err(file.error(problem, Some("declare one type for the column in `types`")));
            }
            Some(other) => field.nullable |= other.nullable,
        }
    }
    Ok(())
}

impl DataFile {
    /// The contract's types for the columns of a typed file; declared types come first, and a column
    /// that no stage can read may be there as long as it is dropped.
    fn contract_schema(&self, schema: &ArrowSchema, spec: &DatasetSpec) -> Result<Schema> {
        let mut fields = Vec::new();
        for field in schema.fields() {
            if let Some(declared) = spec.types.get(field.name()) {
                let nullable = field.is_nullable();
                fields.push(Field {
                    nullable,
                    ..Field::new(field.name(), *declared)
                });
                continue;
            }
            match normalized_schema(&ArrowSchema::new(vec![field.clone()])) {
                Ok(normalized) => fields.extend(normalized.fields),
                Err(_) if spec.drop.contains(field.name()) => {}
                Err(error) => {
                    let hint =
                        "leave the column out with `drop`, or say with `types` what to make of it";
                    return Err(self.error(error.to_string(), Some(hint)));
                }
            }
        }
        let schema = Schema::new(fields);
        match (1..schema.fields.len())
            .find(|&index| schema.index_of(&schema.fields[index].name) != Some(index))
        {
            Some(index) => Err(self.error(
                format!("two columns are called `{}`", schema.fields[index].name),
                None,
            )),
            None => Ok(schema),
        }
    }

    /// A batch of a typed file, whose columns may be in the file's order, as a batch of `schema`.
    pub(super) fn contract_batch(
        &self,
        batch: &RecordBatch,
        schema: &Schema,
    ) -> Result<RecordBatch> {
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for field in &schema.fields {
            let column = batch
                .column_by_name(&field.name)
                .ok_or_else(|| self.error(format!("column `{}` is missing", field.name), None))?;
            let column = convert(column, field.data_type).map_err(|problem| {
                let hint = "declare another type for the column in `types`";
                self.error(format!("column `{}`: {problem}", field.name), Some(hint))
            })?;
            fields.push(ArrowField::new(
                &field.name,
                column.data_type().clone(),
                true,
            ));
            columns.push(column);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let arrow_schema = Arc::new(ArrowSchema::new(fields));
        let batch = RecordBatch::try_new_with_options(arrow_schema, columns, &options)
            .map_err(|error| self.error(error.to_string(), None))?;
        let hint = "declare another type for the column in `types`";
        normalize(schema, &batch).map_err(|error| self.error(error.to_string(), Some(hint)))
    }
}

/// What normalizing leaves to declared types: texts are parsed as those of a CSV file are, and a date
/// becomes its midnight in UTC.
fn convert(column: &ArrayRef, wanted: DataType) -> Result<ArrayRef, String> {
    match (column.data_type(), wanted) {
        (Arrow::Utf8 | Arrow::LargeUtf8 | Arrow::Utf8View, DataType::Utf8 | DataType::Binary) => {
            Ok(column.clone())
        }
        (Arrow::Utf8 | Arrow::LargeUtf8 | Arrow::Utf8View, _) => {
            let texts = cast(column, &Arrow::Utf8).map_err(|error| error.to_string())?;
            let mut parsed = ColumnBuilder::new(wanted)
                .ok_or_else(|| format!("a text cannot become {wanted}"))?;
            for text in texts.as_string::<i32>() {
                parsed
                    .append(text.map_or(Value::Null, Value::Text))
                    .map_err(|problem| format!("`{}` {problem}", text.unwrap_or_default()))?;
            }
            Ok(parsed.finish())
        }
        (Arrow::Date32 | Arrow::Date64, DataType::Timestamp) => Ok(Arc::new(
            microseconds(column).map_err(|error| error.to_string())?,
        )),
        _ => Ok(column.clone()),
    }
}
