//! The table as it stands between two steps.

use std::collections::BTreeSet;

use trueline_sdk::{DataType, Error, Field, Result, Role, Schema};

use crate::{
    columns::{Columns, Wanted},
    elements::Elements,
    integers::Integers,
    time::Time,
    value::{
        Content, MAX_DEPTH, MAX_PARTS, Operand, Scalar, Source, Text, TextSource, Value, Vector,
    },
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
        let mut selected: Vec<Column> = Vec::new();
        for wanted in &columns.wanted {
            match wanted {
                Wanted::Named(name) => match self.find(name) {
                    Some(column) if accepts(column.field.data_type) => {
                        push_once(&mut selected, column);
                    }
                    Some(column) => {
                        return Err(Error::schema(format!(
                            "column `{name}` is {}, and this op takes {takes}",
                            column.field.data_type
                        )));
                    }
                    None if self.partial => {}
                    None => return Err(self.no_column(name)),
                },
                Wanted::Like(pattern) => {
                    let fits = |column: &&Column| {
                        let Field {
                            name,
                            data_type,
                            role,
                            ..
                        } = &column.field;
                        *role == Role::Feature
                            && accepts(*data_type)
                            && pattern.fits(name)
                            && columns.admits(name, *data_type)
                    };
                    let mut fitting = self.columns.iter().filter(fits).peekable();
                    if fitting.peek().is_none() && !self.partial {
                        return Err(Error::schema(format!(
                            "no feature column fits `{pattern}`: this op takes {takes}; the columns at this step are {}",
                            self.names()
                        )));
                    }
                    fitting.for_each(|column| push_once(&mut selected, column));
                }
            }
        }
        Ok(selected)
    }

    /// Puts a column in the place of the one of its name.
    ///
    /// # Errors
    /// [`Error::Schema`] if it takes too much to compute.
    pub(crate) fn replace(&mut self, column: Column) -> Result<()> {
        column.check_weight()?;
        if let Some(old) = self
            .columns
            .iter_mut()
            .find(|old| old.field.name == column.field.name)
        {
            *old = column;
        }
        Ok(())
    }

    /// Appends a column.
    ///
    /// # Errors
    /// [`Error::Schema`] if there is one of its name, or it takes too much to compute.
    pub(crate) fn add(&mut self, column: Column) -> Result<()> {
        column.check_weight()?;
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
        Error::schema(format!(
            "there is no column `{name}`; the columns at this step are {}",
            self.names()
        ))
    }

    /// All names, for messages.
    fn names(&self) -> String {
        let names: Vec<_> = self
            .columns
            .iter()
            .map(|column| column.field.name.as_str())
            .collect();
        names.join(", ")
    }

    fn find(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.field.name == name)
    }
}

fn push_once(selected: &mut Vec<Column>, column: &Column) {
    if !selected
        .iter()
        .any(|other| other.field.name == column.field.name)
    {
        selected.push(column.clone());
    }
}

