//! More data that users of feature stores have reported, each with where.

use arrow::array::RecordBatch;

use super::support::{HOUR, Project, column, floats, ints, numbers, table, texts, times};
use crate::{Selection, Spine, Status};

const DRIVERS: &str = "
[entity.driver]
keys = { driver = 'int64' }
[source.stats]
columns = { driver = 'int64', at = 'timestamp', rate = 'float64', trips = 'float64' }
event_time = 'at'
[view.stats]
entity = 'driver'
source = 'stats'
features = ['rate', 'trips']
[view.recent]
entity = 'driver'
source = 'stats'
features = { recent_rate = 'rate', trips = 'trips' }
ttl = '2h'
";

fn rows(rows: &[(i64, i64, f64)]) -> RecordBatch {
    table(vec![
        ("driver", ints(rows.iter().map(|row| row.0))),
        ("at", times(rows.iter().map(|row| row.1))),
        ("rate", numbers(rows.iter().map(|row| row.2))),
        ("trips", numbers(rows.iter().map(|row| -row.2))),
    ])
}

fn pushed(known: &[(i64, i64, f64)]) -> Project {
    let project = Project::new(DRIVERS);
    project.store.push("stats", &rows(known), None, 0).unwrap();
    project
}

fn spine(rows: &[(i64, i64)]) -> RecordBatch {
    table(vec![
        ("driver", ints(rows.iter().map(|row| row.0))),
        ("event_timestamp", times(rows.iter().map(|row| row.1))),
    ])
}

fn drivers(ids: &[i64]) -> RecordBatch {
    table(vec![("driver", ints(ids.iter().copied()))])
}

fn values(cells: &[super::support::Cell]) -> Vec<Option<f64>> {
    cells.iter().map(|cell| cell.0).collect()
}

/// Reference §1.5: an older event overwrites a newer one online.
#[test]
fn an_older_event_does_not_overwrite_a_newer_one() {
    let project = pushed(&[(1, 5 * HOUR, 5.0)]);
    for (event, value) in [(4, 4.0), (5, 5.5), (3, 3.0)] {
        let late = rows(&[(1, event * HOUR, value)]);
        project.store.push("stats", &late, None, 6 * HOUR).unwrap();
    }
    // At one instant, what was taken in last counts.
    let online = project.online("stats", &drivers(&[1]), 6 * HOUR);
    assert_eq!(online, [(Some(5.5), Status::Present)]);
}

/// feast#5163: within one batch, the order of the rows decides instead of their times.
#[test]
fn the_order_of_a_batch_does_not_matter() {
    let mut known: Vec<_> = (0..50).map(|at| (at % 3, at, at as f64)).collect();
    for turn in 0..4 {
        known.rotate_left(13 * turn);
        known.reverse();
        let project = pushed(&known);
        let online = project.online("stats", &drivers(&[0, 1, 2]), HOUR);
        assert_eq!(values(&online), [Some(48.0), Some(49.0), Some(47.0)]);
    }
}

/// feast#5228: the newest row of an entity is missed.
#[test]
fn the_newest_row_of_every_entity_is_found() {
    let known: Vec<_> = (0..300)
        .flat_map(|driver| (0..3).map(move |at| (driver, at, (driver * 10 + at) as f64)))
        .collect();
    let project = pushed(&known);
    let ids: Vec<i64> = (0..300).collect();
    let expected: Vec<_> = ids
        .iter()
        .map(|driver| Some((driver * 10 + 2) as f64))
        .collect();
    assert_eq!(
        values(&project.online("stats", &drivers(&ids), 2)),
        expected
    );
    let asked: Vec<_> = ids.iter().map(|driver| (*driver, 2)).collect();
    let (_, made) = project.history("stats", &spine(&asked));
    assert_eq!(column(&made, "rate"), expected);
}

