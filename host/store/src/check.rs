//! Whether a home is what it should be: every byte as it was written, and every row in agreement with the
//! others.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use trueline_table::Digest;

use crate::columns::Column;
use crate::maintenance::{artifacts, dataset_files, freed};
use crate::store::TENANT;
use crate::{Error, Result, Store};

/// What a check of a home found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HomeCheck {
    /// Artifacts and files of datasets that were hashed.
    pub checked: u64,
    pub size_bytes: u64,
    /// What is wrong, a sentence each.
    pub problems: Vec<String>,
    /// Artifacts and files that are missing because someone freed them; runs that made or read them cannot be
    /// made again.
    pub freed: u64,
    /// Blobs that nothing refers to; `gc` frees them.
    pub unreferenced: u64,
}

impl Store {
    /// Hashes everything that is stored, and looks whether the database agrees with itself.
    ///
    /// # Errors
    /// If the database cannot be read at all.
    pub fn check(&self) -> Result<HomeCheck> {
        let mut found = HomeCheck::default();
        let broken: Vec<String> = self.read(|connection| {
            let mut statement = connection.prepare("PRAGMA integrity_check")?;
            let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
            Ok(lines.collect::<Result<_, _>>()?)
        })?;
        let broken = broken.into_iter().filter(|line| line != "ok");
        found
            .problems
            .extend(broken.map(|line| format!("the database is damaged: {line}")));
        let dangling: u64 = self.read(|connection| {
            let sql = "SELECT count(*) FROM pragma_foreign_key_check";
            Ok(connection
                .query_row(sql, [], |row| row.get::<_, Column<_>>(0))?
                .0)
        })?;
        if dangling > 0 {
            let problem = format!("{dangling} rows of the database refer to rows that are missing");
            found.problems.push(problem);
        }
        found.problems.extend(self.read(disagreements)?);
        let freed = self.read(freed)?;
        let mut known = BTreeSet::new();
        for (digest, is_inline) in self.read(artifacts)? {
            if !is_inline {
                known.insert(digest);
            }
            self.check_one(&digest, self.verify_artifact(&digest), &freed, &mut found);
        }
        for digest in self.read(dataset_files)? {
            // A dataset that is pinned by reference has no copy.
            if known.insert(digest) && self.blobs().contains(&digest) {
                self.check_one(&digest, self.blobs().verify(&digest), &freed, &mut found);
            }
        }
        let blobs = self.blobs().list()?;
        for (digest, size_bytes) in &blobs {
            found.size_bytes += size_bytes;
            if !known.contains(digest) {
                found.unreferenced += 1;
            }
        }
        Ok(found)
    }

    fn check_one(
        &self,
        digest: &Digest,
        verified: Result<()>,
        freed: &BTreeSet<Digest>,
        found: &mut HomeCheck,
    ) {
        found.checked += 1;
        match verified {
            Ok(()) => {}
            Err(Error::Missing { .. }) if freed.contains(digest) => found.freed += 1,
            Err(error) => found.problems.push(error.to_string()),
        }
    }
}

