//! A checked pipeline: what will run, in which order, on what.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::json;
use trueline_dataset::{Catalog, Dataset, Part};
use trueline_features::Definitions;
use trueline_runtime::{Limits, ReductionSignature, ServiceFeatures, Stage};
use trueline_study::{Asha, Goal, Stops, Study};
use trueline_table::{Digest, Schema};

use crate::fan_out::{member_name, split_member};
use crate::gate::GateWork;
use crate::rules::Rules;

/// A pipeline whose names resolve, whose types fit and whose stages agreed to their parameters.
///
/// Its JSON is what `check --json` shows.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub seed: u64,
    /// The parameters with the values of this run.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, serde_json::Value>,
    /// Those that have other values than the file says, as TOML.
    #[serde(skip)]
    pub set: BTreeMap<String, String>,
    /// How many stages of a pool run at once.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub pools: BTreeMap<String, u32>,
    /// The pipeline file, as it was named.
    pub file: PathBuf,
    /// The file's text.
    #[serde(skip)]
    pub text: String,
    /// The digest of the file's text.
    pub text_digest: Digest,
    /// The datasets that stages read, in the order of the file.
    pub datasets: Vec<PlannedDataset>,
    /// Datasets that a run makes of features, each after those that its spine is made of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<PlannedFeatures>,
    /// All datasets as they are declared.
    #[serde(skip)]
    pub catalog: Catalog,
    /// In an order in which they can run: what a stage depends on comes before it; of those that could
    /// come next, the one that stands first in the file.
    pub stages: Vec<PlannedStage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<PlannedPackage>,
    /// The components of the plugins that are used by name, which the lock file pins.
    pub plugins: BTreeMap<String, Digest>,
    /// What is allowed, but may surprise: a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A dataset that fits its files.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedDataset {
    pub name: String,
    #[serde(skip)]
    pub dataset: Dataset,
    pub schema: Schema,
    /// The feature service that some of its columns are of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceFeatures>,
}

/// Rows with features, which a run makes before anything reads them.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedFeatures {
    pub dataset: String,
    /// The feature file.
    pub file: PathBuf,
    /// The service, and which columns are its.
    #[serde(flatten)]
    pub service: ServiceFeatures,
    /// The dataset whose rows they are.
    pub spine: String,
    /// Its column of instants.
    pub time: String,
    #[serde(skip)]
    pub definitions: Arc<Definitions>,
}

/// A stage that can run once those that it depends on have.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedStage {
    pub name: String,
    /// Where the file declares it, counted from 1.
    pub line: usize,
    /// In the order of the file.
    pub depends_on: Vec<String>,
    /// The study that it is of a trial of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub study: Option<String>,
    #[serde(skip_serializing_if = "Rules::are_usual")]
    pub rules: Rules,
    #[serde(flatten)]
    pub work: Work,
}

/// What a stage does.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    Stage(StageWork),
    Gate(GateWork),
    Study(StudyWork),
}

/// Choosing the best of several stages, which from then on its name stands for.
#[derive(Clone, Debug, Serialize)]
pub struct StudyWork {
    /// What the file says after `use`, of the stages that it chooses from.
    pub plugin: String,
    /// The section of the stages that measure, each the one with its number.
    pub measured_by: String,
    /// What they measure.
    pub metric: String,
    pub goal: Goal,
    /// How many there are to choose from.
    pub count: usize,
    /// So many of them may fail, if that is limited; if all fail, so does the study.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_failures: Option<usize>,
    #[serde(flatten)]
    pub trials: Trials,
}

/// The stages of a study. Trial 3 of `model` is the stage `model[3]`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trials {
    /// They are in the plan.
    Listed,
    /// They are made while the study runs, each from what came of those before it.
    Sampled {
        study: Study,
        #[serde(skip_serializing_if = "Option::is_none")]
        pruner: Option<Pruner>,
        /// What a trial is made of, in an order in which it can run, with the names of trial 0. Its JSON is the
        /// names of their sections.
        #[serde(rename = "sections", serialize_with = "sections")]
        templates: Vec<PlannedStage>,
    },
}

/// How trials are stopped early.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pruner {
    /// What is watched: a metric that the stage reports after its steps, or the end of its name.
    pub metric: String,
    pub goal: Goal,
    #[serde(flatten)]
    pub asha: Asha,
}

impl StudyWork {
    /// What its trials are made from, if they are made while it runs.
    pub fn templates(&self) -> &[PlannedStage] {
        match &self.trials {
            Trials::Listed => &[],
            Trials::Sampled { templates, .. } => templates,
        }
    }

    /// The names of the stages of a trial of `name`: the one that is tried, and the one that measures it.
    pub fn trial(&self, name: &str, number: usize) -> (String, String) {
        (
            member_name(name, number),
            member_name(&self.measured_by, number),
        )
    }