/// feast#5590: which views are asked for, and in which order, changes their values and the rows.
#[test]
fn the_order_of_views_changes_nothing() {
    let project = pushed(&[(1, HOUR, 1.0), (2, 9 * HOUR, 2.0)]);
    let asked = spine(&[
        (2, 9 * HOUR),
        (1, 9 * HOUR),
        (3, HOUR),
        (1, 2 * HOUR),
        (1, 9 * HOUR),
    ]);
    project.write("spine.parquet", &asked);
    let made = |features: &[&str]| {
        let features = features.iter().map(|&name| name.to_owned()).collect();
        let request = project.request(Selection::Features(features));
        let (_, rows) = project.try_history(&request).unwrap();
        (column(&rows, "rate"), column(&rows, "recent_rate"))
    };
    let both = made(&["stats:rate", "recent:recent_rate"]);
    assert_eq!(both, made(&["recent:recent_rate", "stats:rate"]));
    let old = [Some(2.0), Some(1.0), None, Some(1.0), Some(1.0)];
    let recent = [Some(2.0), None, None, Some(1.0), None];
    assert_eq!(both, (old.to_vec(), recent.to_vec()));
}

/// Reference §1.4: a row of the spine vanishes if all that is known of its entity lies ahead, or it borrows the
/// value of another entity.
#[test]
fn what_lies_ahead_leaves_the_row_with_nulls_and_nothing_is_borrowed() {
    let project = pushed(&[(1, 9 * HOUR, 1.0), (2, HOUR, 2.0)]);
    let (manifest, made) = project.history("stats", &spine(&[(1, HOUR), (2, HOUR), (3, HOUR)]));
    assert_eq!(column(&made, "rate"), [None, Some(2.0), None]);
    let counts = manifest.views[0].counts;
    assert_eq!((counts.found, counts.not_found, manifest.rows), (1, 2, 3));
}

/// Reference §1.4: two features with one short name. They are called by their full names, or not at all.
#[test]
fn features_of_one_name_are_told_apart_or_refused() {
    let project = pushed(&[(1, HOUR, 1.0)]);
    project.write("spine.parquet", &spine(&[(1, 9 * HOUR)]));
    let features = ["stats:trips", "recent:trips"].map(str::to_owned).to_vec();
    let mut request = project.request(Selection::Features(features));
    let error = project.try_history(&request).unwrap_err();
    let text = format!("{error}; {}", error.hint().unwrap());
    assert!(
        text.starts_with("two columns would be called `trips`; ask for full names"),
        "{text}"
    );
    request.full_names = true;
    let (_, made) = project.try_history(&request).unwrap();
    assert_eq!(column(&made, "stats__trips"), [Some(-1.0)]);
    assert_eq!(column(&made, "recent__trips"), [None]);
}

/// feast#2960: stores of different formats disagree about the same rows. Times without a zone are UTC in all.
#[test]
fn every_format_gives_the_same_values() {
    let expected = [None, Some(0.1), Some(0.3), Some(0.3)];
    let lines = [
        "1,1970-01-01T01:00:00,0.1",
        "1,1970-01-01T03:00:00,0.3",
        "2,1970-01-01T02:30:00,0.2",
    ];
    let csv = format!("driver,at,rate\n{}\n", lines.join("\n"));
    let ndjson = lines.map(|line| {
        let [driver, at, rate] =
            <[&str; 3]>::try_from(line.split(',').collect::<Vec<_>>()).unwrap();
        format!("{{\"driver\": {driver}, \"at\": \"{at}Z\", \"rate\": {rate}}}\n")
    });
    let parquet = table(vec![
        ("driver", ints([1, 1, 2])),
        ("at", times([HOUR, 3 * HOUR, 5 * HOUR / 2])),
        ("rate", numbers([0.1, 0.3, 0.2])),
    ]);
    for name in ["rows.csv", "rows.ndjson", "rows.parquet", "rows.arrow"] {
        let project = Project::new("");
        match name {
            "rows.csv" => std::fs::write(project.path(name), &csv).unwrap(),
            "rows.ndjson" => std::fs::write(project.path(name), ndjson.concat()).unwrap(),
            _ => project.write(name, &parquet),
        }
        let definitions = format!(
            "[entity.driver]
            keys = {{ driver = 'int64' }}
            [source.stats]
            path = '{name}'
            columns = {{ at = 'timestamp' }}
            event_time = 'at'
            [view.stats]
            entity = 'driver'
            source = 'stats'
            features = ['rate']"
        );
        project.apply(&definitions).unwrap();
        project.store.materialize(9 * HOUR).unwrap();
        let asked = spine(&[(1, HOUR - 1), (1, HOUR), (1, 3 * HOUR), (1, 4 * HOUR)]);
        let (_, made) = project.history("stats", &asked);
        assert_eq!(column(&made, "rate"), expected, "{name}");
        let online = project.online("stats", &drivers(&[1]), 9 * HOUR);
        assert_eq!(values(&online), [Some(0.3)], "{name}");
    }
}

