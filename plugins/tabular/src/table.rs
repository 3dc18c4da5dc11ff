//! The table as it stands between two steps.

use std::collections::BTreeSet;

use trueline_sdk::{DataType, Error, Field, Result, Role, Schema};

use crate::{
    params::Columns,
    value::{Content, Operand, Scalar, Source, Text, Value, Vector},
};

/// Columns in order, with unique names.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    /// Whether a step may name columns that are not there; they are passed over then.
    partial: bool,
}

/// A column and how its values come about.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) field: Field,
    /// `None` as long as something that it depends on is not learned.
    pub(crate) value: Option<Value>,
    /// The first pass in which everything that it depends on is learned.
    pub(crate) ready: u32,
    /// The columns of the batch that it depends on.
    pub(crate) inputs: BTreeSet<usize>,
    /// Whether a step made it.
    pub(crate) written: bool,
}

impl Table {
    /// The columns as they come in. If `partial`, some that steps name may be missing, since nothing
    /// depends on them.
    pub(crate) fn new(schema: &Schema, partial: bool) -> Self {
        let columns = schema
            .fields
            .iter()
            .enumerate()
            .map(|(index, field)| Column::input(index, field))
            .collect();
        Self { columns, partial }
    }

    pub(crate) fn is_partial(&self) -> bool {
        self.partial
    }

    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Copies of the columns that a step is about, if it takes their types.
    ///
    /// # Errors
    /// [`Error::Schema`] if one is missing or of a type that the step does not take; `takes` says in
    /// words which it does.
    pub(crate) fn select(
        &self,
        columns: &Columns,
        accepts: impl Fn(DataType) -> bool,
        takes: &str,
    ) -> Result<Vec<Column>> {
        let names = match columns {
            Columns::Named(names) => names,
            Columns::All => {
                let fits = |column: &&Column| {
                    column.field.role == Role::Feature && accepts(column.field.data_type)
                };
                let selected: Vec<_> = self.columns.iter().filter(fits).cloned().collect();
                if selected.is_empty() && !self.partial {
                    return Err(Error::schema(format!(
                        "there is no feature column for `*`: this op takes {takes}"
                    )));
                }
                return Ok(selected);
            }
        };
        let mut selected = Vec::with_capacity(names.len());
        for name in names {
            match self.find(name) {
                Some(column) if accepts(column.field.data_type) => selected.push(column.clone()),
                Some(column) => {
                    return Err(Error::schema(format!(
                        "column `{name}` is {}, and this op takes {takes}",
                        column.field.data_type
                    )));
                }
                None if self.partial => {}
                None => return Err(self.no_column(name)),
            }
        }
        Ok(selected)
    }

    /// Puts a column in the place of the one of its name.
    pub(crate) fn replace(&mut self, column: Column) {
        if let Some(old) = self
            .columns
            .iter_mut()
            .find(|old| old.field.name == column.field.name)
        {
            *old = column;
        }
    }

    /// Appends a column.
    ///
    /// # Errors
    /// [`Error::Schema`] if there is one of its name.
    pub(crate) fn add(&mut self, column: Column) -> Result<()> {
        if self.find(&column.field.name).is_some() {
            return Err(Error::schema(format!(
                "there is a column `{}` already",
                column.field.name
            )));
        }
        self.columns.push(column);
        Ok(())
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.columns.retain(|column| column.field.name != name);
    }

    fn no_column(&self, name: &str) -> Error {
        let names: Vec<_> = self
            .columns
            .iter()
            .map(|column| column.field.name.as_str())
            .collect();
        Error::schema(format!(
            "there is no column `{name}`; the columns at this step are {}",
            names.join(", ")
        ))
    }

    fn find(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.field.name == name)
    }
}

impl Column {
    fn input(index: usize, field: &Field) -> Self {
        let value = match field.data_type {
            DataType::Utf8 => Value::Text(Text {
                input: index,
                fill: None,
            }),
            DataType::Float32List(width) | DataType::Float64List(width) => {
                Value::Vector(Vector::of(width as usize, Content::List { input: index }))
            }
            DataType::Binary | DataType::Timestamp | DataType::Date => Value::Opaque(index),
            _ => Value::Scalar(Scalar::new(Source::Input(index))),
        };
        Self {
            field: field.clone(),
            value: Some(value),
            ready: 0,
            inputs: BTreeSet::from([index]),
            written: false,
        }
    }

    /// A column that this one turns into, in its place and with its role.
    pub(crate) fn becomes(
        &self,
        data_type: DataType,
        nullable: bool,
        value: Option<Value>,
        ready: u32,
    ) -> Self {
        Self {
            field: Field {
                data_type,
                nullable,
                elements: Vec::new(),
                ..self.field.clone()
            },
            value,
            ready,
            inputs: self.inputs.clone(),
            written: true,
        }
    }

    /// A feature column made from this one, with a name of its own.
    pub(crate) fn derives(
        &self,
        name: String,
        data_type: DataType,
        nullable: bool,
        value: Option<Value>,
    ) -> Self {
        let column = self.becomes(data_type, nullable, value, self.ready);
        Self {
            field: Field {
                name,
                role: Role::Feature,
                ..column.field
            },
            ..column
        }
    }

    /// The numbers of a number column, if they can be computed yet.
    pub(crate) fn scalar(&self) -> Option<Scalar> {
        match &self.value {
            Some(Value::Scalar(scalar)) => Some(scalar.clone()),
            _ => None,
        }
    }

    /// The values to learn from or to encode by, if they can be computed yet. With `exactly`, those
    /// of an integer or boolean column as it came in are not made floats.
    pub(crate) fn operand(&self, exactly: bool) -> Option<Operand> {
        let is_integer = matches!(
            self.field.data_type,
            DataType::Boolean | DataType::Int32 | DataType::Int64
        );
        match self.value.as_ref()? {
            Value::Text(text) => Some(Operand::Texts(text.clone())),
            Value::Scalar(scalar) => Some(match scalar.source {
                Source::Input(input) if exactly && is_integer && !self.written => {
                    Operand::Integers(input)
                }
                _ => Operand::Numbers(scalar.clone()),
            }),
            Value::Vector(_) | Value::Opaque(_) => None,
        }
    }

    /// Whether a value may be missing: null, or NaN in a float column that no step has made.
    pub(crate) fn may_miss(&self) -> bool {
        let is_float = matches!(self.field.data_type, DataType::Float32 | DataType::Float64);
        self.field.nullable || is_float && !self.written
    }
}
