//! The traits that an author implements.

use serde::de::DeserializeOwned;

use crate::{
    Batch, Error, Field, Input, Mapping, Metric, Outcome, Reduction, Result, Schema, Signature,
};

/// A stage: its parameters, what it will do, and the two halves that do it.
pub trait Stage {
    /// The parameters. Derive serde's `Deserialize` with `deny_unknown_fields`, so that a
    /// misspelled one is an error that lists the valid names.
    type Params: DeserializeOwned;
    /// The reduction; [`NoReduce`] if there is none.
    type Reduce: Reduce<Params = Self::Params>;
    /// The map; [`NoMap`] if there is none.
    type Map: Map<Params = Self::Params>;

    /// Checks parameters against schemas and says what the stage will do. `inputs` are the tables
    /// to reduce, `rows` the table to map, each if planned.
    ///
    /// # Errors
    /// [`Error::Params`] or [`Error::Schema`], with the column and the valid choices.
    fn describe(
        params: &Self::Params,
        inputs: &[Input],
        rows: Option<&Schema>,
    ) -> Result<Signature>;
}

/// Rows in, one value out. The result must not depend on how rows were cut into batches.
pub trait Reduce: Sized {
    /// The stage's parameters.
    type Params;

    /// Starts pass `pass`, counted from 0, with what the pass before finished with.
    ///
    /// # Errors
    /// If parameters, schemas or state do not fit.
    fn begin(params: Self::Params, inputs: &[Input], pass: u32, state: &[u8]) -> Result<Self>;

    /// Takes in a batch of `inputs[input]`.
    ///
    /// # Errors
    /// [`Error::Data`] if the rows cannot be worked with.
    fn update(&mut self, input: usize, batch: &Batch<'_>) -> Result<()>;

    /// What was taken in so far. Only a mergeable reduction needs this.
    ///
    /// # Errors
    /// If the stage is not mergeable.
    fn partial(&self) -> Result<Vec<u8>> {
        Err(not_mergeable())
    }

    /// Takes in what another instance took in. Only a mergeable reduction needs this.
    ///
    /// # Errors
    /// If the stage is not mergeable or the bytes are not a partial of it.
    fn merge(&mut self, _partial: &[u8]) -> Result<()> {
        Err(not_mergeable())
    }

    /// Ends the pass.
    ///
    /// # Errors
    /// [`Error::Data`] if nothing can be concluded from the rows.
    fn finish(self) -> Result<Outcome>;
}

/// Exactly one row out per row in; row i depends on row i, the parameters and the state alone.
pub trait Map: Sized {
    /// The stage's parameters.
    type Params;

    /// Makes ready. `rows` holds the columns that the signature reads, in its order.
    ///
    /// # Errors
    /// If parameters, schema or state do not fit.
    fn load(params: Self::Params, rows: &Schema, state: &[u8]) -> Result<Self>;

    /// The columns that `map` writes, every vector's width known.
    fn writes(&self) -> &Schema;

    /// Maps a batch; the result is a frame of [`writes`](Map::writes), best made with
    /// [`BatchWriter`](crate::BatchWriter).
    ///
    /// # Errors
    /// [`Error::Data`] if a row cannot be mapped.
    fn map(&self, batch: &Batch<'_>) -> Result<Vec<u8>>;
}

/// The reduction of a stage that has none.
pub struct NoReduce<P>(std::marker::PhantomData<P>);

impl<P> Reduce for NoReduce<P> {
    type Params = P;

    fn begin(_: P, _: &[Input], _: u32, _: &[u8]) -> Result<Self> {
        Err(Error::other(
            "this stage has nothing to learn: use it without `fit`",
        ))
    }

    fn update(&mut self, _: usize, _: &Batch<'_>) -> Result<()> {
        Err(not_mergeable())
    }

    fn finish(self) -> Result<Outcome> {
        Err(not_mergeable())
    }
}

/// The map of a stage that has none.
pub struct NoMap<P>(std::marker::PhantomData<P>, Schema);

impl<P> Map for NoMap<P> {
    type Params = P;

    fn load(_: P, _: &Schema, _: &[u8]) -> Result<Self> {
        Err(Error::other(
            "this stage does not map rows: it cannot stand in a chain",
        ))
    }

    fn writes(&self) -> &Schema {
        &self.1
    }

    fn map(&self, _: &Batch<'_>) -> Result<Vec<u8>> {
        Err(not_mergeable())
    }
}

fn not_mergeable() -> Error {
    Error::other("this stage does not offer that call")
}

impl Signature {
    /// A stage that only reduces.
    pub fn reduces(reduction: Reduction) -> Self {
        Self {
            reduction: Some(reduction),
            mapping: None,
        }
    }

    /// A stage that only maps.
    pub fn maps(mapping: Mapping) -> Self {
        Self {
            reduction: None,
            mapping: Some(mapping),
        }
    }
}

impl Reduction {
    /// One pass over these columns of the only input, mergeable, in bounded memory.
    pub fn one_pass(columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            reads: vec![columns.into_iter().map(Into::into).collect()],
            passes: 1,
            mergeable: true,
            bytes_per_row: 0,
            seeded: false,
        }
    }
}

impl Mapping {
    /// Reads these columns and writes those; removes none.
    pub fn new(
        reads: impl IntoIterator<Item = impl Into<String>>,
        writes: impl IntoIterator<Item = Field>,
    ) -> Self {
        Self {
            reads: reads.into_iter().map(Into::into).collect(),
            writes: Schema::new(writes),
            removes: Vec::new(),
        }
    }
}

impl Outcome {
    /// Finishes with a state and nothing else.
    pub fn state(state: Vec<u8>) -> Self {
        Self {
            state,
            ..Self::default()
        }
    }
}

#[expect(
    clippy::derivable_impls,
    reason = "the type is generated, and not every type beside it has a default"
)]
impl Default for Outcome {
    fn default() -> Self {
        Self {
            state: Vec::new(),
            metrics: Vec::new(),
            findings: Vec::new(),
            report: None,
        }
    }
}

impl Metric {
    /// A named number.
    pub fn new(name: impl Into<String>, value: f64) -> Self {
        Self {
            name: name.into(),
            value,
        }
    }
}