/// Reference §1.4: a spine whose only time is called otherwise, with an offset in its texts.
#[test]
fn a_spines_only_time_is_its_instant_whatever_its_zone() {
    let project = pushed(&[(1, HOUR, 1.0)]);
    let spine = "driver,when\n1,1970-01-01T02:00:00+01:00\n1,1970-01-01T01:59:59+01:00\n1,1970-01-01T01:00:00Z\n";
    std::fs::write(project.path("spine.csv"), spine).unwrap();
    let mut request = project.request(Selection::Features(vec!["stats:rate".to_owned()]));
    request.spine = Spine::File(project.path("spine.csv"));
    let (_, made) = project.try_history(&request).unwrap();
    assert_eq!(column(&made, "rate"), [Some(1.0), None, Some(1.0)]);
}

/// sagemaker-feedback#240, feast#2732: what is put online never gets offline.
#[test]
fn what_is_pushed_is_in_both_stores_at_once() {
    let project = pushed(&[]);
    for (at, value) in [(HOUR, 1.0), (2 * HOUR, 2.0)] {
        project
            .store
            .push("stats", &rows(&[(1, at, value)]), None, at)
            .unwrap();
        assert_eq!(
            values(&project.online("stats", &drivers(&[1]), at)),
            [Some(value)]
        );
        let (_, made) = project.history("stats", &spine(&[(1, at)]));
        assert_eq!(column(&made, "rate"), [Some(value)]);
    }
}

/// feast#6821, #1802: expired values come back when the ttl of a view is made longer, at once and in both stores.
#[test]
fn a_longer_ttl_holds_for_what_is_there() {
    let project = pushed(&[(1, HOUR, 1.0)]);
    let recent = |at| project.get("recent", &drivers(&[1]), at);
    assert_eq!(floats(recent(5 * HOUR).rows.column(0)), [None]);
    project.apply(&DRIVERS.replace("'2h'", "'4h'")).unwrap();
    assert_eq!(floats(recent(5 * HOUR).rows.column(0)), [Some(1.0)]);
    assert_eq!(recent(5 * HOUR + 1).status(0, 0), Status::OutsideMaxAge);
}

/// Most of the history comes late: each row is looked at once, and the values are those of one that came in time.
#[test]
fn a_history_that_was_filled_in_from_its_end_is_read_as_quickly() {
    let count = 20_000_i64;
    let project = Project::new(DRIVERS);
    // The later it happened, the earlier it was taken in.
    for piece in (0..count).rev().collect::<Vec<_>>().chunks(1000) {
        let late: Vec<_> = piece.iter().map(|&at| (1, at, at as f64)).collect();
        let now_us = 10 * count - piece[0];
        project
            .store
            .push("stats", &rows(&late), None, now_us)
            .unwrap();
    }
    let asked: Vec<_> = (0..count).map(|row| (1, 9 * count + row)).collect();
    let started = std::time::Instant::now();
    let (_, made) = project.history("stats", &spine(&asked));
    let took = started.elapsed();
    // Only the first piece is ever a value: all others happened before it and came after it.
    let expected = |at: i64| (at > 9 * count).then_some((count - 1) as f64);
    let found = column(&made, "rate");
    assert!(
        asked
            .iter()
            .zip(&found)
            .all(|((_, at), found)| *found == expected(*at))
    );
    // A look at every row for every row of the spine would be four hundred million.
    assert!(took.as_secs() < 20, "{took:?}");
}

#[test]
fn names_of_one_text_are_no_others() {
    let project = Project::new(&DRIVERS.replace("int64", "utf8"));
    let known = table(vec![
        ("driver", texts(&["é", "e\u{301}", ""])),
        ("at", times([1, 1, 1])),
        ("rate", numbers([1.0, 2.0, 3.0])),
        ("trips", numbers([1.0, 2.0, 3.0])),
    ]);
    project.store.push("stats", &known, None, 1).unwrap();
    let asked = table(vec![("driver", texts(&["", "e\u{301}", "é", "E"]))]);
    let expected = [Some(3.0), Some(2.0), Some(1.0), None];
    assert_eq!(values(&project.online("stats", &asked, 1)), expected);
}
