//! Running a stage as the host does.

use std::marker::PhantomData;

use crate::schema::ROW_NUMBER;
use crate::{
    DataType, Error, Field, Input, Mapping, Outcome, Reduction, Result, Schema, Signature, Stage,
    glue::{self, Reducing},
};

use super::Table;

/// What the stage says about these tables, as before a run.
///
/// # Errors
/// Those of the stage.
pub fn describe<S: Stage>(
    params: &str,
    inputs: &[(&str, &Table)],
    rows: Option<&Table>,
) -> Result<Signature> {
    glue::describe::<S>(params, &schemas(inputs), rows.map(Table::schema))
}

/// Describes the stage, then runs every pass of its reduction over the named tables, each as one
/// batch of the columns that the signature reads.
///
/// # Errors
/// Those of the stage, or that it does not reduce.
pub fn fit<S: Stage>(params: &str, inputs: &[(&str, &Table)]) -> Result<Outcome> {
    Fitting::<S>::new(params, inputs, None)?.run(|fitting, pass, state| {
        let mut reducing = fitting.begin(pass, state)?;
        for (index, table) in (0..).zip(&fitting.tables) {
            reducing.update(index, &table.frame())?;
        }
        reducing.finish()
    })
}

/// Maps the rows with a state, as one batch of the columns that the signature reads. The answer
/// holds the columns that the stage writes, not those that the host carries around it. `inputs` are
/// what the stage was fitted with, for `describe`; empty if it was not.
///
/// # Errors
/// Those of the stage, that it does not map, or that what it wrote is not what it said.
pub fn map<S: Stage>(
    params: &str,
    inputs: &[(&str, &Table)],
    state: &[u8],
    rows: &Table,
) -> Result<Table> {
    let mapper = Mapper::<S>::new(params, inputs, rows)?;
    mapper.load(state)?.map(&mapper.rows)
}

/// Fits the stage with the inputs (if there are any) and maps the rows with what it learned.
///
/// # Errors
/// Those of [`fit`] and [`map`].
pub fn fit_map<S: Stage>(params: &str, inputs: &[(&str, &Table)], rows: &Table) -> Result<Table> {
    let state = if inputs.is_empty() {
        Vec::new()
    } else {
        fit::<S>(params, inputs)?.state
    };
    map::<S>(params, inputs, &state, rows)
}

fn schemas(inputs: &[(&str, &Table)]) -> Vec<Input> {
    let input = |(name, table): &(&str, &Table)| Input {
        name: (*name).to_owned(),
        schema: table.schema().clone(),
    };
    inputs.iter().map(input).collect()
}

/// The columns that a reduction reads of a table, with the numbers of its rows if it asks for them.
fn read(table: &Table, names: &[String]) -> Result<Table> {
    if !names.iter().any(|name| name == ROW_NUMBER) {
        return table.select(names);
    }
    if table.schema().index_of(ROW_NUMBER).is_some() {
        return Err(broken(&format!("the table has a column `{ROW_NUMBER}`")));
    }
    let field = Field {
        nullable: false,
        ..Field::new(ROW_NUMBER, DataType::Int64)
    };
    let numbers = (0_i64..).take(table.rows());
    table.clone().with_field(field, numbers).select(names)
}

/// A reduction that was described.
pub(super) struct Fitting<'p, S> {
    params: &'p str,
    pub(super) reduction: Reduction,
    inputs: Vec<Input>,
    /// The columns that the signature reads.
    pub(super) tables: Vec<Table>,
    stage: PhantomData<S>,
}

impl<'p, S: Stage> Fitting<'p, S> {
    pub(super) fn new(
        params: &'p str,
        inputs: &[(&str, &Table)],
        rows: Option<&Table>,
    ) -> Result<Self> {
        let signature = describe::<S>(params, inputs, rows)?;
        let reduction = signature
            .reduction
            .ok_or_else(|| broken("it does not reduce"))?;
        if reduction.reads.len() != inputs.len() || reduction.passes == 0 {
            return Err(broken(
                "its reduction needs a list of columns for each input, and a pass",
            ));
        }
        let tables: Result<Vec<_>> = inputs
            .iter()
            .zip(&reduction.reads)
            .map(|((_, table), names)| read(table, names))
            .collect();
        let tables = tables?;
        let selected: Vec<_> = inputs
            .iter()
            .zip(&tables)
            .map(|((name, _), table)| (*name, table))
            .collect();
        Ok(Self {
            params,
            inputs: schemas(&selected),
            reduction,
            tables,
            stage: PhantomData,
        })
    }

    pub(super) fn begin(&self, pass: u32, state: &[u8]) -> Result<Reducing<S::Reduce>> {
        Reducing::begin(self.params, self.inputs.clone(), pass, state)
    }

    /// Runs every pass, each with the state of the one before.
    pub(super) fn run(
        &self,
        mut pass: impl FnMut(&Self, u32, &[u8]) -> Result<Outcome>,
    ) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        for number in 0..self.reduction.passes {
            outcome = pass(self, number, &outcome.state)?;
        }
        Ok(outcome)
    }
}

/// A map that was described.
pub(super) struct Mapper<'p, S> {
    params: &'p str,
    mapping: Mapping,
    /// The columns that the signature reads.
    pub(super) rows: Table,
    stage: PhantomData<S>,
}

impl<'p, S: Stage> Mapper<'p, S> {
    pub(super) fn new(params: &'p str, inputs: &[(&str, &Table)], rows: &Table) -> Result<Self> {
        let signature = describe::<S>(params, inputs, Some(rows))?;
        let mapping = signature.mapping.ok_or_else(|| broken("it does not map"))?;
        let rows = rows.select(&mapping.reads)?;
        Ok(Self {
            params,
            mapping,
            rows,
            stage: PhantomData,
        })
    }

    /// A fresh instance.
    pub(super) fn load(&self, state: &[u8]) -> Result<Loaded<S>> {
        let instance =
            glue::Mapping::load(self.params, self.rows.schema().clone(), state.to_vec())?;
        let writes = instance.writes().clone();
        if !keeps_promise(&self.mapping.writes, &writes) {
            return Err(broken(&format!(
                "it said that it writes {:?}, and writes {writes:?}",
                self.mapping.writes
            )));
        }
        Ok(Loaded { instance, writes })
    }
}

/// An instance that maps.
pub(super) struct Loaded<S: Stage> {
    instance: glue::Mapping<S::Map>,
    writes: Schema,
}

impl<S: Stage> Loaded<S> {
    pub(super) fn map(&self, rows: &Table) -> Result<Table> {
        let mapped = Table::decode(&self.writes, &self.instance.map(&rows.frame())?)?;
        if mapped.rows() != rows.rows() {
            return Err(broken(&format!(
                "it made {} rows of {}",
                mapped.rows(),
                rows.rows()
            )));
        }
        Ok(mapped)
    }
}

/// Whether a loaded map writes what its signature said: the same columns, of widths that the
/// signature may have left open, with the names of elements that come with them.
fn keeps_promise(said: &Schema, writes: &Schema) -> bool {
    use crate::DataType::{Float32List, Float64List};
    said.fields.len() == writes.fields.len()
        && said.fields.iter().zip(&writes.fields).all(|(said, field)| {
            let same_type = match (said.data_type, field.data_type) {
                (Float32List(0), Float32List(_)) | (Float64List(0), Float64List(_)) => true,
                (a, b) => a == b,
            };
            same_type
                && (&said.name, said.nullable, said.role)
                    == (&field.name, field.nullable, field.role)
        })
}

fn broken(how: &str) -> Error {
    Error::other(format!("the stage does not keep the contract: {how}"))
}
