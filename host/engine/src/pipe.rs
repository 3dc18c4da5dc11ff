//! Rows of a dataset on their way through fitted stages.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use trueline_pipeline::StageWork;
use trueline_runtime::{Applied, Bound, Input, Link, Mapper, Watch};
use trueline_table::{Digest, Schema};

use crate::{Error, Result};

/// A stage that has what it maps with.
#[derive(Clone, Debug)]
pub(crate) struct Fitted {
    pub(crate) work: StageWork,
    /// What its reduction read; a map may be described by what was learned from.
    pub(crate) inputs: Vec<Input>,
    pub(crate) state: Arc<[u8]>,
    /// Of the state.
    pub(crate) digest: Digest,
    /// What it reads and writes, if that is known without asking: of a link of a package.
    bound: Option<Bound>,
}

/// The fitted stages of a run, by name.
pub(crate) type FittedStages = BTreeMap<String, Fitted>;

impl Fitted {
    /// A stage that learned a state from these tables.
    pub(crate) fn new(work: &StageWork, inputs: Vec<Input>, state: Vec<u8>) -> Self {
        Self {
            work: work.clone(),
            inputs,
            digest: Digest::of(&state),
            state: state.into(),
            bound: None,
        }
    }

    /// A stage that learns nothing: it has the state that the pipeline file names, or none.
    pub(crate) fn given(work: &StageWork) -> Self {
        Self::new(work, Vec::new(), work.state.to_vec())
    }

    /// A link of a package.
    pub(crate) fn of_link(work: StageWork, link: &Link, state: Vec<u8>) -> Self {
        Self {
            work,
            inputs: Vec::new(),
            digest: link.state,
            state: state.into(),
            bound: Some(link.bound()),
        }
    }

    /// The same, its map stopped when the watch says so.
    pub(crate) fn watched(&self, watch: &Watch) -> Self {
        let mut watched = self.clone();
        watched.work.stage = self.work.stage.watched(watch);
        watched
    }

    /// The map of this stage on rows of `schema`, loaded.
    fn load(&self, schema: &Schema) -> Result<(Bound, Mapper)> {
        let StageWork { stage, limits, .. } = &self.work;
        let params = self.work.params.to_string();
        if let Some(bound) = &self.bound {
            check_reads(&bound.reads, schema)?;
            let mapper = stage.map(&params, bound, &self.state, limits)?;
            return Ok((bound.clone(), mapper));
        }
        let signature = match self.work.state.is_empty() {
            true => stage.describe(&params, &self.inputs, Some(schema))?,
            false => stage.describe_given(&params, schema, &self.state, limits)?,
        };
        let mapping = signature
            .mapping
            .ok_or_else(|| Error::Mismatch(format!("`{}` does not map rows", self.work.plugin)))?;
        let bound = Bound::new(&mapping, schema)?;
        let mapper = stage.map(&params, &bound, &self.state, limits)?;
        Ok((bound, mapper))
    }
}

/// The maps of a pipe, loaded, on instances of their own: one worker's.
pub(crate) struct Steps {
    steps: Vec<Step>,
    /// What comes out, every vector's width known.
    pub(crate) schema: Schema,
}

struct Step {
    name: String,
    bound: Bound,
    applied: Applied,
    mapper: Mapper,
}

impl Steps {
    /// Loads the maps that rows of `schema` go through.
    pub(crate) fn load(schema: &Schema, through: &[String], fitted: &FittedStages) -> Result<Self> {
        let mut schema = schema.clone();
        let mut steps = Vec::new();
        for name in through {
            let stage = fitted.get(name);
            let stage =
                stage.ok_or_else(|| Error::Mismatch(format!("stage `{name}` was not fitted")))?;
            let (mut bound, mapper) = stage.load(&schema).map_err(|error| in_stage(name, error))?;
            bound.mapping.writes = mapper.writes().clone();
            let applied = Applied::new(&bound.mapping, &schema)?;
            schema = applied.output().clone();
            steps.push(Step {
                name: name.clone(),
                bound,
                applied,
                mapper,
            });
        }
        Ok(Self { steps, schema })
    }

    /// Maps a batch through all of them.
    pub(crate) fn apply(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        let mut table = batch;
        for Step {
            name,
            applied,
            mapper,
            ..
        } in &mut self.steps
        {
            let mut step = || {
                let mapped = mapper.map(&applied.select(&table)?)?;
                Ok(applied.carry(&table, &mapped)?)
            };
            table = step().map_err(|error| in_stage(name, error))?;
        }
        Ok(table)
    }

    /// The links of a package with these maps.
    pub(crate) fn links(&self, fitted: &FittedStages) -> Result<Vec<Link>> {
        let link = |step: &Step| {
            let stage = fitted.get(&step.name);
            let stage = stage
                .ok_or_else(|| Error::Mismatch(format!("stage `{}` was not fitted", step.name)))?;
            let params = stage.work.params.to_string();
            let component = stage.work.stage.digest();
            Ok(Link::new(
                component,
                &params,
                &step.bound,
                step.mapper.writes(),
                stage.digest,
            )?)
        };
        self.steps.iter().map(link).collect()
    }
}

/// A link of a package reads columns of these types, whatever the stage would say of others.
fn check_reads(reads: &Schema, rows: &Schema) -> Result<()> {
    for field in &reads.fields {
        let (name, expected) = (&field.name, field.data_type);
        let problem = match rows.field(name) {
            Some(found) if found.data_type == expected => continue,
            Some(found) => format!("is {} in the dataset", found.data_type),
            None => "is not in the dataset".to_owned(),
        };
        return Err(Error::Mismatch(format!(
            "it reads the column `{name}` as {expected}, which {problem}"
        )));
    }
    Ok(())
}

fn in_stage(name: &str, error: Error) -> Error {
    Error::Stage {
        stage: name.to_owned(),
        source: Box::new(error),
    }
}
