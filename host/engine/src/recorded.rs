//! A dataset as a past run read it, for whoever wants to look at its rows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use trueline_dataset::Dataset;
use trueline_pipeline::{Recorded, RecordedFile, recorded_datasets};
use trueline_store::{Run, Store};

use crate::{Error, Result};

/// Opens a dataset of a run from the copies of its files, or from the files themselves where there is no copy.
/// The copies are not hashed again: these rows are looked at, nothing is computed from them.
///
/// # Errors
/// [`Error::Lost`] if the run has no such dataset, or something that it was read from is not there any more.
pub fn recorded_dataset(store: &Store, run: &Run, name: &str) -> Result<Dataset> {
    let lost = |problem: String| Error::Lost(vec![problem]);
    let file = run.params["pipeline_file"].as_str().map(PathBuf::from);
    let file = file.ok_or_else(|| lost(format!("{} ran no pipeline file", run.summary.id)))?;
    let text = store.artifact(&run.pipeline_digest)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut files = BTreeMap::new();
    for dataset in store.datasets(&run.summary.id)? {
        let mut found = Vec::new();
        for file in dataset.files {
            let copy = store.blobs().path(&file.digest);
            let path = match store.blobs().contains(&file.digest) {
                true => std::path::absolute(&copy).unwrap_or(copy),
                false => folder.join(&file.path),
            };
            if !path.is_file() {
                let problem = format!("dataset `{}`: the file {}", dataset.name, file.path);
                return Err(lost(problem));
            }
            found.push(RecordedFile {
                name: file.path,
                path,
            });
        }
        files.insert(dataset.name, found);
    }
    let recorded = Recorded {
        file,
        text: String::from_utf8_lossy(&text).into_owned(),
        set: serde_json::from_value(run.params["set"].clone()).unwrap_or_default(),
        files,
        services: BTreeMap::new(),
    };
    let catalog = recorded_datasets(&recorded).map_err(|wrong| lost(wrong.to_string()))?;
    if !catalog.names().any(|known| known == name) {
        return Err(lost(format!("a dataset `{name}` in the pipeline file")));
    }
    Ok(catalog.open(name)?)
}
