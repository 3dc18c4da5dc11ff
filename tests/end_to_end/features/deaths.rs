//! Processes that end between any two states of the disk: what was acknowledged is there once, in both stores.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
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

/// Types commands with how they end, each killed at every point that it passes, and typed again: what is `held` at
/// the end is what an undisturbed project holds. Points that must be among them are given.
fn a_death_at_any_point<T: PartialEq + std::fmt::Debug + Sync>(
    prepared: impl Fn() -> Project + Sync,
    lines: &[(&str, i32)],
    points: &[&str],
    held: impl Fn(&Project) -> T + Sync,
) {
    let typed = |project: &Project, line: &str, variable: &str, value: &str| -> Answer {
        let mut command = project.command(&line.split_whitespace().collect::<Vec<_>>());
        command.env(variable, value);
        project.answer(command)
    };
    let project = prepared();
    let mut cases = Vec::new();
    for (index, (line, code)) in lines.iter().enumerate() {
        let log = project.path("points");
        let log_name = log.to_string_lossy();
        typed(&project, line, "TRUELINE_FAULT_LOG", &log_name).exits(*code);
        let mut passed: BTreeMap<String, u64> = BTreeMap::new();
        for point in std::fs::read_to_string(&log).unwrap_or_default().lines() {
            let times = passed.entry(point.to_owned()).or_default();
            *times += 1;
            cases.push((index, format!("abort {point} {times}")));
        }
        let _ = std::fs::remove_file(log);
    }
    let expected = held(&project);
    for point in points {
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
                    for (index, (line, code)) in lines.iter().enumerate() {
                        if index == dies {
                            let died = typed(&project, line, "TRUELINE_FAULT", &fault);
                            assert_eq!(died.code(), None, "{fault}: {died}");
                        }
                        project.trueline(line).exits(*code);
                    }
                    assert_eq!(held(&project), expected, "{fault} in {}", lines[dies].0);
                }
            });
        }
    });
}

/// Files and pushes, of which one becomes a segment.
fn a_death_while_taking_in(online: &str) {
    let prepared = || {
        let project = project(online);
        project.write("1.ndjson", rows(1));
        project.write("2.ndjson", rows(2));
        // So many that they become a segment at once.
        project.write("many.ndjson", rows(0).repeat(4_000));
        project
    };
    let lines = [
        ("features apply", 0),
        ("features materialize", 0),
        ("features push clicks 1.ndjson --id 1", 0),
        ("features push clicks many.ndjson --id many", 0),
        ("features push clicks 2.ndjson --id 2", 0),
    ];
    let points = [
        "log.append",
        "log.compact",
        "online.write",
        "segment.rename",
    ];
    let both = |project: &Project| [held(project, "clicks"), held(project, "loaded")];
    a_death_at_any_point(prepared, &lines, &points, both);
}

#[test]
fn a_death_at_any_point_loses_and_doubles_nothing_in_files() {
    a_death_while_taking_in("");
}

#[test]
fn a_death_at_any_point_loses_and_doubles_nothing_in_redis() {
    a_death_while_taking_in(&in_redis(&Redis::start()));
}

/// Entries of a stream, some of which cannot be read, a push that is not as expected, and what is decided about them.
#[test]
fn a_death_at_any_point_loses_and_doubles_nothing_of_streams_and_quarantine() {
    let redis = Redis::start();
    let made = AtomicU64::new(0);
    let prepared = || {
        let project = Project::new(env!("CARGO_BIN_EXE_trueline"));
        // Nobody else reads this one's stream.
        let key = format!("clicks-{}", made.fetch_add(1, Ordering::Relaxed));
        let stream = format!("stream = {{ redis = '{}', key = '{key}' }}", redis.url());
        let file = FILE.split("[source.loaded]").next().unwrap().replace(
            "[view.clicks]",
            &format!(
                "{stream}\n[source.clicks.expect]\ncolumns.count = {{ min = 0 }}\n[view.clicks]"
            ),
        );
        project.write("features.toml", file);
        project.write(
            "bad.ndjson",
            rows(7).replace(
                r#""user": 3, "at": "2026-01-01T00:00:07Z", "count": 7"#,
                r#""user": 3, "at": "2026-01-01T00:00:07Z", "count": -7"#,
            ),
        );
        for (user, count) in [("0", "1"), ("one", "2"), ("1", "-3"), ("2", "4")] {
            let added = redis.command(&format!("XADD {key} * user {user} at 1 count {count}"));
            assert!(added.starts_with('$'), "{added}");
        }
        project
    };
    let lines = [
        ("features apply", 0),
        ("features materialize", 0),
        ("features push clicks bad.ndjson --id bad", 1),
        ("features quarantine drop 1", 0),
        ("features quarantine release 2 3", 0),
        ("features push clicks bad.ndjson --id bad", 0),
    ];
    let points = [
        "stream.append",
        "quarantine.add",
        "quarantine.drop",
        "quarantine.release",
    ];
    a_death_at_any_point(prepared, &lines, &points, |project| {
        let batches = project
            .trueline("features quarantine list --all --json")
            .exits(0)
            .json();
        let batches = batches.as_array().unwrap().iter();
        let states: Vec<_> = batches.map(|batch| batch["state"].to_string()).collect();
        (held(project, "clicks"), states)
    });
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
