//! Windows in both stores beside the plainest possible reading of their definition, on random histories.

use std::collections::BTreeSet;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType as Arrow, Float64Type, Int64Type, TimestampMicrosecondType};
use proptest::prelude::*;
use trueline_sdk::exact_sum::ExactSum;
use trueline_sdk::quantiles::QuantileSketch;

use super::support::{Project, ints, numbers, table, times};
use crate::FeatureStore;

/// Times are multiples of half a second, so that exact edges of windows, and of tiles, are common.
const UNIT: i64 = 500_000;
/// The windows in units, and as the feature file has them.
const WINDOWS: [(i64, &str); 3] = [(6, "3s"), (21, "10500ms"), (60, "30s")];

#[derive(Clone, Debug)]
struct Row {
    key: i64,
    event: i64,
    created: Option<i64>,
    value: Option<f64>,
    whole: Option<i64>,
    text: Option<&'static str>,
}

#[derive(Clone, Debug)]
struct Push {
    at: i64,
    rows: Vec<Row>,
    /// Whether another process does it.
    elsewhere: bool,
}

#[derive(Clone, Debug)]
struct Story {
    has_created: bool,
    /// What is there before the first push, if rows say when they were made.
    loaded: Vec<Row>,
    pushes: Vec<Push>,
    spine: Vec<(Option<i64>, i64)>,
}

const LOADED_AT: i64 = 20;
const END: i64 = 150;

fn story() -> impl Strategy<Value = Story> {
    let value = prop_oneof![
        6 => (-40..40_i64).prop_map(|value| value as f64 / 10.0),
        1 => prop_oneof![Just(1e16), Just(-1e16), Just(-0.0), Just(f64::MIN_POSITIVE / 8.0)],
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)],
    ];
    let text = prop_oneof![Just("a"), Just("b"), Just("")];
    let row = (
        0..2_i64,
        0..130_i64,
        prop::option::of(0..140_i64),
        prop::option::weighted(0.8, value),
        prop::option::weighted(0.8, 0..9_i64),
        prop::option::weighted(0.8, text),
    )
        .prop_map(|(key, event, created, value, whole, text)| Row {
            key,
            event,
            created,
            value,
            whole,
            text,
        });
    let rows = prop::collection::vec(row.clone(), 0..8);
    let push = (0..25_i64, rows, any::<bool>());
    let spine = (prop::option::weighted(0.9, 0..3_i64), 0..END);
    (
        any::<bool>(),
        prop::collection::vec(row, 0..12),
        prop::collection::vec(push, 0..7),
        prop::collection::vec(spine, 0..20),
    )
        .prop_map(|(has_created, loaded, pushes, spine)| {
            let mut at = LOADED_AT;
            let pushes = pushes.into_iter().map(|(later, rows, elsewhere)| {
                at += later;
                Push {
                    at: at.min(END),
                    rows,
                    elsewhere,
                }
            });
            Story {
                has_created,
                loaded,
                pushes: pushes.collect(),
                spine,
            }
        })
}

/// Features, each with what it is of the rows in its window, in the contract's order.
type Feature = (&'static str, &'static str, fn(&[Row]) -> String);

