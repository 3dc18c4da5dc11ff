//! Taking rows in: once each, whole batches or nothing, from any number of openings.

use super::support::{HOUR, Project, column, ints, numbers, table, times};

const USERS: &str = "
[entity.user]
keys = { user = 'int64' }
[source.clicks]
columns = { user = 'int64', at = 'timestamp', count = 'float64' }
event_time = 'at'
[view.clicks]
entity = 'user'
source = 'clicks'
features = ['count']
[service.s]
features = ['clicks']
";

fn clicks(rows: &[(i64, i64, f64)]) -> arrow::array::RecordBatch {
    table(vec![
        ("user", ints(rows.iter().map(|row| row.0))),
        ("at", times(rows.iter().map(|row| row.1))),
        ("count", numbers(rows.iter().map(|row| row.2))),
    ])
}

fn users(count: i64) -> arrow::array::RecordBatch {
    table(vec![("user", ints(0..count))])
}

#[test]
fn a_push_that_is_repeated_changes_nothing() {
    let project = Project::new(USERS);
    let first = project
        .store
        .push("clicks", &clicks(&[(1, 5, 1.0)]), Some("a"), 5)
        .unwrap();
    let other = project.reopen();
    let again = other
        .push("clicks", &clicks(&[(1, 9, 9.0)]), Some("a"), 9)
        .unwrap();
    assert_eq!((first.repeated, again.repeated), (false, true));
    assert_eq!(first.first_sequence, again.first_sequence);
    assert_eq!(project.online("clicks", &users(2), 9)[1].0, Some(1.0));
}

#[test]
fn rows_that_do_not_fit_are_refused_as_a_whole() {
    let project = Project::new(USERS);
    let check = |source: &str, rows: arrow::array::RecordBatch, expected: &str| {
        let error = project.store.push(source, &rows, None, 5).unwrap_err();
        let text = format!("{error}; {}", error.hint().unwrap());
        assert!(text.starts_with(expected), "{text}");
    };
    check(
        "click",
        clicks(&[]),
        "there is no source `click`; did you mean `clicks`?",
    );
    let with = |user, at, count: arrow::array::ArrayRef| {
        table(vec![("user", user), ("at", at), ("count", count)])
    };
    check(
        "clicks",
        with(ints([Some(1), None]), times([1, 2]), numbers([1.0, 2.0])),
        "a push to source `clicks`: row 2 has a null in `user`, the join key of view `clicks`; ",
    );
    check(
        "clicks",
        with(ints([1, 2]), times([Some(1), None]), numbers([1.0, 2.0])),
        "source `clicks`: row 2 has no time (`at` is null); ",
    );
    check(
        "clicks",
        with(ints([1]), times([1]), ints([1])),
        "source `clicks`: column `count` is int64, not float64; ",
    );
    check(
        "clicks",
        table(vec![("user", ints([1])), ("at", times([1]))]),
        "source `clicks`: column `count` is missing; ",
    );
    assert_eq!(
        project
            .online("clicks", &users(3), 9)
            .iter()
            .filter(|cell| cell.0.is_some())
            .count(),
        0
    );
}

#[test]
fn many_small_pushes_become_segments_and_nothing_changes() {
    let project = Project::new(USERS);
    let count = 1200_i64;
    for index in 0..count {
        let row = clicks(&[
            (index % 7, index, index as f64),
            (7, count - index, index as f64),
        ]);
        project.store.push("clicks", &row, None, count).unwrap();
    }
    let segments = std::fs::read_dir(project.path("home/features/segments"))
        .unwrap()
        .count();
    assert!(segments >= 2, "{segments} segments");
    let asked: Vec<i64> = (0..count).collect();
    let spine = table(vec![
        ("user", ints(asked.iter().map(|index| index % 7))),
        ("event_timestamp", times(asked.iter().map(|_| count))),
    ]);
    let (manifest, made) = project.history("clicks", &spine);
    assert_eq!(manifest.views[0].rows, 2 * asked.len());
    let newest = |user: i64| (0..count).rev().find(|index| index % 7 == user);
    let expected: Vec<_> = asked
        .iter()
        .map(|index| newest(index % 7).map(|row| row as f64))
        .collect();
    assert_eq!(column(&made, "count"), expected);
    let online = project.online("clicks", &users(8), count);
    assert_eq!(online[7].0, Some(0.0), "the newest event came first");
    assert_eq!(online[3].0, newest(3).map(|row| row as f64));
}

/// What a process wrote into the log before it died, the next one brings online.
#[test]
fn the_online_store_is_made_again_from_the_log() {
    let project = Project::new(USERS);
    project
        .store
        .push("clicks", &clicks(&[(1, 5, 1.0)]), None, HOUR)
        .unwrap();
    let home = project.path("home/features");
    for file in ["online.db", "online.db-wal", "online.db-shm"] {
        let _ = std::fs::remove_file(home.join(file));
    }
    let other = project.reopen();
    other.materialize(HOUR).unwrap();
    let selection = crate::Selection::Service("s".to_owned());
    let answer = other.get_features(&selection, &users(2), HOUR).unwrap();
    assert_eq!(
        super::support::floats(answer.rows.column(0)),
        [None, Some(1.0)]
    );
}

#[test]
fn several_writers_lose_and_double_nothing() {
    let project = Project::new(USERS);
    let stores: Vec<_> = (0..4).map(|_| project.reopen()).collect();
    std::thread::scope(|scope| {
        for (user, store) in (0..).zip(&stores) {
            scope.spawn(move || {
                for index in 0..25 {
                    let id = format!("{user}/{index}");
                    let rows = clicks(&[(user, index, index as f64), (9, index, user as f64)]);
                    for _ in 0..2 {
                        store.push("clicks", &rows, Some(&id), 100).unwrap();
                    }
                }
            });
        }
    });
    let spine = table(vec![("user", ints([0])), ("event_timestamp", times([100]))]);
    let (manifest, _) = project.history("clicks", &spine);
    assert_eq!(
        (manifest.views[0].rows, manifest.until_sequence),
        (200, 200)
    );
    let online = project.online("clicks", &users(10), 100);
    assert!(
        (0..4).all(|user| online[user].0 == Some(24.0)),
        "{online:?}"
    );
}

#[test]
fn a_damaged_segment_is_found_when_it_is_read() {
    let project = Project::new(USERS);
    let rows: Vec<_> = (0..20_000).map(|index| (index % 5, index, 1.0)).collect();
    project
        .store
        .push("clicks", &clicks(&rows), None, HOUR)
        .unwrap();
    let folder = project.path("home/features/segments");
    let segment = std::fs::read_dir(folder)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    project.write(
        "spine.parquet",
        &table(vec![("user", ints([0])), ("at", times([1]))]),
    );
    let request = project.request(crate::Selection::Service("s".to_owned()));
    let error = project.try_history(&request).unwrap_err().to_string();
    assert!(
        error.ends_with("its bytes are not those of its name"),
        "{error}"
    );
}
