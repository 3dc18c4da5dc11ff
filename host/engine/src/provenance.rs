//! Provenance of a package as an in-toto statement with SLSA's provenance predicate, version 1
//! (<https://slsa.dev/spec/v1.1/provenance>): what was built, from which files, components and source, by
//! which run. It is not signed; tools that sign take it as it is.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};
use trueline_store::{Run, RunId, Store};
use trueline_table::Digest;

use crate::champion::is_champions;
use crate::{Result, Revision, load_package};

/// What kind of build a run is.
const BUILD_TYPE: &str = "https://github.com/trueline/trueline/run/v1";
const BUILDER: &str = "https://github.com/trueline/trueline";

/// The statement on a package.
///
/// # Errors
/// If there is no such package, or a part of it is missing.
pub fn provenance(store: &Store, reference: &str) -> Result<Value> {
    let (entry, package) = load_package(store, reference)?;
    let summary = entry.summary;
    let run = store.run(summary.run.as_str())?;
    let stages = store.stages(&run.summary.id)?;
    let stages: Vec<_> = stages
        .into_iter()
        .filter(|stage| !is_champions(&stage.name))
        .collect();
    let mut dependencies = source(&run);
    for dataset in store.datasets(&run.summary.id)? {
        for file in dataset.files {
            dependencies.push(json!({
                "name": format!("dataset {}: {}", dataset.name, file.path),
                "digest": sha256(&file.digest),
                "annotations": { "tableDigest": dataset.table_digest, "rows": dataset.rows },
            }));
        }
    }
    let mut components: Vec<(Digest, &str)> = stages
        .iter()
        .filter_map(|stage| Some((stage.component?, stage.kind.as_str())))
        .collect();
    components.sort_unstable();
    components.dedup();
    dependencies.extend(components.into_iter().map(|(digest, plugin)| {
        json!({
            "name": format!("component {plugin}"),
            "digest": sha256(&digest),
            "mediaType": "application/wasm",
        })
    }));
    let outputs = store.outputs(&run.summary.id)?.into_iter();
    let outputs = outputs.filter(|output| !is_champions(&output.stage));
    let byproducts = outputs.map(|output| {
        json!({
            "name": format!("{} of {}", output.name, output.stage),
            "digest": sha256(&output.digest),
        })
    });
    let params = stages
        .iter()
        .map(|stage| (stage.name.clone(), stage.params.clone()));
    let engines = engines(store, &run.summary.id)?;
    Ok(json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{
            "name": format!("{}@{}", summary.name, summary.version),
            "digest": sha256(&summary.digest),
        }],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "pipeline": run.summary.pipeline,
                    "pipelineFile": run.params.get("pipeline_file"),
                    "seed": run.seed,
                },
                "internalParameters": {
                    "profile": package.manifest().profile,
                    "stages": params.collect::<serde_json::Map<_, _>>(),
                },
                "resolvedDependencies": dependencies,
            },
            "runDetails": {
                "builder": {
                    "id": BUILDER,
                    "version": { "trueline": env!("CARGO_PKG_VERSION"), "engines": engines.join(" ") },
                },
                "metadata": {
                    "invocationId": run.summary.id,
                    "startedOn": time(run.summary.started_us.unwrap_or(run.summary.created_us)),
                    "finishedOn": time(run.summary.finished_us.unwrap_or(run.summary.created_us)),
                },
                "byproducts": byproducts.collect::<Vec<_>>(),
            },
        },
    }))
}

/// The fingerprints of the engines that computed the stages of a run: those that it took from the cache were
/// computed in other runs.
fn engines(store: &Store, run: &RunId) -> Result<Vec<String>> {
    let mut runs = vec![run.clone()];
    runs.extend(
        store
            .stage_keys(run)?
            .into_iter()
            .filter_map(|key| key.source_run),
    );
    runs.sort();
    runs.dedup();
    let mut engines = BTreeSet::new();
    for run in runs {
        engines.extend(
            store
                .attempts(&run)?
                .into_iter()
                .map(|attempt| attempt.fingerprint),
        );
    }
    Ok(engines.into_iter().collect())
}

/// The pipeline file, and the commit that it is of.
fn source(run: &Run) -> Vec<Value> {
    let mut found = vec![json!({
        "name": "pipeline file",
        "digest": sha256(&run.pipeline_digest),
        "mediaType": "application/toml",
    })];
    let revision = run.params.get("source").cloned().unwrap_or_default();
    if let Ok(Some(revision)) = serde_json::from_value::<Option<Revision>>(revision) {
        let mut dependency = json!({
            "name": format!("source of {}", revision.path),
            "digest": { "gitCommit": revision.commit },
            "annotations": { "fileIsChanged": revision.is_changed },
        });
        if let Some(repository) = revision.repository {
            dependency["uri"] = json!(format!("git+{repository}@{}", revision.commit));
        }
        found.push(dependency);
    }
    found
}

fn sha256(digest: &Digest) -> Value {
    json!({ "sha256": digest.hex() })
}

/// A time of the store as the schema wants it: `2013-10-01T06:00:00Z`.
fn time(us: i64) -> String {
    let time = Timestamp::from_microsecond(us).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
