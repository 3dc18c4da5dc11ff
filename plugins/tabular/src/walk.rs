//! Going through the steps with a table, before any row is there.
//!
//! `describe` walks to learn what the steps read, write and have to learn; each pass of the reduction
//! walks with what was learned so far, the map with all of it. So all of them agree on every column.

use std::collections::BTreeSet;

use trueline_sdk::{DataType, Error, Result, Schema};

use crate::{
    columns::Columns,
    learn::{Fitted, Material, Task},
    params::Params,
    state::State,
    table::{Column, Table},
};

/// The outcome of a walk.
#[derive(Debug)]
pub(crate) struct Walk {
    /// The table after the last step.
    pub(crate) table: Table,
    /// What is to be learned, or was, in the order of the steps.
    pub(crate) lessons: Vec<Lesson>,
}

/// Something to be learned from a column.
#[derive(Debug)]
pub(crate) struct Lesson {
    /// Whom to blame.
    pub(crate) place: Place,
    pub(crate) column: String,
    pub(crate) task: Task,
    /// The values to learn from; `None` before pass `start`.
    pub(crate) material: Option<Material>,
    /// The columns of the batch that these depend on.
    pub(crate) inputs: BTreeSet<usize>,
    /// The first pass that learns it.
    pub(crate) start: u32,
    /// The first pass that can use it.
    pub(crate) end: u32,
}

/// A step, as messages name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) index: usize,
    pub(crate) op: &'static str,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "steps[{}] (`{}`)", self.index, self.op)
    }
}

/// What a schema is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The rows to learn from, with all of their columns.
    Training,
    /// The rows to map, with all of their columns; they need not have what only learning takes.
    Rows,
    /// Either, with the columns that something depends on alone.
    Part,
}

/// The walk as a step sees it.
pub(crate) struct Here<'w> {
    place: Place,
    table: &'w mut Table,
    lessons: &'w mut Vec<Lesson>,
    state: &'w State,
    scope: Scope,
}

impl Walk {
    /// Walks through all steps.
    ///
    /// # Errors
    /// [`Error::Params`] and [`Error::Schema`] with the step, the column and the choices.
    pub(crate) fn new(
        params: &Params,
        schema: &Schema,
        state: &State,
        scope: Scope,
    ) -> Result<Self> {
        let mut walk = Self {
            table: Table::new(schema, scope == Scope::Part),
            lessons: Vec::new(),
        };
        for (index, step) in params.steps.iter().enumerate() {
            let place = Place {
                index,
                op: step.op().name(),
            };
            let Self { table, lessons } = &mut walk;
            step.op()
                .apply(&mut Here {
                    place,
                    table,
                    lessons,
                    state,
                    scope,
                })
                .map_err(|error| place.blame(error))?;
        }
        Ok(walk)
    }

    /// How many passes learning takes; 0 if there is nothing to learn.
    pub(crate) fn passes(&self) -> u32 {
        self.lessons
            .iter()
            .map(|lesson| lesson.end)
            .max()
            .unwrap_or(0)
    }
}

impl Place {
    /// The same error, said to be about this step.
    fn blame(self, error: Error) -> Error {
        match error {
            Error::Params(message) => Error::Params(format!("{self}: {message}")),
            Error::Schema(message) => Error::Schema(format!("{self}: {message}")),
            error => error,
        }
    }
}

