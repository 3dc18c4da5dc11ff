//! Data that other feature stores get wrong, each with where it was reported.

use arrow::array::{Array, ArrayRef};

use super::support::{HOUR, Project, column, ints, numbers, table, texts, times};
use crate::contract::Knowledge;
use crate::{Selection, Status};

const DRIVERS: &str = "
[entity.driver]
keys = { driver = 'int64' }
[source.stats]
columns = { driver = 'int64', at = 'timestamp', rate = 'float64' }
event_time = 'at'
[view.stats]
entity = 'driver'
source = 'stats'
features = ['rate']
";

fn rows(rows: &[(i64, i64, Option<f64>)]) -> arrow::array::RecordBatch {
    table(vec![
        ("driver", ints(rows.iter().map(|row| row.0))),
        ("at", times(rows.iter().map(|row| row.1))),
        ("rate", numbers(rows.iter().map(|row| row.2))),
    ])
}

fn spine(rows: &[(i64, i64)]) -> arrow::array::RecordBatch {
    table(vec![
        ("driver", ints(rows.iter().map(|row| row.0))),
        ("event_timestamp", times(rows.iter().map(|row| row.1))),
        ("label", ints(0..rows.len() as i64)),
    ])
}

fn drivers(ids: &[i64]) -> arrow::array::RecordBatch {
    table(vec![("driver", ints(ids.iter().copied()))])
}

/// feast#6821, #1802: a value older than the ttl is served online as if it were fresh.
#[test]
fn an_expired_value_is_null_online_and_offline() {
    let project = Project::new(&format!("{DRIVERS}\nttl = '2h'"));
    project
        .store
        .push("stats", &rows(&[(1, HOUR, Some(0.5))]), None, HOUR)
        .unwrap();
    let check = |at, expected| {
        assert_eq!(project.online("stats", &drivers(&[1]), at), [expected]);
        let (_, rows) = project.history("stats", &spine(&[(1, at)]));
        assert_eq!(column(&rows, "rate"), [expected.0], "offline, as of {at}");
    };
    check(3 * HOUR, (Some(0.5), Status::Present));
    check(3 * HOUR + 1, (None, Status::OutsideMaxAge));
}

/// feast#6787, #5590: rows of the spine vanish, as they have no value or the same key and time as others.
#[test]
fn every_row_of_the_spine_stays_in_its_place() {
    let project = Project::new(&format!("{DRIVERS}\nttl = '2h'"));
    let known = rows(&[(1, HOUR, Some(1.0)), (2, 50 * HOUR, Some(2.0))]);
    project.store.push("stats", &known, None, 0).unwrap();
    let asked = [
        (1, 2 * HOUR),
        (1, 2 * HOUR),
        (1, 40 * HOUR),
        (2, 2 * HOUR),
        (3, HOUR),
        (1, HOUR),
    ];
    let (manifest, made) = project.history("stats", &spine(&asked));
    let expected = [Some(1.0), Some(1.0), None, None, None, Some(1.0)];
    assert_eq!(column(&made, "rate"), expected);
    assert_eq!(
        made.column_by_name("label"),
        spine(&asked).column_by_name("label")
    );
    let counts = manifest.views[0].counts;
    assert_eq!((counts.found, counts.expired, counts.not_found), (3, 1, 2));
}

/// Reference §1.4: equal event times multiply the rows of a training set. The one taken in last wins.
#[test]
fn ties_are_decided_and_multiply_nothing() {
    let project = Project::new(DRIVERS);
    let tied = rows(&[
        (1, HOUR, Some(1.0)),
        (1, HOUR, Some(2.0)),
        (1, HOUR, Some(3.0)),
    ]);
    project.store.push("stats", &tied, None, HOUR).unwrap();
    let (_, made) = project.history("stats", &spine(&[(1, HOUR)]));
    assert_eq!(column(&made, "rate"), [Some(3.0)]);
    assert_eq!(
        project.online("stats", &drivers(&[1]), HOUR)[0].0,
        Some(3.0)
    );
}

