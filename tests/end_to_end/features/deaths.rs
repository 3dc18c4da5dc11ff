//! Processes that end between any two states of the disk: what was acknowledged is there once, in both stores.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use trueline_features::{FeatureStore, Selection};
use trueline_tests::project::{Answer, Project};
use trueline_tests::redis::Redis;
use trueline_tests::server::Server;

const USERS: i64 = 5;
/// Rows of one push: one of each user.
const FILE: &str = "
[entity.user]
keys = { user = 'int64' }
[source.clicks]
columns = { user = 'int64', at = 'timestamp', count = 'int64' }
event_time = 'at'
[view.clicks]
entity = 'user'
source = 'clicks'
features = ['count']
[source.loaded]
path = 'loaded.ndjson'
columns = { at = 'timestamp' }
event_time = 'at'
[view.loaded]
entity = 'user'
source = 'loaded'
features = { loaded = 'count' }
";

/// A folder whose newest rows are kept where this section of the feature file says.
fn project(online: &str) -> Project {
    let project = Project::new(env!("CARGO_BIN_EXE_trueline"));
    project.write("features.toml", format!("{online}\n{FILE}"));
    project.write("loaded.ndjson", rows(0));
    project
}

fn in_redis(redis: &Redis) -> String {
    format!("[online]\nstore = '{}'", redis.url())
}

/// The rows of a push: its number is when they happened, and what they count.
fn rows(push: i64) -> String {
    (0..USERS).fold(String::new(), |mut rows, user| {
        let at = format!("2026-01-01T00:{:02}:{:02}Z", push / 60, push % 60);
        writeln!(rows, r#"{{"user": {user}, "at": "{at}", "count": {push}}}"#).unwrap();
        rows
    })
}

/// What both stores hold of a view: how many rows the log has, and the newest counts.
fn held(project: &Project, view: &str) -> (usize, Vec<Option<i64>>) {
    let store = FeatureStore::open(&project.path(".trueline")).unwrap();
    let selection = Selection::Features(vec![view.to_owned()]);
    let users: ArrayRef = std::sync::Arc::new(Int64Array::from_iter_values(0..USERS));
    let users = RecordBatch::try_from_iter([("user", users)]).unwrap();
    // Long after all of it.
    let answer = store.get_features(&selection, &users, 1 << 52).unwrap();
    let online: Vec<_> = answer
        .rows
        .column(0)
        .as_primitive::<Int64Type>()
        .iter()
        .collect();

    let mut spine = String::from("user,event_timestamp\n");
    for user in 0..USERS {
        writeln!(spine, "{user},2100-01-01T00:00:00Z").unwrap();
    }
    project.write("spine.csv", spine);
    let line = format!("features history --features {view} --spine spine.csv --out out.csv --json");
    let made = project.trueline(&line).exits(0).json();
    let out = std::fs::read_to_string(project.path("out.csv")).unwrap();
    let offline = out
        .lines()
        .skip(1)
        .map(|line| line.rsplit(',').next().unwrap().parse().ok());
    assert_eq!(
        offline.collect::<Vec<_>>(),
        online,
        "{view}: offline beside online"
    );
    let rows = made["manifest"]["views"][0]["rows"].as_u64().unwrap();
    (usize::try_from(rows).unwrap(), online)
}

/// Types commands, each killed at every point that it passes, and typed again.
fn a_death_at_any_point(online: &str) {
    let typed = |project: &Project, line: &str, variable: &str, value: &str| -> Answer {
        let mut command = project.command(&line.split_whitespace().collect::<Vec<_>>());
        command.env(variable, value);
        project.answer(command)
    };
    let lines = [
        "features apply",
        "features materialize",
        "features push clicks 1.ndjson --id 1",
        "features push clicks many.ndjson --id many",
        "features push clicks 2.ndjson --id 2",
    ];
    let prepared = || {
        let project = project(online);
        project.write("1.ndjson", rows(1));
        project.write("2.ndjson", rows(2));
        // So many that they become a segment at once.
        project.write("many.ndjson", rows(0).repeat(4_000));
        project
    };
    let project = prepared();
    let mut cases = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let log = project.path("points");
        typed(&project, line, "TRUELINE_FAULT_LOG", &log.to_string_lossy()).exits(0);
        let mut passed: BTreeMap<String, u64> = BTreeMap::new();
        for point in std::fs::read_to_string(&log).unwrap_or_default().lines() {
            let times = passed.entry(point.to_owned()).or_default();
            *times += 1;
            cases.push((index, format!("abort {point} {times}")));
        }
        let _ = std::fs::remove_file(log);
    }
    let expected = [held(&project, "clicks"), held(&project, "loaded")];
    for point in [
        "log.append",
        "log.compact",
        "online.write",
        "segment.rename",
    ] {
        for moment in ["before", "after"] {
            let case = format!("abort {moment} {point} 1");
            assert!(
                cases.iter().any(|(_, known)| *known == case),
                "{case}: {cases:?}"
            );
        }
    }
    eprintln!("{} deaths", cases.len());
    let cases = Mutex::new(cases);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let next = cases.lock().unwrap().pop();
                    let Some((dies, fault)) = next else { return };
                    let project = prepared();
                    for (index, line) in lines.iter().enumerate() {
                        if index == dies {
                            let died = typed(&project, line, "TRUELINE_FAULT", &fault);
                            assert_eq!(died.code(), None, "{fault}: {died}");
                        }
                        project.trueline(line).exits(0);
                    }
                    let found = [held(&project, "clicks"), held(&project, "loaded")];
                    assert_eq!(found, expected, "{fault} in {}", lines[dies]);
                }
            });
        }
    });
}

