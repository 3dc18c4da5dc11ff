//! Making a package again from what its run was made from, and comparing every digest on the way.
//!
//! Data, components and the pipeline file are taken by digest from the home; nothing is rebuilt, and what
//! lies in the working folder now does not matter. The run goes through a home of its own, which is thrown
//! away, and nothing is taken from a cache.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use trueline_pipeline::{Plan, Plugins, Recorded, RecordedFile, check_recorded};
use trueline_runtime::Runtime;
use trueline_store::{Clock, Run, RunId, StageState, Store};
use trueline_table::Digest;

use crate::champion::is_champions;
use crate::report::VerifyReport;
use crate::run::elapsed_ms;
use crate::{Error, Observer, Options, Result, load_package, run, verify};

/// What came of making a package again.
#[derive(Clone, Debug, Serialize)]
pub struct ReproductionReport {
    /// Name and version.
    pub name: String,
    pub package: Digest,
    /// The run that was made again.
    pub run: RunId,
    pub ways: Vec<Reproduction>,
    /// The maps of the package in all ways, with `deep`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<VerifyReport>,
    pub elapsed_ms: u64,
}

/// One way of making it again.
#[derive(Clone, Debug, Serialize)]
pub struct Reproduction {
    pub threads: usize,
    pub batch_rows: usize,
    /// Every stage that had a result, and the package.
    pub compared: Vec<Compared>,
    pub elapsed_ms: u64,
}

/// What was, and what is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// A stage and its output, such as `model: state`; or `package`.
    pub what: String,
    pub expected: Digest,
    /// Nothing if there was none this time.
    pub found: Option<Digest>,
    /// Why there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Compared {
    /// Whether it is the same.
    pub fn is_equal(&self) -> bool {
        self.found == Some(self.expected)
    }
}

impl ReproductionReport {
    /// Whether every digest is the same.
    pub fn holds(&self) -> bool {
        let compared = self.ways.iter().flat_map(|way| &way.compared);
        compared.clone().next().is_some()
            && compared.into_iter().all(Compared::is_equal)
            && self.proof.as_ref().is_none_or(VerifyReport::holds)
    }
}