impl Here<'_> {
    /// The columns that the step is about, if it takes their types; `takes` says which in words.
    pub(crate) fn select(
        &self,
        columns: &Columns,
        accepts: impl Fn(DataType) -> bool,
        takes: &str,
    ) -> Result<Vec<Column>> {
        self.table.select(columns, accepts, takes)
    }

    /// The columns that can be told apart by category.
    pub(crate) fn categorical(&self, columns: &Columns) -> Result<Vec<Column>> {
        self.select(
            columns,
            |data_type| data_type.is_numeric() || data_type == DataType::Utf8,
            "utf8 and numbers (boolean, int32, int64, float32, float64)",
        )
    }

    /// The columns of texts.
    pub(crate) fn texts(&self, columns: &Columns) -> Result<Vec<Column>> {
        self.select(columns, |data_type| data_type == DataType::Utf8, "utf8")
    }

    /// The columns of numbers, and vectors of them.
    pub(crate) fn numbers_and_vectors(&self, columns: &Columns) -> Result<Vec<Column>> {
        self.select(
            columns,
            |data_type| data_type.is_numeric() || data_type.is_vector(),
            "numbers (boolean, int32, int64, float32, float64) and vectors of them",
        )
    }

    /// The columns of moments or days.
    pub(crate) fn times(&self, columns: &Columns) -> Result<Vec<Column>> {
        let fits = |data_type| matches!(data_type, DataType::Timestamp | DataType::Date);
        self.select(columns, fits, "timestamp and date")
    }

    /// The columns that are numbers or booleans.
    pub(crate) fn numbers(&self, columns: &Columns) -> Result<Vec<Column>> {
        self.select(
            columns,
            DataType::is_numeric,
            "numbers (boolean, int32, int64, float32, float64)",
        )
    }

    /// The columns that earlier steps made.
    pub(crate) fn written(&self) -> Columns {
        let written = self.table.columns().iter().filter(|column| column.written);
        Columns::named(written.map(|column| column.field.name.clone()))
    }

    /// Whether columns that a step names may be missing.
    pub(crate) fn is_partial(&self) -> bool {
        self.table.is_partial()
    }

    /// Whether all columns to learn from are there.
    pub(crate) fn is_training(&self) -> bool {
        self.scope == Scope::Training
    }

    /// Has something learned from a column. Answers with what was learned, if it was already, and the
    /// first pass that can use it.
    pub(crate) fn learn(&mut self, column: &Column, task: Task) -> (Option<Fitted>, u32) {
        self.learn_with(column, task, None)
    }

    /// The same, from a column together with a target.
    pub(crate) fn learn_with(
        &mut self,
        column: &Column,
        task: Task,
        target: Option<&Column>,
    ) -> (Option<Fitted>, u32) {
        let start = target.map_or(0, |target| target.ready).max(column.ready);
        let end = start + task.passes();
        let fitted = self
            .state
            .fitted(self.place.index, &column.field.name)
            .cloned();
        let operand = column.operand(task.is_exact());
        let material = match target {
            None => operand
                .map(Material::Values)
                .or_else(|| column.elements().map(Material::Elements)),
            Some(target) => operand
                .zip(target.target())
                .map(|(operand, target)| Material::Targets(operand, target)),
        };
        let targets = target.iter().flat_map(|target| &target.inputs);
        self.lessons.push(Lesson {
            place: self.place,
            column: column.field.name.clone(),
            material,
            task,
            inputs: column.inputs.iter().chain(targets).copied().collect(),
            start,
            end,
        });
        (fitted, end)
    }

    /// # Errors
    /// [`Error::Schema`] if the column takes too much to compute.
    pub(crate) fn replace(&mut self, column: Column) -> Result<()> {
        self.table.replace(column)
    }

    /// # Errors
    /// [`Error::Schema`] if there is a column of its name, or it takes too much to compute.
    pub(crate) fn add(&mut self, column: Column) -> Result<()> {
        self.table.add(column)
    }

    /// Puts a column in the place of the one of its name, or behind the others.
    ///
    /// # Errors
    /// [`Error::Schema`] if it takes too much to compute.
    pub(crate) fn put(&mut self, column: Column) -> Result<()> {
        if self
            .table
            .columns()
            .iter()
            .any(|other| other.field.name == column.field.name)
        {
            self.table.replace(column)
        } else {
            self.table.add(column)
        }
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.table.remove(name);
    }

    /// All columns, as the step before left them.
    pub(crate) fn columns(&self) -> &[Column] {
        self.table.columns()
    }

    /// The only column of this name, if it is there; it may be missing in a partial table.
    ///
    /// # Errors
    /// [`Error::Schema`] with the columns there are.
    pub(crate) fn find(&self, name: &str) -> Result<Option<Column>> {
        let named = Columns::named([name.to_owned()]);
        Ok(self.select(&named, |_| true, "")?.pop())
    }

    /// The step and a column, as messages name them.
    pub(crate) fn place_of(&self, column: &Column) -> String {
        format!("{}: column `{}`", self.place, column.field.name)
    }
}
