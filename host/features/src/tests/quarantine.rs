//! What is not as its source expects is in neither store, and nothing of it is lost.

use arrow::array::RecordBatch;

use super::support::{HOUR, Project, column, ints, numbers, table, times};
use crate::{Error, QuarantineState, Quarantined, Sent};

const USERS: &str = "
[entity.user]
keys = { user = 'int64' }
[source.clicks]
columns = { user = 'int64', at = 'timestamp', count = 'float64' }
event_time = 'at'
[source.clicks.expect]
columns.count = { min = 0, max = 100, max_null_share = 0.5 }
[view.clicks]
entity = 'user'
source = 'clicks'
features = ['count']
[service.s]
features = ['clicks']
";

fn clicks(rows: &[(i64, i64, f64)]) -> RecordBatch {
    table(vec![
        ("user", ints(rows.iter().map(|row| row.0))),
        ("at", times(rows.iter().map(|row| row.1))),
        ("count", numbers(rows.iter().map(|row| row.2))),
    ])
}

/// What is online of the users 0 to 3, and what the offline store has as of the same instant.
fn both(project: &Project, now_us: i64) -> Vec<Option<f64>> {
    let users = table(vec![("user", ints(0..4))]);
    let online: Vec<_> = project.online("clicks", &users, now_us);
    let online: Vec<_> = online.into_iter().map(|cell| cell.0).collect();
    let spine = table(vec![
        ("user", ints(0..4)),
        ("event_timestamp", times([now_us; 4])),
    ]);
    let (_, made) = project.history("clicks", &spine);
    assert_eq!(column(&made, "count"), online, "offline beside online");
    online
}