    /// All stages of a trial that is made while the study runs, with these values in the parameters of `name`.
    pub fn make_trial(
        &self,
        name: &str,
        number: usize,
        point: &trueline_study::Point,
        stops: Option<Stops>,
    ) -> Vec<PlannedStage> {
        let templates = self.templates();
        let rename = |name: &mut String| {
            let is_ours = templates.iter().any(|template| template.name == *name);
            if let (true, Some((section, _))) = (is_ours, split_member(name)) {
                *name = member_name(section, number);
            }
        };
        let make = |template: &PlannedStage| {
            let mut stage = template.clone();
            rename(&mut stage.name);
            stage.depends_on.iter_mut().for_each(rename);
            stage.rules.when = stage.rules.when.map(|when| when.renamed(rename));
            if let Work::Stage(work) = &mut stage.work {
                for input in &mut work.inputs {
                    input.pipe.through.iter_mut().for_each(rename);
                }
                if stage.name == member_name(name, number) {
                    if let Some(params) = work.params.as_object_mut() {
                        params.extend(point.clone());
                    }
                    work.stops = stops.clone();
                }
            }
            stage
        };
        templates.iter().map(make).collect()
    }
}

/// A component with its parameters and what it reduces.
#[derive(Clone, Debug, Serialize)]
pub struct StageWork {
    /// What the file says after `use`.
    pub plugin: String,
    #[serde(skip)]
    pub component: Arc<[u8]>,
    #[serde(rename = "component", serialize_with = "digest")]
    pub stage: Stage,
    /// A JSON object, its keys sorted.
    pub params: serde_json::Value,
    /// What its reduction reads, `rows` first; empty if it only maps.
    pub inputs: Vec<PlannedInput>,
    /// How it reduces; none if it only maps, or has nothing to learn with these parameters.
    pub signature: Option<ReductionSignature>,
    /// What it maps with, where the file names that instead of rows to learn from; else empty.
    #[serde(skip_serializing_if = "<[u8]>::is_empty", serialize_with = "content")]
    pub state: Arc<[u8]>,
    #[serde(serialize_with = "limits")]
    pub limits: Limits,
    /// When it stops early, if somebody else decides that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stops: Option<Stops>,
}

/// A named input of a reduction.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedInput {
    pub name: String,
    pub pipe: Pipe,
}

/// Rows of a dataset, mapped by stages one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pipe {
    pub dataset: String,
    /// The part of the dataset; without, all its rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// The stages that map the rows, in order.
    pub through: Vec<String>,
    /// What comes out. A vector may have width 0: only the fitted stage will know it.
    pub schema: Schema,
}

/// As the file has it: `flights.train | plane | features`.
impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.dataset)?;
        if let Some(part) = self.part {
            write!(f, ".{part}")?;
        }
        self.through
            .iter()
            .try_for_each(|name| write!(f, " | {name}"))
    }
}

/// What the run packs.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedPackage {
    pub name: String,
    /// The mapping stages, in order.
    pub chain: Vec<String>,
    /// The stage without whose success there is no package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The rows that the pipeline applies the chain to; its schema is what the first link maps.
    pub pipe: Pipe,
}

impl Plan {
    /// The stage of this name.
    pub fn stage(&self, name: &str) -> Option<&PlannedStage> {
        self.stages.iter().find(|stage| stage.name == name)
    }

    /// The dataset of this name.
    pub fn dataset(&self, name: &str) -> Option<&PlannedDataset> {
        self.datasets.iter().find(|dataset| dataset.name == name)
    }
}

fn sections<S: Serializer>(templates: &[PlannedStage], serializer: S) -> Result<S::Ok, S::Error> {
    let names = templates.iter().map(|template| template.name.as_str());
    serializer
        .collect_seq(names.map(|name| split_member(name).map_or(name, |(section, _)| section)))
}

fn digest<S: Serializer>(stage: &Stage, serializer: S) -> Result<S::Ok, S::Error> {
    stage.digest().serialize(serializer)
}

fn content<S: Serializer>(bytes: &Arc<[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
    Digest::of(bytes).serialize(serializer)
}

fn limits<S: Serializer>(limits: &Limits, serializer: S) -> Result<S::Ok, S::Error> {
    let Limits {
        memory_bytes,
        time,
        cpu_time,
        output_bytes,
    } = limits;
    let ms = |time: &Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let mut shown =
        json!({ "memory_bytes": memory_bytes, "time_ms": ms(time), "output_bytes": output_bytes });
    if let Some(cpu_time) = cpu_time {
        shown["cpu_time_ms"] = json!(ms(cpu_time));
    }
    shown.serialize(serializer)
}