/// Makes a package again in the folder `scratch`, once for each of `ways`; with `deep`, proves its maps.
///
/// # Errors
/// [`Error::Lost`] if something that the run was made from is not there any more, naming all that is; or if a
/// store fails.
pub fn reproduce(
    store: &Store,
    reference: &str,
    runtime: &Runtime,
    ways: &[Options],
    deep: bool,
    scratch: (&Path, impl Clock + Clone + 'static),
    observer: &dyn Observer,
) -> Result<ReproductionReport> {
    let started = Instant::now();
    let (entry, package) = load_package(store, reference)?;
    let summary = entry.summary;
    let name = format!("{}@{}", summary.name, summary.version);
    let past = store.run(summary.run.as_str())?;
    let plan = recorded_plan(store, &past, runtime)?;
    let mut report = ReproductionReport {
        name: name.clone(),
        package: summary.digest,
        run: summary.run.clone(),
        ways: Vec::new(),
        proof: None,
        elapsed_ms: 0,
    };
    let (folder, clock) = scratch;
    for (number, options) in ways.iter().enumerate() {
        let started = Instant::now();
        let home = Store::open(&folder.join(number.to_string()), clock.clone())?;
        let options = Options {
            cache: false,
            ..options.clone()
        };
        let again = run(&plan, &home, runtime, &options, observer)?;
        let mut compared = compare_stages(store, &summary.run, &home, &again)?;
        compared.push(Compared {
            what: "package".to_owned(),
            expected: summary.digest,
            found: again.package.as_ref().map(|package| package.digest),
            problem: again.message.filter(|_| again.package.is_none()),
        });
        report.ways.push(Reproduction {
            threads: options.threads,
            batch_rows: options.batch_rows,
            compared,
            elapsed_ms: elapsed_ms(started),
        });
    }
    if deep {
        let options = ways.first().cloned().unwrap_or_default();
        report.proof = Some(verify(&plan, &package, &name, runtime, &options, observer)?);
    }
    report.elapsed_ms = elapsed_ms(started);
    Ok(report)
}

/// Every output of every stage that had a result, and its metrics and findings.
fn compare_stages(
    before: &Store,
    run: &RunId,
    now: &Store,
    again: &crate::RunReport,
) -> Result<Vec<Compared>> {
    let mut outputs = before.outputs(run)?;
    let found: BTreeMap<(String, String), Digest> = now
        .outputs(&again.run)?
        .into_iter()
        .map(|output| ((output.stage, output.name), output.digest))
        .collect();
    let mut compared = Vec::new();
    for stage in before.stages(run)? {
        let had_result = matches!(stage.state, StageState::Succeeded | StageState::Cached);
        if !had_result || is_hosts(&stage.kind) || is_champions(&stage.name) {
            continue;
        }
        let report = again
            .stages
            .iter()
            .find(|report| report.stage == stage.name);
        let has_result = report.is_some_and(crate::StageReport::has_result);
        let problem = report
            .filter(|_| !has_result)
            .and_then(|report| report.message.clone());
        let (own, others) = outputs
            .into_iter()
            .partition(|output| output.stage == stage.name);
        outputs = others;
        let own: Vec<trueline_store::StageOutput> = own;
        for output in own {
            compared.push(Compared {
                what: format!("{}: {}", stage.name, output.name),
                expected: output.digest,
                found: found.get(&(stage.name.clone(), output.name)).copied(),
                problem: problem.clone(),
            });
        }
        let expected = before.result_digest(run, &stage.name)?;
        let result = now.result_digest(&again.run, &stage.name)?;
        compared.push(Compared {
            what: format!("{}: all with metrics", stage.name),
            expected,
            found: has_result.then_some(result),
            problem,
        });
    }
    Ok(compared)
}

/// Whether a stage is the host's own work: what a gate or a study decides shows in the stages behind it.
fn is_hosts(kind: &str) -> bool {
    ["gate", "study"].contains(&kind)
}

/// The plan of a run, from what the store kept of it.
pub(crate) fn recorded_plan(store: &Store, run: &Run, runtime: &Runtime) -> Result<Plan> {
    let file = run
        .params
        .get("pipeline_file")
        .and_then(|file| file.as_str());
    let Some(file) = file.map(PathBuf::from) else {
        let run = &run.summary.id;
        let problem =
            format!("{run} ran no pipeline file: it took in a package that was made elsewhere");
        return Err(Error::Lost(vec![problem]));
    };
    let mut lost = Vec::new();
    let text = store.artifact(&run.pipeline_digest);
    let text = text.map(|text| String::from_utf8_lossy(&text).into_owned());
    let text = text.map_err(|error| lost.push(format!("the pipeline file: {error}")));
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut files = BTreeMap::new();
    for dataset in store.datasets(&run.summary.id)? {
        let mut found = Vec::new();
        for file in dataset.files {
            match stored_file(store, folder, &file) {
                Some(path) => found.push(RecordedFile {
                    name: file.path,
                    path,
                }),
                None => lost.push(format!(
                    "dataset `{}`: the file {} as it was then ({})",
                    dataset.name, file.path, file.digest
                )),
            }
        }
        files.insert(dataset.name, found);
    }
    let mut components = BTreeMap::new();
    for (name, digest) in recorded_components(store, run)? {
        match store.artifact(&digest) {
            Ok(bytes) => drop(components.insert(name, bytes)),
            Err(error) => lost.push(format!("the component `{name}`: {error}")),
        }
    }
    let (Ok(text), true) = (text, lost.is_empty()) else {
        return Err(Error::Lost(lost));
    };
    let set = run.params.get("set").cloned().unwrap_or_default();
    let recorded = Recorded {
        file,
        text,
        set: serde_json::from_value(set).unwrap_or_default(),
        files,
        services: crate::features::services(store, &run.summary.id)?,
    };
    check_recorded(&recorded, runtime, &Components(components))
        .map_err(|diagnostics| Error::Lost(vec![diagnostics.to_string()]))
}

/// The components of a run by what its file says after `use`. Runs did not always keep that list; then it is
/// the components of their stages.
fn recorded_components(store: &Store, run: &Run) -> Result<BTreeMap<String, Digest>> {
    if let Some(kept) = run.params.get("components") {
        let kept = serde_json::from_value(kept.clone());
        return kept.map_err(|error| Error::Lost(vec![format!("its components: {error}")]));
    }
    let stages = store.stages(&run.summary.id)?.into_iter();
    let own = stages.filter(|stage| !is_champions(&stage.name));
    Ok(own
        .filter_map(|stage| Some((stage.kind, stage.component?)))
        .collect())
}

/// Where the bytes of a file are: its copy, or the file itself if it is still the same.
pub(crate) fn stored_file(
    store: &Store,
    folder: &Path,
    file: &trueline_store::DatasetFile,
) -> Option<PathBuf> {
    if store.blobs().verify(&file.digest).is_ok() {
        // The plan's own paths are relative to the pipeline file.
        return std::path::absolute(store.blobs().path(&file.digest)).ok();
    }
    let path = folder.join(&file.path);
    let same = crate::data::hash_file(&path).is_ok_and(|digest| digest == file.digest);
    same.then_some(path)
}

/// The components of a run by what its file says after `use`.
struct Components(BTreeMap<String, Vec<u8>>);

impl Plugins for Components {
    fn find(&self, name: &str) -> Option<Cow<'static, [u8]>> {
        self.0.get(name).cloned().map(Cow::Owned)
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    fn at_path(&self, name: &str, _: &Path) -> io::Result<Cow<'static, [u8]>> {
        let bytes = self.0.get(name).cloned().map(Cow::Owned);
        bytes.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}
