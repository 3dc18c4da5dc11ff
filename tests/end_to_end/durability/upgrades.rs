//! Homes of every earlier version, brought to this one, by a process that is killed on the way.

use std::collections::BTreeMap;
use std::fs;

use rusqlite::Connection;
use trueline_table::Digest;
use trueline_tests::project::{Answer, Project};
use trueline_tests::repository;

/// The text of every migration, the first of them version 1.
fn migrations() -> Vec<String> {
    let entries = fs::read_dir(repository().join("host/store/migrations")).unwrap();
    let mut texts: BTreeMap<u32, String> = BTreeMap::new();
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let number = name[1..name.find('_').unwrap()].parse().unwrap();
        texts.insert(number, fs::read_to_string(path).unwrap());
    }
    texts.into_values().collect()
}

/// What every version of the database can hold.
const ROWS: &str = "
INSERT INTO runs VALUES ('default', 'run_0000000000000001', 'p', 'succeeded', NULL, 1, 1, 1, NULL,
    'boot_0000000000000001', 0, 'sha256:0000000000000000000000000000000000000000000000000000000000000001',
    'sha256:0000000000000000000000000000000000000000000000000000000000000001', '{}');
INSERT INTO events VALUES ('default', 'run_0000000000000001', 1, 1, 'run.succeeded', NULL, '{}');
INSERT INTO packages VALUES ('default', 'sha256:0000000000000000000000000000000000000000000000000000000000000002',
    1, '{\"chain\": [{\"component\": \"sha256:0000000000000000000000000000000000000000000000000000000000000003\"}]}');
INSERT INTO package_versions VALUES ('default', 'p', 1,
    'sha256:0000000000000000000000000000000000000000000000000000000000000002', 1);
INSERT INTO verdicts VALUES ('default', 'p', 1, 1, 'refused', 'no gate', 'run_0000000000000001', 1);
";

/// A home whose database is of this version.
fn home_at(version: usize) -> Project {
    let project = Project::new(env!("CARGO_BIN_EXE_trueline"));
    let database = Connection::open(project.path(".trueline/trueline.db")).unwrap();
    for (number, text) in (1..).zip(&migrations()[..version]) {
        database.execute_batch(text).unwrap();
        let digest = Digest::of(text.as_bytes()).to_string();
        let sql = "INSERT INTO migrations (version, digest) VALUES (?1, ?2)";
        database.execute(sql, (number, digest)).unwrap();
        if number == 1 {
            database.execute_batch(ROWS).unwrap();
        }
    }
    database
        .pragma_update(None, "user_version", u32::try_from(version).unwrap())
        .unwrap();
    project
}

fn version(project: &Project, name: &str) -> usize {
    let database = Connection::open(project.path(".trueline").join(name)).unwrap();
    let sound: String = database
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
    let version: u32 = database
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    version as usize
}

fn upgrade(project: &Project, (variable, value): (&str, &str)) -> Answer {
    let mut command = project.command(&["store", "upgrade"]);
    command.env(variable, value);
    project.answer(command)
}

/// Asserts that a home that was of this version is of the newest one, with all that was in it.
#[track_caller]
fn is_upgraded(project: &Project, from: usize) {
    project.trueline("store check").exits(0);
    assert_eq!(version(project, "trueline.db"), migrations().len());
    let kept = format!("trueline.v{from}.db");
    assert_eq!(version(project, &kept), from, "the old one is kept");
    project
        .trueline("runs")
        .exits(0)
        .says(&["run_0000000000000001"]);
    project.trueline("package list").exits(0).says(&["refused"]);
    let left = fs::read_dir(project.path(".trueline")).unwrap();
    let left = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<_> = left.filter(|name| name.contains("-database-")).collect();
    assert_eq!(left, [""; 0]);
}

