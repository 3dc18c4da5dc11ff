//! The datasets of a pipeline file, which may join one another.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use trueline_table::Schema;

use crate::spec::{Format, OneOrMany, literal_path};
use crate::suggest::{did_you_mean, list_some};
use crate::{Dataset, DatasetSpec, Error, Result};

/// Declared datasets by name.
#[derive(Clone, Debug)]
pub struct Catalog {
    base_dir: PathBuf,
    specs: BTreeMap<String, DatasetSpec>,
    /// The columns of datasets that are made of features and have no rows yet.
    planned: BTreeMap<String, Schema>,
}

impl Catalog {
    /// Datasets whose paths are relative to `base_dir`, the directory of the pipeline file.
    pub fn new(base_dir: impl Into<PathBuf>, specs: BTreeMap<String, DatasetSpec>) -> Self {
        Self {
            base_dir: base_dir.into(),
            specs,
            planned: BTreeMap::new(),
        }
    }

    /// The declaration of a dataset.
    pub fn spec(&self, name: &str) -> Option<&DatasetSpec> {
        self.specs.get(name)
    }

    /// Adds a dataset.
    pub fn insert(&mut self, name: impl Into<String>, spec: DatasetSpec) {
        self.specs.insert(name.into(), spec);
    }

    /// Takes a dataset out.
    pub fn remove(&mut self, name: &str) {
        self.specs.remove(name);
    }

    /// Says which columns a dataset of features will have; from then on it can be opened, but not read.
    pub fn plan_rows(&mut self, name: &str, columns: Schema) {
        self.planned.insert(name.to_owned(), columns);
    }

    /// Says where the rows of a dataset of features are, now that they were made: a Parquet file.
    pub fn set_rows(&mut self, name: &str, file: &Path) {
        self.planned.remove(name);
        if let Some(spec) = self.specs.get_mut(name) {
            spec.features = None;
            spec.path = OneOrMany::One(literal_path(file));
            spec.format = Some(Format::Parquet);
        }
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.specs.keys().map(String::as_str)
    }

    /// Checks a dataset and those that it joins against their files.
    ///
    /// # Errors
    /// If a declaration is wrong or a file cannot be read.
    pub fn open(&self, name: &str) -> Result<Dataset> {
        let Some(spec) = self.specs.get(name) else {
            return Err(self.unknown(name, "dataset", name));
        };
        self.open_spec(name, spec, &mut Vec::new())
    }

    fn open_spec(
        &self,
        name: &str,
        spec: &DatasetSpec,
        joining: &mut Vec<String>,
    ) -> Result<Dataset> {
        joining.push(name.to_owned());
        let planned = self.planned.get(name);
        let dataset = Dataset::open(name, spec, &self.base_dir, planned, |index, with| {
            let key = format!("join[{index}].with");
            let Some(spec) = self.specs.get(with) else {
                return Err(self.unknown(name, &key, with));
            };
            if joining.iter().any(|name| name == with) {
                return Err(Error::Spec {
                    dataset: name.to_owned(),
                    key,
                    problem: format!("joins go in a circle: {} → {with}", joining.join(" → ")),
                    hint: None,
                });
            }
            self.open_spec(with, spec, joining)
        })?;
        joining.pop();
        Ok(dataset)
    }

    fn unknown(&self, dataset: &str, key: &str, name: &str) -> Error {
        let hint = did_you_mean(name, self.names())
            .unwrap_or_else(|| format!("the datasets are {}", list_some(self.names())));
        Error::Spec {
            dataset: dataset.to_owned(),
            key: key.to_owned(),
            problem: format!("there is no dataset `{name}`"),
            hint: Some(hint),
        }
    }
}
