//! A dataset: what its declaration makes of its files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use trueline_table::{DataType, Field, Role, Schema};

use crate::expression::Expression;
use crate::join::Join;
use crate::read::{Source, unknown_column};
use crate::spec::{DatasetSpec, Format, LabelSpec, PinPolicy};
use crate::split::{Part, Split};
use crate::{Error, Result, Scan};

/// Rows that a scan's batches have unless asked otherwise: enough that the work per batch does not
/// count, and a block of a table digest.
pub const BATCH_ROWS: usize = 65_536;

/// A dataset whose declaration fits its files. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Dataset {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) name: String,
    pub(crate) spec: DatasetSpec,
    pub(crate) base_dir: PathBuf,
    pub(crate) source: Source,
    pub(crate) joins: Vec<Join>,
    pub(crate) condition: Option<Expression>,
    /// A label that is computed.
    pub(crate) label: Option<(String, Expression)>,
    pub(crate) split: Option<Split>,
    pub(crate) schema: Schema,
}

/// Which rows and columns to read, and how many rows at a time.
#[derive(Clone, Debug)]
pub struct ScanOptions {
    /// The part to read; by default all rows.
    pub part: Option<Part>,
    /// The columns to read, in this order; by default all. Files are only decoded as far as needed.
    pub columns: Option<Vec<String>>,
    /// Rows in each batch but the last.
    pub batch_rows: usize,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self {
            part: None,
            columns: None,
            batch_rows: BATCH_ROWS,
        }
    }
}

