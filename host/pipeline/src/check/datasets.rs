//! Opening the datasets of a file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use trueline_dataset::{
    Catalog, Dataset, DatasetSpec, Error, Format, OneOrMany, PinPolicy, literal_path,
};
use trueline_features::Tools;
use trueline_runtime::ServiceFeatures;

use super::{RecordedFile, features};
use crate::declaration::{Declaration, DeclaredDataset};
use crate::outline::{Job, Outline};
use crate::plan::{PlannedDataset, PlannedFeatures};
use crate::source::{Problem, Report};
use crate::values::{locate, text_at};

/// The datasets by name; those that are wrong are missing, and reported.
pub(super) struct Datasets {
    /// In the order of the file.
    open: Vec<Dataset>,
    /// Those that are made of features.
    features: Vec<PlannedFeatures>,
    catalog: Catalog,
}

impl Datasets {
    /// Checks every declared dataset against its files; those of `files` are where it says.
    pub(super) fn open(
        declaration: &Declaration<'_>,
        files: &BTreeMap<String, Vec<RecordedFile>>,
        tools: &Tools<'_>,
        report: &mut Report<'_>,
    ) -> Self {
        let mut catalog = catalog(declaration, files, report.source.folder());
        let features = features::plan(declaration, &mut catalog, tools, report);
        let mut open = Vec::new();
        let known: Vec<String> = catalog.names().map(str::to_owned).collect();
        for declared in declaration
            .datasets
            .iter()
            .filter(|declared| known.contains(&declared.name.text))
        {
            match catalog.open(&declared.name.text) {
                Ok(dataset) => open.push(dataset),
                Err(error) => {
                    let problem = problem(declaration, declared, &error, report);
                    report.add(problem);
                }
            }
        }
        Self {
            open,
            features,
            catalog,
        }
    }

    /// All of them as they are declared.
    pub(super) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Those of features that stages read, or that datasets are made of which stages read.
    pub(super) fn features(&self, outline: &Outline<'_, '_>) -> Vec<PlannedFeatures> {
        let mut read: BTreeSet<String> = read_by_stages(outline)
            .into_iter()
            .map(str::to_owned)
            .collect();
        let mut planned = Vec::new();
        // What a dataset is made of comes before it.
        for features in self.features.iter().rev() {
            let joined = features::joined(&self.catalog, read.iter().map(String::as_str));
            if joined.contains(&features.dataset) {
                read.insert(features.spine.clone());
                planned.push(features.clone());
            }
        }
        planned.reverse();
        planned
    }

    pub(super) fn get(&self, name: &str) -> Option<&Dataset> {
        self.open.iter().find(|dataset| dataset.name() == name)
    }

    /// The datasets that stages read.
    pub(super) fn planned(
        &self,
        outline: &Outline<'_, '_>,
        recorded: &BTreeMap<String, ServiceFeatures>,
    ) -> Vec<PlannedDataset> {
        let service = |name: &str| {
            let planned = self.features.iter().find(|planned| planned.dataset == name);
            let planned = planned.map(|planned| &planned.service);
            planned.or_else(|| recorded.get(name)).cloned()
        };
        let read = read_by_stages(outline);
        let planned = self
            .open
            .iter()
            .filter(|dataset| read.contains(dataset.name()))
            .map(|dataset| PlannedDataset {
                name: dataset.name().to_owned(),
                schema: dataset.schema().clone(),
                service: service(dataset.name()),
                dataset: dataset.clone(),
            });
        planned.collect()
    }

    /// A note for each dataset that neither a stage nor another dataset reads.
    pub(super) fn notes(&self, outline: &Outline<'_, '_>) -> Vec<String> {
        let mut read = read_by_stages(outline);
        read.extend(
            self.open
                .iter()
                .flat_map(|dataset| dataset.joined().map(Dataset::name)),
        );
        read.extend(self.features.iter().map(|features| features.spine.as_str()));
        let unread = self
            .open
            .iter()
            .map(Dataset::name)
            .filter(|name| !read.contains(name));
        unread
            .map(|name| format!("nothing reads the dataset `{name}`"))
            .collect()
    }
}

