//! What pages and lists ask: many runs at a glance, from summary columns and indexes alone.

use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;
use trueline_table::Digest;

use crate::columns::Column;
use crate::runs::summary;
use crate::store::TENANT;
use crate::{Result, RunId, RunSummary, StageState, Store, Verdict};

/// Where a stage of a run stands, and nothing of what it is made of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageMark {
    pub run: RunId,
    pub stage: String,
    /// Position in the plan, from 0.
    pub ordinal: u32,
    pub kind: String,
    pub state: StageState,
    pub started_us: Option<i64>,
    pub finished_us: Option<i64>,
}

/// An artifact without its bytes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArtifactInfo {
    pub digest: Digest,
    /// As the first that stored it called it: `state`, `report`, `component`, …
    pub kind: String,
    pub size_bytes: u64,
    pub created_us: i64,
}

/// What a gate said of a version of a package, once.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judgement {
    /// From 1; the highest is the one that counts.
    pub sequence: u32,
    pub verdict: Verdict,
    pub message: String,
    pub run: RunId,
    pub decided_us: i64,
}

impl Store {
    /// The newest run of every pipeline, by the pipeline's name.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn pipelines(&self) -> Result<Vec<RunSummary>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                // From name to name through the index, so that it does not matter how many runs each has.
                "WITH RECURSIVE names (pipeline) AS (
                     SELECT min(pipeline) FROM runs WHERE tenant = ?1
                     UNION ALL
                     SELECT (SELECT min(pipeline) FROM runs WHERE tenant = ?1 AND pipeline > names.pipeline)
                     FROM names WHERE names.pipeline IS NOT NULL)
                 SELECT r.run_id, r.pipeline, r.state, r.failure, r.created_us, r.started_us, r.finished_us
                 FROM names JOIN runs r ON r.tenant = ?1 AND r.run_id = (
                     SELECT max(run_id) FROM runs WHERE tenant = ?1 AND pipeline = names.pipeline)
                 ORDER BY r.pipeline",
            )?;
            let rows = statement.query_map([TENANT], summary)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Where the stages of some runs stand, run by run in the order given, each in the order of its plan.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn stage_marks(&self, runs: &[RunId]) -> Result<Vec<StageMark>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT run_id, stage, ordinal, kind, state, started_us, finished_us FROM stages
                 WHERE tenant = ?1 AND run_id = ?2 ORDER BY ordinal",
            )?;
            let mut marks = Vec::new();
            for run in runs {
                let rows = statement.query_map(params![TENANT, run], stage_mark)?;
                marks.extend(rows.collect::<Result<Vec<_>, _>>()?);
            }
            Ok(marks)
        })
    }

    /// What a stage of a run uses, if the run has it.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn stage_kind(&self, run: &RunId, stage: &str) -> Result<Option<String>> {
        self.read(|connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT kind FROM stages WHERE tenant = ?1 AND run_id = ?2 AND stage = ?3",
                )?
                .query_row(params![TENANT, run, stage], |row| row.get(0))
                .optional()?)
        })
    }

    /// The position of the latest event of a run: whatever changes, leaves one.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn latest_event(&self, run: &RunId) -> Result<u64> {
        self.read(|connection| {
            let Column(latest) = connection
                .prepare_cached("SELECT coalesce(max(sequence), 0) FROM events WHERE tenant = ?1 AND run_id = ?2")?
                .query_row(params![TENANT, run], |row| row.get(0))?;
            Ok(latest)
        })
    }

    /// What is known of an artifact without reading it.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn artifact_info(&self, digest: &Digest) -> Result<Option<ArtifactInfo>> {
        self.read(|connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT kind, size_bytes, created_us FROM artifacts WHERE tenant = ?1 AND digest = ?2",
                )?
                .query_row(params![TENANT, Column(digest)], |row| {
                    Ok(ArtifactInfo {
                        digest: *digest,
                        kind: row.get(0)?,
                        size_bytes: row.get::<_, Column<_>>(1)?.0,
                        created_us: row.get(2)?,
                    })
                })
                .optional()?)
        })
    }

    /// Some of the runs that read a dataset with this content, the newest first, and what each called it.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn readers_of(&self, table: &Digest, limit: u32) -> Result<Vec<(RunId, String)>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT run_id, name FROM datasets WHERE tenant = ?1 AND table_digest = ?2
                 ORDER BY run_id DESC, name LIMIT ?3",
            )?;
            let rows = statement.query_map(params![TENANT, Column(table), limit], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Some of the stages that hold an output, the newest run first: those that made it, and those that took
    /// it from the cache. With each its state and the name of the output.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn holders(&self, output: &Digest, limit: u32) -> Result<Vec<(StageMark, String)>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT s.run_id, s.stage, s.ordinal, s.kind, s.state, s.started_us, s.finished_us, o.name
                 FROM outputs o JOIN stages s ON s.tenant = o.tenant AND s.run_id = o.run_id AND s.stage = o.stage
                 WHERE o.tenant = ?1 AND o.digest = ?2 ORDER BY o.run_id DESC, o.stage, o.name LIMIT ?3",
            )?;
            let rows = statement.query_map(params![TENANT, Column(output), limit], |row| {
                Ok((stage_mark(row)?, row.get(7)?))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The packages that a run made or judged again, by name and version.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn judged_by(&self, run: &RunId) -> Result<Vec<(String, u32)>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT DISTINCT name, version FROM verdicts WHERE tenant = ?1 AND run_id = ?2 ORDER BY name, version",
            )?;
            let rows = statement.query_map(params![TENANT, run], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// What gates said of a version of a package, the latest first, `limit` of them at most.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn judgements(&self, name: &str, version: u32, limit: u32) -> Result<Vec<Judgement>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT sequence, verdict, message, run_id, decided_us FROM verdicts
                 WHERE tenant = ?1 AND name = ?2 AND version = ?3 ORDER BY sequence DESC LIMIT ?4",
            )?;
            let rows = statement.query_map(params![TENANT, name, version, limit], |row| {
                Ok(Judgement {
                    sequence: row.get(0)?,
                    verdict: row.get(1)?,
                    message: row.get(2)?,
                    run: row.get(3)?,
                    decided_us: row.get(4)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn stage_mark(row: &Row<'_>) -> rusqlite::Result<StageMark> {
    Ok(StageMark {
        run: row.get(0)?,
        stage: row.get(1)?,
        ordinal: row.get(2)?,
        kind: row.get(3)?,
        state: row.get(4)?,
        started_us: row.get(5)?,
        finished_us: row.get(6)?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{new_run, running, store};
    use crate::{NewPackage, RunOutcome, RunPage};

    #[test]
    fn every_pipeline_is_there_once_with_its_newest_run() {
        let (_home, store) = store();
        assert_eq!(store.pipelines().unwrap(), []);
        let names = ["b", "a", "b", "c", "a"];
        let ids = names.map(|name| store.create_run(new_run(name)).unwrap());
        let found = store.pipelines().unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|run| (run.pipeline.as_str(), &run.id))
            .collect();
        assert_eq!(found, [("a", &ids[4]), ("b", &ids[2]), ("c", &ids[3])]);
    }

    #[test]
    fn the_stages_of_several_runs_come_in_the_order_asked_for() {
        let (_home, store) = store();
        let first = running(&store, &["z", "a"]);
        let second = running(&store, &["m"]);
        let marks = store.stage_marks(&[second.clone(), first.clone()]).unwrap();
        let marks: Vec<_> = marks
            .iter()
            .map(|mark| (&mark.run, mark.stage.as_str()))
            .collect();
        assert_eq!(marks, [(&second, "m"), (&first, "z"), (&first, "a")]);
        assert_eq!(store.latest_event(&first).unwrap(), 2);
        assert_eq!(
            store.stage_kind(&first, "z").unwrap().as_deref(),
            Some("transform")
        );
        assert_eq!(store.stage_kind(&first, "m").unwrap(), None);
    }

    #[test]
    fn versions_come_newest_first_and_tell_who_judged_them() {
        let (_home, store) = store();
        let mut runs = Vec::new();
        for number in 0_u8..3 {
            let run = running(&store, &[]);
            store
                .put_package(NewPackage {
                    name: "late".to_owned(),
                    digest: Digest::of(&[number]),
                    manifest: json!({}),
                    run: run.clone(),
                    verdict: Verdict::Accepted,
                    message: "fine".to_owned(),
                })
                .unwrap();
            store.finish_run(&run, RunOutcome::Succeeded).unwrap();
            runs.push(run);
        }
        let versions = |before, limit| -> Vec<u32> {
            let page = store.package_versions("late", before, limit).unwrap();
            page.iter().map(|package| package.version).collect()
        };
        assert_eq!(versions(None, 2), [3, 2]);
        assert_eq!(versions(Some(2), 2), [1]);
        assert_eq!(store.package_names().unwrap()[0].version, 3);
        assert_eq!(store.judged_by(&runs[1]).unwrap(), [("late".to_owned(), 2)]);
        assert_eq!(store.judgements("late", 2, 9).unwrap()[0].run, runs[1]);
        assert_eq!(store.runs(&RunPage::default()).unwrap().len(), 3);
    }
}