impl Dataset {
    /// Checks `spec` against the files, relative to `base_dir`, or against the columns that are planned for
    /// its rows of features, and the datasets that it joins, which `open_joined` gives.
    pub(crate) fn open(
        name: &str,
        spec: &DatasetSpec,
        base_dir: &Path,
        planned: Option<&Schema>,
        mut open_joined: impl FnMut(usize, &str) -> Result<Dataset>,
    ) -> Result<Self> {
        let source = match (&spec.features, planned) {
            (None, _) => Source::open(name, spec, base_dir)?,
            (Some(_), planned) => Source::planned(name, spec, planned)?,
        };
        // What columns are for is declared, not read from a file's metadata.
        let fields = source
            .schema()
            .fields
            .iter()
            .map(|field| field.clone().with_role(Role::Feature));
        let mut schema = Schema::new(fields);
        let split = spec
            .split
            .as_ref()
            .map(|split| Split::new(name, split, &schema))
            .transpose()?;
        let mut joins = Vec::new();
        for (index, join) in spec.join.iter().enumerate() {
            let join = Join::new(name, index, join, open_joined(index, &join.with)?, &schema)?;
            schema.fields.extend(join.fields().iter().cloned());
            joins.push(join);
        }
        let condition = match &spec.condition {
            Some(text) => Some(check_condition(name, text, &mut schema)?),
            None => None,
        };
        let label = match &spec.label {
            Some(label) => check_label(name, label, &schema)?,
            None => None,
        };
        let mut schema = select(name, spec, &source, schema)?;
        if let Some((label, expression)) = &label {
            let nullable = expression.is_nullable();
            schema.fields.push(Field {
                nullable,
                ..Field::new(label, expression.data_type())
            });
        }
        assign_roles(name, spec, split.as_ref(), &mut schema)?;
        let inner = Inner {
            name: name.to_owned(),
            spec: spec.clone(),
            base_dir: base_dir.to_owned(),
            source,
            joins,
            condition,
            label,
            split,
            schema,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The columns that a scan gives, with their roles.
    pub fn schema(&self) -> &Schema {
        &self.inner.schema
    }

    /// The parts that it is split into; none if it is not split.
    pub fn parts(&self) -> &'static [Part] {
        self.inner.split.as_ref().map_or(&[], Split::parts)
    }

    /// The columns that identify a row.
    pub fn key(&self) -> &[String] {
        self.inner.spec.key.as_slice()
    }

    /// The column that tells when a row happened: as declared, else the timestamp to split by. It has
    /// the role event-time unless it is part of the key.
    pub fn event_time(&self) -> Option<&str> {
        event_time(
            &self.inner.spec,
            self.inner.split.as_ref(),
            &self.inner.schema,
        )
    }

    /// The files, in the order in which they are read.
    pub fn files(&self) -> impl ExactSizeIterator<Item = &Path> {
        self.inner.source.files().iter().map(|file| file.path())
    }

    pub fn format(&self) -> Format {
        self.inner.source.format()
    }

    pub fn pin_policy(&self) -> PinPolicy {
        self.inner.spec.pin
    }

    /// The datasets that it joins, in order.
    pub fn joined(&self) -> impl Iterator<Item = &Dataset> {
        self.inner.joins.iter().map(Join::with)
    }

    /// The same dataset, the bytes of its files, and of those it joins, read from copies: `copies` holds
    /// where the copy of a path is. Messages still speak of the path. Files without a copy are read where
    /// they are.
    pub fn with_copies(&self, copies: &BTreeMap<PathBuf, PathBuf>) -> Self {
        let Inner {
            name,
            spec,
            base_dir,
            source,
            joins,
            condition,
            label,
            split,
            schema,
        } = &*self.inner;
        let inner = Inner {
            name: name.clone(),
            spec: spec.clone(),
            base_dir: base_dir.clone(),
            source: source.with_copies(copies),
            joins: joins.iter().map(|join| join.with_copies(copies)).collect(),
            condition: condition.clone(),
            label: label.clone(),
            split: split.clone(),
            schema: schema.clone(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Reads rows in the order of the files. Memory is bounded by a few batches, apart from joined
    /// datasets, which are read at the first scan that needs their columns.
    ///
    /// # Errors
    /// If a column or the part does not exist, a joined dataset cannot be joined, or, in the stream,
    /// a file cannot be read. The stream ends after its first error.
    pub fn scan(&self, options: &ScanOptions) -> Result<Scan> {
        Scan::new(self, options)
    }
}

/// Compiles the condition, and marks the columns as never null that it keeps from being so.
fn check_condition(dataset: &str, text: &str, schema: &mut Schema) -> Result<Expression> {
    let condition = compile(dataset, "where", text, schema)?;
    if condition.data_type() != DataType::Boolean {
        return Err(Error::Spec {
            dataset: dataset.to_owned(),
            key: "where".to_owned(),
            problem: format!("`{text}` is {}, not true or false", condition.data_type()),
            hint: Some("compare it with something, such as `x > 0` or `x != null`".to_owned()),
        });
    }
    let present = condition.proves_present();
    for field in schema
        .fields
        .iter_mut()
        .filter(|field| present.contains(&field.name))
    {
        field.nullable = false;
    }
    Ok(condition)
}

fn check_label(
    dataset: &str,
    label: &LabelSpec,
    schema: &Schema,
) -> Result<Option<(String, Expression)>> {
    match (&label.value, schema.field(&label.name)) {
        (Some(_), Some(_)) => Err(Error::Spec {
            dataset: dataset.to_owned(),
            key: "label.name".to_owned(),
            problem: format!("there is a column `{}` already", label.name),
            hint: Some("choose another name, or leave out `value` to use that column".to_owned()),
        }),
        (Some(value), None) => Ok(Some((
            label.name.clone(),
            compile(dataset, "label.value", value, schema)?,
        ))),
        (None, Some(_)) => Ok(None),
        (None, None) => Err(unknown_column(dataset, "label.name", &label.name, schema)),
    }
}

fn compile(dataset: &str, key: &'static str, text: &str, schema: &Schema) -> Result<Expression> {
    let compiled = Expression::compile(text, schema);
    compiled.map_err(|source| Error::Expression {
        dataset: dataset.to_owned(),
        key,
        source,
    })
}

/// The columns that `select` and `drop` leave.
fn select(dataset: &str, spec: &DatasetSpec, source: &Source, schema: Schema) -> Result<Schema> {
    for (index, name) in spec.drop.iter().enumerate() {
        if schema.field(name).is_none() && !source.has_column(name) {
            return Err(unknown_column(
                dataset,
                &format!("drop[{index}]"),
                name,
                &schema,
            ));
        }
    }
    let mut selected: Vec<Field> = Vec::new();
    match &spec.select {
        None => selected = schema.fields,
        Some(names) => {
            let computed =
                |name: &String| spec.label.as_ref().is_some_and(|label| label.name == *name);
            for (index, name) in names.iter().enumerate() {
                match schema.field(name) {
                    Some(field) if !selected.contains(field) => selected.push(field.clone()),
                    None if !computed(name) => {
                        return Err(unknown_column(
                            dataset,
                            &format!("select[{index}]"),
                            name,
                            &schema,
                        ));
                    }
                    _ => {}
                }
            }
        }
    }
    selected.retain(|field| !spec.drop.contains(&field.name));
    Ok(Schema::new(selected))
}

fn assign_roles(
    dataset: &str,
    spec: &DatasetSpec,
    split: Option<&Split>,
    schema: &mut Schema,
) -> Result<()> {
    let mut assign = |key: &str, name: &str, role: Role, fits: fn(DataType) -> bool| {
        let wrong = |problem: String, hint: &str| Error::Spec {
            dataset: dataset.to_owned(),
            key: key.to_owned(),
            problem,
            hint: Some(hint.to_owned()),
        };
        if spec.drop.iter().any(|dropped| dropped == name) {
            return Err(wrong(
                format!("column `{name}` is dropped"),
                "take it out of `drop`",
            ));
        }
        let Some(index) = schema.index_of(name) else {
            let selected = spec.select.as_ref().map(|_| {
                wrong(
                    format!("column `{name}` is not selected"),
                    "add it to `select`",
                )
            });
            return Err(selected.unwrap_or_else(|| unknown_column(dataset, key, name, schema)));
        };
        let field = &mut schema.fields[index];
        if field.role != Role::Feature {
            let problem = format!("column `{name}` is the {} already", field.role);
            return Err(wrong(problem, "a column has one role: name another column"));
        }
        if !fits(field.data_type) {
            return Err(wrong(
                format!(
                    "column `{name}` cannot be the {role}: it is {}",
                    field.data_type
                ),
                "name another column, or declare its type in `types`",
            ));
        }
        field.role = role;
        Ok(())
    };
    if let Some(label) = &spec.label {
        assign("label.name", &label.name, Role::Label, |_| true)?;
    }
    if let Some(weight) = &spec.weight {
        assign("weight", weight, Role::Weight, is_number)?;
    }
    for name in spec.key.as_slice() {
        assign("key", name, Role::Key, |_| true)?;
    }
    if let Some(group) = &spec.group {
        assign("group", group, Role::Group, |_| true)?;
    }
    if let Some(time) = &spec.event_time {
        assign("event_time", time, Role::EventTime, is_time)?;
    } else if let Some(time) = event_time(spec, split, schema).map(str::to_owned)
        && let Some(field) = schema.fields.iter_mut().find(|field| field.name == time)
        && field.role == Role::Feature
    {
        field.role = Role::EventTime;
    }
    Ok(())
}

fn event_time<'a>(
    spec: &'a DatasetSpec,
    split: Option<&'a Split>,
    schema: &Schema,
) -> Option<&'a str> {
    let split_by = || {
        split
            .and_then(Split::time_column)
            .filter(|name| schema.field(name).is_some())
    };
    spec.event_time.as_deref().or_else(split_by)
}

fn is_number(data_type: DataType) -> bool {
    matches!(
        data_type,
        DataType::Int32 | DataType::Int64 | DataType::Float32 | DataType::Float64
    )
}

fn is_time(data_type: DataType) -> bool {
    matches!(data_type, DataType::Timestamp | DataType::Date)
}