fn quarantined(result: crate::Result<crate::Receipt>) -> Quarantined {
    match result {
        Err(Error::Quarantined(batch)) => *batch,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_batch_that_is_not_as_expected_is_kept_apart_whole() {
    let project = Project::new(USERS);
    let good = clicks(&[(1, 1, 1.0)]);
    project.store.push("clicks", &good, None, HOUR).unwrap();
    let bad = clicks(&[(1, 2, 2.0), (2, 2, -7.0)]);
    let error = project.store.push("clicks", &bad, None, HOUR).unwrap_err();
    let told = error.to_string();
    let expected = "source `clicks`: the 2 rows are not as expected, and in quarantine as number 1: count: 1 value is below 0; the lowest is -7";
    assert!(told.starts_with(expected), "{told}");
    assert!(error.hint().unwrap().contains("quarantine show"));
    assert_eq!(both(&project, HOUR), [None, Some(1.0), None, None]);

    // Without an identifier, the same rows are the same batch.
    let again = quarantined(project.reopen().push("clicks", &bad, None, 2 * HOUR));
    assert_eq!((again.number, again.came_us), (1, HOUR));
    let other = clicks(&[(3, 2, 101.0)]);
    let other = quarantined(project.store.push("clicks", &other, Some("b"), HOUR));
    assert_eq!((other.number, other.id.as_deref()), (2, Some("b")));
    let all = project.reopen().quarantined(false).unwrap();
    let shown: Vec<_> = all.iter().map(|one| (one.number, one.rows)).collect();
    assert_eq!(shown, [(1, 2), (2, 1)]);
    let (_, rows) = project.store.quarantined_rows(1).unwrap();
    assert_eq!(column(&rows[0], "count"), [Some(2.0), Some(-7.0)]);
}

#[test]
fn what_is_released_is_known_from_then_on() {
    let project = Project::new(USERS);
    let bad = clicks(&[(1, 1, -1.0), (2, 2, 2.0)]);
    let push = |id| project.store.push("clicks", &bad, id, HOUR);
    quarantined(push(Some("a")));
    assert_eq!(both(&project, HOUR), [None; 4]);
    let first = project.store.release(1, 2 * HOUR).unwrap();
    assert_eq!((first.rows, first.repeated), (2, false));
    // As of an instant before, nobody knew it.
    assert_eq!(
        both(&project, 2 * HOUR),
        [None, Some(-1.0), Some(2.0), None]
    );
    let spine = table(vec![
        ("user", ints([1])),
        ("event_timestamp", times([HOUR])),
    ]);
    assert_eq!(
        column(&project.history("clicks", &spine).1, "count"),
        [None]
    );
    // However often it is released or sent again, it is there once.
    assert!(project.reopen().release(1, 3 * HOUR).unwrap().repeated);
    assert!(push(Some("a")).unwrap().repeated);
    assert_eq!(project.store.quarantined(false).unwrap(), []);
    let record = &project.store.quarantined(true).unwrap()[0];
    assert_eq!(
        (record.state, record.decided_us),
        (QuarantineState::Released, Some(2 * HOUR))
    );
    let error = project.store.drop_quarantined(1, HOUR).unwrap_err();
    assert!(error.to_string().contains("was released"), "{error}");
    let sequence = project.history("clicks", &spine).0.until_sequence;
    assert_eq!(sequence, 2);
}

#[test]
fn what_is_dropped_stays_away() {
    let project = Project::new(USERS);
    let bad = clicks(&[(1, 1, -1.0)]);
    let push = |id| project.store.push("clicks", &bad, id, HOUR);
    quarantined(push(Some("a")));
    quarantined(push(None));
    for number in [1, 2, 1] {
        let dropped = project.store.drop_quarantined(number, HOUR).unwrap();
        assert_eq!(dropped.state, QuarantineState::Dropped);
    }
    let error = push(Some("a")).unwrap_err().to_string();
    assert!(error.contains("were dropped"), "{error}");
    // Without an identifier, nobody can know that it is the same again.
    assert_eq!(quarantined(push(None)).number, 3);
    let error = project.store.release(1, HOUR).unwrap_err().to_string();
    assert!(error.starts_with("number 1 was dropped"), "{error}");
    let error = project.store.release(9, HOUR).unwrap_err().to_string();
    assert_eq!(error, "there is no batch in quarantine with the number `9`");
    assert_eq!(both(&project, HOUR), [None; 4]);
}

#[test]
fn a_file_goes_to_quarantine_by_itself() {
    let project = Project::new(USERS);
    project.write("clicks1.parquet", &clicks(&[(1, 1, 1.0)]));
    project.write("clicks2.parquet", &clicks(&[(2, 2, -2.0), (3, 3, 3.0)]));
    let files = USERS.replace("columns = {", "path = 'clicks*.parquet'\ncolumns = {");
    project.apply(&files).unwrap();
    let done = project.store.materialize(HOUR).unwrap();
    assert_eq!(done.loaded["clicks"], 1);
    assert_eq!(done.quarantined.len(), 1);
    assert_eq!(done.quarantined[0].sent, Sent::Loaded);
    assert_eq!(both(&project, HOUR), [None, Some(1.0), None, None]);
    // Nothing is new.
    let done = project.reopen().materialize(2 * HOUR).unwrap();
    assert!(done.loaded.is_empty() && done.quarantined.is_empty());
    let (_, rows) = project.store.quarantined_rows(1).unwrap();
    assert_eq!(column(&rows[0], "count"), [Some(-2.0), Some(3.0)]);
    // Rows of files were known when they happened, whenever they are released.
    project.store.release(1, 3 * HOUR).unwrap();
    assert_eq!(
        both(&project, HOUR),
        [None, Some(1.0), Some(-2.0), Some(3.0)]
    );
    let segments = std::fs::read_dir(project.path("home/features/segments")).unwrap();
    assert_eq!(segments.count(), 2, "what was kept apart is gone");
    assert!(project.store.materialize(HOUR).unwrap().loaded.is_empty());
}

#[test]
fn what_is_expected_may_change() {
    let project = Project::new(USERS);
    let rows = clicks(&[(1, 1, 101.0)]);
    quarantined(project.store.push("clicks", &rows, Some("a"), HOUR));
    project
        .apply(&USERS.replace("max = 100", "max = 1000"))
        .unwrap();
    let more = clicks(&[(2, 1, 102.0)]);
    project
        .store
        .push("clicks", &more, Some("b"), HOUR)
        .unwrap();
    // Who decided that it is not as expected was not wrong then: someone else has to decide again.
    quarantined(project.store.push("clicks", &rows, Some("a"), HOUR));
    project.store.release(1, HOUR).unwrap();
    assert_eq!(both(&project, HOUR), [None, Some(101.0), Some(102.0), None]);
}

#[test]
fn expectations_that_cannot_be_are_refused_where_they_stand() {
    let project = Project::new(USERS);
    let check = |change: &str, expected: &[&str]| {
        let expectation = "columns.count = { min = 0, max = 100, max_null_share = 0.5 }";
        let error = project
            .apply(&USERS.replace(expectation, change))
            .unwrap_err();
        let text = error.to_string();
        assert!(expected.iter().all(|part| text.contains(part)), "{text}");
    };
    check(
        "columns.cuont = { min = 0 }",
        &["source `clicks`", "cuont", "features.toml:8"],
    );
    check("columns.count = { mni = 0 }", &["source `clicks`", "mni"]);
    check(
        "columns.count = { matches = 'a' }",
        &["source `clicks`", "count"],
    );
}
