//! Datasets of features: what their columns will be, before there are rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use trueline_dataset::suggest::{did_you_mean, list_some};
use trueline_dataset::{Catalog, DatasetSpec, FeaturesSpec};
use trueline_features::{Definitions, Tools, training_columns};

use crate::declaration::{Declaration, DeclaredDataset};
use crate::plan::PlannedFeatures;
use crate::source::{Problem, Report};
use crate::values::locate;

/// Finds what datasets of features will be made of, and tells the catalog their columns; each comes after those
/// that its spine is made of. Those that are wrong are taken out of the catalog, with what reads them.
pub(super) fn plan(
    declaration: &Declaration<'_>,
    catalog: &mut Catalog,
    tools: &Tools<'_>,
    report: &mut Report<'_>,
) -> Vec<PlannedFeatures> {
    let mut waiting: Vec<&DeclaredDataset<'_>> = declaration
        .datasets
        .iter()
        .filter(|declared| features_of(catalog, &declared.name.text).is_some())
        .collect();
    let mut files = BTreeMap::new();
    let mut planned = Vec::new();
    while !waiting.is_empty() {
        let names: Vec<&str> = waiting.iter().map(|one| one.name.text.as_str()).collect();
        let is_ready = |declared: &&DeclaredDataset<'_>| {
            let spine = features_of(catalog, &declared.name.text).map(|spec| spec.spine.as_str());
            let made_of = joined(catalog, spine);
            names.iter().all(|name| !made_of.contains(*name))
        };
        let Some(ready) = waiting.iter().position(is_ready) else {
            for declared in &waiting {
                let message = format!("dataset `{}` is its own spine", declared.name.text);
                let span = locate(&declared.section, "features.spine", "");
                let hint = format!("the spines go in a circle: {}", names.join(", "));
                report.add(Problem::new(span, message).hint(hint));
                forget(catalog, &declared.name.text);
            }
            break;
        };
        let declared = waiting.remove(ready);
        let Some(spec) = features_of(catalog, &declared.name.text).cloned() else {
            continue;
        };
        let mut known = Known {
            tools,
            files: &mut files,
        };
        match one(declaration, declared, &spec, catalog, &mut known, report) {
            Ok(Some(features)) => planned.push(features),
            Ok(None) => forget(catalog, &declared.name.text),
            Err(problem) => {
                report.add(*problem);
                forget(catalog, &declared.name.text);
            }
        }
    }
    planned
}

fn features_of<'c>(catalog: &'c Catalog, name: &str) -> Option<&'c FeaturesSpec> {
    catalog.spec(name)?.features.as_ref()
}

/// Datasets, those that they join, and those that these join.
pub(super) fn joined<'n>(
    catalog: &Catalog,
    names: impl IntoIterator<Item = &'n str>,
) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut waiting: Vec<String> = names.into_iter().map(str::to_owned).collect();
    while let Some(name) = waiting.pop() {
        let joins = catalog.spec(&name).into_iter().flat_map(|spec| &spec.join);
        waiting.extend(
            joins
                .map(|join| join.with.clone())
                .filter(|with| !found.contains(with)),
        );
        found.insert(name);
    }
    found
}

/// Takes a dataset out that is wrong, and those that read it: one mistake is told once.
fn forget(catalog: &mut Catalog, name: &str) {
    let mut wrong = vec![name.to_owned()];
    while let Some(name) = wrong.pop() {
        catalog.remove(&name);
        let reads = |other: &&str| {
            let spec = catalog.spec(other);
            let mut joins = spec.into_iter().flat_map(|spec| &spec.join);
            joins.any(|join| join.with == name)
                || features_of(catalog, other).is_some_and(|features| features.spine == name)
        };
        wrong.extend(catalog.names().filter(reads).map(str::to_owned));
    }
}

/// The feature files that were checked, and what they are checked with.
struct Known<'k, 't> {
    tools: &'k Tools<'t>,
    files: &'k mut BTreeMap<String, Arc<Definitions>>,
}

/// What one dataset will be made of; none if it is wrong because another one is.
fn one(
    declaration: &Declaration<'_>,
    declared: &DeclaredDataset<'_>,
    spec: &FeaturesSpec,
    catalog: &mut Catalog,
    known: &mut Known<'_, '_>,
    report: &Report<'_>,
) -> Result<Option<PlannedFeatures>, Box<Problem>> {
    let name = &declared.name.text;
    let wrong = |key: &str, message: String, hint: Option<String>| {
        let message = format!("dataset `{name}`: {message}");
        let span = locate(&declared.section, key, &message);
        Box::new(Problem {
            span,
            message,
            hint,
        })
    };
    let file = report.source.folder().join(&spec.file);
    let definitions = match known.files.get(&spec.file) {
        Some(known) => known.clone(),
        None => {
            let checked = trueline_features::check_with(&file, known.tools).map_err(|error| {
                let first = error.0.first();
                let place = first.and_then(|first| first.place.as_ref()).map_or_else(
                    || spec.file.clone(),
                    |place| format!("{}:{}", spec.file, place.line),
                );
                let message = first.map_or("it is wrong", |first| first.message.as_str());
                let more = match error.0.len() {
                    0 | 1 => String::new(),
                    count => format!(", and {} more", count - 1),
                };
                let hint = first
                    .and_then(|first| first.hint.clone())
                    .unwrap_or_else(|| {
                        "name the feature file with `file`, relative to this one".to_owned()
                    });
                wrong(
                    "features.file",
                    format!("{place}: {message}{more}"),
                    Some(hint),
                )
            })?;
            let checked = Arc::new(checked);
            known.files.insert(spec.file.clone(), checked.clone());
            checked
        }
    };
    let spine = spine_of(name, spec, catalog);
    let is_declared = declaration.dataset_names().any(|other| other == spine);
    if catalog.spec(&spine).is_none() && !is_declared {
        let names = || declaration.dataset_names().filter(|other| other != name);
        let hint = did_you_mean(&spine, names()).unwrap_or_else(|| {
            format!(
                "it is a dataset of this file ({}), or a path such as \"data/rows.parquet\"",
                list_some(names())
            )
        });
        let message = format!("there is no dataset `{spine}` to be its spine");
        return Err(wrong("features.spine", message, Some(hint)));
    }
    let rows = match catalog.open(&spine) {
        Ok(rows) => rows,
        // What is wrong with a dataset is told where it stands.
        Err(_) if is_declared => return Ok(None),
        Err(error) => {
            let hint = error.hint().map(str::to_owned);
            return Err(wrong("features.spine", error.to_string(), hint));
        }
    };
    let time = spec.time.as_deref();
    let made = training_columns(
        &definitions,
        &spec.service,
        rows.schema(),
        time,
        spec.full_names,
    );
    let made = made.map_err(|error| {
        let hint = error.hint().map(|hint| hint.replace("--time", "`time`"));
        wrong("features", error.to_string(), hint)
    })?;
    catalog.plan_rows(name, made.columns);
    Ok(Some(PlannedFeatures {
        dataset: name.clone(),
        file,
        service: made.service,
        spine,
        time: made.time,
        definitions,
    }))
}

/// What the catalog calls a spine; files get a name of their own.
fn spine_of(name: &str, spec: &FeaturesSpec, catalog: &mut Catalog) -> String {
    let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    if spec.spine.chars().all(is_name) {
        return spec.spine.clone();
    }
    let spine = format!("{name}.spine");
    catalog.insert(&spine, DatasetSpec::of_files(spec.spine.as_str()));
    spine
}
