//! Both stores beside the plainest possible reading of the time contract, on random histories.

use arrow::array::RecordBatch;
use proptest::prelude::*;

use super::support::{Project, column, ints, numbers, table, texts, times};
use crate::Status;

/// A row of the source, and what the log adds to it.
#[derive(Clone, Debug)]
struct Row {
    key: (i64, &'static str),
    event: i64,
    created: Option<i64>,
    value: Option<f64>,
}

/// Rows that come together at an instant.
#[derive(Clone, Debug)]
struct Push {
    at: i64,
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Story {
    has_created: bool,
    ttl: Option<i64>,
    /// What is there before the first push.
    loaded: Vec<Row>,
    pushes: Vec<Push>,
    spine: Vec<(Option<i64>, &'static str, i64)>,
}

const LOADED_AT: i64 = 100;

fn story() -> impl Strategy<Value = Story> {
    let text = || prop_oneof![Just("a"), Just("b")];
    // Few instants and few entities, so that ties, exact edges and late rows are common.
    let row = || {
        let value = prop::option::weighted(0.8, (0..1000_i64).prop_map(|value| value as f64 / 8.0));
        (
            (0..2_i64, text()),
            0..60_i64,
            prop::option::of(0..90_i64),
            value,
        )
            .prop_map(|(key, event, created, value)| Row {
                key,
                event,
                created,
                value,
            })
    };
    let rows = move |count| prop::collection::vec(row(), count);
    let pushes = prop::collection::vec((0..12_i64, rows(0..5)), 0..6);
    let spine = prop::collection::vec(
        (prop::option::weighted(0.9, 0..3_i64), text(), 0..130_i64),
        0..12,
    );
    let ttl = prop::option::of(0..20_i64);
    (any::<bool>(), ttl, rows(0..12), pushes, spine).prop_map(
        |(has_created, ttl, loaded, pushes, spine)| {
            let mut at = 20;
            let pushes = pushes.into_iter().map(|(later, rows)| {
                at += later;
                Push { at, rows }
            });
            Story {
                has_created,
                ttl,
                loaded,
                pushes: pushes.collect(),
                spine,
            }
        },
    )
}

impl Story {
    fn definitions(&self) -> String {
        let created = if self.has_created {
            "created = 'created'"
        } else {
            ""
        };
        let ttl = self
            .ttl
            .map_or(String::new(), |ttl| format!("ttl = '{ttl}us'"));
        format!(
            "[entity.pair]
            keys = {{ n = 'int64', t = 'utf8' }}
            [source.rows]
            path = 'loaded.parquet'
            event_time = 'event'
            {created}
            [view.v]
            entity = 'pair'
            source = 'rows'
            features = ['value']
            {ttl}"
        )
    }

    /// The value by definition: of the rows `known` to the log, in its order.
    fn expected(
        &self,
        known: &[(Row, i64, i64)],
        key: (i64, &str),
        at: i64,
    ) -> (Option<f64>, Status) {
        let mut best: Option<(i64, Option<i64>, i64, Option<f64>)> = None;
        for (row, known_at, sequence) in known {
            if row.key != key || row.event > at || *known_at > at {
                continue;
            }
            let created = row.created.filter(|_| self.has_created);
            let this = (row.event, created, *sequence, row.value);
            if best.is_none_or(|best| (this.0, this.1, this.2) > (best.0, best.1, best.2)) {
                best = Some(this);
            }
        }
        match best {
            None => (None, Status::NotFound),
            Some((event, ..)) if self.ttl.is_some_and(|ttl| at - event > ttl) => {
                (None, Status::OutsideMaxAge)
            }
            Some((.., None)) => (None, Status::NullValue),
            Some((.., value)) => (value, Status::Present),
        }
    }

    fn known_at(&self, row: &Row, otherwise: i64, taken_in: i64) -> i64 {
        match (self.has_created, row.created) {
            (true, Some(created)) => created,
            (true, None) => taken_in,
            (false, _) => otherwise,
        }
    }
}

fn rows_of(rows: &[Row]) -> RecordBatch {
    let names: Vec<&str> = rows.iter().map(|row| row.key.1).collect();
    table(vec![
        ("n", ints(rows.iter().map(|row| row.key.0))),
        ("t", texts(&names)),
        ("event", times(rows.iter().map(|row| row.event))),
        ("created", times(rows.iter().map(|row| row.created))),
        ("value", numbers(rows.iter().map(|row| row.value))),
    ])
}

const ALL: [(i64, &str); 4] = [(0, "a"), (0, "b"), (1, "a"), (1, "b")];

fn all_entities() -> RecordBatch {
    table(vec![
        ("n", ints(ALL.map(|key| key.0))),
        ("t", texts(&ALL.map(|key| key.1))),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn both_stores_say_what_the_contract_says(story in story()) {
        let loaded = rows_of(&story.loaded);
        // The file has to be there before it is named.
        let project = Project::new("");
        project.write("loaded.parquet", &loaded);
        project.apply(&story.definitions()).unwrap();

        let mut known: Vec<(Row, i64, i64)> = Vec::new();
        // History is loaded late, so that what has no created time was known long after it happened.
        let loaded_first = story.has_created;
        let load = |known: &mut Vec<(Row, i64, i64)>| {
            project.store.materialize(LOADED_AT).unwrap();
            for row in &story.loaded {
                let known_at = story.known_at(row, row.event, LOADED_AT);
                known.push((row.clone(), known_at, known.len() as i64));
            }
        };
        if loaded_first {
            load(&mut known);
        }
        let mut seen = Vec::new();
        for push in &story.pushes {
            project.store.push("rows", &rows_of(&push.rows), None, push.at).unwrap();
            for row in &push.rows {
                let known_at = story.known_at(row, push.at, push.at);
                known.push((row.clone(), known_at, known.len() as i64));
            }
            if !loaded_first {
                let online = project.online("v", &all_entities(), push.at);
                for (key, cell) in ALL.iter().zip(&online) {
                    prop_assert_eq!(*cell, story.expected(&known, *key, push.at), "at {}", push.at);
                }
                seen.push((push.at, online));
            }
        }
        if !loaded_first {
            // What was online at an instant is what offline says of it, as long as nothing was loaded.
            let last: std::collections::BTreeMap<i64, _> = seen.into_iter().collect();
            for (at, online) in last {
                let (_, rows) = project.history("v", &table(vec![
                    ("n", ints(ALL.map(|key| key.0))),
                    ("t", texts(&ALL.map(|key| key.1))),
                    ("event_timestamp", times([at; 4])),
                ]));
                let values: Vec<_> = online.iter().map(|cell| cell.0).collect();
                prop_assert_eq!(column(&rows, "value"), values, "as of {}", at);
            }
            load(&mut known);
        }

        let names: Vec<&str> = story.spine.iter().map(|row| row.1).collect();
        let spine = table(vec![
            ("n", ints(story.spine.iter().map(|row| row.0))),
            ("t", texts(&names)),
            ("event_timestamp", times(story.spine.iter().map(|row| row.2))),
            ("place", ints(0..story.spine.len() as i64)),
        ]);
        let (manifest, rows) = project.history("v", &spine);
        let expected: Vec<_> = story.spine.iter().map(|(n, t, at)| match n {
            Some(n) => story.expected(&known, (*n, t), *at).0,
            None => None,
        }).collect();
        prop_assert_eq!(column(&rows, "value"), expected);
        prop_assert_eq!(manifest.rows, story.spine.len() as u64);
        let places = rows.column_by_name("place").unwrap();
        prop_assert_eq!(places, spine.column_by_name("place").unwrap());

        let online = project.online("v", &all_entities(), 130);
        for (key, cell) in ALL.iter().zip(online) {
            prop_assert_eq!(cell, story.expected(&known, *key, 130));
        }
    }
}