const FEATURES: [Feature; 12] = [
    ("rows", "count = '*'", |rows| rows.len().to_string()),
    ("values", "count = 'value'", |rows| {
        values(rows).len().to_string()
    }),
    ("sum", "sum = 'value'", |rows| {
        let sum: ExactSum = values(rows).into_iter().collect();
        show((!values(rows).is_empty()).then(|| sum.value()))
    }),
    ("mean", "mean = 'value'", |rows| {
        let sum: ExactSum = values(rows).into_iter().collect();
        show(sum.mean(values(rows).len() as u64))
    }),
    ("least", "min = 'value'", |rows| {
        show(ranked(rows).first().copied())
    }),
    ("greatest", "max = 'value'", |rows| {
        show(ranked(rows).last().copied())
    }),
    ("first", "first = 'text'", |rows| {
        show_text(rows.iter().find_map(|row| row.text))
    }),
    ("last", "last = 'value'", |rows| {
        show(values(rows).last().copied())
    }),
    ("different", "distinct = 'text'", |rows| {
        let texts: BTreeSet<_> = rows.iter().filter_map(|row| row.text).collect();
        texts.len().to_string()
    }),
    ("third", "quantile = 'whole', q = 0.3", |rows| {
        let mut sketch = QuantileSketch::new();
        wholes(rows)
            .into_iter()
            .for_each(|whole| sketch.add(whole as f64));
        show(sketch.quantile(0.3))
    }),
    ("total", "sum = 'whole'", |rows| {
        let wholes = wholes(rows);
        let sum: i64 = wholes.iter().sum();
        if wholes.is_empty() {
            "null".to_owned()
        } else {
            sum.to_string()
        }
    }),
    ("share", "mean = 'whole > 3'", |rows| {
        let wholes = wholes(rows);
        let over = wholes.iter().filter(|whole| **whole > 3).count();
        show((!wholes.is_empty()).then(|| over as f64 / wholes.len() as f64))
    }),
];

fn values(rows: &[Row]) -> Vec<f64> {
    rows.iter().filter_map(|row| row.value).collect()
}

fn wholes(rows: &[Row]) -> Vec<i64> {
    rows.iter().filter_map(|row| row.whole).collect()
}

/// The values that have a rank, ascending.
fn ranked(rows: &[Row]) -> Vec<f64> {
    let values = values(rows).into_iter().filter(|value| !value.is_nan());
    let mut values: Vec<f64> = values.map(|value| value + 0.0).collect();
    values.sort_by(f64::total_cmp);
    values
}

fn show(value: Option<f64>) -> String {
    value.map_or("null".to_owned(), |value| {
        format!("{value} {:016x}", value.to_bits())
    })
}

fn show_text(value: Option<&str>) -> String {
    value.map_or("null".to_owned(), |text| format!("{text:?}"))
}

fn cell(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        return "null".to_owned();
    }
    match column.data_type() {
        Arrow::Float64 => show(Some(column.as_primitive::<Float64Type>().value(row))),
        Arrow::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        Arrow::Timestamp(..) => column
            .as_primitive::<TimestampMicrosecondType>()
            .value(row)
            .to_string(),
        _ => show_text(Some(column.as_string::<i32>().value(row))),
    }
}

fn definitions(has_created: bool) -> String {
    let created = if has_created {
        "created = 'created'"
    } else {
        ""
    };
    let over = WINDOWS.map(|(_, text)| format!("'{text}'")).join(", ");
    let features =
        FEATURES.map(|(name, function, _)| format!("{name} = {{ {function}, over = [{over}] }}"));
    format!(
        "[entity.key]
        keys = {{ key = 'int64' }}
        [source.rows]
        path = 'loaded.parquet'
        event_time = 'event'
        {created}
        [view.w]
        entity = 'key'
        source = 'rows'
        [view.w.aggregate]
        {}",
        features.join("\n        ")
    )
}

impl Story {
    /// The features by definition, of rows with the instants at which they were known, in the log's order.
    fn expected(&self, known: &[(Row, i64)], key: i64, at: i64) -> Vec<String> {
        let mut expected = Vec::new();
        for (_, _, value) in FEATURES {
            for (over, _) in WINDOWS {
                let is_in = |(row, known_at): &&(Row, i64)| {
                    row.key == key && at - over < row.event && row.event <= at && *known_at <= at
                };
                let mut rows: Vec<Row> = known
                    .iter()
                    .filter(is_in)
                    .map(|(row, _)| row.clone())
                    .collect();
                let created = |row: &Row| row.created.filter(|_| self.has_created);
                // Stable: the order of the log decides what is left.
                rows.sort_by_key(|row| (row.event, created(row)));
                expected.push(value(&rows));
            }
        }
        expected
    }

    fn known_at(&self, row: &Row, taken_in: i64) -> i64 {
        row.created.filter(|_| self.has_created).unwrap_or(taken_in)
    }
}

