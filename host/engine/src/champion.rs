//! The champion: the package in use, scored again on the rows of this run before anything is compared with
//! it.
//!
//! A gate that mentions `champion.auc` waits for a stage of its own, `champion.score`: the stage `score` once
//! more, its rows mapped by the champion's chain instead of this run's. It is a stage as any other: it is in
//! the report, and the cache knows it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use trueline_pipeline::{Champion as GateChampion, Metrics, Plan, PlannedStage, StageWork, Work};
use trueline_runtime::{Limits, Package, Runtime};
use trueline_store::{Error as StoreError, Store};
use trueline_table::Digest;

use crate::pipe::{Fitted, FittedStages};
use crate::report::StageReport;
use crate::{Error, Result, load_package};

/// The alias of the package in use.
const ALIAS: &str = "champion";

/// What the names of the champion's stages and maps begin with. No stage of a file has a dot in its name.
const PREFIX: &str = "champion.";

/// The package that a run is compared with.
#[derive(Clone, Debug, Serialize)]
pub struct Champion {
    /// Name and version.
    pub package: String,
    pub digest: Digest,
    /// Why it cannot be compared with, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A plan with the stages that score the champion.
pub(crate) struct Contest {
    pub(crate) plan: Plan,
    pub(crate) champion: Option<Champion>,
    /// The champion's maps.
    pub(crate) fitted: FittedStages,
}

/// Whether a stage scores the champion.
pub(crate) fn is_champions(stage: &str) -> bool {
    stage.starts_with(PREFIX)
}

impl Contest {
    /// Adds what scores the champion, if a gate of the plan asks for it and there is one.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn enter(plan: &Plan, store: &Store, runtime: &Runtime) -> Result<Self> {
        let mut contest = Self {
            plan: plan.clone(),
            champion: None,
            fitted: FittedStages::new(),
        };
        let Some(package) = &plan.package else {
            return Ok(contest);
        };
        let gates: Vec<(usize, BTreeSet<String>)> = plan
            .stages
            .iter()
            .enumerate()
            .filter_map(|(index, stage)| match &stage.work {
                Work::Gate(gate) if gate.mentions_champion() => {
                    Some((index, gate.stages().map(str::to_owned).collect()))
                }
                _ => None,
            })
            .collect();
        if gates.is_empty() {
            return Ok(contest);
        }
        let Some(standing) = store.alias(&package.name, ALIAS)? else {
            return Ok(contest);
        };
        let mut champion = Champion {
            package: format!("{}@{}", package.name, standing.version),
            digest: standing.digest,
            problem: None,
        };
        match links(&champion.package, store, runtime) {
            Ok(links) => {
                let names: Vec<String> = links.iter().map(|(name, _)| name.clone()).collect();
                contest.fitted = links.into_iter().collect();
                contest.add_stages(&gates, &package.chain, &names);
                if !contest
                    .plan
                    .stages
                    .iter()
                    .any(|stage| is_champions(&stage.name))
                {
                    let chain = package.chain.join(" | ");
                    champion.problem = Some(format!(
                        "no stage that the gate mentions measures what `{chain}` answers"
                    ));
                }
            }
            Err(
                error @ Error::Store(
                    StoreError::Missing { .. }
                    | StoreError::Corrupt { .. }
                    | StoreError::NotFound { .. },
                ),
            )
            | Err(error @ (Error::Package { .. } | Error::Runtime(_))) => {
                champion.problem = Some(error.to_string());
            }
            Err(error) => return Err(error),
        }
        contest.champion = Some(champion);
        Ok(contest)
    }