/// Reference §1.4: the keys (1, 11) and (11, 1) get each other's values.
#[test]
fn composite_keys_do_not_collide() {
    let project = Project::new(
        "[entity.a]
        keys = { a = 'utf8' }
        [entity.b]
        keys = { b = 'utf8' }
        [source.s]
        columns = { a = 'utf8', b = 'utf8', at = 'timestamp', x = 'float64' }
        event_time = 'at'
        [view.v]
        entity = ['a', 'b']
        source = 's'
        features = ['x']",
    );
    let keys = |mut columns: Vec<(&'static str, ArrayRef)>| {
        columns.extend([("a", texts(&["1", "11"])), ("b", texts(&["11", "1"]))]);
        table(columns)
    };
    let known = keys(vec![("at", times([1, 1])), ("x", numbers([100.0, 200.0]))]);
    project.store.push("s", &known, None, 1).unwrap();
    let (_, made) = project.history("v", &keys(vec![("event_timestamp", times([1, 1]))]));
    assert_eq!(column(&made, "x"), [Some(100.0), Some(200.0)]);
    let online = project.online("v", &keys(vec![]), 1);
    assert_eq!(
        online.iter().map(|cell| cell.0).collect::<Vec<_>>(),
        [Some(100.0), Some(200.0)]
    );
}

/// feast#4133: rows that come late for a window that was materialized never get online.
#[test]
fn late_rows_get_online() {
    let project = Project::new(DRIVERS);
    project
        .store
        .push(
            "stats",
            &rows(&[(1, 10 * HOUR, Some(1.0))]),
            None,
            10 * HOUR,
        )
        .unwrap();
    project.store.materialize(11 * HOUR).unwrap();
    let late = rows(&[(1, 9 * HOUR, Some(8.0)), (2, 5 * HOUR, Some(2.0))]);
    project.store.push("stats", &late, None, 12 * HOUR).unwrap();
    let online = project.online("stats", &drivers(&[1, 2]), 12 * HOUR);
    // And feast's SQLite store: an older event does not overwrite a newer one.
    assert_eq!(
        online,
        [(Some(1.0), Status::Present), (Some(2.0), Status::Present)]
    );
}

/// feast#6615: what was filled in later leaks into the past of a training set.
#[test]
fn backfills_do_not_leak_into_the_past() {
    let project = Project::new(DRIVERS);
    project
        .store
        .push("stats", &rows(&[(1, HOUR, Some(10.0))]), None, HOUR)
        .unwrap();
    let corrected = rows(&[(1, 2 * HOUR, Some(20.0)), (1, HOUR, Some(30.0))]);
    project
        .store
        .push("stats", &corrected, None, 9 * HOUR)
        .unwrap();
    let asked = spine(&[(1, 3 * HOUR), (1, 9 * HOUR)]);
    let (_, made) = project.history("stats", &asked);
    assert_eq!(column(&made, "rate"), [Some(10.0), Some(20.0)]);

    let mut request = project.request(Selection::Features(vec!["stats".to_owned()]));
    request.knowledge = Knowledge::Now;
    let (_, made) = project.try_history(&request).unwrap();
    assert_eq!(
        column(&made, "rate"),
        [Some(20.0), Some(20.0)],
        "as if all had been known"
    );
}

/// A created column decides ties and when a row was known; a row without it was known when it came.
#[test]
fn the_created_column_says_when_a_row_was_known() {
    let project = Project::new(
        "[entity.driver]
        keys = { driver = 'int64' }
        [source.stats]
        columns = { driver = 'int64', at = 'timestamp', made = 'timestamp', rate = 'float64' }
        event_time = 'at'
        created = 'made'
        [view.stats]
        entity = 'driver'
        source = 'stats'
        features = ['rate']",
    );
    let known = table(vec![
        ("driver", ints([1, 1, 1, 2])),
        ("at", times([10, 10, 10, 10])),
        ("made", times([Some(30), Some(20), None, None])),
        ("rate", numbers([30.0, 20.0, 99.0, 7.0])),
    ]);
    project.store.push("stats", &known, None, 50).unwrap();
    let asked = spine(&[
        (1, 19),
        (1, 20),
        (1, 29),
        (1, 30),
        (1, 60),
        (2, 49),
        (2, 50),
    ]);
    let (_, made) = project.history("stats", &asked);
    let expected = [
        None,
        Some(20.0),
        Some(20.0),
        Some(30.0),
        Some(30.0),
        None,
        Some(7.0),
    ];
    assert_eq!(column(&made, "rate"), expected);
    assert_eq!(
        project.online("stats", &drivers(&[1, 2]), 60)[0].0,
        Some(30.0)
    );
}

