//! What pages show of a store.

use super::support::{Project, floats, ints, numbers, table, times};
use crate::{Freshness, Kind};

const USERS: &str = "
[entity.user]
keys = { user = 'int64' }
[source.clicks]
path = 'clicks.parquet'
columns = { user = 'int64', at = 'timestamp', count = 'float64' }
event_time = 'at'
[view.clicks]
entity = 'user'
source = 'clicks'
features = ['count']
[service.s]
features = ['clicks']
";

#[test]
fn a_source_is_as_fresh_as_its_newest_row_wherever_that_is() {
    let pushed = USERS.replace("path = 'clicks.parquet'\n", "");
    let project = Project::new(&pushed);
    let rows = |users: [i64; 3], at: [i64; 3]| {
        table(vec![
            ("user", ints(users)),
            ("at", times(at)),
            ("count", numbers([1.0, 2.0, 3.0])),
        ])
    };
    project.write("clicks.parquet", &rows([1, 1, 2], [5, 90, 7]));
    project.apply(USERS).unwrap();
    let fresh = |rows, event, ingest, last_sequence| Freshness {
        rows,
        newest_event_us: event,
        newest_ingest_us: ingest,
        last_sequence,
    };
    let store = &project.store;
    assert_eq!(store.freshness("clicks").unwrap(), Freshness::default());
    store.materialize(100).unwrap();
    assert_eq!(
        store.freshness("clicks").unwrap(),
        fresh(3, Some(90), Some(100), 3)
    );
    store
        .push("clicks", &rows([3, 4, 5], [10, 60, 20]), None, 200)
        .unwrap();
    assert_eq!(
        store.freshness("clicks").unwrap(),
        fresh(6, Some(90), Some(200), 6)
    );
    let entities = store.some_entities("clicks", 10).unwrap();
    assert_eq!(entities.num_rows(), 2);
    let online = project.get("clicks", &entities, 300);
    assert_eq!(floats(online.rows.column(0)), [Some(2.0), Some(3.0)]);
}

#[test]
fn a_name_remembers_its_versions() {
    let project = Project::new(&USERS.replace("path = 'clicks.parquet'\n", ""));
    let with_ttl = USERS
        .replace("path = 'clicks.parquet'\n", "")
        .replace("features = ['count']", "features = ['count']\nttl = '1h'");
    let versions = || {
        let versions = project.store.versions_of(Kind::View, "clicks").unwrap();
        let spans = versions
            .iter()
            .map(|known| (known.first_revision, known.last_revision));
        spans.collect::<Vec<_>>()
    };
    assert_eq!(versions(), [(1, 1)]);
    project.apply(&with_ttl).unwrap();
    assert_eq!(versions(), [(2, 2), (1, 1)]);
    project
        .apply(&with_ttl.replace("[service.s]", "[service.t]"))
        .unwrap();
    assert_eq!(versions(), [(2, 3), (1, 1)]);
    assert!(
        project
            .store
            .versions_of(Kind::View, "x")
            .unwrap()
            .is_empty()
    );
    assert!(project.store.training_sets(None, 9).unwrap().is_empty());
}