    /// For every stage that a gate mentions and that measures what the chain answers, one more that measures
    /// what the champion answers.
    fn add_stages(
        &mut self,
        gates: &[(usize, BTreeSet<String>)],
        chain: &[String],
        links: &[String],
    ) {
        let mut stages = Vec::new();
        for (index, stage) in std::mem::take(&mut self.plan.stages)
            .into_iter()
            .enumerate()
        {
            let is_mentioned = gates
                .iter()
                .any(|(_, mentioned)| mentioned.contains(&stage.name));
            let scoring = match &stage.work {
                Work::Stage(work) if is_mentioned => scoring(&stage, work, chain, links),
                _ => None,
            };
            let mut stage = stage;
            if let Some((_, mentioned)) = gates.iter().find(|(gate, _)| *gate == index) {
                let added = stages.iter().map(|stage: &PlannedStage| &stage.name);
                let added = added.filter(|name| {
                    name.strip_prefix(PREFIX)
                        .is_some_and(|name| mentioned.contains(name))
                });
                stage.depends_on.extend(added.cloned().collect::<Vec<_>>());
            }
            stages.push(stage);
            stages.extend(scoring);
        }
        self.plan.stages = stages;
    }
}

/// The stage once more, its rows mapped by `links` where they were mapped by `chain`; nothing if they were not.
fn scoring(
    stage: &PlannedStage,
    work: &StageWork,
    chain: &[String],
    links: &[String],
) -> Option<PlannedStage> {
    let mut work = work.clone();
    let mut applies = false;
    for input in &mut work.inputs {
        let through = &mut input.pipe.through;
        let start = through
            .windows(chain.len())
            .position(|names| names == chain);
        if let Some(start) = start {
            through.splice(start..start + chain.len(), links.iter().cloned());
            applies = true;
        }
    }
    let maps = work.inputs.iter().flat_map(|input| &input.pipe.through);
    let depends_on: BTreeSet<String> = maps.filter(|name| !is_champions(name)).cloned().collect();
    applies.then(|| PlannedStage {
        name: format!("{PREFIX}{}", stage.name),
        line: stage.line,
        depends_on: depends_on.into_iter().collect(),
        study: None,
        rules: stage.rules.clone(),
        work: Work::Stage(work),
    })
}

/// The maps of a package in order, named after their places.
fn links(reference: &str, store: &Store, runtime: &Runtime) -> Result<Vec<(String, Fitted)>> {
    let (_, package) = load_package(store, reference)?;
    let link = |(number, link): (usize, &trueline_runtime::Link)| {
        let component = package.part(link.component)?;
        let work = StageWork {
            plugin: link.component.short(),
            component: component.into(),
            stage: runtime.admit(component)?,
            params: link.params.clone(),
            inputs: Vec::new(),
            signature: None,
            state: Arc::default(),
            limits: Limits::default(),
            stops: None,
        };
        let fitted = Fitted::of_link(work, link, state(&package, link)?);
        Ok((format!("{PREFIX}{number}"), fitted))
    };
    (1..).zip(&package.manifest().chain).map(link).collect()
}

fn state(package: &Package, link: &trueline_runtime::Link) -> Result<Vec<u8>> {
    Ok(package.part(link.state)?.to_vec())
}

/// What a gate is told of the champion.
pub(crate) struct Scores {
    metrics: Metrics,
    problem: Option<String>,
    is_there: bool,
}

impl Scores {
    /// The metrics of the stages that scored it; of two with one name, the first counts.
    pub(crate) fn new<'r>(
        champion: Option<&Champion>,
        reports: impl Iterator<Item = &'r StageReport>,
    ) -> Self {
        let mut scores = Self {
            metrics: Metrics::new(),
            problem: champion.and_then(|champion| champion.problem.clone()),
            is_there: champion.is_some(),
        };
        for report in reports.filter(|report| is_champions(&report.stage)) {
            if report.has_result() {
                for (name, value) in &report.metrics {
                    scores.metrics.entry(name.clone()).or_insert(*value);
                }
            } else {
                let why = report.message.as_deref().unwrap_or_default();
                scores.problem.get_or_insert(why.to_owned());
            }
        }
        if let (Some(champion), Some(problem)) = (champion, &mut scores.problem) {
            *problem = format!(
                "the champion {} cannot be scored: {problem}",
                champion.package
            );
        }
        scores
    }

    /// The same in the words of a gate.
    pub(crate) fn for_gate(&self) -> GateChampion<'_> {
        match (&self.problem, self.is_there) {
            (Some(problem), _) => GateChampion::Unknown(problem),
            (None, true) => GateChampion::Scored(&self.metrics),
            (None, false) => GateChampion::None,
        }
    }
}