fn rows_of(rows: &[Row]) -> RecordBatch {
    let units = |values: Vec<Option<i64>>| {
        times(
            values
                .into_iter()
                .map(|value| value.map(|value| value * UNIT)),
        )
    };
    let texts: StringArray = rows.iter().map(|row| row.text).collect();
    table(vec![
        ("key", ints(rows.iter().map(|row| row.key))),
        (
            "event",
            units(rows.iter().map(|row| Some(row.event)).collect()),
        ),
        (
            "created",
            units(rows.iter().map(|row| row.created).collect()),
        ),
        ("value", numbers(rows.iter().map(|row| row.value))),
        ("whole", ints(rows.iter().map(|row| row.whole))),
        ("text", std::sync::Arc::new(texts)),
    ])
}

const KEYS: [i64; 3] = [0, 1, 2];

/// The features of all keys at an instant, as the online store has them.
fn online(store: &FeatureStore, at: i64) -> Vec<Vec<String>> {
    let selection = crate::Selection::Features(vec!["w".to_owned()]);
    let entities = table(vec![("key", ints(KEYS))]);
    let answer = store
        .get_features(&selection, &entities, at * UNIT)
        .unwrap();
    cells(answer.rows.columns(), KEYS.len())
}

fn cells(columns: &[ArrayRef], rows: usize) -> Vec<Vec<String>> {
    let of_row = |row| columns.iter().map(|column| cell(column, row)).collect();
    (0..rows).map(of_row).collect()
}

/// The features of keys at instants, as the offline store has them.
fn offline(project: &Project, spine: &[(Option<i64>, i64)]) -> Vec<Vec<String>> {
    let (manifest, rows) = project.history(
        "w",
        &table(vec![
            ("key", ints(spine.iter().map(|row| row.0))),
            (
                "event_timestamp",
                times(spine.iter().map(|row| row.1 * UNIT)),
            ),
        ]),
    );
    assert_eq!(manifest.rows, spine.len() as u64);
    cells(&rows.columns()[2..], spine.len())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn windows_are_the_same_streamed_and_backfilled(story in story()) {
        let project = Project::new("");
        project.write("loaded.parquet", &rows_of(&story.loaded));
        project.apply(&definitions(story.has_created)).unwrap();
        let mut known: Vec<(Row, i64)> = Vec::new();
        if story.has_created {
            project.store.materialize(LOADED_AT * UNIT).unwrap();
            known.extend(story.loaded.iter().map(|row| (row.clone(), story.known_at(row, LOADED_AT))));
        }
        let mut seen = Vec::new();
        for push in &story.pushes {
            let other = push.elsewhere.then(|| project.reopen());
            let store = other.as_ref().unwrap_or(&project.store);
            store.push("rows", &rows_of(&push.rows), None, push.at * UNIT).unwrap();
            known.extend(push.rows.iter().map(|row| (row.clone(), story.known_at(row, push.at))));
            let found = online(&project.store, push.at);
            for (key, found) in KEYS.iter().zip(&found) {
                prop_assert_eq!(found, &story.expected(&known, *key, push.at), "{} at {}", key, push.at);
            }
            seen.retain(|(at, _)| *at != push.at);
            seen.push((push.at, found));
        }
        // What was online at an instant is what offline says of it. A row that says that it was made before it
        // was taken in was not there in time.
        if !story.has_created {
            let spine: Vec<_> = seen.iter().flat_map(|(at, _)| KEYS.map(|key| (Some(key), *at))).collect();
            let online: Vec<_> = seen.into_iter().flat_map(|(_, found)| found).collect();
            prop_assert_eq!(offline(&project, &spine), online);
        }
        let found = offline(&project, &story.spine);
        for ((key, at), found) in story.spine.iter().zip(found) {
            match key {
                Some(key) => prop_assert_eq!(found, story.expected(&known, *key, *at), "{} at {}", key, at),
                None => prop_assert!(found.iter().all(|cell| cell == "null")),
            }
        }
        for at in [END, END + 59, END + 70] {
            for (key, found) in KEYS.iter().zip(online(&project.store, at)) {
                prop_assert_eq!(found, story.expected(&known, *key, at), "{} at {}", key, at);
            }
        }
    }
}