/// Feast's own parity data: a null in the newest row stays null, and zones do not matter.
#[test]
fn a_null_in_the_newest_row_stays_null() {
    let project = Project::new(DRIVERS);
    let known = rows(&[
        (1, HOUR, Some(0.1)),
        (2, HOUR, None),
        (1, 2 * HOUR, Some(0.3)),
        (3, HOUR, Some(4.0)),
        (3, 3 * HOUR, None),
    ]);
    project.store.push("stats", &known, None, 0).unwrap();
    let online = project.online("stats", &drivers(&[1, 2, 3, 4]), 4 * HOUR);
    let expected = [
        (Some(0.3), Status::Present),
        (None, Status::NullValue),
        (None, Status::NullValue),
        (None, Status::NotFound),
    ];
    assert_eq!(online, expected);
    let (_, made) = project.history("stats", &spine(&[(3, 2 * HOUR), (3, 3 * HOUR)]));
    assert_eq!(column(&made, "rate"), [Some(4.0), None]);
}

/// Rows whose event lies ahead do not hide the present ones, and count once their time has come.
#[test]
fn the_future_waits() {
    let project = Project::new(DRIVERS);
    let known = rows(&[
        (1, HOUR, Some(1.0)),
        (1, 5 * HOUR, Some(5.0)),
        (1, 9 * HOUR, Some(9.0)),
    ]);
    project.store.push("stats", &known, None, 2 * HOUR).unwrap();
    for (at, expected) in [(2, 1.0), (5, 5.0), (8, 5.0), (9, 9.0)] {
        let online = project.online("stats", &drivers(&[1]), at * HOUR);
        assert_eq!(online[0].0, Some(expected), "at {at} h");
    }
}

/// A training set can be made again, byte for byte, whatever has come since.
#[test]
fn a_training_set_can_be_made_again() {
    let project = Project::new(DRIVERS);
    project
        .store
        .push("stats", &rows(&[(1, HOUR, Some(1.0))]), None, HOUR)
        .unwrap();
    project.write("spine.parquet", &spine(&[(1, 2 * HOUR)]));
    let mut request = project.request(Selection::Features(vec!["stats".to_owned()]));
    let (first, _) = project.try_history(&request).unwrap();
    project
        .store
        .push("stats", &rows(&[(1, 2 * HOUR, Some(2.0))]), None, 2 * HOUR)
        .unwrap();
    let (second, made) = project.try_history(&request).unwrap();
    assert_eq!(column(&made, "rate"), [Some(2.0)]);
    assert_ne!(first.digest, second.digest);
    request.until_sequence = Some(first.manifest.until_sequence);
    let (again, _) = project.try_history(&request).unwrap();
    assert_eq!(again.digest, first.digest);
    assert_eq!(
        project.store.training_set(&first.digest).unwrap(),
        first.manifest
    );
}