/// What no crash and no error may leave behind: a sentence, and the query that finds an example of it.
const DISAGREEMENTS: &[(&str, &str)] = &[
    (
        "it has ended, and a stage of it has not",
        "SELECT r.run_id FROM runs r JOIN stages s ON s.tenant = r.tenant AND s.run_id = r.run_id
         WHERE r.tenant = ?1 AND r.state IN ('succeeded', 'failed', 'cancelled')
             AND s.state IN ('pending', 'ready', 'running')",
    ),
    (
        "a stage of it has ended, and an attempt of that stage has not",
        "SELECT a.run_id FROM attempts a JOIN stages s ON s.tenant = a.tenant AND s.run_id = a.run_id AND s.stage = a.stage
         WHERE a.tenant = ?1 AND a.state = 'running' AND s.state <> 'running'",
    ),
    (
        "two attempts of one of its stages succeeded",
        "SELECT run_id FROM attempts WHERE tenant = ?1 AND state = 'succeeded' GROUP BY run_id, stage HAVING count(*) > 1",
    ),
    (
        "a stage of it has outputs, and neither worked nor was cached",
        "SELECT o.run_id FROM outputs o JOIN stages s ON s.tenant = o.tenant AND s.run_id = o.run_id AND s.stage = o.stage
         WHERE o.tenant = ?1 AND s.state <> 'cached' AND NOT EXISTS (
             SELECT 1 FROM attempts a WHERE a.tenant = s.tenant AND a.run_id = s.run_id AND a.stage = s.stage
                 AND a.state = 'succeeded')",
    ),
    (
        "its log has a gap",
        "SELECT run_id FROM events WHERE tenant = ?1 GROUP BY run_id HAVING count(*) <> max(sequence) OR min(sequence) <> 1",
    ),
    (
        "its state is not the last one that its log tells of",
        "SELECT r.run_id FROM runs r WHERE r.tenant = ?1 AND 'run.' || r.state IS NOT (
             SELECT kind FROM events e WHERE e.tenant = r.tenant AND e.run_id = r.run_id AND e.kind IN (
                 'run.queued', 'run.running', 'run.waiting', 'run.succeeded', 'run.failed', 'run.cancelled')
             ORDER BY sequence DESC LIMIT 1)",
    ),
];

/// Runs whose rows do not agree with each other, one example of each kind.
fn disagreements(connection: &Connection) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for (what, sql) in DISAGREEMENTS {
        let example: Option<String> = connection
            .prepare(&format!("{sql} LIMIT 1"))?
            .query_row([TENANT], |row| row.get(0))
            .optional()?;
        found.extend(example.map(|run| format!("the rows of {run} do not agree: {what}")));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use crate::testing::{attempt, running, store};
    use crate::{AttemptOutcome, Output, Results, RunOutcome};

    /// Breaks what the triggers keep, and looks whether the check says so.
    #[test]
    fn rows_that_do_not_agree_are_found() {
        let cases = [
            ("UPDATE stages SET state = 'running'", "a stage of it has not"),
            ("UPDATE attempts SET state = 'running'", "an attempt of that stage has not"),
            (
                "INSERT INTO attempts SELECT tenant, run_id, stage, 2, state, failure, started_us, finished_us, message,
                     profile, fingerprint FROM attempts",
                "two attempts",
            ),
            ("DELETE FROM attempts", "neither worked nor was cached"),
            ("DELETE FROM events WHERE sequence = 2", "a gap"),
            ("UPDATE runs SET state = 'cancelled'", "that its log tells of"),
        ];
        for (sql, said) in cases {
            let (_home, store) = store();
            let run = running(&store, &["a"]);
            let id = attempt(&store, &run, "a");
            let results = Results {
                outputs: vec![Output::new("state", "state", "1")],
                ..Results::default()
            };
            store
                .finish_attempt(&id, AttemptOutcome::Succeeded(results))
                .unwrap();
            store.finish_run(&run, RunOutcome::Succeeded).unwrap();
            assert_eq!(store.check().unwrap().problems, [""; 0]);
            store
                .write(move |connection| {
                    let triggers = "SELECT name FROM sqlite_schema WHERE type = 'trigger'";
                    let mut statement = connection.prepare(triggers)?;
                    let names = statement.query_map([], |row| row.get::<_, String>(0))?;
                    for name in names.collect::<Result<Vec<_>, _>>()? {
                        connection.execute_batch(&format!("DROP TRIGGER {name}"))?;
                    }
                    Ok(connection.execute(sql, [])?)
                })
                .unwrap();
            let problems = store.check().unwrap().problems;
            assert!(
                problems.iter().any(|problem| problem.contains(said)),
                "{sql}: {problems:?}"
            );
        }
    }
}
