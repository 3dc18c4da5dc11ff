//! Pipelines, and the runs of one of them as a grid by stage.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;
use trueline_dataset::suggest::list_some;
use trueline_store::{RunPage, StageMark};
use utoipa::ToSchema;

use super::cursor::{ListQuery, cut};
use super::runs::{RunRow, StageCell};
use crate::app::App;
use crate::problem::Problem;
use crate::runner::{How, Start};

/// Runs that a line of the overview shows.
const RECENT: u32 = 24;

/// A pipeline and how it went lately.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Pipeline {
    pub(crate) name: String,
    /// The newest first; none if it has not run in this home.
    pub(crate) runs: Vec<RunRow>,
    /// The file that it can be run from, if that is known.
    pub(crate) file: Option<String>,
}

/// Every pipeline, by name.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Pipelines {
    pub(crate) pipelines: Vec<Pipeline>,
}

/// Runs of a pipeline by stage.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Grid {
    pub(crate) pipeline: String,
    pub(crate) file: Option<String>,
    /// The parameters that a run can be given, with the values that the newest run had.
    #[schema(value_type = BTreeMap<String, Object>)]
    pub(crate) params: BTreeMap<String, Value>,
    /// Every stage that a run of this page has, in the order of the newest plan.
    pub(crate) stages: Vec<String>,
    /// The newest first.
    pub(crate) runs: Vec<GridRun>,
    /// What `before` has to be for the next page; null at the end.
    pub(crate) next: Option<String>,
}

/// A run and where its stages stand.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct GridRun {
    #[serde(flatten)]
    pub(crate) run: RunRow,
    /// In the order of its plan.
    pub(crate) stages: Vec<StageCell>,
}

/// Every pipeline that ran here or was named when the server was started.
pub(crate) fn pipelines(app: &App) -> Result<Pipelines, Problem> {
    let mut pipelines = BTreeMap::new();
    for newest in app.store().pipelines()? {
        let page = RunPage {
            pipeline: Some(newest.pipeline.clone()),
            before: None,
            limit: RECENT,
        };
        let file = recorded_file(app, newest.id.as_str())?;
        let pipeline = Pipeline {
            name: newest.pipeline.clone(),
            runs: app
                .store()
                .runs(&page)?
                .into_iter()
                .map(RunRow::from)
                .collect(),
            file: file.map(|file| file.display().to_string()),
        };
        pipelines.insert(newest.pipeline, pipeline);
    }
    for (name, file) in given(app) {
        let pipeline = pipelines.entry(name.clone()).or_insert(Pipeline {
            name,
            runs: Vec::new(),
            file: None,
        });
        pipeline.file = Some(file.display().to_string());
    }
    Ok(Pipelines {
        pipelines: pipelines.into_values().collect(),
    })
}

/// Some runs of a pipeline, with their stages.
pub(crate) fn grid(app: &App, pipeline: &str, query: &ListQuery) -> Result<Grid, Problem> {
    let limit = query.limit(30)?;
    let page = |before, limit| RunPage {
        pipeline: Some(pipeline.to_owned()),
        before,
        limit,
    };
    let runs = app.store().runs(&page(query.run()?, limit + 1))?;
    let newest = app.store().runs(&page(None, 1))?.into_iter().next();
    let file = match &newest {
        Some(newest) => file_of(app, pipeline, Some(newest.id.as_str()))?,
        None => file_of(app, pipeline, None)?,
    };
    if newest.is_none() && file.is_none() {
        let known = pipelines(app)?.pipelines;
        return Err(Problem::unknown(
            "pipeline",
            pipeline,
            "this home",
            known.iter().map(|known| known.name.as_str()),
        ));
    }
    let params = match &newest {
        Some(newest) => app.store().run(newest.id.as_str())?.params["params"].clone(),
        None => Value::Null,
    };
    let (runs, next) = cut(runs, limit, |run| run.id.to_string());
    let ids: Vec<_> = runs.iter().map(|run| run.id.clone()).collect();
    let mut marks = app.store().stage_marks(&ids)?.into_iter().peekable();
    let mut grid_runs = Vec::new();
    for run in runs {
        let mut stages = Vec::new();
        while let Some(mark) = marks.next_if(|mark: &StageMark| mark.run == run.id) {
            stages.push(StageCell::from(mark));
        }
        grid_runs.push(GridRun {
            run: run.into(),
            stages,
        });
    }
    Ok(Grid {
        pipeline: pipeline.to_owned(),
        file: file.map(|file| file.display().to_string()),
        params: serde_json::from_value(params).unwrap_or_default(),
        stages: all_stages(&grid_runs),
        runs: grid_runs,
        next,
    })
}