#[test]
fn an_upgrade_that_is_killed_anywhere_is_made_up_for() {
    let newest = migrations().len();
    let cases = std::sync::Mutex::new((1..newest).collect::<Vec<_>>());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let next = cases.lock().unwrap().pop();
                    let Some(from) = next else { return };
                    of_version(from);
                }
            });
        }
    });
}

fn of_version(from: usize) {
    let quiet = home_at(from);
    let log = quiet.path("points");
    let answer = upgrade(&quiet, ("TRUELINE_FAULT_LOG", &log.to_string_lossy()));
    let said = format!("went from version {from} to version {}", migrations().len());
    answer.exits(0).says(&[&said]);
    is_upgraded(&quiet, from);
    let mut points: BTreeMap<String, usize> = BTreeMap::new();
    for point in fs::read_to_string(&log).unwrap().lines() {
        *points.entry(point.to_owned()).or_default() += 1;
    }
    let steps = migrations().len() - from;
    assert_eq!(points.get("before migrate.step"), Some(&steps));
    points.retain(|point, _| point.contains(" migrate") || point.contains(" database."));
    for (point, passed) in &points {
        for time in 1..=*passed {
            let project = home_at(from);
            let killed = upgrade(
                &project,
                ("TRUELINE_FAULT", &format!("abort {point} {time}")),
            );
            assert_eq!(killed.code(), None, "{point} {time}: {killed}");
            project.trueline("store upgrade").exits(0);
            is_upgraded(&project, from);
        }
        // How a disk fails is the same for every version.
        let failures: &[&str] = if steps == 1 { &["error", "full"] } else { &[] };
        for failure in failures {
            let project = home_at(from);
            let fault = format!("{failure} {point} 1");
            let failed = upgrade(&project, ("TRUELINE_FAULT", &fault));
            assert!(matches!(failed.code(), Some(0 | 1)), "{fault}: {failed}");
            assert!(!failed.stderr.contains("panicked"), "{fault}: {failed}");
            project.trueline("store upgrade").exits(0);
            is_upgraded(&project, from);
        }
    }
}

#[test]
fn what_is_not_this_programs_is_refused_and_left_as_it_is() {
    let newest = migrations().len();
    let cases = [
        ("PRAGMA user_version = 99", "it is at version 99"),
        ("PRAGMA user_version = 0", "of another program"),
        ("DELETE FROM migrations", "no record of migration 1"),
        (
            "UPDATE migrations SET digest = 'sha256:' || hex(zeroblob(32))",
            "was changed after",
        ),
        ("DROP TABLE migrations", "of another program"),
    ];
    for (sql, said) in cases {
        let project = home_at(newest);
        let database = project.path(".trueline/trueline.db");
        Connection::open(&database)
            .unwrap()
            .execute_batch(sql)
            .unwrap();
        let before = fs::read(&database).unwrap();
        project.write("p.toml", "[pipeline]\nname = \"p\"\n");
        for line in [
            "run p.toml",
            "runs",
            "store check",
            "store upgrade",
            "store gc",
            "store backup copy",
        ] {
            let answer = project.trueline(line).exits(1);
            answer.says(&[said, "hint: "]);
        }
        assert_eq!(fs::read(&database).unwrap(), before, "{sql}");
        assert!(!project.path("copy").exists());
        let restore = project.trueline("store restore .trueline --home new");
        restore.exits(1).says(&[said, ".trueline/trueline.db"]);
        assert!(!project.path("new").exists() && !project.path("new.unfinished").exists());
    }
    // A database of something else altogether.
    let project = home_at(newest);
    let database = project.path(".trueline/trueline.db");
    fs::remove_file(&database).unwrap();
    let other = Connection::open(&database).unwrap();
    other
        .execute_batch("CREATE TABLE bookmarks (url TEXT)")
        .unwrap();
    drop(other);
    let before = fs::read(&database).unwrap();
    project
        .trueline("runs")
        .exits(1)
        .says(&["of another program", "hint: "]);
    assert_eq!(fs::read(&database).unwrap(), before);
}
