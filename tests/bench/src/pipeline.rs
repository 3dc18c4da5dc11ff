//! The flights example, taken from its own pipeline file, so that what is measured is what it runs.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use trueline_dataset::{Catalog, DatasetSpec, Part, ScanOptions};
use trueline_runtime::table::Schema;
use trueline_runtime::table::arrow::array::RecordBatch;
use trueline_runtime::{Applied, Input, Limits, Runtime};

use crate::repository;
use crate::twins::{bind, component, learn};

/// The example's datasets and stages.
pub(crate) struct Example {
    file: toml::Table,
    catalog: Catalog,
}

impl Example {
    pub(crate) fn read() -> Result<Self> {
        let folder = repository().join("examples/flights");
        let text = std::fs::read_to_string(folder.join("pipeline.toml"))?;
        let file: toml::Table = text.parse()?;
        let datasets = file.get("dataset").cloned().context("it has no datasets")?;
        let datasets: BTreeMap<String, DatasetSpec> = datasets.try_into()?;
        Ok(Self {
            file,
            catalog: Catalog::new(folder, datasets),
        })
    }

    /// All rows of a dataset, or those of one part.
    pub(crate) fn rows(&self, dataset: &str, part: Option<Part>) -> Result<Vec<RecordBatch>> {
        let options = ScanOptions {
            part,
            ..ScanOptions::default()
        };
        Ok(self
            .catalog
            .open(dataset)?
            .scan(&options)?
            .collect::<Result<_, _>>()?)
    }

    /// The parameters of a stage as JSON.
    pub(crate) fn params(&self, stage: &str) -> Result<serde_json::Value> {
        let stage = self.file.get("stage").and_then(|stages| stages.get(stage));
        Ok(serde_json::to_value(
            stage
                .and_then(|stage| stage.get("params"))
                .context("no params")?,
        )?)
    }

    /// Fits one of the example's transforms on `table` and applies it to all of `tables`.
    pub(crate) fn transform<const N: usize>(
        &self,
        runtime: &Runtime,
        (stage, uses): (&str, &str),
        table: &[RecordBatch],
        tables: [&mut Vec<RecordBatch>; N],
    ) -> Result<()> {
        let params = self.params(stage)?.to_string();
        let admitted = runtime.admit(component(uses)?)?;
        let state = learn(&admitted, &params, table)?;
        let learned_from = table.first().context("there is nothing to learn from")?;
        let inputs = [Input::rows(Schema::from_arrow(&learned_from.schema())?)];
        for rows in tables {
            let first = rows.first().context("a part of the flights is empty")?;
            let schema = Schema::from_arrow(&first.schema())?;
            let mut bound = bind(&admitted, &params, &inputs, &schema)?;
            let mut mapper = admitted.map(&params, &bound, &state, &Limits::default())?;
            bound.mapping.writes = mapper.writes().clone();
            let applied = Applied::new(&bound.mapping, &schema)?;
            for batch in rows.iter_mut() {
                *batch = applied.carry(batch, &mapper.map(&applied.select(batch)?)?)?;
            }
        }
        Ok(())
    }
}