impl Column {
    fn input(index: usize, field: &Field) -> Self {
        let value = match field.data_type {
            DataType::Utf8 => Value::Text(Text::new(TextSource::Input(index))),
            DataType::Float32List(width) | DataType::Float64List(width) => {
                Value::Vector(Vector::of(width as usize, Content::List { input: index }))
            }
            data_type @ (DataType::Timestamp | DataType::Date) => {
                Value::Time(Time::input(index, data_type))
            }
            DataType::Binary => Value::Opaque(index),
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

    /// A vector that this one turns into, of the same type and with elements of the same names.
    pub(crate) fn becomes_vector(&self, vector: Option<Vector>, ready: u32) -> Self {
        let value = vector.map(Value::Vector);
        let column = self.becomes(self.field.data_type, false, value, ready);
        Self {
            field: column.field.with_elements(self.field.elements.clone()),
            ..column
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
        self.becomes(data_type, nullable, value, self.ready)
            .named(name)
    }

    /// The same as a feature column of another name.
    pub(crate) fn named(self, name: String) -> Self {
        Self {
            field: Field {
                name,
                role: Role::Feature,
                ..self.field
            },
            ..self
        }
    }

    /// A column made from several.
    pub(crate) fn made_from(sources: &[Self], field: Field, value: Option<Value>) -> Self {
        Self {
            field,
            value,
            ready: sources.iter().map(|source| source.ready).max().unwrap_or(0),
            inputs: sources
                .iter()
                .flat_map(|source| source.inputs.iter().copied())
                .collect(),
            written: true,
        }
    }

    /// The numbers of a number column, if they can be computed yet.
    pub(crate) fn scalar(&self) -> Option<Scalar> {
        match &self.value {
            Some(Value::Scalar(scalar)) => Some(scalar.clone()),
            _ => None,
        }
    }

    /// The moments or days of a timestamp or date column, if they can be computed yet.
    pub(crate) fn time(&self) -> Option<Time> {
        match &self.value {
            Some(Value::Time(time)) => Some(time.clone()),
            _ => None,
        }
    }

    /// The elements of a vector column, if they can be computed yet.
    pub(crate) fn elements(&self) -> Option<Elements> {
        match &self.value {
            Some(Value::Vector(vector)) => {
                let rounded = matches!(self.field.data_type, DataType::Float32List(_));
                Some(Elements::of(vector, rounded))
            }
            _ => None,
        }
    }

    /// Whether it holds vectors.
    pub(crate) fn is_vector(&self) -> bool {
        self.field.data_type.is_vector()
    }

    /// How many numbers a row has; 0 if that is not known yet.
    pub(crate) fn width(&self) -> usize {
        match self.field.data_type {
            DataType::Float32List(width) | DataType::Float64List(width) => width as usize,
            _ => 1,
        }
    }

    /// The texts of a utf8 column, if they can be computed yet.
    pub(crate) fn text(&self) -> Option<Text> {
        match &self.value {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    /// The texts of a utf8 column, or of what people call its numbers.
    pub(crate) fn label(&self) -> Option<Text> {
        match self.operand(true)? {
            Operand::Texts(text) => Some(text),
            operand => {
                let source = TextSource::Label(Box::new(operand), self.field.data_type);
                Some(Text::new(source))
            }
        }
    }

    /// Whether it holds whole numbers that need not become floats.
    pub(crate) fn is_exact(&self) -> bool {
        self.scalar()
            .is_some_and(|scalar| Integers::of(&scalar, self.field.data_type).is_some())
    }

    /// The values to learn from or to encode by, if they can be computed yet. With `exactly`, whole numbers
    /// that need not become floats do not.
    pub(crate) fn operand(&self, exactly: bool) -> Option<Operand> {
        match self.value.as_ref()? {
            Value::Text(text) => Some(Operand::Texts(text.clone())),
            Value::Scalar(scalar) => Some(match Integers::of(scalar, self.field.data_type) {
                Some(integers) if exactly => Operand::Integers(integers),
                _ => Operand::Numbers(scalar.clone()),
            }),
            Value::Vector(_) | Value::Time(_) | Value::Opaque(_) => None,
        }
    }

    /// The numbers of a target; small integers as they are, so that their sums are small.
    pub(crate) fn target(&self) -> Option<Operand> {
        let is_small = matches!(self.field.data_type, DataType::Boolean | DataType::Int32);
        self.operand(is_small)
    }

    fn check_weight(&self) -> Result<()> {
        let weight = self.value.as_ref().map(Value::weight).unwrap_or_default();
        if weight.depth > MAX_DEPTH || weight.parts > MAX_PARTS {
            return Err(Error::schema(format!(
                "column `{}` is computed from too many columns that are themselves computed ({} deep, {} parts; \
                 {MAX_DEPTH} and {MAX_PARTS} are the limits): put some of the steps into a stage before this one",
                self.field.name, weight.depth, weight.parts
            )));
        }
        Ok(())
    }

    /// Whether a value may be missing: null, or NaN in a float column that no step has made.
    pub(crate) fn may_miss(&self) -> bool {
        let is_float = matches!(self.field.data_type, DataType::Float32 | DataType::Float64);
        self.field.nullable || is_float && !self.written
    }
}