#[test]
fn a_death_at_any_point_loses_and_doubles_nothing_in_files() {
    a_death_at_any_point("");
}

#[test]
fn a_death_at_any_point_loses_and_doubles_nothing_in_redis() {
    a_death_at_any_point(&in_redis(&Redis::start()));
}

/// Pushes to a server that is killed now and then, until so many were acknowledged. What was not is sent again
/// under its name.
fn kills_while_pushing(online: &str, mut kill_redis: impl FnMut()) {
    const PUSHES: i64 = 900;
    let project = project(online);
    project.trueline("features apply").exits(0);
    let (mut acknowledged, mut kills, mut server) = (0, 0, None);
    let mut random = 1_u64;
    let mut dies = Instant::now();
    while acknowledged < PUSHES {
        let running = server.get_or_insert_with(|| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            dies = Instant::now() + Duration::from_micros(5_000 + (random >> 33) % 60_000);
            let server = Server::start_command(&project, "features serve", &[]);
            let victim = server.process_id();
            let wait = dies.saturating_duration_since(Instant::now());
            std::thread::spawn(move || {
                std::thread::sleep(wait);
                let _ = std::process::Command::new("kill")
                    .args(["-9", &victim.to_string()])
                    .status();
            });
            server
        });
        let sent = ureq::post(running.url("/v1/sources/clicks/rows"))
            .header("idempotency-key", format!("{acknowledged}/0"))
            .send(rows(acknowledged));
        match sent {
            Ok(_) => acknowledged += 1,
            Err(_) => {
                kills += 1;
                server.take().unwrap().kill();
                if kills % 4 == 0 {
                    kill_redis();
                }
                // Long enough to be killed often, short enough for a test.
                if kills >= 20 {
                    break;
                }
            }
        }
    }
    drop(server);
    assert!(kills >= 5, "{kills} kills, {acknowledged} pushes");
    eprintln!("{kills} kills, {acknowledged} pushes");
    // The one that nobody knows of is sent again, under the name that the server knew it by.
    project.write("last.ndjson", rows(acknowledged));
    let line = format!("features push clicks last.ndjson --id {acknowledged}");
    project.trueline(&line).exits(0);
    let (count, online) = held(&project, "clicks");
    let users = usize::try_from(USERS).unwrap();
    assert_eq!(i64::try_from(count).unwrap(), (acknowledged + 1) * USERS);
    assert_eq!(online, vec![Some(acknowledged); users]);
}

#[test]
fn what_was_acknowledged_before_a_kill_is_there_once() {
    kills_while_pushing("", || {});
}

#[test]
fn what_was_acknowledged_before_a_kill_is_there_once_in_a_redis_that_dies_too() {
    let mut redis = Redis::start_with(&["--appendonly", "yes"]);
    let online = in_redis(&redis);
    kills_while_pushing(&online, || {
        redis.kill();
        redis.start_again();
    });
}