#[test]
fn wrong_spines_are_told() {
    let project = Project::new(DRIVERS);
    let check = |spine: arrow::array::RecordBatch, expected: &str| {
        project.write("spine.parquet", &spine);
        let request = project.request(Selection::Features(vec!["stats".to_owned()]));
        let error = project.try_history(&request).unwrap_err();
        let text = format!("{error}; {}", error.hint().unwrap());
        assert!(text.starts_with(expected), "{text}");
    };
    let at = || ("event_timestamp", times([1, 2]));
    check(
        table(vec![at(), ("drivr", ints([1, 2]))]),
        "the spine has no column `driver`, a join key; did you mean `drivr`?",
    );
    check(
        table(vec![at(), ("driver", numbers([1.0, 2.0]))]),
        "the spine: join key `driver` is float64, not int64; ",
    );
    check(
        table(vec![
            ("event_timestamp", times([Some(1), None])),
            ("driver", ints([1, 2])),
        ]),
        "the spine: row 2 has no time (`event_timestamp` is null); ",
    );
    check(
        table(vec![
            ("a", times([1, 2])),
            ("b", times([1, 2])),
            ("driver", ints([1, 2])),
        ]),
        "which column of the spine says as of when is not clear; name it with --time; its times are `a`, `b`",
    );
    check(
        table(vec![at(), ("driver", ints([1, 2])), ("rate", ints([1, 2]))]),
        "two columns would be called `rate`; ask for full names",
    );
    // A null key is of no entity: its row stays.
    let nulls = table(vec![at(), ("driver", ints([None, Some(1)]))]);
    let (manifest, made) = project.history("stats", &nulls);
    assert_eq!(
        (made.num_rows(), manifest.views[0].counts.no_entity),
        (2, 1)
    );
    assert!(made.column_by_name("rate").unwrap().null_count() == 2);
}

#[test]
fn a_table_without_times_was_always_so() {
    let project = Project::new("");
    let ages = table(vec![("n", ints([1, 2])), ("age", numbers([9.0, 4.0]))]);
    project.write("ages.parquet", &ages);
    let definitions = "[entity.e]\nkeys = { n = 'int64' }\n[source.ages]\npath = 'ages.parquet'\n\
        [view.age]\nentity = 'e'\nsource = 'ages'\nfeatures = ['age']";
    project.apply(definitions).unwrap();
    project.store.materialize(1_000).unwrap();
    let entities = table(vec![("n", ints([1, 2, 3]))]);
    let found = |at| -> Vec<Option<f64>> {
        let cells = project.online("age", &entities, at);
        cells.into_iter().map(|cell| cell.0).collect()
    };
    assert_eq!(found(1_000), [Some(9.0), Some(4.0), None]);
    // What is pushed is so from then on.
    let older = table(vec![("n", ints([1])), ("age", numbers([10.0]))]);
    project.store.push("ages", &older, None, 2_000).unwrap();
    assert_eq!(found(2_000), [Some(10.0), Some(4.0), None]);
    let spine = table(vec![
        ("n", ints([1, 1, 2, 3])),
        ("event_timestamp", times([-5, 2_000, 0, 0])),
    ]);
    let (_, rows) = project.history("age", &spine);
    assert_eq!(
        column(&rows, "age"),
        [Some(9.0), Some(10.0), Some(4.0), None]
    );
}

#[test]
fn the_event_time_can_be_computed() {
    let project = Project::new(
        "[entity.e]\nkeys = { n = 'int64' }\n\
         [source.trips]\ncolumns = { n = 'int64', began = 'timestamp', minutes = 'int64' }\n\
         event_time = 'began + minutes(minutes)'\n\
         [view.trips]\nentity = 'e'\nsource = 'trips'\n\
         [view.trips.aggregate]\nlongest = { max = 'double(minutes)', over = '1h' }",
    );
    let minute = HOUR / 60;
    let trips = table(vec![
        ("n", ints([1, 1])),
        ("began", times([0, 0])),
        ("minutes", ints([30, 50])),
    ]);
    project
        .store
        .push("trips", &trips, None, 50 * minute)
        .unwrap();
    let entity = table(vec![("n", ints([1]))]);
    let found = |at: i64| project.online("trips", &entity, at * minute)[0].0;
    assert_eq!(found(109), Some(50.0));
    assert_eq!(found(110), None);
    let unknown = table(vec![
        ("n", ints([1])),
        ("began", times([0])),
        ("minutes", ints([None])),
    ]);
    let error = project.store.push("trips", &unknown, None, 0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "source `trips`: row 1 has no time (`began + minutes(minutes)` is null)"
    );
}
