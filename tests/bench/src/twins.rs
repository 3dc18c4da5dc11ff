//! A stage in the sandbox and the very same code outside of it, with the same state.

use anyhow::{Context, Result, anyhow};
use tabular::Tabular;
use trueline_runtime::table::arrow::array::RecordBatch;
use trueline_runtime::table::{Digest, Schema, frame};
use trueline_runtime::{
    Applied, Bound, Input, Limits, Link, Manifest, Mapper, Package, Runtime, Stage,
};
use trueline_sdk::glue;

/// What the compiler makes of `plugins/tabular` for this processor, behind the functions that its
/// component exports: a frame in, a fresh frame out. The sandbox keeps every NaN canonical after each
/// operation; this does not.
pub(crate) type Native = glue::Mapping<<Tabular as trueline_sdk::Stage>::Map>;

/// The standard stage `tabular` with what it learned from a table.
pub(crate) struct Twins {
    pub(crate) stage: Stage,
    pub(crate) bound: Bound,
    pub(crate) params: String,
    pub(crate) state: Vec<u8>,
    pub(crate) native: Native,
}

impl Twins {
    /// Lets the component learn from `table`, and loads the native code with its state.
    pub(crate) fn tabular(runtime: &Runtime, params: &str, table: &RecordBatch) -> Result<Self> {
        let stage = runtime.admit(component("tabular")?)?;
        let state = learn(&stage, params, std::slice::from_ref(table))?;
        let schema = Schema::from_arrow(&table.schema())?;
        let bound = bind(&stage, params, &[], &schema)?;
        let native = Native::load(params, native_schema(&bound.reads)?, state.clone())
            .map_err(|error| anyhow!("{}", error.message()))?;
        Ok(Self {
            stage,
            bound,
            params: params.to_owned(),
            state,
            native,
        })
    }

    /// A live instance with the state.
    pub(crate) fn mapper(&self) -> Result<Mapper> {
        Ok(self
            .stage
            .map(&self.params, &self.bound, &self.state, &Limits::default())?)
    }

    /// A package of this stage alone.
    pub(crate) fn package(&self) -> Result<Package> {
        let (component, mapper) = (component("tabular")?, self.mapper()?);
        let state = Digest::of(&self.state);
        let link = Link::new(
            self.stage.digest(),
            &self.params,
            &self.bound,
            mapper.writes(),
            state,
        )?;
        Package::new(Manifest::new(vec![link]), |digest| {
            Ok(if digest == state {
                self.state.clone()
            } else {
                component.to_vec()
            })
        })
    }

    /// The frame of what the map reads of some rows.
    pub(crate) fn frame(&self, rows: &RecordBatch) -> Result<Vec<u8>> {
        let schema = Schema::from_arrow(&rows.schema())?;
        encode(
            &self.bound.reads,
            &Applied::new(&self.bound.mapping, &schema)?.select(rows)?,
        )
    }

    /// What the native code makes of a frame.
    pub(crate) fn native(&self, frame: &[u8]) -> Result<Vec<u8>> {
        self.native
            .map(frame)
            .map_err(|error| anyhow!("{}", error.message()))
    }
}

/// The bytes of a standard stage.
pub(crate) fn component(name: &str) -> Result<&'static [u8]> {
    let stage = trueline_stages::find(name);
    Ok(stage
        .with_context(|| format!("there is no standard stage `{name}`"))?
        .bytes())
}

/// What a stage learns from a table, in as many passes as it takes.
pub(crate) fn learn(stage: &Stage, params: &str, table: &[RecordBatch]) -> Result<Vec<u8>> {
    let first = table.first().context("there is nothing to learn from")?;
    let whole = Input::rows(Schema::from_arrow(&first.schema())?);
    let signature = stage.describe(params, std::slice::from_ref(&whole), None)?;
    let Some(reduction) = signature.reduction else {
        return Ok(Vec::new());
    };
    let reads = whole.schema.select(&reduction.reads[0])?;
    let columns = whole.schema.names().collect::<Vec<_>>();
    let places: Vec<usize> = reads
        .names()
        .filter_map(|name| columns.iter().position(|column| *column == name))
        .collect();
    let inputs = [Input::rows(reads)];
    let mut state = Vec::new();
    for pass in 0..reduction.passes {
        let mut reducing = stage.reduce(params, &inputs, pass, &state, &Limits::default(), None)?;
        for batch in table {
            reducing.update(0, &batch.project(&places)?)?;
        }
        state = reducing.finish()?.state;
    }
    Ok(state)
}

/// What a stage's map reads and writes of a table, if it learns from these.
pub(crate) fn bind(
    stage: &Stage,
    params: &str,
    inputs: &[Input],
    schema: &Schema,
) -> Result<Bound> {
    let signature = stage.describe(params, inputs, Some(schema))?;
    Ok(Bound::new(
        &signature.mapping.context("this stage does not map")?,
        schema,
    )?)
}

pub(crate) fn encode(schema: &Schema, rows: &RecordBatch) -> Result<Vec<u8>> {
    let mut frame = Vec::new();
    frame::encode(schema, rows, &mut frame)?;
    Ok(frame)
}

/// The same schema in the words of the guests' side.
fn native_schema(schema: &Schema) -> Result<trueline_sdk::Schema> {
    let field = |field: &trueline_runtime::table::Field| -> Result<trueline_sdk::Field> {
        let data_type = field.data_type.to_string().parse();
        let data_type: trueline_sdk::DataType =
            data_type.map_err(|error: trueline_sdk::Error| anyhow!("{}", error.message()))?;
        let native = trueline_sdk::Field::new(&field.name, data_type);
        Ok(if field.nullable {
            native
        } else {
            native.required()
        })
    };
    Ok(trueline_sdk::Schema {
        fields: schema.fields.iter().map(field).collect::<Result<_>>()?,
    })
}
