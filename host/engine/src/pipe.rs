//! Rows of a dataset on their way through fitted stages.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use trueline_dataset::{Scan, ScanOptions};
use trueline_pipeline::{Pipe, Plan, StageWork};
use trueline_runtime::{Applied, Bound, Input, Link, Mapper};
use trueline_table::{Digest, Schema};

use crate::{Error, Options, Result};

/// A stage that has what it maps with.
#[derive(Clone, Debug)]
pub(crate) struct Fitted {
    pub(crate) work: StageWork,
    /// What its reduction read; a map may be described by what was learned from.
    pub(crate) inputs: Vec<Input>,
    pub(crate) state: Arc<[u8]>,
}

/// The fitted stages of a run, by name.
pub(crate) type FittedStages = BTreeMap<String, Fitted>;

impl Fitted {
    /// The map of this stage on rows of `schema`, loaded.
    fn load(&self, schema: &Schema) -> Result<(Bound, Mapper)> {
        let StageWork { stage, limits, .. } = &self.work;
        let params = self.work.params.to_string();
        let signature = stage.describe(&params, &self.inputs, Some(schema))?;
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
                Digest::of(&stage.state),
            )?)
        };
        self.steps.iter().map(link).collect()
    }
}

fn in_stage(name: &str, error: Error) -> Error {
    Error::Stage {
        stage: name.to_owned(),
        source: Box::new(error),
    }
}

/// The dataset's schema at the source of a pipe.
pub(crate) fn source_schema<'a>(plan: &'a Plan, pipe: &Pipe) -> Result<&'a Schema> {
    Ok(dataset(plan, pipe)?.schema())
}

/// Reads the rows at the source of a pipe.
pub(crate) fn scan(plan: &Plan, pipe: &Pipe, options: &Options) -> Result<Scan> {
    let options = ScanOptions {
        part: pipe.part,
        columns: None,
        batch_rows: options.batch_rows,
    };
    Ok(dataset(plan, pipe)?.scan(&options)?)
}

fn dataset<'a>(plan: &'a Plan, pipe: &Pipe) -> Result<&'a trueline_dataset::Dataset> {
    let planned = plan.dataset(&pipe.dataset);
    let planned = planned
        .ok_or_else(|| Error::Mismatch(format!("there is no dataset `{}`", pipe.dataset)))?;
    Ok(&planned.dataset)
}
