//! Going through the steps with a table, before any row is there.
//!
//! `describe` walks to learn what the steps read, write and have to learn; each pass of the reduction
//! walks with what was learned so far, the map with all of it. So all of them agree on every column.

use std::collections::BTreeSet;

use trueline_sdk::{DataType, Error, Result, Schema};

use crate::{
    learn::{Fitted, Task},
    params::{Columns, Params},
    state::State,
    table::{Column, Table},
    value::Operand,
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
    pub(crate) operand: Option<Operand>,
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

/// The walk as a step sees it.
pub(crate) struct Here<'w> {
    place: Place,
    table: &'w mut Table,
    lessons: &'w mut Vec<Lesson>,
    state: &'w State,
}

impl Walk {
    /// Walks through all steps. `partial` says that the schema holds only what some of them need.
    ///
    /// # Errors
    /// [`Error::Params`] and [`Error::Schema`] with the step, the column and the choices.
    pub(crate) fn new(
        params: &Params,
        schema: &Schema,
        state: &State,
        partial: bool,
    ) -> Result<Self> {
        let mut walk = Self {
            table: Table::new(schema, partial),
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
        Columns::Named(written.map(|column| column.field.name.clone()).collect())
    }

    /// Whether columns that a step names may be missing.
    pub(crate) fn is_partial(&self) -> bool {
        self.table.is_partial()
    }

    /// Has something learned from a column. Answers with what was learned, if it was already, and the
    /// first pass that can use it.
    pub(crate) fn learn(&mut self, column: &Column, task: Task) -> (Option<Fitted>, u32) {
        let (start, end) = (column.ready, column.ready + task.passes());
        let fitted = self
            .state
            .fitted(self.place.index, &column.field.name)
            .cloned();
        self.lessons.push(Lesson {
            place: self.place,
            column: column.field.name.clone(),
            operand: column.operand(task.is_exact()),
            task,
            inputs: column.inputs.clone(),
            start,
            end,
        });
        (fitted, end)
    }

    pub(crate) fn replace(&mut self, column: Column) {
        self.table.replace(column);
    }

    pub(crate) fn add(&mut self, column: Column) -> Result<()> {
        self.table.add(column)
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.table.remove(name);
    }

    /// The step and a column, as messages name them.
    pub(crate) fn place_of(&self, column: &Column) -> String {
        format!("{}: column `{}`", self.place, column.field.name)
    }
}
