//! Answers that were recorded, held against the offline store: each difference with its cause.

use std::collections::BTreeMap;

use super::support::{HOUR, Project, ints, numbers, table, times};
use crate::{Cause, OnlineRow, Skew};

const FILE: &str = "
[entity.user]
keys = { user = 'int64' }
[source.clicks]
columns = { user = 'int64', at = 'timestamp', made = 'timestamp', count = 'float64', last = 'float64' }
event_time = 'at'
created = 'made'
[view.clicks]
entity = 'user'
source = 'clicks'
features = ['count']
";

/// Rows as user, event, created and value.
fn clicks(rows: &[(i64, i64, i64, f64)]) -> arrow::array::RecordBatch {
    table(vec![
        ("user", ints(rows.iter().map(|row| row.0))),
        ("at", times(rows.iter().map(|row| row.1))),
        ("made", times(rows.iter().map(|row| row.2))),
        ("count", numbers(rows.iter().map(|row| row.3))),
        ("last", numbers(rows.iter().map(|row| -row.3))),
    ])
}

/// A store that records, with one row of the users 1 to 3 and answers for the users 0 to 4.
fn recorded() -> Project {
    let project = Project::new(FILE);
    project.store.record_answers(1.0);
    let rows = [1, 2, 3].map(|user| (user, HOUR, HOUR, user as f64));
    project
        .store
        .push("clicks", &clicks(&rows), None, HOUR)
        .unwrap();
    project.get("clicks", &table(vec![("user", ints(0..5))]), 3 * HOUR);
    project
}

fn counts(skew: &Skew) -> (u64, u64, BTreeMap<Cause, u64>) {
    let [feature] = skew.features.as_slice() else {
        panic!("{skew:?}")
    };
    (
        feature.values,
        feature.differing_values,
        feature.causes.clone(),
    )
}

#[test]
fn answers_that_training_reads_too_have_no_skew() {
    let project = recorded();
    // What comes later with later times changes nothing.
    let later = [(1, 4 * HOUR, 4 * HOUR, 9.0)];
    project
        .store
        .push("clicks", &clicks(&later), None, 4 * HOUR)
        .unwrap();
    let skew = project.reopen().skew(None).unwrap();
    assert_eq!(counts(&skew), (5, 0, BTreeMap::new()));
    assert_eq!((skew.answers, skew.differing_bits), (5, 0));
    assert_eq!(
        (skew.first_us, skew.last_us),
        (Some(3 * HOUR), Some(3 * HOUR))
    );
}

#[test]
fn rows_that_came_after_the_request_are_late_data() {
    let project = recorded();
    let late = [(2, 2 * HOUR, 2 * HOUR, 7.0), (4, HOUR, HOUR, 8.0)];
    project
        .store
        .push("clicks", &clicks(&late), None, 4 * HOUR)
        .unwrap();
    let skew = project.store.skew(Some("clicks")).unwrap();
    assert_eq!(
        counts(&skew),
        (5, 2, BTreeMap::from([(Cause::LateData, 2)]))
    );
    let example = skew
        .examples
        .iter()
        .find(|one| one.entity["user"] == "2")
        .unwrap();
    let (online, offline) = (example.online.as_deref(), example.offline.as_deref());
    assert_eq!((online, offline), (Some("2.0"), Some("7.0")));
    let error = project.store.skew(Some("click")).unwrap_err();
    assert_eq!(error.hint(), Some("did you mean `clicks`?"));
}

#[test]
fn changed_definitions_are_told_apart() {
    let check = |definitions: &str, expected: Cause, count: u64| {
        let project = recorded();
        project.apply(definitions).unwrap();
        let skew = project.store.skew(None).unwrap();
        assert_eq!(
            counts(&skew),
            (5, count, BTreeMap::from([(expected, count)])),
            "{definitions}"
        );
    };
    check(&format!("{FILE} ttl = '1h'"), Cause::Ttl, 3);
    check(
        &FILE.replace("['count']", "{ count = 'last' }"),
        Cause::Version,
        3,
    );
    check(&FILE.replace("['count']", "['last']"), Cause::Version, 5);
    check(FILE.split("[view").next().unwrap(), Cause::Version, 5);
}

#[test]
fn what_the_online_store_did_not_have_yet_is_missing() {
    let project = Project::new(FILE);
    project.store.record_answers(1.0);
    let rows = clicks(&[(1, HOUR, HOUR, 1.0)]);
    project.store.push("clicks", &rows, None, HOUR).unwrap();
    // Rows that are in the log alone, as between the two steps of a push.
    let source = project.store.source("clicks").unwrap();
    let rows = clicks(&[(1, 2 * HOUR, 2 * HOUR, 2.0), (2, 2 * HOUR, 2 * HOUR, 2.0)]);
    let arrival = crate::log::Arrival::Pushed;
    let logged = crate::log::logged(&source, &rows, arrival, 2 * HOUR, 0).unwrap();
    let content = crate::log::Content::Inline(crate::log::to_stream(&logged).unwrap());
    crate::log::append(&mut project.store.connection(), "clicks", None, 2, content).unwrap();
    project.get("clicks", &table(vec![("user", ints(0..3))]), 3 * HOUR);
    let skew = project.store.skew(None).unwrap();
    assert_eq!(counts(&skew), (3, 2, BTreeMap::from([(Cause::Missing, 2)])));
}

/// A store whose online rows were changed by hand.
#[test]
fn other_bits_without_a_reason_are_told_as_such() {
    let project = Project::new(FILE);
    project.store.record_answers(1.0);
    let rows = clicks(&[(1, HOUR, HOUR, 1.0)]);
    project.store.push("clicks", &rows, None, HOUR).unwrap();
    let (view, _) = project.store.view("clicks").unwrap();
    let key = [&[1, 8, 0, 0, 0][..], &1_i64.to_le_bytes()].concat();
    let online = project.store.online();
    let [Some(mut row)] = <[Option<OnlineRow>; 1]>::try_from(
        online
            .read(&view.version(), std::slice::from_ref(&key), HOUR)
            .unwrap(),
    )
    .unwrap() else {
        panic!("there is a row")
    };
    *row.features.last_mut().unwrap() ^= 0b101;
    row.order.event_us += 1;
    let write = crate::OnlineWrite {
        key,
        due_us: 0,
        row,
    };
    online
        .write(&view.version(), vec![write], 2 * HOUR, None)
        .unwrap();
    project.get("clicks", &table(vec![("user", ints([1]))]), 3 * HOUR);
    let skew = project.store.skew(None).unwrap();
    assert_eq!(
        counts(&skew),
        (1, 1, BTreeMap::from([(Cause::Unexplained, 1)]))
    );
    assert_eq!(skew.differing_bits, 2);
}

#[test]
fn a_share_of_the_entities_is_recorded_with_all_of_their_answers() {
    let project = Project::new(FILE);
    project.store.record_answers(0.25);
    let other = project.reopen();
    other.record_answers(0.25);
    let users = table(vec![("user", ints(0..400))]);
    let selection = crate::Selection::Features(vec!["clicks".to_owned()]);
    for (at, store) in [(1, &project.store), (2, &other)] {
        store.get_features(&selection, &users, at).unwrap();
    }
    let skew = project.store.skew(None).unwrap();
    assert!(
        skew.answers.is_multiple_of(2) && (140..260).contains(&skew.answers),
        "{}",
        skew.answers
    );
    assert_eq!(skew.features[0].differing_values, 0);
}