/// The declared datasets; of a recorded run, those that it read, from where their files are now.
pub(super) fn catalog(
    declaration: &Declaration<'_>,
    files: &BTreeMap<String, Vec<RecordedFile>>,
    folder: &Path,
) -> Catalog {
    let mut specs = specs(declaration);
    specs.retain(|name, _| files.is_empty() || files.contains_key(name));
    for (name, files) in files {
        if let Some(spec) = specs.get_mut(name) {
            read_from(spec, files);
        }
    }
    Catalog::new(folder, specs)
}

/// The declarations that can be opened: not those that were wrong, and not those that join these.
fn specs(declaration: &Declaration<'_>) -> BTreeMap<String, trueline_dataset::DatasetSpec> {
    let declared = declaration.datasets.iter();
    let mut specs: BTreeMap<_, _> = declared
        .filter_map(|declared| Some((declared.name.text.clone(), declared.spec.clone()?)))
        .collect();
    loop {
        let is_wrong = |name: &String| {
            !specs.contains_key(name)
                && declaration.dataset_names().any(|declared| declared == name)
        };
        let joins_wrong = specs
            .iter()
            .find(|(_, spec)| spec.join.iter().any(|join| is_wrong(&join.with)))
            .map(|(name, _)| name.clone());
        match joins_wrong {
            Some(name) => specs.remove(&name),
            None => return specs,
        };
    }
}

/// Makes a dataset read these files, and keep no copy of them.
fn read_from(spec: &mut DatasetSpec, files: &[RecordedFile]) {
    let extension = |file: &RecordedFile| {
        let name = Path::new(&file.name);
        Format::of_extension(&name.extension()?.to_string_lossy())
    };
    spec.format = spec.format.or_else(|| files.first().and_then(extension));
    let paths = files.iter().map(|file| literal_path(&file.path));
    spec.path = OneOrMany::Many(paths.collect());
    // What was made of features was read as these files.
    spec.features = None;
    spec.pin = PinPolicy::Reference;
}

fn read_by_stages<'a>(outline: &'a Outline<'_, '_>) -> BTreeSet<&'a str> {
    let jobs = outline.stages.iter().filter_map(|stage| stage.job.as_ref());
    let inputs = jobs.flat_map(|job| match job {
        Job::Plugin { inputs, .. } => inputs.as_slice(),
        Job::Gate(_) | Job::Study(_) => &[],
    });
    inputs
        .map(|input| input.pipe.dataset.text.as_str())
        .collect()
}

/// An error, shown at the key that it is about; it may be of a dataset that `opened` joins.
fn problem(
    declaration: &Declaration<'_>,
    opened: &DeclaredDataset<'_>,
    error: &Error,
    report: &Report<'_>,
) -> Problem {
    let (name, key, message) = match error {
        Error::Spec {
            dataset,
            key,
            problem,
            ..
        } => (
            dataset,
            key.as_str(),
            format!("dataset `{dataset}`: {problem}"),
        ),
        Error::Expression { dataset, key, .. } => (dataset, *key, error.to_string()),
        Error::File { dataset, .. } => (dataset, "path", error.to_string()),
        Error::Data { dataset, .. } | Error::Table { dataset, .. } => {
            (dataset, "", error.to_string())
        }
    };
    let declared = declaration
        .datasets
        .iter()
        .find(|declared| declared.name.text == *name)
        .unwrap_or(opened);
    if let Error::Expression { source, .. } = error
        && let Some(text) = text_at(&declared.section, key)
    {
        let owner = format!("dataset `{name}`");
        return Problem::in_expression(report.source, &text, &owner, source.clone());
    }
    let span = match key {
        "" => declared.name.span.clone(),
        key => locate(&declared.section, key, &message),
    };
    Problem {
        span,
        message,
        hint: error.hint().map(str::to_owned),
    }
}