/// The stages of the newest run in its order, and behind them what only older runs had.
fn all_stages(runs: &[GridRun]) -> Vec<String> {
    let mut stages: Vec<String> = Vec::new();
    for run in runs {
        let mut place = 0;
        for cell in &run.stages {
            match stages.iter().position(|known| *known == cell.stage) {
                Some(known) => place = known + 1,
                None => {
                    stages.insert(place, cell.stage.clone());
                    place += 1;
                }
            }
        }
    }
    stages
}

/// What a pipeline is run from: the file that the server was given for it, else the one that its newest run read.
pub(crate) fn start_of(app: &App, pipeline: &str, how: How) -> Result<Start, Problem> {
    let page = RunPage {
        pipeline: Some(pipeline.to_owned()),
        before: None,
        limit: 1,
    };
    let newest = app.store().runs(&page)?.into_iter().next();
    let newest = newest.as_ref().map(|run| run.id.as_str());
    match file_of(app, pipeline, newest)? {
        Some(file) => Ok(Start { file, how }),
        None => {
            let known = pipelines(app)?.pipelines;
            let known = known.iter().filter(|known| known.file.is_some());
            let known = list_some(known.map(|known| known.name.as_str()));
            let detail = format!("no file is known that `{pipeline}` could be run from");
            Err(Problem::not_found(detail).hint(format!(
                "start the server with it: `trueline ui PIPELINE`. Known are {known}"
            )))
        }
    }
}

fn file_of(app: &App, pipeline: &str, newest: Option<&str>) -> Result<Option<PathBuf>, Problem> {
    let given = given(app).find(|(name, _)| name == pipeline);
    match (given, newest) {
        (Some((_, file)), _) => Ok(Some(file)),
        (None, Some(run)) => recorded_file(app, run),
        (None, None) => Ok(None),
    }
}

/// The file that a run read, if it is still there.
fn recorded_file(app: &App, run: &str) -> Result<Option<PathBuf>, Problem> {
    let params = app.store().run(run)?.params;
    let file = params["pipeline_file"].as_str().map(PathBuf::from);
    Ok(file.filter(|file| file.is_file()))
}

/// The pipelines that the server was given, by the names in their files.
fn given(app: &App) -> impl Iterator<Item = (String, PathBuf)> {
    app.shared.pipelines.iter().filter_map(|file| {
        let name = name_in(file)?;
        Some((name, file.clone()))
    })
}

/// The name of the pipeline in a file; what else is wrong with the file is told when it is run.
fn name_in(file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let table: toml::Table = text.parse().ok()?;
    Some(table.get("pipeline")?.get("name")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_stand_in_the_order_of_the_newest_plan() {
        let run = |stages: &[&str]| GridRun {
            run: RunRow {
                id: String::new(),
                pipeline: String::new(),
                state: "succeeded",
                failure: None,
                created_us: 0,
                started_us: None,
                finished_us: None,
            },
            stages: stages
                .iter()
                .map(|stage| StageCell {
                    stage: (*stage).to_owned(),
                    kind: String::new(),
                    state: "succeeded",
                    started_us: None,
                    finished_us: None,
                })
                .collect(),
        };
        let runs = [
            run(&["a", "c", "d"]),
            run(&["a", "b", "c"]),
            run(&["x", "a"]),
        ];
        assert_eq!(all_stages(&runs), ["x", "a", "b", "c", "d"]);
        assert!(all_stages(&[]).is_empty());
    }
}
